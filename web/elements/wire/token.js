/**
 * Says which one is meant: a try, a report, a way back.
 *
 * @returns {string} 128 random bits, in hex
 */
export function token() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
