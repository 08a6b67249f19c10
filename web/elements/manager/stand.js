// The list while it stands: what Kratos holds, and what the next click needs, renewed as it grows old.

import { Attempt } from '../attempt/attempt.js';
import { turnsIn } from '../attempt/preparation.js';
import { Turn } from '../visit/turn.js';
import { join } from './join.js';

/** @typedef {import('../attempt/options.js').Purpose} Purpose */
/** @typedef {import('../attempt/own.js').OwnAttempt} OwnAttempt */
/** @typedef {import('../attempt/preparation.js').Preparation} Preparation */
/** @typedef {import('../kratos/flow.js').SettingsFlow} SettingsFlow */
/** @typedef {import('../surface/surface.js').Cause} Cause */
/** @typedef {import('../visit/resume.js').Return} Return */
/** @typedef {import('../visit/visit.js').Visit} Visit */
/** @typedef {import('./exits.js').Exits} Exits */
/** @typedef {import('./exits.js').Inside} Inside */
/** @typedef {import('./state.js').Listing} Listing */
/** @typedef {import('./state.js').Note} Note */
/** @typedef {import('./state.js').State} State */

export class Stand {
  #visit;
  #preparation;
  #place;
  #exits;
  #inside;
  #turn = new Turn();
  /** Told when the list is there. */
  #wanted = /** @type {{ fresh?: string | null, note?: Note | null }} */ ({});
  /** The newest load under way. */
  #loading = {};
  /** @type {SettingsFlow | null} */
  flow = null;
  /** @type {{ passkey: Attempt | OwnAttempt | null, security_key: Attempt | null }} */
  attempts = { passkey: null, security_key: null };
  /** The person has just signed in again. */
  wasRefreshed = false;

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

  end() {
    this.#turn.stop();
  }

  /** @param {'passkey' | 'security_key'} which */
  mayCreate(which) {
    const { privilege } = this.#visit;
    const attempt = this.attempts[which];
    return attempt ? attempt.mayRun(privilege, this.wasRefreshed) : privilege.isEnough;
  }

  /** As soon as somebody looks. */
  loadSoon() {
    this.#turn.in(0, () => void (this.#inside.state.name === 'list' && this.load({ note: null }, 'itself')));
  }

  /**
   * A fresh flow, and what the admin API says beside it.
   *
   * @param {{ fresh?: string | null, note?: Note | null }} change
   * @param {Cause} cause
   * @param {State | null} [ended] of a try that is over
   */
  async load(change, cause, ended = null) {
    const { kratos, device } = this.#visit;
    if (!kratos) return;
    this.#wanted = { ...this.#wanted, ...change };
    const turn = {};
    this.#loading = turn;
    const able = device && device.kind !== 'unable' ? device : null;
    const [opened, provided, own] = await Promise.all([
      this.#preparation.open(kratos),
      this.#visit.passkeys(),
      able && this.#preparation.own(this.#visit, able),
    ]);
    const isBusy = ['working', 'saving'].includes(this.#inside.state.name);
    // A later one shows it all; and a person who has begun something meanwhile is not disturbed.
    if (this.#inside.isOver || this.#loading !== turn || (isBusy && this.#inside.state !== ended)) return;
    if (opened.kind !== 'flow') {
      this.#exits.refused(opened, cause);
      return;
    }
    const { flow } = opened;
    this.flow = flow;
    const attempt = (/** @type {Purpose} */ purpose) => able && Attempt.from(kratos, flow, purpose, able);
    const passkey = flow.options.passkey ? (own ?? attempt('passkey')) : attempt('signing_key');
    this.attempts = { passkey, security_key: attempt('security_key') };
    const shown = this.#inside.state.name === 'list' ? this.#inside.state : null;
    this.#inside.show(
      {
        name: 'list',
        items: join(flow.held, provided),
        account: flow.account,
        step: this.#step(),
        takesKeys: this.attempts.security_key !== null,
        fresh: shown?.fresh ?? null,
        note: shown?.note ?? null,
        ...this.#wanted,
      },
      cause,
    );
    this.#wanted = {};
    this.#renewLater();
  }

  /** @returns {Listing['step']} */
  #step() {
    const { privilege } = this.#visit;
    const { passkey, security_key } = this.attempts;
    if (!passkey && !security_key) return 'unavailable';
    if (this.wasRefreshed && privilege.isSome) return 'resume';
    if ((passkey ?? security_key)?.mayRun(privilege, false)) return 'create';
    return this.#place.isAllowed ? 'confirm' : 'unavailable';
  }

  #renewLater() {
    this.#turn.stop();
    const attempt = this.attempts.passkey ?? this.attempts.security_key;
    if (!attempt) return;
    this.#turn.in(turnsIn(attempt, this.#visit.privilege), () => {
      if (this.#inside.state.name !== 'list') return;
      if (attempt.freshFor > 0) {
        this.#inside.update({ step: this.#step() }, 'itself');
        this.#renewLater();
      } else void this.load({}, 'itself');
    });
  }
}
