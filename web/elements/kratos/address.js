/**
 * What Kratos or the service says a browser should go to.
 *
 * @param {unknown} text
 * @returns {URL | null} `null`: no http or https URL
 */
export function webAddress(text) {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
  return url && /^https?:$/.test(url.protocol) ? url : null;
}
