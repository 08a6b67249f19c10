// Which language is spoken, and every text in it.

import { after } from '../wire/patience.js';
import english from './en.js';

/** @typedef {keyof typeof english} Key */
/** @typedef {Record<Key, string>} Texts */

/** @type {Record<string, () => Promise<{ default: Texts }>>} */
const LOADERS = {
  en: () => Promise.resolve({ default: english }),
  de: () => import('./de.js'),
  fr: () => import('./fr.js'),
  es: () => import('./es.js'),
  ja: () => import('./ja.js'),
  ar: () => import('./ar.js'),
};

/** An offer does not wait longer for its language. */
const PATIENCE_MS = 1500;

export class Words {
  /** BCP 47; of the texts, not of the dates. */
  language;
  /** @type {'ltr' | 'rtl'} */
  direction;
  #texts;
  #locale;
  /** @type {() => string} */
  #app;

  /**
   * @param {string} language
   * @param {Texts} texts
   * @param {string} locale for dates
   * @param {() => string} app
   */
  constructor(language, texts, locale, app) {
    this.language = language;
    this.direction = language === 'ar' ? 'rtl' : 'ltr';
    this.#texts = texts;
    this.#locale = locale;
    this.#app = app;
  }

  /**
   * @param {Key} key
   * @param {Record<string, string>} [values]
   * @returns {string}
   */
  say(key, values = {}) {
    const all = /** @type {Record<string, string>} */ ({ app: this.#app(), ...values });
    return this.#texts[key].replace(/\{(\w+)\}/g, (whole, name) => all[name] ?? whole);
  }

  /**
   * The text around one value, so that the value can be marked up (an account, for example).
   *
   * @param {Key} key
   * @param {string} name
   * @returns {[string, string]}
   */
  around(key, name) {
    const [before = '', after = ''] = this.#texts[key].split(`{${name}}`);
    return [before, after];
  }

  /**
   * @param {string} time RFC 3339
   * @param {{ exact?: boolean }} [how] `exact`: to the second
   * @returns {string}
   */
  date(time, { exact = false } = {}) {
    return new Intl.DateTimeFormat(this.#locale, { dateStyle: 'long', ...(exact && { timeStyle: 'medium' }) }).format(new Date(time));
  }
}

/**
 * Texts for the first of the wished languages there is, English else.
 *
 * @param {readonly string[]} wished BCP 47, the most wanted first
 * @param {Partial<Record<string, string>>} overrides
 * @param {() => string} app
 * @returns {Promise<Words>}
 */
export async function words(wished, overrides, app) {
  const found = wished.find((tag) => primary(tag) in LOADERS);
  const language = found ? primary(found) : 'en';
  const load = LOADERS[language];
  /** @type {Texts} */
  let texts = english;
  try {
    const loaded = load ? await Promise.race([load(), after(PATIENCE_MS)]) : null;
    // An English offer is better than none.
    if (!loaded) return words(['en'], overrides, app);
    texts = loaded.default;
  } catch {
    return words(['en'], overrides, app);
  }
  const own = Object.entries(overrides).filter(([key, text]) => key in english && typeof text === 'string');
  return new Words(language, { ...texts, ...Object.fromEntries(own) }, found ?? 'en', app);
}

/** @param {string} tag */
function primary(tag) {
  return tag.toLowerCase().split('-')[0] ?? '';
}
