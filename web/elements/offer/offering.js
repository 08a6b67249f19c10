// What is offered, from what was decided and what the device can do.

import { proposedName } from '../visit/device.js';

/** @typedef {import('./state.js').Offering} Offering */

/** From then on the way past the offer comes first. */
const CANCELS_UNTIL_SKIP_IS_FIRST = 2;

/**
 * @param {import('../service/decision.js').Decision} decision
 * @param {import('../attempt/attempt.js').Attempt | import('../attempt/own.js').OwnAttempt} attempt
 * @param {import('../visit/device.js').Device | null} device
 * @param {number} cancels
 * @returns {Omit<Offering, 'step'>}
 */
export function offering(decision, attempt, device, cancels) {
  const maySkip = decision.may_skip || decision.decision === 'later';
  return {
    name: 'offer',
    isRequired: decision.decision === 'required',
    requiredBy: decision.required_by,
    // It is tried again although the service would wait: nobody asks for it but the person.
    maySkip,
    mayDismiss: decision.may_dismiss,
    isReady: true,
    isSkipFirst: maySkip && cancels >= CANCELS_UNTIL_SKIP_IS_FIRST,
    note: null,
    account: attempt.account,
    way: attempt.kind === 'security_key' ? 'key' : device?.kind === 'roaming' ? 'other' : 'device',
    proposedName: proposedName(),
  };
}
