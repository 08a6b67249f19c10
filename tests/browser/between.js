// What passes between the page and Kratos, the device or the person's ear, seen or changed on its way.

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Route} Route */

/** @type {RegExp} */
export const SUBMITTED = /\/self-service\/settings\?flow=/;
/** A flow that is opened only to look: nobody is to come back by it. */
export const LOOKED_AT = /\/self-service\/settings\/browser$/;
export const OPENED = /\/self-service\/settings\/browser/;

/**
 * What the page submits to Kratos passes through here.
 *
 * @param {{ page: Page }} person @param {(route: Route, time: number) => Promise<void>} pass `time`: 1 for the first
 */
export async function betweenPageAndKratos({ page }, pass) {
  let time = 0;
  await page.route(SUBMITTED, (route) => (route.request().method() === 'POST' ? pass(route, (time += 1)) : route.fallback()));
  return () => time;
}

/** The page may read what is answered in Kratos's place. @param {Route} route */
export function cors(route) {
  const origin = route.request().headers()['origin'] ?? '';
  return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' };
}

/** Kratos says no, with this id. @param {Route} route @param {number} status @param {string} id */
export function refuses(route, status, id) {
  const error = { id, code: status, status: 'Refused', reason: 'as the test wants it', message: 'as the test wants it' };
  return route.fulfill({ status, contentType: 'application/json', headers: cors(route), body: JSON.stringify({ error }) });
}

/** Holds it back until it is released. */
export function held() {
  /** @type {() => void} */
  let release = () => {};
  const released = new Promise((resolve) => (release = () => resolve(undefined)));
  return { release, released };
}

/** What is signalled to providers, in the pages that are opened from now on. @param {Page} page */
export async function hears(page) {
  await page.addInitScript(() => {
    const constructor = /** @type {any} */ (window).PublicKeyCredential;
    /** @type {unknown[]} */
    const signalled = [];
    for (const name of ['signalUnknownCredential', 'signalAllAcceptedCredentials', 'signalCurrentUserDetails']) {
      constructor[name] = (/** @type {any} */ options) => {
        signalled.push({ name, ...options });
        return Promise.resolve();
      };
    }
    /** @type {any} */ (window).signalled = signalled;
  });
  return () => page.evaluate(() => /** @type {any[]} */ (/** @type {any} */ (window).signalled));
}

/** What is read out from now on, in order. @param {Page} page */
export async function listens(page) {
  await page.evaluate(() => {
    const said = /** @type {any} */ (window).said = /** @type {string[]} */ ([]);
    for (const element of document.querySelectorAll('passkey-offer, passkey-manager')) {
      const region = /** @type {HTMLElement} */ (element.shadowRoot?.querySelector('[role=status]'));
      new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
    }
  });
  return () => page.evaluate(() => /** @type {string[]} */ (/** @type {any} */ (window).said));
}
