// A passkey made in the background, without asking, by a password manager that saw the password typed. It is no try of the
// person's: nothing is reported of it, and where nothing comes of it nothing is said.

import { after } from '../wire/patience.js';
import { OwnAttempt } from './own.js';

/** @typedef {import('./attempt.js').Result} Result */
/** @typedef {import('../visit/visit.js').Visit} Visit */
/** @typedef {import('../visit/device.js').Able} Able */

/** Of one browser's tabs one at a time. */
const LOCK = 'passkey-elements-upgrade';
/** Password managers answer at once, where they do. */
const SOON_MS = 5000;

export class Upgrade {
  #leaving = new AbortController();
  /** @type {Promise<Result | null>} `null`: nothing came of it */
  result;
  /** The passkey is made, and on its way to Kratos: nothing stops it any more. */
  isMade = false;

  /**
   * @param {Visit} visit
   * @param {Able} able
   * @param {(result: Promise<Result | null>) => void} onMade
   */
  constructor(visit, able, onMade) {
    this.result = this.#run(visit, able, () => {
      this.isMade = true;
      onMade(this.result);
    });
  }

  /** Somebody leaves, or asks for a passkey by themselves. */
  stop() {
    this.#leaving.abort();
  }

  /** It has ended, or takes longer than a password manager does. */
  settled() {
    return Promise.race([this.result.catch(() => null), after(SOON_MS)]);
  }

  /**
   * @param {Visit} visit
   * @param {Able} able
   * @param {() => void} onMade
   */
  async #run(visit, able, onMade) {
    if (!(await isKnown())) return null;
    const { signal } = this.#leaving;
    addEventListener('pagehide', () => this.stop(), { signal });
    try {
      return await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
        if (!lock || signal.aborted || !visit.mayUpgrade) return null;
        const attempt = await OwnAttempt.of(visit, able, 'conditional');
        if (!attempt || signal.aborted || !visit.upgradeBegins()) return null;
        const result = await attempt.run({ signal, onMade });
        return this.isMade ? result : null;
      });
    } finally {
      this.stop();
    }
  }
}

/** Extensions that put a function of their own in its place ask the person, and do not look whether that was wanted. */
async function isKnown() {
  try {
    if (Object.hasOwn(navigator.credentials, 'create') || !('locks' in navigator)) return false;
    return (await PublicKeyCredential.getClientCapabilities())['conditionalCreate'] === true;
  } catch {
    return false;
  }
}
