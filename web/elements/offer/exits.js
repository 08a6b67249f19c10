// Every way out of an offer: on to where the person was going, or round by somewhere and back.

import { reported } from '../attempt/report.js';
import { AWAY_WITHIN_MS } from '../visit/rounds.js';
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

/**
 * @typedef {object} Inside What is showing.
 * @property {State} state
 * @property {boolean} isOver
 * @property {(state: State, cause?: Cause) => void} show
 */

export class Exits {
  #visit;
  #rounds;
  #outside;
  #inside;

  /**
   * @param {Visit} visit
   * @param {Rounds} rounds
   * @param {Outside} outside
   * @param {Inside} inside
   */
  constructor(visit, rounds, outside, inside) {
    this.#visit = visit;
    this.#rounds = rounds;
    this.#outside = outside;
    this.#inside = inside;
  }

  /** A card that nobody has seen does not appear to say that it cannot. */
  get #isUnseenCard() {
    return this.#outside.placement === 'card' && this.#inside.state.name === 'quiet';
  }

  /**
   * On to where the person was going; a card just goes away.
   *
   * @param {'assign' | 'replace'} how
   */
  leave(how) {
    if (this.#inside.isOver) return;
    this.#inside.show({ name: 'quiet' });
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
    this.#inside.show({ name: this.#isUnseenCard ? 'quiet' : 'go_on' }, cause);
  }

  /** The browser was sent elsewhere. Whoever is still here after a while, because the page around thought otherwise, can go on. */
  away() {
    const { state } = this.#inside;
    setTimeout(() => this.#inside.state === state && this.goOn('itself'), AWAY_WITHIN_MS);
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
    const isRequired = this.#visit.decision?.decision === 'required';
    const isSeen = !['quiet', 'skeleton'].includes(this.#inside.state.name);
    if (isRequired && why) this.#inside.show({ name: 'elsewhere', why });
    else if (isRequired || isSeen) this.goOn('itself');
    else this.leave('replace');
  }

  /** @param {Pick<import('../attempt/failure.js').Failure, 'action' | 'report'>} failure */
  failed(failure) {
    reported(failure, this.#visit, this.#outside.tell);
  }

  /**
   * @param {import('../attempt/attempt.js').Left | null} left `null`: no passkey was made
   * @param {Cause} cause
   */
  notGained(left, cause) {
    this.failed({ action: 'failed', report: { kind: 'privilege_not_gained' } });
    this.#inside.show({ name: 'not_gained', isLeft: left === 'dead' }, cause);
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
    else if (way === 'followed') this.away();
    else this.#inside.show({ name: way }, cause);
  }

  /** @param {Cause} cause */
  async otherPerson(cause) {
    this.#inside.show({ name: 'other_person', account: null }, cause);
    const account = await this.#visit.account();
    if (account && this.#inside.state.name === 'other_person') this.#inside.show({ name: 'other_person', account });
  }
}
