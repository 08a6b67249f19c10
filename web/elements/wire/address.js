/**
 * `URL.canParse` is younger than passkeys are.
 *
 * @param {unknown} text
 * @param {string} [base]
 * @returns {URL | null}
 */
export function parsed(text, base) {
  try {
    return typeof text === 'string' ? new URL(text, base) : null;
  } catch {
    return null;
  }
}

/**
 * What Kratos or the service says a browser should go to.
 *
 * @param {unknown} text
 * @returns {URL | null} `null`: no http or https URL
 */
export function webAddress(text) {
  const url = parsed(text);
  return url && /^https?:$/.test(url.protocol) ? url : null;
}
