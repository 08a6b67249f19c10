// Taking one away at Kratos, and what came of it.

import { isOfAnother } from '../kratos/flow.js';

/** @typedef {import('../kratos/kratos.js').Kratos} Kratos */
/** @typedef {import('../kratos/kratos.js').Refusal} Refusal */
/** @typedef {import('../kratos/flow.js').SettingsFlow} SettingsFlow */
/** @typedef {import('./state.js').Item} Item */

/** @typedef {{ kind: 'removed' } | { kind: 'not_removed' } | Exclude<Refusal, { kind: 'unreachable' | 'not_understood' | 'csrf' | 'gone' }>} Removed */

/**
 * @param {Kratos} kratos
 * @param {SettingsFlow} flow
 * @param {Item} item
 * @returns {Promise<Removed>}
 */
export async function removal(kratos, flow, item) {
  let answer = await kratos.remove(flow, item.kind, item.id);
  if (answer.kind === 'csrf' || answer.kind === 'gone') {
    const again = await kratos.open(null);
    if (again.kind === 'flow' && isOfAnother(again.flow, flow.identity)) return { kind: 'identity_mismatch' };
    answer = again.kind === 'flow' ? await kratos.remove(again.flow, item.kind, item.id) : again;
  }
  switch (answer.kind) {
    case 'saved':
      return { kind: 'removed' };
    case 'unreachable':
    case 'not_understood':
    case 'csrf':
    case 'gone': {
      // The answer may have been lost, or be to a second copy of what was already done.
      const holding = await kratos.holds(item.id, flow.identity);
      if (holding === 'other_person') return { kind: 'identity_mismatch' };
      return { kind: holding === 'no' ? 'removed' : 'not_removed' };
    }
    default:
      return answer;
  }
}
