// One try at a new passkey: the flow and options it begins with, the ceremony, and handing the result to Kratos.

import { belongsTo } from '../visit/device.js';
import { TIMEOUT_MS } from '../visit/privilege.js';
import { toHex } from './bytes.js';
import { ceremony } from './ceremony.js';
import { creationOptions, credentialJson } from './options.js';
import { signalUnknown } from './signal.js';

/** @typedef {import('../kratos/kratos.js').Kratos} Kratos */
/** @typedef {import('../kratos/kratos.js').Refusal} Refusal */
/** @typedef {import('../kratos/flow.js').SettingsFlow} SettingsFlow */
/** @typedef {import('./options.js').Purpose} Purpose */
/** @typedef {import('../visit/device.js').Able} Able */

/**
 * @typedef {object} Failed
 * @property {'no_gesture' | 'timeout' | 'already_registered' | 'config' | 'unsupported' | 'unknown'} kind
 * @property {string} exception
 */
/**
 * @typedef {{ kind: 'created', id: string, isHere: boolean }
 *   | { kind: 'cancelled' }
 *   | Failed
 *   | { kind: 'aborted' }
 *   | { kind: 'refresh_required', to: URL | null, id: string }
 *   | { kind: 'second_factor', to: URL | null }
 *   | { kind: 'browser_location', to: URL }
 *   | { kind: 'signed_out' }
 *   | { kind: 'identity_changed' }
 *   | { kind: 'not_saved', why: 'stale' | 'kratos' | 'network', isForgotten: boolean }} Result
 */

/** @typedef {import('../visit/visit.js').Who} Who */

const RETRY_AFTER_MS = 1000;
/** Options are renewed before a ceremony begun with them could outlive their flow. */
const RENEW_BEFORE_MS = TIMEOUT_MS + 30_000;

export class Attempt {
  #kratos;
  #purpose;
  #publicKey;
  /** @type {SettingsFlow} */
  flow;

  /**
   * @param {Kratos} kratos
   * @param {SettingsFlow} flow
   * @param {Purpose} purpose
   * @param {PublicKeyCredentialCreationOptions} publicKey
   */
  constructor(kratos, flow, purpose, publicKey) {
    this.#kratos = kratos;
    this.flow = flow;
    this.#purpose = purpose;
    this.#publicKey = publicKey;
  }

  /**
   * @param {Kratos} kratos
   * @param {SettingsFlow} flow
   * @param {Purpose} purpose
   * @param {Able} able
   * @returns {Attempt | null} `null`: the configuration is wrong, and no click of a person could help
   */
  static from(kratos, flow, purpose, able) {
    const publicKey = creationOptions(flow, purpose, able);
    if (!publicKey?.rp.id || !belongsTo(publicKey.rp.id)) return null;
    return new Attempt(kratos, flow, purpose, publicKey);
  }

  /** @returns {import('../kratos/flow.js').Kind} */
  get kind() {
    return this.#purpose === 'passkey' ? 'passkey' : 'security_key';
  }

  get rpId() {
    return this.#publicKey.rp.id ?? location.hostname;
  }

  /** ms from now until new options are due. */
  get freshFor() {
    return Math.max(this.flow.expiresAt - RENEW_BEFORE_MS - Date.now(), 0);
  }

  /**
   * Only from a click, and with no `await` before it.
   *
   * @param {object} how
   * @param {string | null} how.name of a security key
   * @param {AbortSignal} how.signal
   * @param {() => void} how.onMade the person is done; Kratos is next
   * @param {() => Promise<Who>} how.who
   * @returns {Promise<Result>}
   */
  run({ name, signal, onMade, who }) {
    return this.#after(ceremony(this.#publicKey, signal), name, onMade, who);
  }

  /**
   * @param {ReturnType<typeof ceremony>} performed
   * @param {string | null} name
   * @param {() => void} onMade
   * @param {() => Promise<Who>} who
   * @returns {Promise<Result>}
   */
  async #after(performed, name, onMade, who) {
    const outcome = await performed;
    if (outcome.kind === 'cancelled') return { kind: 'cancelled' };
    if (outcome.kind !== 'made') return outcome;
    onMade();
    const id = toHex(outcome.credential.rawId);
    const isHere = outcome.credential.authenticatorAttachment === 'platform';
    const now = await who();
    if (now === 'other' || now === 'signed_out') {
      await signalUnknown(this.rpId, id);
      return { kind: now === 'other' ? 'identity_changed' : 'signed_out' };
    }
    const result = await this.#handIn(credentialJson(outcome.credential), id, name);
    if (result.kind === 'saved') return { kind: 'created', id, isHere };
    if (result.kind === 'not_saved') return { ...result, isForgotten: await signalUnknown(this.rpId, id) };
    if (result.kind !== 'refresh_required') await signalUnknown(this.rpId, id);
    return result;
  }

  /**
   * @param {string} credential
   * @param {string} id
   * @param {string | null} name
   * @returns {Promise<{ kind: 'saved' } | { kind: 'not_saved', why: 'stale' | 'kratos' | 'network' }
   *   | Extract<Result, { kind: 'refresh_required' | 'second_factor' | 'browser_location' | 'signed_out' | 'identity_changed' }>>}
   */
  async #handIn(credential, id, name) {
    let why = /** @type {'stale' | 'kratos' | 'network'} */ ('kratos');
    for (let tries = 0; tries < 2; tries += 1) {
      const answer = await this.#kratos.add(this.flow, this.kind, credential, name);
      switch (answer.kind) {
        case 'saved':
          return { kind: 'saved' };
        case 'refresh_required':
          return { ...answer, id };
        case 'second_factor':
        case 'browser_location':
        case 'signed_out':
          return answer;
        case 'identity_mismatch':
          return { kind: 'identity_changed' };
        case 'csrf': {
          // The challenge is bound to the flow, the token to a cookie: the same flow with the token of a new one.
          const fresh = await this.#kratos.open(null);
          if (fresh.kind !== 'flow') return { kind: 'not_saved', why: 'stale' };
          this.flow = { ...this.flow, csrf: fresh.flow.csrf };
          break;
        }
        case 'unreachable':
          why = answer.status === null ? 'network' : 'kratos';
          if (await this.#kratos.holds(id)) return { kind: 'saved' };
          await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
          break;
        default:
          // An answer that makes no sense may be to a second copy of what was already taken.
          if (await this.#kratos.holds(id)) return { kind: 'saved' };
          return { kind: 'not_saved', why: answer.kind === 'gone' ? 'stale' : 'kratos' };
      }
    }
    if (await this.#kratos.holds(id)) return { kind: 'saved' };
    // A new passkey that cannot be verified is answered 500, without a form (v26.2.0).
    if (why === 'kratos') {
      console.warn(`passkey elements: Kratos does not take the new passkey. Its log says why; is ${location.origin} in rp.origins?`);
    }
    return { kind: 'not_saved', why };
  }
}
