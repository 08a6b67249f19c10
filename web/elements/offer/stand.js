// The offer while it stands: what the next click needs is there, and is renewed as it grows old.

import { OwnAttempt } from '../attempt/own.js';
import { turnsIn } from '../attempt/preparation.js';
import { Turn } from '../visit/turn.js';
import { offering } from './offering.js';

/** @typedef {import('../attempt/attempt.js').Attempt} Attempt */
/** @typedef {import('../attempt/preparation.js').Preparation} Preparation */
/** @typedef {import('../visit/resume.js').Return} Return */
/** @typedef {import('../visit/visit.js').Visit} Visit */
/** @typedef {import('../kratos/kratos.js').Refusal} Refusal */
/** @typedef {import('../surface/surface.js').Cause} Cause */
/** @typedef {import('./exits.js').Exits} Exits */
/** @typedef {import('./exits.js').Inside} Inside */
/** @typedef {import('./state.js').Offering} Offering */
/** @typedef {import('./state.js').Note} Note */

export class Stand {
  #visit;
  #preparation;
  #place;
  #exits;
  #inside;
  #turn = new Turn();
  #cancels = 0;
  /** What the person called a security key. */
  #keyName = '';
  /** @type {Attempt | OwnAttempt | null} */
  attempt = null;
  /** A try came to nothing here, or somebody came back for one: a pause that it began is for the next visit. */
  isTriedAgain = false;

  /**
   * @param {Visit} visit
   * @param {Preparation} preparation
   * @param {Return} place
   * @param {Exits} exits
   * @param {Inside} inside
   */
  constructor(visit, preparation, place, exits, inside) {
    this.#visit = visit;
    this.#preparation = preparation;
    this.#place = place;
    this.#exits = exits;
    this.#inside = inside;
  }

  get isOwn() {
    return this.attempt instanceof OwnAttempt;
  }

  /**
   * What the person calls a security key; an empty text is no name.
   *
   * @param {string} name
   */
  call(name) {
    this.#keyName = name.trim();
    return this.#keyName;
  }

  cancelled() {
    this.#cancels += 1;
  }

  end() {
    this.#turn.stop();
  }

  /** @returns {Promise<{ kind: 'ready' } | { kind: 'config' } | Refusal>} */
  async prepare() {
    const { kratos, device, privilege } = this.#visit;
    if (!kratos || device?.kind === 'unable' || !device) return { kind: 'unreachable', status: null };
    const prepared = await this.#preparation.attempt(this.#visit, kratos, device);
    if (prepared.kind !== 'ready') return prepared;
    // Without a way back nobody can be sent to sign in first.
    if (!this.#place.isAllowed && !prepared.attempt.mayRun(privilege, false)) return { kind: 'config' };
    this.attempt = prepared.attempt;
    return { kind: 'ready' };
  }

  /** @returns {Offering['step']} */
  get step() {
    return this.attempt?.mayRun(this.#visit.privilege, false) ? 'create' : 'confirm';
  }

  /**
   * @param {Pick<Offering, 'step'> & Partial<Offering>} change
   * @param {Cause} cause
   */
  show(change, cause) {
    const { decision, device } = this.#visit;
    if (!decision || !this.attempt) return;
    // Privilege has run out since, and without a way back nobody can be sent to sign in first.
    if (change.step === 'confirm' && !this.#place.isAllowed) return this.#exits.unavailable('config', null);
    const offer = offering(decision, this.attempt, device, this.#cancels);
    this.#inside.show({ ...offer, proposedName: this.#keyName || offer.proposedName, ...change }, cause);
    this.#turnLater(this.attempt);
  }

  /**
   * Time alone changes the offer: privilege runs out, options grow old.
   *
   * @param {Attempt | OwnAttempt} attempt
   */
  #turnLater(attempt) {
    this.#turn.in(turnsIn(attempt, this.#visit.privilege), () => {
      const { state } = this.#inside;
      if (state.name !== 'offer' || !state.isReady) return;
      const step = state.step === 'create' ? this.step : state.step;
      if (attempt.freshFor > 0) this.show({ step, note: state.note }, 'itself');
      else void this.renew({ step, note: state.note }, 'itself');
    });
  }

  /** As soon as somebody looks. */
  renewSoon() {
    this.#turn.in(0, () => {
      const { state } = this.#inside;
      if (state.name === 'offer') void this.renew({ step: state.step, note: null }, 'itself');
    });
  }

  /**
   * Fetches what the next click needs.
   *
   * @param {{ step: Offering['step'], note: Note | null }} change
   * @param {Cause} cause
   */
  async renew(change, cause) {
    this.show({ ...change, isReady: false }, cause);
    const prepared = await this.prepare();
    if (this.#inside.isOver || this.#inside.state.name !== 'offer') return;
    const step = change.step === 'resume' ? change.step : this.step;
    if (prepared.kind === 'ready') this.show({ ...change, step }, 'itself');
    else this.#exits.refused(prepared, 'person');
  }
}
