// A try that can be tried again: what it is called, for the service and for the person.

/** @typedef {import('./attempt.js').Result} Result */

/** A key of the texts below `note.`; with `_delete` the device may still show what does not work. */
/** @typedef {'no_gesture' | 'timeout' | 'cancelled' | 'not_made' | 'not_saved' | 'not_saved_delete' | 'stale' | 'stale_delete' | 'unsure' | 'other_tab'} Note */

/**
 * @typedef {object} Failure
 * @property {'cancelled' | 'failed'} action
 * @property {import('../service/onboarding.js').Report} report
 * @property {Note} note
 */

/**
 * @param {Result} result
 * @param {number} duration_ms
 * @returns {Failure | null} `null`: it is not for the person to try again
 */
export function failure(result, duration_ms) {
  switch (result.kind) {
    case 'cancelled':
      return { action: 'cancelled', report: { duration_ms }, note: 'cancelled' };
    case 'no_gesture':
    case 'timeout':
      return { action: 'failed', report: { kind: result.kind, exception: result.exception, duration_ms }, note: result.kind };
    case 'unsupported':
    case 'unknown':
      return { action: 'failed', report: { kind: result.kind, exception: result.exception, duration_ms }, note: 'not_made' };
    case 'not_saved': {
      const note = result.why === 'stale' ? 'stale' : 'not_saved';
      const kind = result.why === 'network' ? 'network' : 'kratos';
      return { action: 'failed', report: { kind, duration_ms }, note: withLeft(note, result.left) };
    }
    case 'not_readable':
      return { action: 'failed', report: { kind: 'unknown', exception: result.exception, duration_ms }, note: withLeft('not_saved', result.left) };
    default:
      return null;
  }
}

/**
 * @template {'not_saved' | 'stale'} N
 * @param {N} note
 * @param {import('./attempt.js').Left} left
 */
function withLeft(note, left) {
  switch (left) {
    case 'nothing':
      return note;
    case 'dead':
      return /** @type {const} */ (`${note}_delete`);
    case 'unsure':
      return 'unsure';
  }
}
