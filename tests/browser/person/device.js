// What a person holds a finger on: a virtual authenticator of one page. Another page has another.

/**
 * @typedef {object} Kind
 * @property {'internal' | 'usb'} transport `internal`: built into the device. `usb`: a security key
 * @property {boolean} hasResidentKey
 * @property {boolean} hasUserVerification
 */

/** @type {Kind} */
const PLATFORM = { transport: 'internal', hasResidentKey: true, hasUserVerification: true };

/** A credential as the authenticator holds it; bytes in base64. @typedef {import('playwright-core').CDPSession} CDPSession */

export class Device {
  #cdp;
  #id;

  /** @param {CDPSession} cdp @param {string} id */
  constructor(cdp, id) {
    this.#cdp = cdp;
    this.#id = id;
  }

  /** @param {import('playwright-core').Page} page @param {Partial<Kind>} [kind] */
  static async of(page, kind = {}) {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        ctap2Version: 'ctap2_1',
        ...PLATFORM,
        ...kind,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new Device(cdp, authenticatorId);
  }

  async credentials() {
    return (await this.#cdp.send('WebAuthn.getCredentials', { authenticatorId: this.#id })).credentials;
  }

  /** Puts credentials of another device into this one, as a provider that synchronises does. @param {Device} other */
  async synchroniseFrom(other) {
    for (const credential of await other.credentials()) {
      await this.#cdp.send('WebAuthn.addCredential', { authenticatorId: this.#id, credential });
    }
  }

  async clear() {
    await this.#cdp.send('WebAuthn.clearCredentials', { authenticatorId: this.#id });
  }

  /** Whether it recognises its owner. @param {boolean} recognises */
  async recognise(recognises) {
    await this.#cdp.send('WebAuthn.setUserVerified', { authenticatorId: this.#id, isUserVerified: recognises });
  }

  /** Whether somebody touches it; nobody does: it stays silent until the time-out. @param {boolean} touched */
  async touch(touched) {
    await this.#cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: this.#id, enabled: touched });
  }

  async unplug() {
    await this.#cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: this.#id });
  }
}
