// One person on this page: what the service decided for them, and what is reported of them.

import { Kratos } from '../kratos/kratos.js';
import { token } from '../wire/token.js';
import { device } from './device.js';
import { Privilege } from './privilege.js';

/** @typedef {import('../service/onboarding.js').Onboarding} Onboarding */
/** @typedef {import('../service/decision.js').Decision} Decision */
/** @typedef {import('../service/onboarding.js').Decided} Decided */
/** @typedef {import('../service/onboarding.js').Refused} Refused */
/** @typedef {import('../service/onboarding.js').Action} Action */
/** @typedef {import('./device.js').Device} Device */

/** Still the same person, as the service sees it; `unknown` where it cannot be asked. */
/** @typedef {'same' | 'other' | 'signed_out' | 'unknown'} Who */

export class Visit {
  #onboarding;
  #returnTo;
  #signal;
  /** @type {Decision | null} */
  decision = null;
  /** @type {Kratos | null} */
  kratos = null;
  /** @type {Device | null} */
  device = null;
  privilege = new Privilege();
  attemptId = token();
  /** @type {string | null} */
  #etag = null;
  #isOwnRefused = false;

  /**
   * @param {Onboarding} onboarding
   * @param {string | null} returnTo
   * @param {AbortSignal} signal nothing is asked after it
   */
  constructor(onboarding, returnTo, signal) {
    this.#onboarding = onboarding;
    this.#returnTo = returnTo;
    this.#signal = signal;
  }

  get subject() {
    return this.decision?.subject ?? null;
  }

  /**
   * The first look: who it is and what their device can do.
   *
   * @param {boolean} fresh
   * @param {number} [patience] ms
   * @returns {Promise<Decided | Refused>}
   */
  async begin(fresh, patience) {
    const [answer, able] = await Promise.all([this.ask(fresh, patience), device()]);
    this.device = able;
    if (answer.kind === 'decision') this.learn(answer);
    return answer;
  }

  /**
   * @param {boolean} fresh
   * @param {number} [patience] ms
   * @returns {Promise<Decided | Refused>}
   */
  async ask(fresh, patience) {
    try {
      const how = { fresh, returnTo: this.#returnTo, signal: this.#signal };
      return await this.#onboarding.decision(patience === undefined ? how : { ...how, patience });
    } catch {
      return { kind: 'unreachable' };
    }
  }

  /** @param {Decided} answer */
  learn({ decision, etag }) {
    this.decision = decision;
    this.#etag = etag;
    this.kratos = new Kratos(decision.kratos.browser_url);
    this.privilege.learn(decision.session);
  }

  /**
   * Asks now: another tab may have signed somebody else in.
   *
   * @returns {Promise<Who>}
   */
  async who() {
    const answer = await this.ask(true);
    if (answer.kind === 'decision') return answer.decision.subject === this.subject ? 'same' : 'other';
    return answer.kind === 'signed_out' ? 'signed_out' : 'unknown';
  }

  /**
   * Waits until the decision is another one. `nothing`: it was not, for as long as one may wait; `no_use`: no way to hear it.
   *
   * @param {AbortSignal} signal
   * @returns {Promise<Decided | Refused | 'nothing' | 'no_use'>}
   */
  async news(signal) {
    if (!this.#etag) return 'no_use';
    const began = performance.now();
    const answer = await this.#onboarding.change(this.#etag, { returnTo: this.#returnTo, signal });
    if (answer.kind === 'unchanged') return performance.now() - began > 1000 ? 'nothing' : 'no_use';
    return answer.kind === 'unreachable' ? 'no_use' : answer;
  }

  /**
   * @param {Action} action
   * @param {import('../service/onboarding.js').Report} [detail]
   */
  async report(action, detail = {}) {
    const subject = this.subject;
    if (!subject) return;
    const { platform = null, hybrid = null } = this.device ?? {};
    const report = { attempt_id: this.attemptId, device: { platform, hybrid }, ...detail };
    const answer = await this.#onboarding.report(action, report, { subject, returnTo: this.#returnTo });
    // What was just reported is no news.
    if (answer.kind === 'decision' && answer.decision.subject === subject && answer.etag) this.#etag = answer.etag;
  }

  /**
   * Counts once a session of the browser; a person who begins has seen it, too.
   *
   * @returns {boolean} whether it counted
   */
  offered() {
    const counted = once(`passkey-offered:${this.subject}`);
    if (counted) void this.report('offered');
    return counted;
  }

  /** What the person who is signed in now calls their account; `null` where Kratos cannot be asked. */
  async account() {
    const opened = await this.kratos?.open(null);
    return opened?.kind === 'flow' ? opened.flow.account : null;
  }

  /** Whether passkeys are made by the service's own ceremony, where it can be had. */
  get isOwn() {
    return this.decision?.ceremony === 'own' && !this.#isOwnRefused;
  }

  /** Kratos did not take what was made by it: the settings flow is next. */
  ownIsRefused() {
    this.#isOwnRefused = true;
  }

  /** Whether one may be made without asking. */
  get mayUpgrade() {
    return this.isOwn && (this.decision?.conditional_create_for_s ?? 0) > 0;
  }

  /** Whether it was not tried before in this tab. */
  upgradeBegins() {
    return once(`passkey-upgrade:${this.subject}`);
  }

  /**
   * @param {import('../service/onboarding.js').Mediation} mediation
   * @returns {Promise<import('../service/onboarding.js').Options | import('../service/onboarding.js').NotAdded | Refused>}
   */
  async passkeyOptions(mediation) {
    const { subject } = this;
    return subject ? this.#onboarding.passkeyOptions(subject, mediation) : { kind: 'unreachable' };
  }

  /**
   * @param {Record<string, unknown>} body
   * @param {AbortSignal} signal
   * @returns {Promise<{ kind: 'added' } | import('../service/onboarding.js').NotAdded | Refused>}
   */
  async addPasskey(body, signal) {
    const { subject } = this;
    return subject ? this.#onboarding.addPasskey(body, subject, signal) : { kind: 'unreachable' };
  }

  /** What Kratos's admin API says; `null` where it cannot be asked. */
  passkeys() {
    return this.#onboarding.passkeys();
  }
}

/**
 * Whether this is the first time in this session of the browser.
 *
 * @param {string} what
 */
function once(what) {
  try {
    if (sessionStorage.getItem(what)) return false;
    sessionStorage.setItem(what, '1');
  } catch {
    // Storage is off; the service counts once a session too.
  }
  return true;
}
