// What came of a try, and what is shown of it.

import { failure } from '../attempt/failure.js';
import { after } from '../wire/patience.js';

/** @typedef {import('../attempt/attempt.js').Result} Result */
/** @typedef {import('../attempt/attempt.js').Attempt | import('../attempt/own.js').OwnAttempt} Attempt */
/** @typedef {import('../tabs/tabs.js').Tabs} Tabs */
/** @typedef {import('../visit/rounds.js').Rounds} Rounds */
/** @typedef {import('../visit/visit.js').Visit} Visit */
/** @typedef {import('./exits.js').Exits} Exits */
/** @typedef {import('./exits.js').Inside} Inside */
/** @typedef {import('./exits.js').Outside} Outside */
/** @typedef {import('./stand.js').Stand} Stand */
/** @typedef {import('./state.js').Offering} Offering */

/** What is nice to know before "done" is shown. */
const PROVIDER_WITHIN_MS = 1500;

export class Outcome {
  #visit;
  #stand;
  #exits;
  #rounds;
  #tabs;
  #outside;
  #inside;

  /**
   * @param {Visit} visit
   * @param {Stand} stand
   * @param {Exits} exits
   * @param {Rounds} rounds
   * @param {Tabs} tabs
   * @param {Outside} outside
   * @param {Inside} inside
   */
  constructor(visit, stand, exits, rounds, tabs, outside, inside) {
    this.#visit = visit;
    this.#stand = stand;
    this.#exits = exits;
    this.#rounds = rounds;
    this.#tabs = tabs;
    this.#outside = outside;
    this.#inside = inside;
  }

  /**
   * @param {Result} result
   * @param {Attempt} attempt
   * @param {Offering} offered
   * @param {number} duration_ms
   */
  async ended(result, attempt, offered, duration_ms) {
    if (this.#inside.isOver) return;
    const again = failure(result, duration_ms);
    if (again) {
      this.#stand.isTriedAgain = true;
      this.#exits.failed(again);
      if (again.action === 'cancelled') this.#stand.cancelled();
      const step = offered.step === 'resume' && this.#visit.privilege.isSome ? 'resume' : this.#stand.step;
      await this.#stand.renew({ step, note: again.note }, 'person');
      return;
    }
    switch (result.kind) {
      case 'created':
        await this.done(result.id, result.isHere ? 'device' : 'other', this.#visit.report('completed'));
        break;
      case 'already_registered':
      case 'config': {
        const { kind, exception } = result;
        this.#exits.failed({ action: 'failed', report: { kind, exception, duration_ms } });
        if (kind === 'already_registered') this.#inside.show({ name: 'here' }, 'person');
        else this.#exits.goOn('person');
        break;
      }
      case 'refresh_required':
        if (offered.step === 'resume' || !result.to) {
          this.#exits.notGained(await attempt.forget(result), 'person');
        } else {
          this.#rounds.rescue(result.to, { why: 'rescue', credential: result.id });
          this.#exits.away();
        }
        break;
      case 'aborted':
        break;
      case 'second_factor':
      case 'browser_location':
      case 'signed_out':
      case 'identity_changed':
        this.#exits.refused(result, 'person');
    }
  }

  /**
   * @param {string} id
   * @param {'device' | 'other' | null} place
   * @param {Promise<void> | null} reported `null`: nobody asked for it
   */
  async done(id, place, reported) {
    this.#outside.tell('passkey-created', {});
    const provided = this.#visit.passkeys().then((all) => all?.find((one) => one.id === id)?.provider?.name ?? null);
    const [provider] = await Promise.all([
      Promise.race([provided, after(PROVIDER_WITHIN_MS)]),
      Promise.race([reported, after(PROVIDER_WITHIN_MS)]),
    ]);
    if (this.#inside.isOver) return;
    this.#tabs.tell({ what: 'done', subject: this.#visit.subject ?? '' });
    const isUnasked = !reported;
    this.#inside.show({ name: 'done', where: provider ? { provider } : place, isUnasked }, isUnasked ? 'itself' : 'person');
  }

  /**
   * Of one that nobody asked for, once it was made.
   *
   * @param {Result} result
   */
  async upgraded(result) {
    if (result.kind === 'created') return this.done(result.id, result.isHere ? 'device' : 'other', null);
    // Nobody is left with a passkey that does not work, and does not know of it.
    const note = failure(result, 0)?.note ?? null;
    await this.#stand.renew({ step: this.#stand.step, note }, 'itself');
  }
}
