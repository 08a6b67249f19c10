// Going away and coming back to the same place: a single-use token in the address and in `sessionStorage`.

import { token } from '../wire/token.js';

/**
 * @typedef {object} Kept What is remembered of a person who was sent away; no name, no secret.
 * @property {'create' | 'rescue' | 'remove' | 'sign_in'} why
 *   `create`: privileged again, the click is next. `rescue`: Kratos kept a submission, the passkey may be there by now.
 * @property {string} [credential] lower-case hex
 */

const PARAMETER = 'passkey-resume';
const PREFIX = 'passkey-resume:';
/** Signing in by a code in an e-mail can take its time. */
const GOOD_FOR_MS = 30 * 60_000;

/** This page as a place to come back to, for one of the elements on it. */
export class Return {
  #by;
  /** Means nothing until something is kept for it. */
  #token = token();
  /** Kratos sends people back here. */
  isAllowed = true;

  /** @param {'offer' | 'manager'} by */
  constructor(by) {
    this.#by = by;
  }

  /** Absolute, as Kratos needs it; `null` where Kratos does not send people back. */
  get address() {
    if (!this.isAllowed) return null;
    const url = new URL(location.href);
    url.searchParams.set(PARAMETER, this.#token);
    return url.href;
  }

  /** @param {Kept} kept */
  keep(kept) {
    try {
      const value = { ...kept, by: this.#by, until: Date.now() + GOOD_FOR_MS };
      sessionStorage.setItem(PREFIX + this.#token, JSON.stringify(value));
    } catch {
      // Storage is off: the person comes back to the page as it was at first.
    }
  }

  /**
   * What was kept for the token in the address; neither is there afterwards.
   *
   * @returns {Kept | null}
   */
  comeBack() {
    const url = new URL(location.href);
    const token = url.searchParams.get(PARAMETER);
    if (!token) return null;
    const kept = read(PREFIX + token);
    // The other element's, where a page has both.
    if (kept && kept.by !== this.#by) return null;
    remove(PREFIX + token);
    url.searchParams.delete(PARAMETER);
    history.replaceState(history.state, '', url);
    return kept && kept.until > Date.now() ? kept : null;
  }
}

/**
 * @param {string} key
 * @returns {Kept & { by: string, until: number } | null}
 */
function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

/** @param {string} key */
function remove(key) {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // It could not be kept either.
  }
}
