// One try at a new passkey by the service's own ceremony: its options, and bringing what came of them, which the service
// hands to Kratos.

import { proposedName } from '../visit/device.js';
import { NEEDED_MS, TIMEOUT_MS } from '../visit/time.js';
import { after, within } from '../wire/patience.js';
import { toHex } from './bytes.js';
import { ceremony, inBackground, nameOf } from './ceremony.js';
import { attachment, credentialJson, parse } from './options.js';
import { belongsTo } from './party.js';
import { signalUnknown } from './signal.js';

/** @typedef {import('./attempt.js').Result} Result */
/** @typedef {import('./attempt.js').Left} Left */
/** @typedef {import('../visit/visit.js').Visit} Visit */
/** @typedef {import('../visit/device.js').Able} Able */
/** @typedef {import('../service/onboarding.js').Mediation} Mediation */

/** Of all of it; the service asks Kratos again by itself. */
const PATIENCE_MS = 20_000;
const RETRY_AFTER_MS = 1000;
/** From what a password manager made until Kratos has it. */
const NEEDED_UNASKED_MS = 30_000;

export class OwnAttempt {
  #visit;
  #publicKey;
  #mediation;
  #until;
  kind = /** @type {const} */ ('passkey');
  /** @type {string | null} What the person calls the account. */
  account;
  /** @type {string | null} What the relying party is called. */
  app;

  /**
   * @param {Visit} visit
   * @param {PublicKeyCredentialCreationOptions} publicKey
   * @param {Mediation} mediation
   * @param {number} until it may begin, by `performance.now()`: what comes of it is in time then
   */
  constructor(visit, publicKey, mediation, until) {
    this.#visit = visit;
    this.#publicKey = publicKey;
    this.#mediation = mediation;
    this.#until = until;
    this.account = publicKey.user.name || null;
    this.app = publicKey.rp.name || null;
  }

  /**
   * @param {Visit} visit
   * @param {Able} able
   * @param {Mediation} [mediation]
   * @returns {Promise<OwnAttempt | null>} `null`: it cannot be had now, and Kratos's settings flow is the way
   */
  static async of(visit, able, mediation = 'optional') {
    const asked = performance.now();
    const answer = await visit.passkeyOptions(mediation);
    if (answer.kind !== 'options') return null;
    const isAsked = mediation === 'optional';
    const needed = isAsked ? NEEDED_MS : NEEDED_UNASKED_MS;
    const timeout = isAsked ? TIMEOUT_MS : Math.min(TIMEOUT_MS, answer.validForS * 1000 - needed);
    const publicKey = read(answer.options, able, timeout);
    if (!publicKey?.rp?.id || !belongsTo(publicKey.rp.id)) return null;
    const attempt = new OwnAttempt(visit, publicKey, mediation, asked + answer.validForS * 1000 - needed);
    // Nobody begins what could end too late.
    return attempt.freshFor > 0 ? attempt : null;
  }

  get rpId() {
    return this.#publicKey.rp.id ?? location.hostname;
  }

  /** ms from now until new options are due: before a ceremony begun with these could outlive them. */
  get freshFor() {
    return Math.max(this.#until - performance.now(), 0);
  }

  /** The page was asleep: what was prepared no longer holds. */
  get isPast() {
    return this.freshFor === 0;
  }

  /** The service looked at the session when it gave the options. Where they are past, nobody has to sign in for new ones. */
  mayRun() {
    return true;
  }

  /**
   * Only from a click, and with no `await` before it, but for one in the background.
   *
   * @param {object} how
   * @param {AbortSignal} how.signal
   * @param {() => void} how.onMade it is made; the service is next
   * @returns {Promise<Result>}
   */
  run({ signal, onMade }) {
    const onLate = (/** @type {PublicKeyCredential} */ { rawId }) => void this.forget({ id: toHex(rawId), isAbsent: true });
    const isAsked = this.#mediation === 'optional';
    const performed = isAsked ? ceremony(this.#publicKey, signal) : inBackground(this.#publicKey, signal, onLate);
    return this.#after(performed, onMade);
  }

  /**
   * @param {{ id: string, isAbsent: boolean }} refused
   * @returns {Promise<Left>}
   */
  async forget({ id, isAbsent }) {
    if (!isAbsent) return 'unsure';
    return (await signalUnknown(this.rpId, id)) ? 'nothing' : 'dead';
  }

  /**
   * @param {ReturnType<typeof ceremony>} performed
   * @param {() => void} onMade
   * @returns {Promise<Result>}
   */
  async #after(performed, onMade) {
    const outcome = await performed;
    if (outcome.kind === 'cancelled') return { kind: 'cancelled' };
    if (outcome.kind !== 'made') return outcome;
    onMade();
    const { credential } = outcome;
    const id = toHex(credential.rawId);
    let body;
    try {
      body = { credential: JSON.parse(credentialJson(credential)), device: proposedName() || null };
    } catch (error) {
      return { kind: 'not_readable', exception: nameOf(error), left: await this.forget({ id, isAbsent: true }) };
    }
    const isHere = attachment(credential) === 'platform';
    return within(PATIENCE_MS, null, (ending) => this.#brought(id, isHere, body, ending));
  }

  /**
   * The same again where its answer may have been lost: it is added once.
   *
   * @param {string} id
   * @param {boolean} isHere
   * @param {Record<string, unknown>} body
   * @param {AbortSignal} ending
   * @returns {Promise<Result>}
   */
  async #brought(id, isHere, body, ending) {
    // Whether a try may have come through.
    let isUnsure = false;
    for (;;) {
      const answer = await this.#visit.addPasskey(body, ending);
      switch (answer.kind) {
        case 'added':
          return { kind: 'created', id, isHere };
        case 'signed_out':
        case 'identity_changed':
        case 'second_factor':
          await this.forget({ id, isAbsent: !isUnsure });
          return answer.kind === 'second_factor' ? { kind: 'second_factor', to: answer.to } : { kind: answer.kind };
        case 'refused': {
          if (answer.isSettings) this.#visit.ownIsRefused();
          // A refusal of the last try says nothing of the ones before.
          const held = isUnsure ? await this.#visit.kratos?.holds(id, null) : 'no';
          if (held === 'yes') return { kind: 'created', id, isHere };
          const left = await this.forget({ id, isAbsent: held === 'no' });
          return { kind: 'not_saved', why: answer.isStale ? 'stale' : 'kratos', left };
        }
        case 'unsure':
        case 'unreachable': {
          isUnsure = true;
          if (!ending.aborted) await after(RETRY_AFTER_MS);
          if (!ending.aborted) break;
          const held = await this.#visit.kratos?.holds(id, null);
          if (held === 'yes') return { kind: 'created', id, isHere };
          // The service may still be at it: nothing is told to the device.
          return { kind: 'not_saved', why: answer.kind === 'unsure' ? 'kratos' : 'network', left: 'unsure' };
        }
      }
    }
  }
}

/**
 * @param {any} options
 * @param {Able} able
 * @param {number} timeout in ms
 * @returns {PublicKeyCredentialCreationOptions | null}
 */
function read(options, able, timeout) {
  const hints = able.kind === 'platform' ? ['client-device'] : ['hybrid', 'security-key'];
  try {
    return parse({ ...options, timeout: Math.min(options.timeout ?? timeout, timeout), hints });
  } catch {
    return null;
  }
}
