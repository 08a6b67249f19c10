// What has to be there before a person clicks: a fresh flow of Kratos, and the options in it.

import { Attempt } from './attempt.js';
import { OwnAttempt } from './own.js';

/** @typedef {import('../kratos/kratos.js').Kratos} Kratos */
/** @typedef {import('../kratos/kratos.js').Refusal} Refusal */
/** @typedef {import('../kratos/flow.js').SettingsFlow} SettingsFlow */
/** @typedef {import('../visit/device.js').Able} Able */
/** @typedef {import('../visit/resume.js').Return} Return */
/** @typedef {import('../visit/visit.js').Visit} Visit */

export class Preparation {
  #place;
  /** @type {string | null} What the relying party is called, once that is known. */
  app = null;

  /** @param {Return} place */
  constructor(place) {
    this.#place = place;
  }

  /**
   * @param {Kratos} kratos
   * @returns {Promise<{ kind: 'flow', flow: SettingsFlow } | Refusal>}
   */
  async open(kratos) {
    const opened = await this.#open(kratos);
    if (opened.kind !== 'return_to_forbidden' || !this.#place.isAllowed) return opened;
    console.warn(
      `passkey elements: Kratos does not send people back to ${location.origin}${location.pathname}. Add it to ` +
        'selfservice.allowed_return_urls.',
    );
    this.#place.isAllowed = false;
    return this.#open(kratos);
  }

  /** @param {Kratos} kratos */
  async #open(kratos) {
    const opened = await kratos.open(this.#place.address);
    if (opened.kind === 'flow') this.app = opened.flow.app;
    return opened;
  }

  /**
   * By the service's own ceremony where that can be had, else in Kratos's settings flow.
   *
   * @param {Visit} visit
   * @param {Kratos} kratos
   * @param {Able} able
   * @returns {Promise<{ kind: 'ready', attempt: Attempt | OwnAttempt } | { kind: 'config' } | Refusal>}
   */
  async attempt(visit, kratos, able) {
    const own = await this.own(visit, able);
    return own ? { kind: 'ready', attempt: own } : this.#inSettings(kratos, able);
  }

  /**
   * @param {Visit} visit
   * @param {Able} able
   */
  async own(visit, able) {
    const attempt = visit.isOwn ? await OwnAttempt.of(visit, able) : null;
    if (attempt) this.app = attempt.app;
    return attempt;
  }

  /**
   * @param {Kratos} kratos
   * @param {Able} able
   * @returns {Promise<{ kind: 'ready', attempt: Attempt } | { kind: 'config' } | Refusal>}
   */
  async #inSettings(kratos, able) {
    const opened = await this.open(kratos);
    if (opened.kind !== 'flow') return opened;
    const purpose = opened.flow.options.passkey ? 'passkey' : 'signing_key';
    const attempt = Attempt.from(kratos, opened.flow, purpose, able);
    if (attempt) return { kind: 'ready', attempt };
    const rpId = (opened.flow.options.passkey ?? opened.flow.options.security_key)?.rp?.id;
    console.warn(
      rpId
        ? `passkey elements: this page is on ${location.hostname}, and Kratos makes passkeys for "${rpId}" (rp.id), which is ` +
            'neither this host nor a parent of it.'
        : "passkey elements: Kratos's settings flow offers neither passkeys nor security keys: see its methods `passkey` and " +
            '`webauthn`, and the passkey display name in the identity schema.',
    );
    return { kind: 'config' };
  }
}

/** Where flows live too short, or nearly forever (a timer holds 24 days). */
const [SOONEST_MS, LATEST_MS] = /** @type {const} */ ([15_000, 86_400_000]);

/**
 * When what was prepared is to be looked at again: options grow old, and privilege runs out.
 *
 * @param {Attempt | OwnAttempt} attempt
 * @param {import('../visit/privilege.js').Privilege} privilege
 * @returns {number} ms
 */
export function turnsIn(attempt, privilege) {
  const privileged = attempt instanceof OwnAttempt ? Infinity : privilege.enoughFor || Infinity;
  return Math.min(Math.max(Math.min(attempt.freshFor, privileged), SOONEST_MS), LATEST_MS);
}
