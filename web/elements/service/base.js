// Where the service is: where this module came from, or where the page says.

/**
 * @param {HTMLElement} element
 * @returns {URL} ends with `/`
 */
export function baseOf(element) {
  const given = element.getAttribute('service-url');
  if (given) return new URL(given.endsWith('/') ? given : `${given}/`, document.baseURI);
  // Served as /elements/v1/service/base.HASH.js below the service's base.
  const [base] = import.meta.url.split(/elements\/(?:v1\/)?service\//);
  return new URL(base ?? '/', document.baseURI);
}
