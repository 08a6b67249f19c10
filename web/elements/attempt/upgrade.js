// A passkey made in the background, without asking, by a password manager that saw the password typed. It is no try of the
// person's: nothing is reported of it, and where nothing comes of it nothing is said.

import { OwnAttempt } from './own.js';

/** @typedef {import('./attempt.js').Result} Result */
/** @typedef {import('../visit/visit.js').Visit} Visit */
/** @typedef {import('../visit/device.js').Able} Able */

/** Of one browser's tabs one at a time. */
const LOCK = 'passkey-elements-upgrade';

export class Upgrade {
  #leaving = new AbortController();
  /** The passkey is made, and on its way to Kratos: nothing stops it any more. */
  isMade = false;

  /**
   * @param {Visit} visit
   * @param {Able} able
   * @returns {Promise<Result | null>} `null`: nothing came of it
   */
  async run(visit, able) {
    if (!(await isKnown()) || !visit.mayUpgrade()) return null;
    const { signal } = this.#leaving;
    addEventListener('pagehide', () => this.stop(), { signal });
    try {
      return await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
        const attempt = lock && !signal.aborted ? await OwnAttempt.of(visit, able, 'conditional') : null;
        return attempt && !signal.aborted ? await this.#tried(attempt) : null;
      });
    } finally {
      this.stop();
    }
  }

  /** Somebody leaves, or asks for a passkey by themselves. */
  stop() {
    this.#leaving.abort();
  }

  /** @param {OwnAttempt} attempt */
  async #tried(attempt) {
    const result = await attempt.run({ signal: this.#leaving.signal, onMade: () => (this.isMade = true) });
    return this.isMade ? result : null;
  }
}

async function isKnown() {
  try {
    const told = await PublicKeyCredential.getClientCapabilities();
    return told['conditionalCreate'] === true && 'locks' in navigator;
  } catch {
    return false;
  }
}
