// Every way out of the list: round by somewhere and back, or somebody else's by now.

import { wayOut } from '../visit/refusals.js';
import { AWAY_WITHIN_MS } from '../visit/rounds.js';

/** @typedef {import('../service/onboarding.js').Refused} Refused */
/** @typedef {import('../visit/visit.js').Visit} Visit */
/** @typedef {import('../visit/rounds.js').Rounds} Rounds */
/** @typedef {import('../kratos/kratos.js').Refusal} Refusal */
/** @typedef {import('../surface/surface.js').Cause} Cause */
/** @typedef {import('./state.js').Listing} Listing */
/** @typedef {import('./state.js').State} State */

/**
 * @typedef {object} Inside What is showing.
 * @property {State} state
 * @property {boolean} isOver
 * @property {(state: State, cause?: Cause) => void} show
 * @property {(change: Partial<Listing>, cause: Cause) => void} update of the list, where it is showing
 */

export class Exits {
  #visit;
  #rounds;
  #inside;

  /**
   * @param {Visit} visit
   * @param {Rounds} rounds
   * @param {Inside} inside
   */
  constructor(visit, rounds, inside) {
    this.#visit = visit;
    this.#rounds = rounds;
    this.#inside = inside;
  }

  /**
   * @param {Refusal | Refused} refusal
   * @param {Cause} cause
   */
  refused(refusal, cause) {
    const way = wayOut(refusal, this.#rounds);
    if (way === 'other_person') void this.otherPerson();
    else if (way === 'unreachable') this.#inside.show({ name: 'not_loaded', isTrying: false }, cause);
    else if (way === 'followed') this.away();
    else this.#inside.show({ name: way }, cause);
  }

  /** The browser was sent elsewhere. Whoever is still here after a while, because the page around thought otherwise, can go on. */
  away() {
    const state = this.#inside.state;
    setTimeout(() => this.#inside.state === state && this.#inside.show({ name: 'not_loaded', isTrying: false }), AWAY_WITHIN_MS);
  }

  async otherPerson() {
    this.#inside.show({ name: 'other_person', account: null });
    const account = await this.#visit.account();
    if (account && this.#inside.state.name === 'other_person') this.#inside.show({ name: 'other_person', account });
  }
}
