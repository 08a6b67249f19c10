// What came of a try to add one, or to take one away, and what is shown of it.

import { failure } from '../attempt/failure.js';
import { reported } from '../attempt/report.js';
import { signalUnknown } from '../attempt/signal.js';

/** @typedef {import('../attempt/attempt.js').Attempt} Attempt */
/** @typedef {import('../attempt/attempt.js').Result} Result */
/** @typedef {import('../attempt/own.js').OwnAttempt} OwnAttempt */
/** @typedef {import('../tabs/tabs.js').Tabs} Tabs */
/** @typedef {import('../visit/rounds.js').Rounds} Rounds */
/** @typedef {import('../visit/visit.js').Visit} Visit */
/** @typedef {import('./exits.js').Exits} Exits */
/** @typedef {import('./exits.js').Inside} Inside */
/** @typedef {import('./stand.js').Stand} Stand */
/** @typedef {import('./state.js').Item} Item */

export class Outcome {
  #visit;
  #stand;
  #exits;
  #rounds;
  #tabs;
  #tell;
  #inside;

  /**
   * @param {Visit} visit
   * @param {Stand} stand
   * @param {Exits} exits
   * @param {Rounds} rounds
   * @param {Tabs} tabs
   * @param {(event: string, detail: Record<string, unknown>) => void} tell
   * @param {Inside} inside
   */
  constructor(visit, stand, exits, rounds, tabs, tell, inside) {
    this.#visit = visit;
    this.#stand = stand;
    this.#exits = exits;
    this.#rounds = rounds;
    this.#tabs = tabs;
    this.#tell = tell;
    this.#inside = inside;
  }

  /**
   * @param {Result} result
   * @param {Attempt | OwnAttempt} attempt
   * @param {number} duration_ms
   */
  async ended(result, attempt, duration_ms) {
    if (this.#inside.isOver) return;
    const ended = this.#inside.state;
    const again = failure(result, duration_ms);
    if (again) {
      this.#failed(again);
      await this.#stand.load({ note: { what: again.note } }, 'person', ended);
      return;
    }
    switch (result.kind) {
      case 'created':
        void this.#visit.report('completed');
        this.#tell('passkey-created', {});
        this.#tabs.tell({ what: 'done', subject: this.#visit.subject ?? '' });
        this.#stand.wasRefreshed = false;
        await this.#stand.load({ fresh: result.id, note: { what: 'added' } }, 'person', ended);
        break;
      case 'already_registered':
      case 'config': {
        const { kind, exception } = result;
        this.#failed({ action: 'failed', report: { kind, exception, duration_ms } });
        await this.#stand.load({ note: { what: kind === 'config' ? 'not_made' : 'here' } }, 'person', ended);
        break;
      }
      case 'refresh_required': {
        if (!this.#stand.wasRefreshed && result.to) {
          this.#rounds.rescue(result.to, { why: 'rescue', credential: result.id });
          this.#exits.away();
          break;
        }
        this.#failed({ action: 'failed', report: { kind: 'privilege_not_gained', duration_ms } });
        const isLeft = (await attempt.forget(result)) === 'dead';
        await this.#stand.load({ note: { what: isLeft ? 'not_gained_delete' : 'not_gained' } }, 'person', ended);
        break;
      }
      case 'second_factor':
      case 'browser_location':
      case 'signed_out':
      case 'identity_changed':
        this.#exits.refused(result, 'person');
    }
  }

  /** @param {Item} item */
  async removed(item) {
    this.#tell('passkey-removed', {});
    this.#tabs.tell({ what: 'removed', subject: this.#visit.subject ?? '' });
    const rpId = (this.#stand.attempts.passkey ?? this.#stand.attempts.security_key)?.rpId ?? location.hostname;
    const isSignalled = await signalUnknown(rpId, item.id);
    await this.#stand.load({ fresh: null, note: { what: isSignalled ? 'removed' : 'delete_too', item } }, 'person');
  }

  /** @param {Pick<import('../attempt/failure.js').Failure, 'action' | 'report'>} told */
  #failed(told) {
    reported(told, this.#visit, this.#tell);
  }
}
