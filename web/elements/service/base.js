// Where the service is: where this module came from, or where the page says.

import { parsed } from '../wire/address.js';

/**
 * @param {HTMLElement} element
 * @returns {URL} ends with `/`
 */
export function baseOf(element) {
  const given = element.getAttribute('service-url');
  const said = given && parsed(given.endsWith('/') ? given : `${given}/`, document.baseURI);
  if (said) return said;
  if (given) console.warn(`${element.localName}: the attribute "service-url" is no URL.`);
  // Served as /elements/v1/service/base.HASH.js below the service's base.
  const [base] = import.meta.url.split(/elements\/(?:v1\/)?service\//);
  return new URL(base ?? '/', document.baseURI);
}
