// A try that can be tried again: what is reported of it, and what the person is told.

/** @typedef {import('./attempt.js').Result} Result */

/** A key of the texts below `note.`; with `_delete` the device may still show what does not work. */
/** @typedef {'no_gesture' | 'timeout' | 'cancelled' | 'not_made' | 'not_saved' | 'not_saved_delete' | 'stale' | 'stale_delete'} Note */

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
      return { action: 'failed', report: { kind, duration_ms }, note: result.isForgotten ? note : `${note}_delete` };
    }
    default:
      return null;
  }
}

/**
 * What a person is told of it.
 *
 * @param {Note} note
 * @param {import('../words/words.js').Words} words
 */
export function noteText(note, words) {
  switch (note) {
    case 'not_saved_delete':
      return `${words.say('note.not_saved')} ${words.say('note.delete_unsaved')}`;
    case 'stale_delete':
      return `${words.say('note.stale')} ${words.say('note.delete_unsaved')}`;
    default:
      return words.say(`note.${note}`);
  }
}

/**
 * To the service and to the page around.
 *
 * @param {Pick<Failure, 'action' | 'report'>} failure
 * @param {import('../visit/visit.js').Visit} visit
 * @param {(event: string, detail: Record<string, unknown>) => void} tell
 */
export function reported({ action, report }, visit, tell) {
  void visit.report(action, report);
  tell(`passkey-${action}`, report.kind ? { kind: report.kind } : {});
  if (report.kind === 'config') {
    console.warn(`passkey elements: the browser refused to make a passkey on ${location.host}: see rp.id and rp.origins of Kratos.`);
  }
}
