// What the host page says, by attributes: both elements take these.

import { parsed, webAddress } from '../wire/address.js';

/**
 * @typedef {object} Inputs
 * @property {readonly string[]} wished languages, the most wanted first
 * @property {Partial<Record<string, string>>} overrides texts by key
 * @property {string | null} app
 * @property {string | null} logo
 * @property {string | null} colour
 * @property {string | null} supportUrl
 * @property {1 | 2 | 3 | 4 | 5} level of the heading
 * @property {boolean} isCard beside other content, and not a page of its own
 * @property {URL} fallback where to go on to while the service cannot say it
 */

/**
 * @param {HTMLElement} element
 * @returns {Inputs}
 */
export function inputs(element) {
  const language = element.getAttribute('lang') ?? element.parentElement?.closest('[lang]')?.getAttribute('lang');
  return {
    wished: [...(language ? [language] : []), ...navigator.languages],
    overrides: overrides(element),
    app: element.getAttribute('app-name') || null,
    logo: webAddress(absolute(element.getAttribute('logo')))?.href ?? null,
    colour: element.getAttribute('brand-colour'),
    supportUrl: support(element.getAttribute('support-url')),
    level: level(element.getAttribute('heading-level')),
    isCard: element.getAttribute('placement') === 'card',
    fallback: fallback(element),
  };
}

/** @param {string | null} text */
function level(text) {
  const number = Number(text);
  return number === 1 || number === 3 || number === 4 || number === 5 ? number : 2;
}

/** @param {HTMLElement} element */
function overrides(element) {
  const text = element.getAttribute('words');
  if (!text) return {};
  try {
    const given = JSON.parse(text);
    if (given && typeof given === 'object') return given;
  } catch {
    // Said below.
  }
  console.warn(`${element.localName}: the attribute "words" is not a JSON object from text keys to texts.`);
  return {};
}

/** @param {string | null} text */
function absolute(text) {
  return text ? (parsed(text, document.baseURI)?.href ?? null) : null;
}

/** @param {string | null} text */
function support(text) {
  const address = absolute(text);
  return address && /^(https?|mailto):/.test(address) ? address : null;
}

/**
 * `return-to` often comes from the address bar and is the service's to judge. What can be gone to without it: what the
 * page itself names as its default, and its own origin.
 *
 * @param {HTMLElement} element
 */
function fallback(element) {
  const given = webAddress(absolute(element.getAttribute('default-return-to')));
  const wished = webAddress(absolute(element.getAttribute('return-to')));
  return given ?? (wished?.origin === location.origin ? wished : new URL('/', location.href));
}
