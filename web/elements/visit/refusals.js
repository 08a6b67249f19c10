// Which way out a refusal has, whoever refused.

/** @typedef {import('../kratos/kratos.js').Refusal} Refusal */
/** @typedef {import('../service/onboarding.js').Refused} Refused */

/**
 * `followed`: the browser is on its way already. `unreachable`: nobody can do anything about it now.
 *
 * @typedef {'signed_out' | 'second_factor' | 'other_person' | 'followed' | 'unreachable'} WayOut
 */

/**
 * @param {Refusal | Refused} refusal
 * @param {import('./rounds.js').Rounds} rounds
 * @returns {WayOut}
 */
export function wayOut(refusal, rounds) {
  switch (refusal.kind) {
    case 'signed_out':
      rounds.learn('signIn' in refusal ? refusal.signIn : null);
      return 'signed_out';
    case 'second_factor':
      rounds.learn(refusal.to);
      return 'second_factor';
    case 'identity_changed':
    case 'identity_mismatch':
      return 'other_person';
    case 'browser_location':
      rounds.follow(refusal.to);
      return 'followed';
    default:
      return 'unreachable';
  }
}
