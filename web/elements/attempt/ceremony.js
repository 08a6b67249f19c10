// `navigator.credentials.create()`, and what became of it.

import { TIMEOUT_MS } from '../visit/time.js';
import { within } from '../wire/patience.js';

/**
 * @typedef {{ kind: 'made', credential: PublicKeyCredential }
 *   | { kind: 'cancelled' | 'no_gesture' | 'timeout' | 'already_registered' | 'config' | 'unsupported' | 'unknown', exception: string }
 *   | { kind: 'aborted' }} Outcome
 */

/** A person needs longer than this to say no. */
const NOT_EVEN_STARTED_MS = 1000;
/** Browsers give up a little before or after. */
const NEAR_THE_END_MS = 5000;
/** What has not answered so long after its time never will. */
const UNHEARD_MS = 15_000;

/** A document can hold one WebAuthn request at a time (Credential Management Level 1, 2.5.4). */
let running = false;
/** @type {AbortController | null} Of one that the person did not ask for: it gives way. */
let background = null;

/**
 * Calls `create()` before it returns, so that the click that brought us here still counts: no `await` may come before.
 *
 * @param {PublicKeyCredentialCreationOptions} publicKey
 * @param {AbortSignal} signal
 * @returns {Promise<Outcome>}
 */
export function ceremony(publicKey, signal) {
  background?.abort();
  if (running) return Promise.resolve({ kind: 'no_gesture', exception: 'OperationError' });
  running = true;
  const began = performance.now();
  const hadFocus = document.hasFocus();
  const timeout = publicKey.timeout ?? TIMEOUT_MS;
  return within(timeout + UNHEARD_MS, signal, async (ending) => {
    try {
      const credential = await Promise.race([navigator.credentials.create({ publicKey, signal: ending }), aborted(ending)]);
      return credential instanceof PublicKeyCredential
        ? { kind: 'made', credential }
        : { kind: 'unknown', exception: 'NullCredential' };
    } catch (error) {
      if (signal.aborted) return { kind: 'aborted' };
      if (ending.aborted) return { kind: 'timeout', exception: 'TimeoutError' };
      return failed(nameOf(error), { elapsed: performance.now() - began, timeout, hadFocus });
    } finally {
      running = false;
    }
  });
}

/**
 * Without asking the person: a password manager makes one or does not (WebAuthn Level 3, 5.1.3). It may never answer.
 *
 * @param {PublicKeyCredentialCreationOptions} publicKey
 * @param {AbortSignal} signal
 * @param {(credential: PublicKeyCredential) => void} onLate made although nobody waits for it any more
 * @returns {Promise<Outcome>}
 */
export async function inBackground(publicKey, signal, onLate) {
  if (running || background) return { kind: 'aborted' };
  const own = (background = new AbortController());
  const end = () => own.abort();
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  try {
    return await within(publicKey.timeout ?? TIMEOUT_MS, own.signal, async (ending) => {
      const options = /** @type {CredentialCreationOptions} */ ({ publicKey, mediation: 'conditional', signal: ending });
      const making = navigator.credentials.create(options);
      making.then(
        (late) => void (ending.aborted && late instanceof PublicKeyCredential && onLate(late)),
        () => {},
      );
      const credential = await Promise.race([making, aborted(ending)]);
      return credential instanceof PublicKeyCredential ? { kind: 'made', credential } : { kind: 'aborted' };
    });
  } catch (error) {
    // Not now, not here, or there is one: nobody asked for it.
    return { kind: 'unknown', exception: nameOf(error) };
  } finally {
    signal.removeEventListener('abort', end);
    background = null;
  }
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<never>}
 */
function aborted(signal) {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

/**
 * @param {unknown} error
 * @returns {string}
 */
export function nameOf(error) {
  return error instanceof Error || error instanceof DOMException ? error.name : 'unknown';
}

/**
 * @param {string} exception
 * @param {{ elapsed: number, timeout: number, hadFocus: boolean }} how in ms
 * @returns {Outcome}
 */
function failed(exception, { elapsed, timeout, hadFocus }) {
  switch (exception) {
    case 'InvalidStateError':
      return { kind: 'already_registered', exception };
    case 'SecurityError':
      return { kind: 'config', exception };
    case 'NotSupportedError':
    case 'ConstraintError':
      return { kind: 'unsupported', exception };
    case 'OperationError':
      return { kind: 'no_gesture', exception };
    // Not ours: a password manager's, or that of a page that was left and is shown again.
    case 'AbortError':
    case 'NotAllowedError':
      // One name for "no", "too late" and "not now": browsers do not let a page tell them apart (WebAuthn Level 3, 14.5.1).
      if (elapsed < NOT_EVEN_STARTED_MS || !hadFocus) return { kind: 'no_gesture', exception };
      return { kind: elapsed > timeout - NEAR_THE_END_MS ? 'timeout' : 'cancelled', exception };
    default:
      return { kind: 'unknown', exception };
  }
}
