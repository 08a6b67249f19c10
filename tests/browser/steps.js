// What people do in the app and see in the page, by role and name.

import assert from 'node:assert/strict';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('./person/person.js').Person} Person */

export const TITLE = 'Sign in faster next time';
export const SET_UP = 'Set up a passkey';
export const SKIP = 'Skip for now';
export const DISMISS = 'Don’t ask again';
export const RESUME = 'Thanks, it’s you. Create your passkey';
export const READY = 'Your passkey is ready';
export const CONTINUE = 'Continue';

/** A button or a link. @param {Page} page @param {string | RegExp} name */
export function action(page, name) {
  return page.getByRole('button', { name, exact: true }).or(page.getByRole('link', { name, exact: true }));
}

/** @param {Page} page @param {string | RegExp} name @param {number} [within] ms */
export async function press(page, name, within = 10_000) {
  await action(page, name).click({ timeout: within });
}

/** Waits for a heading. @param {Page} page @param {string | RegExp} name @param {number} [within] ms */
export async function sees(page, name, within = 10_000) {
  await page.getByRole('heading', { name, exact: true }).first().waitFor({ timeout: within });
}

/** Waits for a text. @param {Page} page @param {string | RegExp} text @param {number} [within] ms */
export async function reads(page, text, within = 10_000) {
  await page.getByText(text).filter({ visible: true }).first().waitFor({ timeout: within });
}

/** Asks again until it holds. @param {string} what @param {() => unknown} ask @param {number} [within] ms */
export async function until(what, ask, within = 10_000) {
  const deadline = Date.now() + within;
  while (!(await ask())) {
    if (Date.now() > deadline) assert.fail(`not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The page of the service, with a destination. @param {Person} person @param {string} [returnTo] */
export function offerUrl({ world }, returnTo) {
  return world.serviceUrl(`/post-registration${returnTo ? `?return_to=${encodeURIComponent(returnTo)}` : ''}`);
}

/** Registers and opens the page that offers a passkey. @param {Person} person @param {string} [returnTo] */
export async function isOffered(person, returnTo) {
  await person.register();
  await person.page.goto(offerUrl(person, returnTo));
  await sees(person.page, TITLE);
  await action(person.page, SET_UP).waitFor();
}

/** The browser has arrived there; a query does not matter. @param {Page} page @param {string} url */
export async function arrives(page, url) {
  await until(`arrived at ${url}`, () => {
    const at = new URL(page.url());
    return at.href === url || at.origin + at.pathname === url;
  });
  await page.waitForLoadState();
}

/** Waits until what was stored by the service is so. @param {Person} person @param {string} decision @returns {Promise<any>} */
export async function isDecided(person, decision) {
  /** @type {any} */
  let last;
  const deadline = Date.now() + 5_000;
  do {
    last = await person.decision();
    if (last.decision === decision) return last;
    await new Promise((resolve) => setTimeout(resolve, 50));
  } while (Date.now() < deadline);
  return assert.fail(`the decision is ${last.decision} (${last.reason}) and not ${decision}`);
}

/** What an operator is told of it, by the metrics. @param {import('./world/world.js').World} world @param {string} action @param {string} kind */
export async function isCounted(world, action, kind) {
  const line = new RegExp(`^onboarding_page_reports_total\\{(?=[^}]*="${action}")(?=[^}]*="${kind}")`, 'm');
  await until(`${action} is counted as ${kind}`, async () => line.test(await world.metrics()));
}

/** It has looked at who is signed in, as it does when it is seen again; a headless browser does not say so by itself. @param {Page} page */
export async function isLookedAt(page) {
  await page.bringToFront();
  const looked = page.waitForResponse(/\/api\/onboarding(\?(?!.*wait=)|$)/);
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await (await looked).finished();
  await page.evaluate(() => new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame)));
}
