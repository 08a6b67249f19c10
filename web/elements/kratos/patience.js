/**
 * Ends after some time, or when another signal does. `AbortSignal.any` is younger than passkeys are.
 *
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {AbortSignal}
 */
export function within(ms, signal) {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), ms);
  const end = () => {
    clearTimeout(timer);
    ending.abort();
  };
  if (signal?.aborted) end();
  else signal?.addEventListener('abort', end, { once: true });
  return ending.signal;
}
