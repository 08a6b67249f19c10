// Looking after passkeys: the list, adding one, removing one. Knows no DOM of its own.

import { Attempt } from '../attempt/attempt.js';
import { failure } from '../attempt/failure.js';
import { Preparation, turnsIn } from '../attempt/preparation.js';
import { reported } from '../attempt/report.js';
import { signalUnknown } from '../attempt/signal.js';
import { Tabs } from '../tabs/tabs.js';
import { proposedName } from '../visit/device.js';
import { wayOut } from '../visit/refusals.js';
import { isForTrying, Return } from '../visit/resume.js';
import { AWAY_WITHIN_MS, Rounds } from '../visit/rounds.js';
import { Turn } from '../visit/turn.js';
import { Visit } from '../visit/visit.js';
import { join } from './join.js';
import { removal } from './removal.js';

/** @typedef {import('../attempt/attempt.js').Result} Result */
/** @typedef {import('../attempt/own.js').OwnAttempt} OwnAttempt */
/** @typedef {import('../attempt/options.js').Purpose} Purpose */
/** @typedef {import('../visit/resume.js').Kept} Kept */
/** @typedef {import('../visit/rounds.js').Navigate} Navigate */
/** @typedef {import('../kratos/flow.js').SettingsFlow} SettingsFlow */
/** @typedef {import('../kratos/kratos.js').Refusal} Refusal */
/** @typedef {import('../service/onboarding.js').Onboarding} Onboarding */
/** @typedef {import('../service/onboarding.js').Refused} Refused */
/** @typedef {import('../surface/surface.js').Cause} Cause */
/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').Item} Item */
/** @typedef {import('./state.js').Listing} Listing */
/** @typedef {import('./state.js').Note} Note */

/**
 * @typedef {object} Outside What the course needs from the element around it.
 * @property {(state: State, cause: Cause) => void} show
 * @property {(item: Item) => void} askToRemove shows the confirmation
 * @property {Navigate} navigate
 * @property {(event: string, detail: Record<string, unknown>) => void} tell
 */

const SKELETON_AFTER_MS = 300;
/** Nobody is kept from anything meanwhile. */
const PATIENCE_MS = 12_000;

export class Course {
  #outside;
  #ending = new AbortController();
  #place = new Return('manager');
  #preparation = new Preparation(this.#place);
  #tabs = new Tabs((news) => void (news.subject === this.#visit.subject && this.#heard(news)));
  #visit;
  #rounds;
  /** @type {State} */
  #state = { name: 'quiet' };
  /** @type {SettingsFlow | null} */
  #flow = null;
  /** @type {{ passkey: Attempt | OwnAttempt | null, security_key: Attempt | null }} */
  #attempts = { passkey: null, security_key: null };
  #wasRefreshed = false;
  /** The first look is under way. */
  #isStarting = false;
  /** So is a try. */
  #isTrying = false;
  /** Told when the list is there. */
  #wanted = /** @type {{ fresh?: string | null, note?: Note | null }} */ ({});
  /** The newest load under way. */
  #loading = {};
  #turn = new Turn();
  #wishedReturnTo;

  /**
   * @param {Onboarding} onboarding
   * @param {string | null} returnTo the way back is shown where there is one
   * @param {Outside} outside
   */
  constructor(onboarding, returnTo, outside) {
    this.#outside = outside;
    this.#wishedReturnTo = returnTo;
    this.#visit = new Visit(onboarding, returnTo, this.#ending.signal);
    this.#rounds = new Rounds(this.#visit, this.#place, outside.navigate);
  }

  get state() {
    return this.#state;
  }

  get rounds() {
    return this.#rounds;
  }

  /** Where the service lets people go back to. */
  get returnTo() {
    const to = this.#visit.decision?.links.return_to;
    return this.#wishedReturnTo !== null && to ? new URL(to) : null;
  }

  get isPrivileged() {
    return this.#visit.privilege.isSome;
  }

  /** The relying party's name, once it is known. */
  get app() {
    return this.#preparation.app;
  }

  async start() {
    const bones = setTimeout(() => this.#show({ name: 'skeleton' }), SKELETON_AFTER_MS);
    await this.#begin('itself');
    clearTimeout(bones);
  }

  /** After it could not be loaded: what stands there stays until something else can. */
  async retry() {
    if (this.#isStarting) return;
    this.#show({ name: 'not_loaded', isTrying: true }, 'person');
    await this.#begin('person');
  }

  /** @param {Cause} cause */
  async #begin(cause) {
    this.#isStarting = true;
    try {
      const kept = this.#place.comeBack();
      this.#wasRefreshed = isForTrying(kept);
      const answer = await this.#visit.begin(kept !== null, PATIENCE_MS);
      if (this.#isOver) return;
      if (answer.kind !== 'decision') this.#refused(answer, cause);
      else await this.#resumed(kept, cause);
    } catch (error) {
      this.#broke(error);
    } finally {
      this.#isStarting = false;
    }
  }

  /**
   * Something that nobody thought of: it is told to whoever watches the page, and the person can try again.
   *
   * @param {unknown} error
   */
  #broke(error) {
    reportError(error);
    this.#show({ name: 'not_loaded', isTrying: false });
  }

  end() {
    this.#ending.abort();
    this.#tabs.close();
    this.#turn.stop();
  }

  /**
   * @param {Kept | null} kept
   * @param {Cause} cause
   */
  async #resumed(kept, cause) {
    const { kratos } = this.#visit;
    const holding = kept?.why === 'rescue' && kept.credential ? await kratos?.holds(kept.credential, null) : 'unknown';
    const rescued = holding === 'yes' && kept?.credential;
    await this.#load({ fresh: rescued || null, note: null }, cause);
    if (this.#state.name !== 'list' || !kept) return;
    const isPrivileged = this.#visit.privilege.isSome;
    if (rescued) {
      void this.#visit.report('completed');
      this.#outside.tell('passkey-created', {});
    } else if (kept.why === 'rescue') {
      const note = holding === 'no' ? 'not_saved_delete' : 'unsure';
      this.#update({ note: { what: isPrivileged ? note : 'not_gained' } }, 'itself');
    } else if (kept.why === 'create') {
      if (!isPrivileged) this.#update({ note: { what: 'not_gained' } }, 'itself');
    } else if (kept.why === 'remove') {
      const item = this.#state.items.find((one) => one.id === kept.credential);
      if (!isPrivileged) this.#update({ note: { what: 'not_removed_privilege' } }, 'itself');
      else if (item) this.#outside.askToRemove(item);
    }
  }

  /**
   * Whether Kratos keeps a name for it; not before somebody is sent away to sign in first.
   *
   * @param {'passkey' | 'security_key'} which
   */
  asksForName(which) {
    return this.#attempts[which]?.kind === 'security_key' && this.#mayCreate(which);
  }

  /**
   * @param {'passkey' | 'security_key'} which
   * @returns {string | null} `null`: nothing better than what it is
   */
  proposedName(which) {
    return which === 'passkey' ? proposedName() || null : null;
  }

  /** @param {'passkey' | 'security_key'} which */
  #mayCreate(which) {
    const { privilege } = this.#visit;
    const attempt = this.#attempts[which];
    return attempt ? attempt.mayRun(privilege, this.#wasRefreshed) : privilege.isEnough;
  }

  /**
   * From a click: `create()` is called before this returns.
   *
   * @param {'passkey' | 'security_key'} which
   * @param {string} keyName
   */
  add(which, keyName) {
    const [state, attempt] = [this.#state, this.#attempts[which]];
    if (this.#isOver || state.name !== 'list') return;
    if (attempt?.isPast) return void this.#load({}, 'person');
    if (!this.#mayCreate(which)) {
      if (!this.#rounds.reauthenticate({ why: 'create' })) this.#update({ step: 'unavailable' }, 'person');
      return;
    }
    if (!attempt) return;
    if (this.#tabs.isBusy) return this.#update({ note: { what: 'other_tab' } }, 'person');
    this.#isTrying = true;
    const began = performance.now();
    const running = attempt.run({
      name: keyName.trim() || null,
      signal: this.#ending.signal,
      onMade: () => this.#show({ name: 'saving' }, 'person'),
      who: () => this.#visit.who(),
    });
    this.#show({ name: 'working', kind: which }, 'person');
    void this.#visit.report('started');
    this.#outside.tell('passkey-started', {});
    this.#tabs.ceremony(this.#visit.subject ?? '', running);
    void this.#await(running, attempt, began);
  }

  /**
   * @param {Promise<Result>} running
   * @param {Attempt | OwnAttempt} attempt
   * @param {number} began by `performance.now()`
   */
  async #await(running, attempt, began) {
    try {
      const result = await running;
      await this.#ended(result, attempt, Math.round(performance.now() - began));
    } catch (error) {
      this.#broke(error);
    } finally {
      this.#isTrying = false;
    }
  }

  /**
   * The person confirmed it.
   *
   * @param {Item} item
   */
  async remove(item) {
    try {
      await this.#remove(item);
    } catch (error) {
      this.#broke(error);
    }
  }

  /** @param {Item} item */
  async #remove(item) {
    const { kratos, privilege } = this.#visit;
    const flow = this.#flow;
    if (this.#isOver || !kratos || !flow || this.#state.name !== 'list') return;
    if (!privilege.isSome) return this.#confirmFirst(item);
    const who = await this.#visit.who();
    if (this.#isOver) return;
    if (who === 'other') return void this.#otherPerson();
    if (who === 'signed_out') return this.#refused({ kind: 'signed_out', signIn: null }, 'person');
    const result = await removal(kratos, flow, item);
    if (this.#isOver) return;
    if (result.kind === 'removed') await this.#removed(item);
    else if (result.kind === 'not_removed') await this.#load({ note: { what: 'not_removed' } }, 'person');
    else if (result.kind !== 'refresh_required') this.#refused(result, 'person');
    else if (this.#wasRefreshed) await this.#load({ note: { what: 'not_removed_privilege' } }, 'person');
    else await this.#confirmFirst(item);
  }

  /** @param {Item} item */
  async #confirmFirst(item) {
    if (this.#rounds.reauthenticate({ why: 'remove', credential: item.id })) return;
    await this.#load({ note: { what: 'not_removed' } }, 'person');
  }

  async refresh() {
    // Said again, where it is so again.
    this.#update({ note: null }, 'itself');
    await this.#load({ note: { what: 'refreshed' } }, 'person');
  }

  /** @param {import('../tabs/tabs.js').News} news from another tab */
  #heard({ what }) {
    // What was made there is to be excluded here.
    if (what === 'ended') void (this.#state.name === 'list' && this.#load({ note: null }, 'itself'));
    else if (what !== 'begun') void this.lookAgain();
  }

  /**
   * The page is looked at again, or something happened in another tab.
   *
   * @param {boolean} [isRestored] shown as it was left, without having been loaded: what it left for may have been done since
   */
  async lookAgain(isRestored = false) {
    const before = this.#state.name;
    if (isRestored && ['quiet', 'skeleton', 'working', 'saving'].includes(before) && !this.#isStarting && !this.#isTrying) {
      // What was begun before is over: the list may take its place.
      this.#show({ name: 'skeleton' });
      return this.#begin('itself');
    }
    if (before !== 'list' && before !== 'signed_out' && before !== 'not_loaded') return;
    const answer = await this.#visit.ask(false);
    if (this.#isOver || this.#state.name !== before || answer.kind === 'unreachable') return;
    if (answer.kind !== 'decision') this.#refused(answer, 'itself');
    else if (before === 'list' && answer.decision.subject !== this.#visit.subject) void this.#otherPerson();
    else {
      this.#visit.learn(answer);
      await this.#load({}, 'itself');
    }
  }

  get #isBusy() {
    return this.#state.name === 'working' || this.#state.name === 'saving';
  }

  get #isOver() {
    return this.#ending.signal.aborted;
  }

  /**
   * A fresh flow, and what the admin API says beside it.
   *
   * @param {{ fresh?: string | null, note?: Note | null }} change
   * @param {Cause} cause
   * @param {State | null} [ended] of a try that is over
   */
  async #load(change, cause, ended = null) {
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
    // A later one shows it all; and a person who has begun something meanwhile is not disturbed.
    if (this.#isOver || this.#loading !== turn || (this.#isBusy && this.#state !== ended)) return;
    if (opened.kind !== 'flow') {
      this.#refused(opened, cause);
      return;
    }
    const { flow } = opened;
    this.#flow = flow;
    const attempt = (/** @type {Purpose} */ purpose) => able && Attempt.from(kratos, flow, purpose, able);
    const passkey = flow.options.passkey ? (own ?? attempt('passkey')) : attempt('signing_key');
    this.#attempts = { passkey, security_key: attempt('security_key') };
    const shown = this.#state.name === 'list' ? this.#state : null;
    this.#show(
      {
        name: 'list',
        items: join(flow.held, provided),
        account: flow.account,
        step: this.#step(),
        takesKeys: this.#attempts.security_key !== null,
        fresh: shown?.fresh ?? null,
        note: shown?.note ?? null,
        ...this.#wanted,
      },
      cause,
    );
    this.#wanted = {};
    this.#renewLater();
    this.#waitForNews();
  }

  /** @returns {Listing['step']} */
  #step() {
    const { privilege } = this.#visit;
    const { passkey, security_key } = this.#attempts;
    if (!passkey && !security_key) return 'unavailable';
    if (this.#wasRefreshed && privilege.isSome) return 'resume';
    if ((passkey ?? security_key)?.mayRun(privilege, false)) return 'create';
    return this.#place.isAllowed ? 'confirm' : 'unavailable';
  }

  #renewLater() {
    this.#turn.stop();
    const attempt = this.#attempts.passkey ?? this.#attempts.security_key;
    if (!attempt) return;
    this.#turn.in(turnsIn(attempt, this.#visit.privilege), () => {
      if (this.#state.name !== 'list') return;
      if (attempt.freshFor > 0) {
        this.#update({ step: this.#step() }, 'itself');
        this.#renewLater();
      } else void this.#load({}, 'itself');
    });
  }

  /**
   * @param {Result} result
   * @param {Attempt | OwnAttempt} attempt
   * @param {number} duration_ms
   */
  async #ended(result, attempt, duration_ms) {
    if (this.#isOver) return;
    const ended = this.#state;
    const again = failure(result, duration_ms);
    if (again) {
      this.#failed(again);
      await this.#load({ note: { what: again.note } }, 'person', ended);
      return;
    }
    switch (result.kind) {
      case 'created':
        void this.#visit.report('completed');
        this.#outside.tell('passkey-created', {});
        this.#tabs.tell({ what: 'done', subject: this.#visit.subject ?? '' });
        this.#wasRefreshed = false;
        await this.#load({ fresh: result.id, note: { what: 'added' } }, 'person', ended);
        break;
      case 'already_registered':
      case 'config': {
        const { kind, exception } = result;
        this.#failed({ action: 'failed', report: { kind, exception, duration_ms } });
        await this.#load({ note: { what: kind === 'config' ? 'not_made' : 'here' } }, 'person', ended);
        break;
      }
      case 'refresh_required': {
        if (!this.#wasRefreshed && result.to) {
          this.#rounds.rescue(result.to, { why: 'rescue', credential: result.id });
          this.#away();
          break;
        }
        this.#failed({ action: 'failed', report: { kind: 'privilege_not_gained', duration_ms } });
        const isLeft = (await attempt.forget(result)) === 'dead';
        await this.#load({ note: { what: isLeft ? 'not_gained_delete' : 'not_gained' } }, 'person', ended);
        break;
      }
      case 'second_factor':
      case 'browser_location':
      case 'signed_out':
      case 'identity_changed':
        this.#refused(result, 'person');
    }
  }

  /** @param {Pick<import('../attempt/failure.js').Failure, 'action' | 'report'>} told */
  #failed(told) {
    reported(told, this.#visit, this.#outside.tell);
  }

  /** @param {Item} item */
  async #removed(item) {
    this.#outside.tell('passkey-removed', {});
    this.#tabs.tell({ what: 'removed', subject: this.#visit.subject ?? '' });
    const rpId = (this.#attempts.passkey ?? this.#attempts.security_key)?.rpId ?? location.hostname;
    const isSignalled = await signalUnknown(rpId, item.id);
    await this.#load({ fresh: null, note: { what: isSignalled ? 'removed' : 'delete_too', item } }, 'person');
  }

  #waitForNews() {
    this.#tabs.wait(async (signal) => {
      if (this.#state.name !== 'list') return false;
      const news = await this.#visit.news(signal);
      if (news === 'nothing') return true;
      if (news === 'no_use' || signal.aborted) return false;
      this.#tabs.tell({ what: 'changed', subject: this.#visit.subject ?? '' });
      if (news.kind === 'decision' && news.decision.subject === this.#visit.subject) this.#visit.learn(news);
      void this.lookAgain();
      return false;
    });
  }

  /**
   * @param {Refusal | Refused} refusal
   * @param {Cause} cause
   */
  #refused(refusal, cause) {
    const way = wayOut(refusal, this.#rounds);
    if (way === 'other_person') void this.#otherPerson();
    else if (way === 'unreachable') this.#show({ name: 'not_loaded', isTrying: false }, cause);
    else if (way === 'followed') this.#away();
    else this.#show({ name: way }, cause);
  }

  /** The browser was sent elsewhere. Whoever is still here after a while, because the page around thought otherwise, can go on. */
  #away() {
    const state = this.#state;
    setTimeout(() => this.#state === state && this.#show({ name: 'not_loaded', isTrying: false }), AWAY_WITHIN_MS);
  }

  async #otherPerson() {
    this.#show({ name: 'other_person', account: null });
    const account = await this.#visit.account();
    if (account && this.#state.name === 'other_person') this.#show({ name: 'other_person', account });
  }

  /**
   * @param {Partial<Listing>} change
   * @param {Cause} cause
   */
  #update(change, cause) {
    if (this.#state.name === 'list') this.#show({ ...this.#state, ...change }, cause);
  }

  /**
   * @param {State} state
   * @param {Cause} [cause]
   */
  #show(state, cause = 'itself') {
    if (this.#isOver) return;
    if (state.name !== 'list') {
      this.#tabs.stopWaiting();
      this.#turn.stop();
    }
    this.#state = state;
    this.#outside.show(state, cause);
  }
}
