// One try at a new passkey: the flow and options it begins with, the ceremony, and handing the result to Kratos.

import { NEEDED_MS } from '../visit/time.js';
import { toHex } from './bytes.js';
import { ceremony, nameOf } from './ceremony.js';
import { attachment, creationOptions, credentialJson } from './options.js';
import { belongsTo } from './party.js';
import { signalUnknown } from './signal.js';
import { submission } from './submission.js';

/** @typedef {import('../kratos/kratos.js').Kratos} Kratos */
/** @typedef {import('../kratos/flow.js').SettingsFlow} SettingsFlow */
/** @typedef {import('./options.js').Purpose} Purpose */
/** @typedef {import('../visit/device.js').Able} Able */

/**
 * @typedef {object} Failed
 * @property {'no_gesture' | 'timeout' | 'already_registered' | 'config' | 'unsupported' | 'unknown'} kind
 * @property {string} exception
 */
/**
 * What is left of a passkey that Kratos refused. `nothing`: its provider could be told. `dead`: the device may still show
 * it. `unsure`: Kratos may hold it after all.
 *
 * @typedef {'nothing' | 'dead' | 'unsure'} Left
 */
/**
 * @typedef {{ kind: 'created', id: string, isHere: boolean }
 *   | { kind: 'cancelled' }
 *   | Failed
 *   | { kind: 'aborted' }
 *   | { kind: 'refresh_required', to: URL | null, id: string, isAbsent: boolean }
 *   | { kind: 'second_factor', to: URL | null }
 *   | { kind: 'browser_location', to: URL }
 *   | { kind: 'signed_out' }
 *   | { kind: 'identity_changed' }
 *   | { kind: 'not_saved', why: 'stale' | 'kratos' | 'network', left: Left }
 *   | { kind: 'not_readable', exception: string, left: Left }} Result
 */

/** @typedef {import('../visit/visit.js').Who} Who */

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
    if (!publicKey?.rp?.id || !belongsTo(publicKey.rp.id)) return null;
    return new Attempt(kratos, flow, purpose, publicKey);
  }

  /** @returns {import('../kratos/flow.js').Kind} */
  get kind() {
    return this.#purpose === 'passkey' ? 'passkey' : 'security_key';
  }

  /** What the person calls the account. */
  get account() {
    return this.flow.account;
  }

  /** Kratos tells of a flow that is over; it is tried all the same. */
  get isPast() {
    return false;
  }

  /**
   * Whether Kratos will take what comes of it; with `anyhow`, as long as it may.
   *
   * @param {import('../visit/privilege.js').Privilege} privilege
   * @param {boolean} anyhow the person has just signed in again
   */
  mayRun(privilege, anyhow) {
    return anyhow ? privilege.isSome : privilege.isEnough;
  }

  get rpId() {
    return this.#publicKey.rp.id ?? location.hostname;
  }

  /** ms from now until new options are due: before a ceremony begun with these could outlive their flow. */
  get freshFor() {
    return Math.max(this.flow.freshUntil - NEEDED_MS - performance.now(), 0);
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
   * Tells the provider to forget a passkey, where Kratos certainly does not hold it.
   *
   * @param {{ id: string, isAbsent: boolean }} refused
   * @returns {Promise<Left>}
   */
  async forget({ id, isAbsent }) {
    if (!isAbsent) return 'unsure';
    return (await signalUnknown(this.rpId, id)) ? 'nothing' : 'dead';
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
    const { credential } = outcome;
    const id = toHex(credential.rawId);
    const now = await who();
    if (now === 'other' || now === 'signed_out') {
      await this.forget({ id, isAbsent: true });
      return { kind: now === 'other' ? 'identity_changed' : 'signed_out' };
    }
    let json;
    try {
      json = credentialJson(credential);
    } catch (error) {
      return { kind: 'not_readable', exception: nameOf(error), left: await this.forget({ id, isAbsent: true }) };
    }
    const submitted = await submission(this.#kratos, this.flow, { kind: this.kind, id, json, name });
    if (submitted.kind === 'saved') return { kind: 'created', id, isHere: attachment(credential) === 'platform' };
    const { refused, isAbsent } = submitted;
    // Kratos kept what was submitted: it may be taken yet.
    if (refused.kind === 'refresh_required') return { ...refused, id, isAbsent };
    const left = await this.forget({ id, isAbsent });
    return refused.kind === 'not_saved' ? { ...refused, left } : refused;
  }
}
