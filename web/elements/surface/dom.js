// Elements without HTML text: nothing here can be read as markup, so Trusted Types and a strict CSP have nothing to say.

/** @typedef {Node | string | null | undefined | false} Child */
/** @typedef {Record<string, string | boolean | null | undefined | ((event: Event) => void)>} Attributes */

/**
 * `true` sets an attribute without a value; `false`, `null` and `undefined` leave it out; `onclick` and the like listen.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') /** @type {HTMLElement} */ (element).addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (typeof value === 'string') element.setAttribute(name, value);
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/**
 * A drawing of strokes on a field of 24 by 24, in the colour of the text, that says nothing to a screen reader.
 *
 * @param {readonly string[]} paths
 * @param {Record<string, string>} [attributes]
 * @returns {SVGElement}
 */
export function drawing(paths, attributes = {}) {
  const svg = document.createElementNS(SVG, 'svg');
  const all = { viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false', ...attributes };
  for (const [name, value] of Object.entries(all)) svg.setAttribute(name, value);
  for (const d of paths) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}
