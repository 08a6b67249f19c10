// Somebody with a browser, an e-mail address and a device.

import { randomBytes } from 'node:crypto';

import { Device } from './device.js';
import { begin, nodes, submit } from './flow.js';
import { Watch } from './watch.js';

/**
 * @typedef {object} Circumstances
 * @property {Partial<import('./device.js').Kind> | null} [device] null: none
 * @property {string} [locale] of the browser
 * @property {import('playwright-core').BrowserContextOptions} [context]
 * @property {RegExp[]} [expects] problems that belong to the test
 * @property {(keyof typeof LACKING)[]} [lacks] what the browser does not have
 */

// Each runs in the page before anything else.
const LACKING = {
  parseCreationOptionsFromJSON: () => {
    const constructor = /** @type {any} */ (window).PublicKeyCredential;
    delete constructor?.parseCreationOptionsFromJSON;
    delete constructor?.parseRequestOptionsFromJSON;
  },
  toJSON: () => {
    delete (/** @type {any} */ (window).PublicKeyCredential?.prototype.toJSON);
  },
  getClientCapabilities: () => {
    delete (/** @type {any} */ (window).PublicKeyCredential?.getClientCapabilities);
  },
  /** What came into browsers after passkeys did. */
  recent: () => {
    delete (/** @type {any} */ (AbortSignal).any);
    delete (/** @type {any} */ (URL).canParse);
    delete (/** @type {any} */ (Promise).withResolvers);
    delete (/** @type {any} */ (Navigator.prototype).locks);
  },
  styleSheets: () => {
    delete (/** @type {any} */ (Document.prototype).adoptedStyleSheets);
  },
  signals: () => {
    delete (/** @type {any} */ (window).PublicKeyCredential?.signalUnknownCredential);
  },
  webauthn: () => {
    delete (/** @type {any} */ (window).PublicKeyCredential);
  },
};

const PASSWORD = 'correct-horse-9-battery';

export class Person {
  email = address();
  password = PASSWORD;

  /**
   * @param {import('../world/world.js').World} world
   * @param {import('playwright-core').Page} page
   * @param {Watch} watch
   * @param {Device | undefined} device
   */
  constructor(world, page, watch, device) {
    this.world = world;
    this.page = page;
    this.watch = watch;
    this.plugged = device;
  }

  /**
   * @param {import('../world/world.js').World} world
   * @param {import('playwright-core').Browser} browser
   * @param {Circumstances} circumstances
   */
  static async with(world, browser, { device = {}, locale = 'en-US', context: options, expects = [], lacks = [] }) {
    const context = await browser.newContext({ locale, ...options });
    context.setDefaultTimeout(10_000);
    const watch = new Watch(expects);
    await watch.over(context);
    for (const lacking of lacks) await context.addInitScript(LACKING[lacking]);
    const page = await context.newPage();
    return new Person(world, page, watch, device ? await Device.of(page, device) : undefined);
  }

  get context() {
    return this.page.context();
  }

  /** The first page's. */
  get device() {
    if (!this.plugged) throw new Error('this person has no device');
    return this.plugged;
  }

  get ceremonies() {
    return this.watch.ceremonies;
  }

  /** Another tab of the same browser, with a device that holds the same. */
  async tab() {
    const page = await this.context.newPage();
    if (this.plugged) await (await Device.of(page)).synchroniseFrom(this.plugged);
    return page;
  }

  /** The next request for a passkey in this page is refused so. @param {string} name @param {number} [after] ms */
  async refuse(name, after = 1_500, page = this.page) {
    await page.evaluate(
      (refusal) => {
        /** @type {any} */ (window).__refusal = refusal;
      },
      { name, after },
    );
  }

  /** The next request for a passkey in this page takes as long as the test wants: the device is asked until `release()`. */
  async hold(page = this.page) {
    await page.evaluate(() => {
      const w = /** @type {any} */ (window);
      w.__held = new Promise((resolve) => (w.__release = resolve));
    });
    return { release: () => page.evaluate(() => /** @type {any} */ (window).__release()) };
  }

  /** Registers with a password, without a page. */
  async register() {
    const flow = await begin(this.context.request, this.world.kratosUrl('/self-service/registration/browser'));
    const traits = { email: this.email };
    return submit(this.context.request, flow, { method: 'password', password: this.password, traits });
  }

  /** Signs in with the password, without a page. @param {{ refresh?: boolean }} [how] */
  async signIn({ refresh = false } = {}) {
    const flow = await begin(this.context.request, this.world.kratosUrl(`/self-service/login/browser?refresh=${refresh}`));
    // 422: the second factor is next.
    return submit(this.context.request, flow, { method: 'password', password: this.password, identifier: this.email }, [422]);
  }

  /** Signs out, without a page. */
  async signOut() {
    const { logout_url } = await begin(this.context.request, this.world.kratosUrl('/self-service/logout/browser'));
    await this.context.request.get(logout_url, { maxRedirects: 0 });
  }

  /** In the same browser somebody else registers. */
  async becomesSomebodyElse() {
    await this.signOut();
    this.email = address();
    await this.register();
  }

  /** Kratos's settings flow. */
  settings() {
    return begin(this.context.request, this.world.kratosUrl('/self-service/settings/browser'));
  }

  /** The ids Kratos shows in the settings flow, lower-case hex. */
  async credentials() {
    const flow = await this.settings();
    const ids = (/** @type {string} */ name) => nodes(flow, name).map((node) => String(node.attributes.value));
    return { passkeys: ids('passkey_remove'), securityKeys: ids('webauthn_remove') };
  }

  /** Who is signed in, as Kratos says; undefined: nobody. @returns {Promise<any>} */
  async session() {
    const answer = await this.context.request.get(this.world.kratosUrl('/sessions/whoami'));
    return answer.ok() ? answer.json() : undefined;
  }

  /** What the service decides for this person. @returns {Promise<any>} */
  async decision() {
    const answer = await this.context.request.get(this.world.serviceUrl('/api/onboarding'));
    if (!answer.ok()) throw new Error(`decision: ${answer.status()} ${await answer.text()}`);
    return answer.json();
  }

  /** Says something to the service as the page does. @param {string} what `skip`, `dismiss`, … @param {object} [body] */
  async report(what, body = {}) {
    const answer = await this.context.request.post(this.world.serviceUrl(`/api/onboarding/${what}`), {
      headers: { origin: new URL(this.world.serviceUrl('')).origin },
      data: body,
    });
    if (!answer.ok()) throw new Error(`${what}: ${answer.status()} ${await answer.text()}`);
    return answer.json();
  }
}

function address() {
  return `ada-${randomBytes(6).toString('hex')}@example.org`;
}
