// A brand's colour as it can be read: contrast by WCAG 2.2, "relative luminance" and "contrast ratio".

/** @typedef {readonly [red: number, green: number, blue: number]} Colour Each 0 to 255. */

/** What text needs (WCAG 2.2, 1.4.3). */
const READABLE = 4.5;
const WHITE = /** @type {Colour} */ ([255, 255, 255]);
const BLACK = /** @type {Colour} */ ([0, 0, 0]);

/**
 * `#rgb` or `#rrggbb`; `null` for anything else.
 *
 * @param {string | null} text
 * @returns {Colour | null}
 */
export function parseColour(text) {
  const found = /^#(?:([0-9a-f]{3})|([0-9a-f]{6}))$/i.exec(text?.trim() ?? '');
  if (!found) return null;
  const digits = found[1] ? [...found[1]].map((digit) => digit + digit) : (found[2]?.match(/../g) ?? []);
  const [red = 0, green = 0, blue = 0] = digits.map((pair) => Number.parseInt(pair, 16));
  return [red, green, blue];
}

/** @param {Colour} colour */
function luminance(colour) {
  const [red = 0, green = 0, blue = 0] = colour.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * @param {Colour} one
 * @param {Colour} other
 * @returns {number} 1 to 21
 */
export function contrast(one, other) {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/**
 * The colour nearest to `colour` that can be read on `ground`: darker on a light one, lighter on a dark one.
 *
 * @param {Colour} colour
 * @param {Colour} ground
 * @returns {Colour}
 */
export function readableOn(colour, ground) {
  const towards = luminance(ground) > 0.18 ? BLACK : WHITE;
  for (let step = 0; step <= 100; step += 1) {
    const mixed = mix(colour, towards, step / 100);
    if (contrast(mixed, ground) >= READABLE) return mixed;
  }
  return towards;
}

/**
 * @param {Colour} from
 * @param {Colour} to
 * @param {number} part
 * @returns {Colour}
 */
function mix(from, to, part) {
  const [red, green, blue] = from;
  const one = (/** @type {number} */ a, /** @type {number} */ b) => Math.round(a + (b - a) * part);
  return [one(red, to[0]), one(green, to[1]), one(blue, to[2])];
}

/**
 * @param {Colour} colour
 * @returns {string} `#rrggbb`
 */
export function written(colour) {
  return `#${colour.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}
