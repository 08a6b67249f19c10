// Kratos's public API, as far as the elements use it. Every answer is one of a closed set; nothing is shown raw.

import { webAddress } from '../wire/address.js';
import { within } from '../wire/patience.js';
import { isOfAnother, METHODS, readFlow } from './flow.js';

/** @typedef {import('./flow.js').SettingsFlow} SettingsFlow */
/** @typedef {import('./flow.js').Kind} Kind */

/**
 * Why Kratos does not do it, each with a way out of its own (ids as recorded on v1.3.1, v26.2.0 and main).
 *
 * @typedef {{ kind: 'signed_out' }
 *   | { kind: 'refresh_required', to: URL | null }
 *   | { kind: 'second_factor', to: URL | null }
 *   | { kind: 'csrf' }
 *   | { kind: 'identity_mismatch' }
 *   | { kind: 'gone' }
 *   | { kind: 'browser_location', to: URL }
 *   | { kind: 'return_to_forbidden' }
 *   | { kind: 'not_understood' }
 *   | { kind: 'unreachable', status: number | null }} Refusal `status`: Kratos failed; `null`: there was no answer
 */
/** @typedef {{ kind: 'flow', flow: SettingsFlow }} Opened */
/** @typedef {{ kind: 'saved', flow: SettingsFlow | null }} Saved */
/** @typedef {'yes' | 'no' | 'unknown' | 'other_person'} Holding `other_person`: somebody else is signed in by now. */

/** Kratos refuses a security key without a name, before it looks at anything else (v26.2.0: 4000002). */
const NAMELESS = 'Passkey';
/** Kratos writes to its database and verifies a signature. */
const PATIENCE_MS = 10_000;

export class Kratos {
  #base;

  /** @param {string} browserUrl */
  constructor(browserUrl) {
    this.#base = new URL(browserUrl.endsWith('/') ? browserUrl : `${browserUrl}/`);
  }

  /**
   * A fresh settings flow.
   *
   * @param {string | null} returnTo where Kratos sends the browser after it finished a submission it had kept
   * @param {AbortSignal | null} [signal]
   * @returns {Promise<Opened | Refusal>}
   */
  async open(returnTo, signal = null) {
    const url = this.#url('self-service/settings/browser', returnTo === null ? {} : { return_to: returnTo });
    const answer = await this.#ask(url, {}, signal);
    return answer.kind === 'saved' ? asOpened(answer) : answer;
  }

  /**
   * Whether it holds one, by a fresh flow. Only an answer about the same person is one.
   *
   * @param {string} id lower-case hex
   * @param {string | null} identity whose it is; `null`: of whoever is signed in
   * @param {AbortSignal | null} [signal]
   * @returns {Promise<Holding>}
   */
  async holds(id, identity, signal = null) {
    const opened = await this.open(null, signal);
    if (opened.kind !== 'flow') return 'unknown';
    if (isOfAnother(opened.flow, identity)) return 'other_person';
    return opened.flow.held.some((held) => held.id === id) ? 'yes' : 'no';
  }

  /**
   * @param {SettingsFlow} flow
   * @param {Kind} kind
   * @param {string} credential JSON (WebAuthn, `RegistrationResponseJSON`)
   * @param {string | null} name only security keys have one
   * @param {AbortSignal | null} [signal]
   * @returns {Promise<Saved | Refusal>}
   */
  add(flow, kind, credential, name, signal = null) {
    const fields = /** @type {Record<string, string>} */ ({ [METHODS[kind].register]: credential });
    if (kind === 'security_key') fields['webauthn_register_displayname'] = name || NAMELESS;
    return this.#submit(flow, kind, fields, signal);
  }

  /**
   * @param {SettingsFlow} flow
   * @param {Kind} kind
   * @param {string} id lower-case hex
   * @returns {Promise<Saved | Refusal>}
   */
  remove(flow, kind, id) {
    return this.#submit(flow, kind, { [METHODS[kind].remove]: id }, null);
  }

  /**
   * Signing in again although signed in. Without `refresh` a signed-in person is sent straight back: a loop.
   *
   * @param {string} returnTo
   */
  reauthenticate(returnTo) {
    return this.#url('self-service/login/browser', { refresh: 'true', return_to: returnTo });
  }

  signIn() {
    return this.#url('self-service/login/browser', {});
  }

  secondFactor() {
    return this.#url('self-service/login/browser', { aal: 'aal2' });
  }

  /**
   * @param {SettingsFlow} flow
   * @param {Kind} kind
   * @param {Record<string, string>} fields
   * @param {AbortSignal | null} signal
   */
  #submit(flow, kind, fields, signal) {
    const body = JSON.stringify({ method: METHODS[kind].method, csrf_token: flow.csrf, ...fields });
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
    return this.#ask(flow.action, init, signal);
  }

  /**
   * @param {string} path
   * @param {Record<string, string>} query
   */
  #url(path, query) {
    const url = new URL(path, this.#base);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    return url;
  }

  /**
   * @param {URL} url
   * @param {RequestInit} init
   * @param {AbortSignal | null} signal
   * @returns {Promise<Saved | Refusal>}
   */
  async #ask(url, init, signal) {
    const headers = { Accept: 'application/json', ...init.headers };
    try {
      return await within(PATIENCE_MS, signal, async (ending) => {
        const response = await fetch(url, { ...init, headers, credentials: 'include', cache: 'no-store', signal: ending });
        const body = await response.json();
        return response.ok ? { kind: 'saved', flow: readFlow(body) } : refusal(response.status, body);
      });
    } catch {
      return { kind: 'unreachable', status: null };
    }
  }
}

/**
 * @param {Saved} answer
 * @returns {Opened | Refusal}
 */
function asOpened({ flow }) {
  return flow ? { kind: 'flow', flow } : { kind: 'unreachable', status: 200 };
}

/**
 * @param {number} status
 * @param {any} body
 * @returns {Refusal}
 */
function refusal(status, body) {
  const to = webAddress(body?.redirect_browser_to ?? body?.error?.details?.redirect_browser_to);
  switch (body?.error?.id) {
    case 'session_refresh_required':
      return { kind: 'refresh_required', to };
    case 'session_aal2_required':
      return { kind: 'second_factor', to };
    case 'security_csrf_violation':
      return { kind: 'csrf' };
    case 'security_identity_mismatch':
      return { kind: 'identity_mismatch' };
    case 'browser_location_change_required':
      return to ? { kind: 'browser_location', to } : { kind: 'unreachable', status };
    case 'self_service_flow_return_to_forbidden':
      return { kind: 'return_to_forbidden' };
    case 'self_service_flow_expired':
      return { kind: 'gone' };
    default:
  }
  if (status === 401) return { kind: 'signed_out' };
  if (status === 404 || status === 410) return { kind: 'gone' };
  if (status === 400) return { kind: 'not_understood' };
  return { kind: 'unreachable', status };
}
