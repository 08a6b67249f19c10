// Every way out of an offer: on to where the person was going, or round by somewhere and back.

import { reported } from '../attempt/failure.js';
import { wayOut } from '../visit/refusals.js';

/** @typedef {import('../service/onboarding.js').Refused} Refused */
/** @typedef {import('../visit/visit.js').Visit} Visit */
/** @typedef {import('../visit/device.js').Unable} Unable */
/** @typedef {import('../visit/rounds.js').Rounds} Rounds */
/** @typedef {import('../kratos/kratos.js').Refusal} Refusal */
/** @typedef {import('../surface/surface.js').Cause} Cause */
/** @typedef {import('./state.js').State} State */

/**
 * @typedef {object} Outside What the course needs from the element around it.
 * @property {'page' | 'card'} placement
 * @property {string | null} returnTo
 * @property {URL} fallback where to go on to while the service cannot say it
 * @property {(state: State, cause: Cause) => void} show
 * @property {import('../visit/rounds.js').Navigate} navigate
 * @property {(event: string, detail: Record<string, unknown>) => void} tell
 */

export class Exits {
  #visit;
  #rounds;
  #outside;
  #show;
  #isQuiet;

  /**
   * @param {Visit} visit
   * @param {Rounds} rounds
   * @param {Outside} outside
   * @param {(state: State, cause: Cause) => void} show
   * @param {() => boolean} isQuiet whether nothing is shown
   */
  constructor(visit, rounds, outside, show, isQuiet) {
    this.#visit = visit;
    this.#rounds = rounds;
    this.#outside = outside;
    this.#show = show;
    this.#isQuiet = isQuiet;
  }

  /** A card that nobody has seen does not appear to say that it cannot. */
  get #isUnseenCard() {
    return this.#outside.placement === 'card' && this.#isQuiet();
  }

  /**
   * On to where the person was going; a card just goes away.
   *
   * @param {'assign' | 'replace'} how
   */
  leave(how) {
    this.#show({ name: 'quiet' }, 'itself');
    if (this.#outside.placement === 'card') return;
    const to = this.#visit.decision?.links.return_to;
    this.#outside.navigate('continue', to ? new URL(to) : this.#outside.fallback, how);
  }

  /**
   * Nothing can be offered now: "Continue".
   *
   * @param {Cause} cause
   */
  goOn(cause) {
    this.#show({ name: this.#isUnseenCard ? 'quiet' : 'go_on' }, cause);
  }

  manage() {
    const url = this.#visit.decision?.links.manage;
    if (url) this.#outside.navigate('manage', new URL(url), 'assign');
  }

  /**
   * @param {'unsupported' | 'config'} kind
   * @param {Unable['why'] | null} why
   */
  unavailable(kind, why) {
    void this.#visit.report('unavailable', { kind });
    this.#outside.tell('passkey-unavailable', { kind });
    if (this.#visit.decision?.decision !== 'required') this.leave('replace');
    else if (why) this.#show({ name: 'elsewhere', why }, 'itself');
    else this.goOn('itself');
  }

  /** @param {Pick<import('../attempt/failure.js').Failure, 'action' | 'report'>} failure */
  failed(failure) {
    reported(failure, this.#visit, this.#outside.tell);
  }

  /** @param {Cause} cause */
  notGained(cause) {
    this.failed({ action: 'failed', report: { kind: 'privilege_not_gained' } });
    this.#show({ name: 'not_gained' }, cause);
  }

  /**
   * @param {Refusal | Refused | { kind: 'config' }} refusal
   * @param {Cause} cause
   */
  refused(refusal, cause) {
    if (refusal.kind === 'config') return this.unavailable('config', null);
    if (this.#isUnseenCard) return;
    const way = wayOut(refusal, this.#rounds);
    if (way === 'other_person') void this.otherPerson(cause);
    else if (way === 'unreachable') this.goOn(cause);
    else if (way !== 'followed') this.#show({ name: way }, cause);
  }

  /** @param {Cause} cause */
  async otherPerson(cause) {
    this.#show({ name: 'other_person', account: await this.#visit.account() }, cause);
  }
}
