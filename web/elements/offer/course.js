// The course of one offer: from the decision to a passkey, or to the way on. Knows no DOM of its own.

import { Preparation } from '../attempt/preparation.js';
import { Upgrade } from '../attempt/upgrade.js';
import { Tabs } from '../tabs/tabs.js';
import { isForTrying, Return } from '../visit/resume.js';
import { Rounds } from '../visit/rounds.js';
import { Visit } from '../visit/visit.js';
import { after } from '../wire/patience.js';
import { Exits } from './exits.js';
import { Outcome } from './outcome.js';
import { Stand } from './stand.js';

/** @typedef {import('../service/onboarding.js').Onboarding} Onboarding */
/** @typedef {import('../service/onboarding.js').Decided} Decided */
/** @typedef {import('../service/onboarding.js').Refused} Refused */
/** @typedef {import('../attempt/attempt.js').Attempt | import('../attempt/own.js').OwnAttempt} Attempt */
/** @typedef {import('../attempt/attempt.js').Result} Result */
/** @typedef {import('../visit/resume.js').Kept} Kept */
/** @typedef {import('../surface/surface.js').Cause} Cause */
/** @typedef {import('./exits.js').Outside} Outside */
/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').Offering} Offering */

/** No answer by then: the person goes on. */
const PATIENCE_MS = 3000;
/** A person who comes back from signing in again wants it. */
const PATIENCE_OF_THE_WILLING_MS = 12_000;
const SKELETON_AFTER_MS = 300;
/** What should be stored before the next page asks. */
const STORED_WITHIN_MS = 800;

export class Course {
  #outside;
  #ending = new AbortController();
  #place = new Return('offer');
  #preparation = new Preparation(this.#place);
  #tabs = new Tabs((news) => void (news.subject === this.#visit.subject && this.#heard(news)));
  #visit;
  #rounds;
  #exits;
  /** @type {State} */
  #state = { name: 'quiet' };
  #stand;
  #outcome;
  /** @type {Upgrade | null} */
  #upgrade = null;
  /** The first look is under way. */
  #isStarting = false;
  /** So is a try. */
  #isTrying = false;
  /** The person was told to go on; nothing appears afterwards. */
  #gaveUp = false;
  /** The person has answered: nothing that happens meanwhile is for them. */
  #isLeaving = false;

  /**
   * @param {Onboarding} onboarding
   * @param {Outside} outside
   */
  constructor(onboarding, outside) {
    this.#outside = outside;
    this.#visit = new Visit(onboarding, outside.returnTo, this.#ending.signal);
    this.#rounds = new Rounds(this.#visit, this.#place, outside.navigate);
    this.#exits = new Exits(this.#visit, this.#rounds, outside, this);
    this.#stand = new Stand(this.#visit, this.#preparation, this.#place, this.#exits, this);
    this.#outcome = new Outcome(this.#visit, this.#stand, this.#exits, this.#rounds, this.#tabs, outside, this);
  }

  get exits() {
    return this.#exits;
  }

  get rounds() {
    return this.#rounds;
  }

  /** The relying party's name, once it is known. */
  get app() {
    return this.#preparation.app;
  }

  get subject() {
    return this.#visit.subject;
  }

  get state() {
    return this.#state;
  }

  get isOver() {
    return this.#ending.signal.aborted;
  }

  async start() {
    this.#isLeaving = false;
    this.#gaveUp = false;
    this.#isStarting = true;
    const kept = this.#place.comeBack();
    this.#stand.isTriedAgain = isForTrying(kept);
    const bones = setTimeout(() => {
      if (this.#outside.placement === 'page') this.show({ name: 'skeleton' });
    }, SKELETON_AFTER_MS);
    const patience = kept ? PATIENCE_OF_THE_WILLING_MS : PATIENCE_MS;
    const enough = setTimeout(() => {
      this.#gaveUp = true;
      this.#exits.goOn('itself');
    }, patience);
    try {
      const answer = await this.#visit.begin(kept !== null, patience);
      if (this.#isTooLate) return;
      if (answer.kind === 'decision') await this.#decided(answer, kept);
      else this.#exits.refused(answer, 'itself');
    } catch (error) {
      this.#broke(error);
    } finally {
      clearTimeout(bones);
      clearTimeout(enough);
      this.#isStarting = false;
    }
  }

  /** Nothing is shown or asked any more. */
  end() {
    this.#ending.abort();
    this.#tabs.close();
    this.#stand.end();
    this.#upgrade?.stop();
  }

  /**
   * The first button. From a click: `create()` is called before this returns.
   *
   * @param {string} keyName what the person calls a security key
   */
  setUp(keyName) {
    const [state, { attempt }] = [this.#state, this.#stand];
    if (this.isOver || state.name !== 'offer') return;
    this.#upgrade?.stop();
    if (this.#tabs.isBusy) return this.#stand.show({ step: state.step, note: 'other_tab' }, 'person');
    if (attempt?.isPast) return void this.#stand.renew({ step: state.step, note: null }, 'person');
    if (state.step === 'confirm' || !attempt?.mayRun(this.#visit.privilege, state.step === 'resume')) {
      if (!this.#rounds.reauthenticate({ why: 'create' })) this.#exits.unavailable('config', null);
      return;
    }
    if (!state.isReady) return;
    const name = this.#stand.call(keyName) || state.proposedName;
    this.#isTrying = true;
    const began = performance.now();
    const running = attempt.run({
      name,
      signal: this.#ending.signal,
      onMade: () => this.show({ name: 'saving' }, 'person'),
      who: () => this.#visit.who(),
    });
    this.show({ name: 'working', way: state.way }, 'person');
    this.#offered();
    void this.#visit.report('started');
    this.#outside.tell('passkey-started', {});
    this.#tabs.ceremony(this.subject ?? '', running);
    void this.#await(running, attempt, state, began);
  }

  /**
   * @param {Promise<Result>} running
   * @param {Attempt} attempt
   * @param {Offering} offered
   * @param {number} began by `performance.now()`
   */
  async #await(running, attempt, offered, began) {
    try {
      const result = await running;
      await this.#outcome.ended(result, attempt, offered, Math.round(performance.now() - began));
    } catch (error) {
      this.#broke(error);
    } finally {
      this.#isTrying = false;
    }
  }

  /**
   * Something that nobody thought of: it is told to whoever watches the page, and the person goes on.
   *
   * @param {unknown} error
   */
  #broke(error) {
    reportError(error);
    this.#exits.goOn('itself');
  }

  /** @param {'skip' | 'dismiss'} action */
  async decline(action) {
    if (this.isOver || this.#isLeaving) return;
    this.#isLeaving = true;
    this.#upgrade?.stop();
    this.#tabs.stopWaiting();
    this.#outside.tell(action === 'skip' ? 'passkey-skipped' : 'passkey-dismissed', {});
    const reported = this.#visit.report(action);
    await Promise.race([reported, after(STORED_WITHIN_MS)]);
    if (this.isOver) return;
    this.#tabs.tell({ what: 'changed', subject: this.subject ?? '' });
    this.#exits.leave('assign');
  }

  /** It has been in view for a second. Where a password manager is about to make one, it is no offer yet. */
  async seen() {
    await this.#upgrade?.settled();
    if (!this.isOver && this.#state.name === 'offer') this.#offered();
  }

  #offered() {
    if (this.#visit.offered()) this.#outside.tell('passkey-offered', {});
  }

  /**
   * The page is looked at again: is it the same person, and is there still something to offer?
   *
   * @param {boolean} [isRestored] shown as it was left, without having been loaded: what it left for may have been done since
   */
  async lookAgain(isRestored = false) {
    const before = this.#state.name;
    if (isRestored && ['quiet', 'skeleton', 'working', 'saving'].includes(before) && !this.#isStarting && !this.#isTrying) {
      await this.start();
    }
    if (!['offer', 'done', 'here', 'not_gained', 'signed_out'].includes(before)) return;
    const answer = await this.#visit.ask(false);
    if (!this.isOver && this.#state.name === before) this.#news(answer);
  }

  /** @param {import('../tabs/tabs.js').News} news from another tab */
  #heard({ what }) {
    if (what === 'begun') this.#upgrade?.stop();
    // What was made there is to be excluded here.
    else if (what === 'ended') void (this.#state.name === 'offer' && this.#stand.renewSoon());
    else void this.lookAgain();
  }

  get #isTooLate() {
    return this.isOver || this.#gaveUp;
  }

  /** @param {Decided} decided */
  #decidedAnew(decided) {
    this.#visit.learn(decided);
    return this.#decided(decided, null);
  }

  /**
   * @param {Decided} decided
   * @param {Kept | null} kept
   */
  async #decided({ decision: { decision, reason } }, kept) {
    const { kratos } = this.#visit;
    this.#outside.tell('passkey-decision', { decision, reason });
    const rescued = kept?.why === 'rescue' && kept.credential ? kept.credential : null;
    const holding = (rescued && (await kratos?.holds(rescued, null))) || 'unknown';
    if (rescued && holding === 'yes') {
      await this.#outcome.done(rescued, null, this.#visit.report('completed'));
    } else if (decision === 'done' && isForTrying(kept)) {
      this.show({ name: 'done', where: null });
    } else if (decision === 'offer' || decision === 'required' || (this.#stand.isTriedAgain && beganHere(decision, reason))) {
      await this.#offer(kept, holding);
    } else {
      this.#exits.leave('replace');
    }
  }

  /**
   * @param {Kept | null} kept
   * @param {import('../kratos/kratos.js').Holding} holding of the passkey that was to be rescued
   */
  async #offer(kept, holding) {
    const { decision, device, kratos, privilege } = this.#visit;
    if (device?.kind === 'unable') {
      // Only for what the place is called.
      if (decision?.decision === 'required' && kratos) await this.#preparation.open(kratos);
      if (this.#isTooLate) return;
      this.#exits.unavailable('unsupported', device.why);
      return;
    }
    const prepared = await this.#stand.prepare();
    if (this.#isTooLate) return;
    if (prepared.kind !== 'ready') {
      this.#exits.refused(prepared, 'itself');
    } else if (kept?.why === 'create' && !privilege.isSome) {
      this.#exits.notGained(null, 'itself');
    } else if (kept?.why === 'rescue') {
      // Kratos had kept it, and yet it is not there, as far as is known.
      const isPrivileged = privilege.isSome;
      this.#exits.failed({ action: 'failed', report: { kind: isPrivileged ? 'kratos' : 'privilege_not_gained' } });
      if (isPrivileged) this.#stand.show({ step: 'resume', note: holding === 'no' ? 'not_saved_delete' : 'unsure' }, 'itself');
      else this.show({ name: 'not_gained', isLeft: false });
    } else {
      this.#stand.show({ step: kept?.why === 'create' ? 'resume' : this.#stand.step }, 'itself');
      void this.#tabs.look(this.subject ?? '');
      if (!kept && device) void this.#upgraded(device);
    }
  }

  /**
   * Beside the offer, and without a word where nothing comes of it.
   *
   * @param {import('../visit/device.js').Able} able
   */
  async #upgraded(able) {
    if (!this.#stand.isOwn || !this.#visit.mayUpgrade) return;
    const upgrade = (this.#upgrade = new Upgrade(this.#visit, able, (result) => {
      this.#tabs.ceremony(this.subject ?? '', result);
      // Nobody begins another, or leaves, before it is there.
      if (this.#state.name === 'offer' && !this.#isLeaving) this.show({ name: 'saving' });
    }));
    try {
      const result = await upgrade.result;
      if (result && !this.isOver) await this.#outcome.upgraded(result);
    } catch (error) {
      if (upgrade.isMade) this.#broke(error);
    }
  }

  #waitForNews() {
    this.#tabs.wait(async (signal) => {
      if (this.#state.name !== 'offer') return false;
      const news = await this.#visit.news(signal);
      if (news === 'nothing') return true;
      if (news === 'no_use' || signal.aborted) return false;
      this.#tabs.tell({ what: 'changed', subject: this.subject ?? '' });
      this.#news(news);
      return true;
    });
  }

  /** @param {Decided | Refused} answer */
  #news(answer) {
    const state = this.#state;
    if (answer.kind === 'unreachable' || this.#isLeaving) return;
    if (answer.kind !== 'decision') return this.#exits.refused(answer, 'itself');
    // Signed in meanwhile, in another tab.
    if (state.name === 'signed_out') return void this.#decidedAnew(answer);
    if (answer.decision.subject !== this.subject) return void this.#exits.otherPerson('itself');
    this.#visit.learn(answer);
    if (state.name !== 'offer') return;
    const { decision, reason } = answer.decision;
    if (this.#stand.isTriedAgain && beganHere(decision, reason)) return;
    if (decision === 'done') this.show({ name: 'done', where: null });
    else if (decision === 'offer' || decision === 'required') {
      const step = state.step === 'resume' ? 'resume' : this.#stand.step;
      this.#stand.show({ step, isReady: state.isReady, note: state.note }, 'itself');
    } else this.#exits.leave('replace');
  }

  /**
   * @param {State} state
   * @param {Cause} [cause]
   */
  show(state, cause = 'itself') {
    if (this.isOver) return;
    if (state.name !== 'offer') {
      this.#stand.end();
      this.#upgrade?.stop();
    }
    if (!['offer', 'working', 'saving'].includes(state.name)) this.#tabs.stopWaiting();
    this.#state = state;
    this.#outside.show(state, cause);
    if (state.name === 'offer') this.#waitForNews();
  }
}

/**
 * Whether it is a pause that a try begins: here it can be tried again.
 *
 * @param {string} decision
 * @param {string} reason
 */
function beganHere(decision, reason) {
  return decision === 'later' && ['cancelled', 'failed', 'next_sign_in'].includes(reason);
}
