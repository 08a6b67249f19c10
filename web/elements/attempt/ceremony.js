// `navigator.credentials.create()`, and what became of it.

import { TIMEOUT_MS } from '../visit/privilege.js';

/**
 * @typedef {{ kind: 'made', credential: PublicKeyCredential }
 *   | { kind: 'cancelled' | 'no_gesture' | 'timeout' | 'already_registered' | 'config' | 'unsupported' | 'unknown', exception: string }
 *   | { kind: 'aborted' }} Outcome
 */

/** A person needs longer than this to say no. */
const NOT_EVEN_STARTED_MS = 1000;
/** Browsers give up a little before or after. */
const NEAR_THE_END_MS = 5000;

/** A document can hold one WebAuthn request at a time (Credential Management Level 1, 2.5.4). */
let running = false;

/**
 * Calls `create()` before it returns, so that the click that brought us here still counts: no `await` may come before.
 *
 * @param {PublicKeyCredentialCreationOptions} publicKey
 * @param {AbortSignal} signal
 * @returns {Promise<Outcome>}
 */
export function ceremony(publicKey, signal) {
  if (running) return Promise.resolve({ kind: 'no_gesture', exception: 'OperationError' });
  running = true;
  const began = performance.now();
  const hadFocus = document.hasFocus();
  return finish(navigator.credentials.create({ publicKey, signal }), () => performance.now() - began, hadFocus);
}

/**
 * @param {Promise<Credential | null>} created
 * @param {() => number} elapsed ms
 * @param {boolean} hadFocus
 * @returns {Promise<Outcome>}
 */
async function finish(created, elapsed, hadFocus) {
  try {
    const credential = await created;
    return credential instanceof PublicKeyCredential
      ? { kind: 'made', credential }
      : { kind: 'unknown', exception: 'NullCredential' };
  } catch (error) {
    return failed(error instanceof Error || error instanceof DOMException ? error.name : 'unknown', elapsed(), hadFocus);
  } finally {
    running = false;
  }
}

/**
 * @param {string} exception
 * @param {number} elapsed ms
 * @param {boolean} hadFocus
 * @returns {Outcome}
 */
export function failed(exception, elapsed, hadFocus) {
  switch (exception) {
    case 'AbortError':
      return { kind: 'aborted' };
    case 'InvalidStateError':
      return { kind: 'already_registered', exception };
    case 'SecurityError':
      return { kind: 'config', exception };
    case 'NotSupportedError':
    case 'ConstraintError':
      return { kind: 'unsupported', exception };
    case 'OperationError':
      return { kind: 'no_gesture', exception };
    case 'NotAllowedError':
      // One name for "no", "too late" and "not now": browsers do not let a page tell them apart (WebAuthn Level 3, 14.5.1).
      if (elapsed < NOT_EVEN_STARTED_MS || !hadFocus) return { kind: 'no_gesture', exception };
      return { kind: elapsed > TIMEOUT_MS - NEAR_THE_END_MS ? 'timeout' : 'cancelled', exception };
    default:
      return { kind: 'unknown', exception };
  }
}
