// Going round by Kratos and coming back: to sign in, for a second factor, or again because the last time is too long ago.

/** @typedef {import('./visit.js').Visit} Visit */
/** @typedef {import('./resume.js').Return} Return */
/** @typedef {import('./resume.js').Kept} Kept */

/** Whoever was sent away is gone by then. */
export const AWAY_WITHIN_MS = 30_000;

/** @typedef {'continue' | 'reauthenticate' | 'second_factor' | 'sign_in' | 'manage'} Leaving */
/** @typedef {(why: Leaving, url: URL, how: 'assign' | 'replace') => void} Navigate */

export class Rounds {
  #visit;
  #place;
  #navigate;
  /** @type {URL | null} */
  #told = null;

  /**
   * @param {Visit} visit
   * @param {Return} place
   * @param {Navigate} navigate
   */
  constructor(visit, place, navigate) {
    this.#visit = visit;
    this.#place = place;
    this.#navigate = navigate;
  }

  /** @param {URL | null} to where a refusal said to go */
  learn(to) {
    this.#told = to;
  }

  /**
   * What the button of each crossroad does.
   *
   * @returns {import('../surface/crossroads.js').Ways}
   */
  get ways() {
    return { signed_out: () => this.#signIn(), second_factor: () => this.#secondFactor(), other_person: () => location.reload() };
  }

  #signIn() {
    this.#go('sign_in', this.#visit.kratos?.signIn() ?? this.#told);
  }

  #secondFactor() {
    this.#go('second_factor', this.#told ?? this.#visit.kratos?.secondFactor() ?? null);
  }

  /**
   * Signing in again, for what is kept.
   *
   * @param {Kept} kept
   * @returns {boolean} whether there is a way back: without one nobody is sent
   */
  reauthenticate(kept) {
    const [{ kratos }, { address }] = [this.#visit, this.#place];
    if (!kratos || !address) return false;
    this.#place.keep(kept);
    this.#navigate('reauthenticate', kratos.reauthenticate(address), 'assign');
    return true;
  }

  /**
   * The session was too old after all. Kratos kept what was submitted: its own link leads to the passkey without
   * another touch, and then back to the address that the flow was opened with.
   *
   * @param {URL} to
   * @param {Kept} kept
   */
  rescue(to, kept) {
    this.#place.keep(kept);
    this.#navigate('reauthenticate', to, 'assign');
  }

  /** @param {URL} to where Kratos wants the browser */
  follow(to) {
    this.#navigate('reauthenticate', to, 'assign');
  }

  /**
   * @param {'sign_in' | 'second_factor'} why
   * @param {URL | null} to
   */
  #go(why, to) {
    if (!to) return location.reload();
    const url = new URL(to);
    const { address } = this.#place;
    // Kratos names the way there, but not the way back.
    if (address) url.searchParams.set('return_to', address);
    this.#place.keep({ why: 'sign_in' });
    this.#navigate(why, url, 'assign');
  }
}
