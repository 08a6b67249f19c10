// How long anything is waited for.

/**
 * Does something for some time only, or until another signal says so. `AbortSignal.any` is younger than passkeys are.
 *
 * @template T
 * @param {number} ms
 * @param {AbortSignal | null} signal
 * @param {(ending: AbortSignal) => Promise<T>} work called before this returns
 * @returns {Promise<T>}
 */
export async function within(ms, signal, work) {
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, ms);
  if (signal?.aborted) end();
  else signal?.addEventListener('abort', end);
  try {
    return await work(ending.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}

/**
 * @param {number} ms
 * @returns {Promise<null>}
 */
export function after(ms) {
  return new Promise((resolve) => setTimeout(() => resolve(null), ms));
}
