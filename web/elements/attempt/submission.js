// Handing a new passkey to Kratos: again where that may help, and no longer than a person watches it being saved.

import { isOfAnother } from '../kratos/flow.js';
import { after, within } from '../wire/patience.js';

/** @typedef {import('../kratos/kratos.js').Kratos} Kratos */
/** @typedef {import('../kratos/flow.js').SettingsFlow} SettingsFlow */

/** @typedef {{ kind: 'not_saved', why: 'stale' | 'kratos' | 'network' }} NotSaved */
/**
 * @typedef {NotSaved
 *   | { kind: 'refresh_required', to: URL | null }
 *   | { kind: 'second_factor', to: URL | null }
 *   | { kind: 'browser_location', to: URL }
 *   | { kind: 'signed_out' }
 *   | { kind: 'identity_changed' }} Refused
 */
/**
 * @typedef {{ kind: 'saved' } | { kind: 'refused', refused: Refused, isAbsent: boolean }} Submitted
 *   `isAbsent`: Kratos does not hold it. `false` where it may: it had the passkey, and nobody could be asked what became of it.
 */

/** Of all of it. */
const PATIENCE_MS = 20_000;
const RETRY_AFTER_MS = 1000;

/**
 * @param {Kratos} kratos
 * @param {SettingsFlow} flow that the challenge belongs to
 * @param {{ kind: import('../kratos/flow.js').Kind, id: string, json: string, name: string | null }} made
 * @returns {Promise<Submitted>}
 */
export function submission(kratos, flow, made) {
  return within(PATIENCE_MS, null, (signal) => submitted(kratos, flow, made, signal));
}

/**
 * @param {Kratos} kratos
 * @param {SettingsFlow} flow
 * @param {{ kind: import('../kratos/flow.js').Kind, id: string, json: string, name: string | null }} made
 * @param {AbortSignal} signal
 * @returns {Promise<Submitted>}
 */
async function submitted(kratos, flow, { kind, id, json, name }, signal) {
  let { csrf } = flow;
  let isAbsent = true;
  const held = () => kratos.holds(id, flow.identity, signal);
  const refused = (/** @type {Refused} */ refused) => /** @type {const} */ ({ kind: 'refused', refused, isAbsent });
  for (let tries = 1; ; tries += 1) {
    const answer = await kratos.add({ ...flow, csrf }, kind, json, name, signal);
    const isLast = tries === 2 || signal.aborted;
    switch (answer.kind) {
      case 'saved':
        return { kind: 'saved' };
      case 'refresh_required':
      case 'second_factor':
      case 'browser_location':
      case 'signed_out':
        return refused(answer);
      case 'identity_mismatch':
        return refused({ kind: 'identity_changed' });
      case 'csrf': {
        // The challenge is bound to the flow, the token to a cookie: the same flow with the token of a new one.
        const fresh = isLast ? null : await kratos.open(null, signal);
        if (fresh?.kind !== 'flow') return refused({ kind: 'not_saved', why: 'stale' });
        if (isOfAnother(fresh.flow, flow.identity)) return refused({ kind: 'identity_changed' });
        csrf = fresh.flow.csrf;
        break;
      }
      default: {
        // The answer may have been lost; and one that makes no sense may be to a second copy of what was already taken.
        const there = await held();
        if (there === 'yes') return { kind: 'saved' };
        isAbsent = there === 'no';
        if (there === 'other_person') return refused({ kind: 'identity_changed' });
        if (answer.kind !== 'unreachable') return refused({ kind: 'not_saved', why: answer.kind === 'gone' ? 'stale' : 'kratos' });
        if (!isLast) await after(RETRY_AFTER_MS);
        if (!isLast && !signal.aborted) break;
        if (answer.status === null) return refused({ kind: 'not_saved', why: 'network' });
        // A new passkey that cannot be verified is answered 500, without a form (v26.2.0).
        console.warn(`passkey elements: Kratos does not take the new passkey. Its log says why; is ${location.origin} in rp.origins?`);
        return refused({ kind: 'not_saved', why: 'kratos' });
      }
    }
  }
}
