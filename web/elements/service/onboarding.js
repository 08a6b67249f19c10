// What the service is asked and told. Every answer is one of a closed set: nothing here throws but for an abort.

import { webAddress } from '../wire/address.js';
import { within } from '../wire/patience.js';
import { token } from '../wire/token.js';
import { readDecision } from './decision.js';

/** @typedef {import('./decision.js').Decision} Decision */

/**
 * @typedef {object} Provided
 * @property {string} id lower-case hex
 * @property {'passkey' | 'security_key'} kind
 * @property {string | null} name
 * @property {{ name: string, kind: string } | null} provider
 * @property {string | null} added_at
 * @property {boolean | null} backed_up
 * @property {boolean | null} last_way_to_sign_in
 */

/**
 * @typedef {{ kind: 'signed_out', signIn: URL | null }
 *   | { kind: 'second_factor', to: URL | null }
 *   | { kind: 'identity_changed' }
 *   | { kind: 'unreachable' }} Refused
 */
/**
 * @typedef {{ kind: 'options', options: any, validForS: number }} Options for `parseCreationOptionsFromJSON()`
 * @typedef {{ kind: 'refused', isStale: boolean, isSettings: boolean } | { kind: 'unsure' }} NotAdded `isSettings`: Kratos's
 *   settings flow is the way; `unsure`: the same can be sent again
 */
/** @typedef {{ ok: boolean, status: number, body: any, etag: string | null }} Answer */
/** @typedef {'optional' | 'conditional'} Mediation `conditional`: in the background */
/** @typedef {{ kind: 'decision', decision: Decision, etag: string | null }} Decided */
/** @typedef {{ kind: 'unchanged' }} Unchanged */

/**
 * @typedef {'offered' | 'started' | 'skip' | 'dismiss' | 'cancelled' | 'failed' | 'unavailable' | 'completed'} Action
 */

/**
 * @typedef {object} Report
 * @property {string} [attempt_id]
 * @property {string} [kind]
 * @property {string} [exception]
 * @property {number} [duration_ms]
 * @property {{ platform: boolean | null, hybrid: boolean | null }} [device]
 */

/** An offer does not stand in the way for longer. */
const PATIENCE_MS = 3000;
/** The service asks Kratos several times. */
const ADDING_MS = 15_000;
/** The longest the service waits, and a little for the way. */
const WAITING_MS = 30_000;

export class Onboarding {
  #base;

  /** @param {URL} base of the service, ends with `/` */
  constructor(base) {
    this.#base = base;
  }

  /**
   * @param {{ fresh?: boolean, returnTo?: string | null, patience?: number, signal?: AbortSignal }} [options] `patience`: in ms
   * @returns {Promise<Decided | Refused>}
   */
  async decision({ fresh = false, returnTo = null, patience = PATIENCE_MS, signal } = {}) {
    const url = this.#url('api/onboarding', { fresh: fresh ? '1' : null, return_to: returnTo });
    const answer = await this.#ask(url, {}, patience, signal);
    return answer.kind === 'unchanged' ? { kind: 'unreachable' } : answer;
  }

  /**
   * Answers when the decision is another one than that of `etag`, `unchanged` after 25 s.
   *
   * @param {string} etag
   * @param {{ returnTo?: string | null, signal: AbortSignal }} options
   * @returns {Promise<Decided | Unchanged | Refused>}
   */
  change(etag, { returnTo = null, signal }) {
    const url = this.#url('api/onboarding', { wait: '25', return_to: returnTo });
    return this.#ask(url, { headers: { 'If-None-Match': etag } }, WAITING_MS, signal);
  }

  /**
   * Outlives the page, where it has to.
   *
   * @param {Action} action
   * @param {Report} report
   * @param {{ subject: string, returnTo?: string | null, key?: string }} about
   * @returns {Promise<Decided | Refused>}
   */
  async report(action, report, { subject, returnTo = null, key = token() }) {
    const url = this.#url(`api/onboarding/${action}`, { return_to: returnTo });
    const init = { ...posted(report, { 'If-Subject': subject, 'Idempotency-Key': key }), keepalive: true };
    const answer = await this.#ask(url, init, PATIENCE_MS);
    return answer.kind === 'unchanged' ? { kind: 'unreachable' } : answer;
  }

  /**
   * What Kratos's admin API says this person holds; `null` where it cannot be asked.
   *
   * @returns {Promise<Provided[] | null>}
   */
  async passkeys() {
    const answer = await answered(this.#url('api/onboarding/passkeys', {}), {}, PATIENCE_MS).catch(() => null);
    const { complete, passkeys } = (answer?.ok && answer.body) || {};
    return complete === true && Array.isArray(passkeys) && passkeys.every(isProvided) ? passkeys : null;
  }

  /**
   * What to make a passkey with, by the service's own ceremony.
   *
   * @param {string} subject
   * @param {Mediation} mediation
   * @returns {Promise<Options | NotAdded | Refused>}
   */
  async passkeyOptions(subject, mediation) {
    const answer = await this.#post('api/onboarding/passkeys/options', { mediation }, subject, PATIENCE_MS, null);
    if (!answer || !answer.ok) return this.#own(answer);
    const { options, valid_for_s } = answer.body ?? {};
    const isOne = typeof options?.challenge === 'string' && Number.isFinite(valid_for_s);
    return isOne ? { kind: 'options', options, validForS: valid_for_s } : { kind: 'unreachable' };
  }

  /**
   * What came of them. Outlives the page: what is made is not lost because somebody leaves.
   *
   * @param {Record<string, unknown>} body
   * @param {string} subject
   * @param {AbortSignal} signal
   * @returns {Promise<{ kind: 'added' } | NotAdded | Refused>}
   */
  async addPasskey(body, subject, signal) {
    const answer = await this.#post('api/onboarding/passkeys', body, subject, ADDING_MS, signal, { keepalive: true });
    return answer?.ok ? { kind: 'added' } : this.#own(answer);
  }

  /**
   * @param {string} path
   * @param {Record<string, unknown>} body
   * @param {string} subject
   * @param {number} patience in ms
   * @param {AbortSignal | null} signal
   * @param {RequestInit} [more]
   * @returns {Promise<Answer | null>} `null`: there was none
   */
  #post(path, body, subject, patience, signal, more) {
    const init = { ...posted(body, { 'If-Subject': subject }), ...more };
    return answered(this.#url(path, {}), init, patience, signal).catch(() => null);
  }

  /**
   * @param {{ status: number, body: any } | null} answer
   * @returns {NotAdded | Refused}
   */
  #own(answer) {
    const id = answer?.body?.error?.id;
    if (!answer || id === 'passkey_unsure' || answer.status >= 500) return { kind: answer ? 'unsure' : 'unreachable' };
    if (answer.status === 401 || id === 'session_aal2_required' || id === 'identity_changed') {
      const refused = this.#refused(answer.status, answer.body);
      if (refused.kind !== 'decision') return refused;
    }
    const isStale = id === 'challenge_unknown' || id === 'session_refresh_required';
    return { kind: 'refused', isStale, isSettings: id === 'settings_flow_required' };
  }

  /**
   * @param {string} path
   * @param {Record<string, string | null>} query
   */
  #url(path, query) {
    const url = new URL(path, this.#base);
    for (const [key, value] of Object.entries(query)) if (value !== null) url.searchParams.set(key, value);
    return url;
  }

  /**
   * @param {URL} url
   * @param {RequestInit} init
   * @param {number} patience in ms
   * @param {AbortSignal | null} [signal] only its abort is thrown
   * @returns {Promise<Decided | Unchanged | Refused>}
   */
  async #ask(url, init, patience, signal = null) {
    try {
      const { ok, status, body, etag } = await answered(url, init, patience, signal);
      if (status === 304) return { kind: 'unchanged' };
      return ok ? decided(body, etag) : this.#refused(status, body);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      // Nothing of an answer may be read, or there was none; an abort has another name.
      if (url.origin !== location.origin && error instanceof TypeError && navigator.onLine) {
        console.warn(
          `passkey elements: ${url.origin} cannot be asked from this page. If it runs, add "${location.origin}" to its ` +
            'setting page.allowed_origins, and let the Content-Security-Policy of this page connect to it.',
        );
      }
      return { kind: 'unreachable' };
    }
  }

  /**
   * @param {number} status
   * @param {any} body
   * @returns {Decided | Refused}
   */
  #refused(status, body) {
    const error = body?.error;
    const to = webAddress(body?.redirect_browser_to);
    if (status === 401) {
      if (String(error?.reason).startsWith('no_session_cookie') && isAnotherSite(this.#base)) {
        console.warn(
          `passkey elements: no session reached ${this.#base.origin}. It is another site than this page (${location.host}), ` +
            'and browsers keep cookies from other sites: serve it from this host or from a sibling of it, and set ' +
            "Kratos's cookies.domain to the domain they share.",
        );
      }
      return { kind: 'signed_out', signIn: to };
    }
    if (error?.id === 'session_aal2_required') return { kind: 'second_factor', to };
    if (error?.id === 'identity_changed') return { kind: 'identity_changed' };
    // "Not allowed now" comes with the decision that stands against it.
    return error?.id === 'not_allowed' ? decided(error.details, null) : { kind: 'unreachable' };
  }
}

/**
 * Throws where there is none, or none that can be read.
 *
 * @param {URL} url
 * @param {RequestInit} init
 * @param {number} patience in ms
 * @param {AbortSignal | null} [signal]
 * @returns {Promise<Answer>}
 */
function answered(url, init, patience, signal = null) {
  return within(patience, signal, async (ending) => {
    const response = await fetch(url, { ...init, credentials: 'include', cache: 'no-store', signal: ending });
    const { ok, status } = response;
    return { ok, status, body: status === 304 ? null : await response.json(), etag: response.headers.get('ETag') };
  });
}

/**
 * @param {object} body
 * @param {Record<string, string>} headers
 * @returns {RequestInit}
 */
function posted(body, headers) {
  return { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

/**
 * @param {any} body
 * @param {string | null} etag
 * @returns {Decided | Refused}
 */
function decided(body, etag) {
  const decision = readDecision(body);
  return decision ? { kind: 'decision', decision, etag } : { kind: 'unreachable' };
}

/** @param {any} one */
function isProvided(one) {
  return typeof one?.id === 'string';
}

/**
 * A guess without the public suffix list: two labels in common, or the same host.
 *
 * @param {URL} url
 */
function isAnotherSite(url) {
  const tail = (/** @type {string} */ host) => host.split('.').slice(-2).join('.');
  return url.hostname !== location.hostname && tail(url.hostname) !== tail(location.hostname);
}
