// Looking after passkeys: the list, adding one, removing one. Knows no DOM of its own.

import { Preparation } from '../attempt/preparation.js';
import { Tabs } from '../tabs/tabs.js';
import { proposedName } from '../visit/device.js';
import { isForTrying, Return } from '../visit/resume.js';
import { Rounds } from '../visit/rounds.js';
import { Visit } from '../visit/visit.js';
import { Exits } from './exits.js';
import { Outcome } from './outcome.js';
import { removal } from './removal.js';
import { Stand } from './stand.js';

/** @typedef {import('../attempt/attempt.js').Attempt} Attempt */
/** @typedef {import('../attempt/attempt.js').Result} Result */
/** @typedef {import('../attempt/own.js').OwnAttempt} OwnAttempt */
/** @typedef {import('../visit/resume.js').Kept} Kept */
/** @typedef {import('../visit/rounds.js').Navigate} Navigate */
/** @typedef {import('../service/onboarding.js').Onboarding} Onboarding */
/** @typedef {import('../surface/surface.js').Cause} Cause */
/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').Item} Item */
/** @typedef {import('./state.js').Listing} Listing */

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
  #exits;
  #stand;
  #outcome;
  /** The first look is under way. */
  #isStarting = false;
  /** So is a try. */
  #isTrying = false;
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
    this.#exits = new Exits(this.#visit, this.#rounds, this);
    this.#stand = new Stand(this.#visit, this.#preparation, this.#place, this.#exits, this);
    this.#outcome = new Outcome(this.#visit, this.#stand, this.#exits, this.#rounds, this.#tabs, outside.tell, this);
  }

  get state() {
    return this.#state;
  }

  get isOver() {
    return this.#ending.signal.aborted;
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
    const bones = setTimeout(() => this.show({ name: 'skeleton' }), SKELETON_AFTER_MS);
    await this.#begin('itself');
    clearTimeout(bones);
  }

  /** After it could not be loaded: what stands there stays until something else can. */
  async retry() {
    if (this.#isStarting) return;
    this.show({ name: 'not_loaded', isTrying: true }, 'person');
    await this.#begin('person');
  }

  /** @param {Cause} cause */
  async #begin(cause) {
    this.#isStarting = true;
    try {
      const kept = this.#place.comeBack();
      this.#stand.wasRefreshed = isForTrying(kept);
      const answer = await this.#visit.begin(kept !== null, PATIENCE_MS);
      if (this.isOver) return;
      if (answer.kind !== 'decision') this.#exits.refused(answer, cause);
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
    this.show({ name: 'not_loaded', isTrying: false });
  }

  end() {
    this.#ending.abort();
    this.#tabs.close();
    this.#stand.end();
  }

  /**
   * @param {Kept | null} kept
   * @param {Cause} cause
   */
  async #resumed(kept, cause) {
    const { kratos } = this.#visit;
    const holding = kept?.why === 'rescue' && kept.credential ? await kratos?.holds(kept.credential, null) : 'unknown';
    const rescued = holding === 'yes' && kept?.credential;
    void this.#tabs.look(this.#visit.subject ?? '');
    await this.#stand.load({ fresh: rescued || null, note: null }, cause);
    if (this.#state.name !== 'list' || !kept) return;
    const isPrivileged = this.#visit.privilege.isSome;
    if (rescued) {
      void this.#visit.report('completed');
      this.#outside.tell('passkey-created', {});
    } else if (kept.why === 'rescue') {
      const note = holding === 'no' ? 'not_saved_delete' : 'unsure';
      this.update({ note: { what: isPrivileged ? note : 'not_gained' } }, 'itself');
    } else if (kept.why === 'create') {
      if (!isPrivileged) this.update({ note: { what: 'not_gained' } }, 'itself');
    } else if (kept.why === 'remove') {
      const item = this.#state.items.find((one) => one.id === kept.credential);
      if (!isPrivileged) this.update({ note: { what: 'not_removed_privilege' } }, 'itself');
      else if (item) this.#outside.askToRemove(item);
    }
  }

  /**
   * Whether Kratos keeps a name for it; not before somebody is sent away to sign in first.
   *
   * @param {'passkey' | 'security_key'} which
   */
  asksForName(which) {
    return this.#stand.attempts[which]?.kind === 'security_key' && this.#stand.mayCreate(which);
  }

  /**
   * @param {'passkey' | 'security_key'} which
   * @returns {string | null} `null`: nothing better than what it is
   */
  proposedName(which) {
    return which === 'passkey' ? proposedName() || null : null;
  }

  /**
   * From a click: `create()` is called before this returns.
   *
   * @param {'passkey' | 'security_key'} which
   * @param {string} keyName
   */
  add(which, keyName) {
    const [state, attempt] = [this.#state, this.#stand.attempts[which]];
    if (this.isOver || state.name !== 'list') return;
    if (attempt?.isPast) return void this.#stand.load({}, 'person');
    if (!this.#stand.mayCreate(which)) {
      if (!this.#rounds.reauthenticate({ why: 'create' })) this.update({ step: 'unavailable' }, 'person');
      return;
    }
    if (!attempt) return;
    if (this.#tabs.isBusy) return this.update({ note: { what: 'other_tab' } }, 'person');
    this.#isTrying = true;
    const began = performance.now();
    const running = attempt.run({
      name: keyName.trim() || null,
      signal: this.#ending.signal,
      onMade: () => this.show({ name: 'saving' }, 'person'),
      who: () => this.#visit.who(),
    });
    this.show({ name: 'working', kind: which }, 'person');
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
      await this.#outcome.ended(result, attempt, Math.round(performance.now() - began));
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
    const flow = this.#stand.flow;
    if (this.isOver || !kratos || !flow || this.#state.name !== 'list') return;
    if (!privilege.isSome) return this.#confirmFirst(item);
    const who = await this.#visit.who();
    if (this.isOver) return;
    if (who === 'other') return void this.#exits.otherPerson();
    if (who === 'signed_out') return this.#exits.refused({ kind: 'signed_out', signIn: null }, 'person');
    const result = await removal(kratos, flow, item);
    if (this.isOver) return;
    if (result.kind === 'removed') await this.#outcome.removed(item);
    else if (result.kind === 'not_removed') await this.#stand.load({ note: { what: 'not_removed' } }, 'person');
    else if (result.kind !== 'refresh_required') this.#exits.refused(result, 'person');
    else if (this.#stand.wasRefreshed) await this.#stand.load({ note: { what: 'not_removed_privilege' } }, 'person');
    else await this.#confirmFirst(item);
  }

  /** @param {Item} item */
  async #confirmFirst(item) {
    if (this.#rounds.reauthenticate({ why: 'remove', credential: item.id })) return;
    await this.#stand.load({ note: { what: 'not_removed' } }, 'person');
  }

  async refresh() {
    // Said again, where it is so again.
    this.update({ note: null }, 'itself');
    await this.#stand.load({ note: { what: 'refreshed' } }, 'person');
  }

  /** @param {import('../tabs/tabs.js').News} news from another tab */
  #heard({ what }) {
    // What was made there is to be excluded here.
    if (what === 'ended') void (this.#state.name === 'list' && this.#stand.loadSoon());
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
      this.show({ name: 'skeleton' });
      return this.#begin('itself');
    }
    if (before !== 'list' && before !== 'signed_out' && before !== 'not_loaded') return;
    const answer = await this.#visit.ask(false);
    if (this.isOver || this.#state.name !== before || answer.kind === 'unreachable') return;
    if (answer.kind !== 'decision') this.#exits.refused(answer, 'itself');
    else if (before === 'list' && answer.decision.subject !== this.#visit.subject) void this.#exits.otherPerson();
    else {
      this.#visit.learn(answer);
      await this.#stand.load({}, 'itself');
    }
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
   * @param {Partial<Listing>} change
   * @param {Cause} cause
   */
  update(change, cause) {
    if (this.#state.name === 'list') this.show({ ...this.#state, ...change }, cause);
  }

  /**
   * @param {State} state
   * @param {Cause} [cause]
   */
  show(state, cause = 'itself') {
    if (this.isOver) return;
    if (state.name !== 'list') {
      this.#tabs.stopWaiting();
      this.#stand.end();
    }
    this.#state = state;
    this.#outside.show(state, cause);
    if (state.name === 'list') this.#waitForNews();
  }
}
