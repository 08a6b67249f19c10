import { drawing } from './dom.js';

// Our own drawings: neither of a company nor of a library.
const PATHS = {
  passkey: ['M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z', 'M2.5 20c.4-3.7 2.9-6 6.5-6 1.5 0 2.8.4 3.9 1.1', 'M17.5 15.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z', 'M17.5 15.5V21l1.8-1.6-1.2-1.2 1.2-1.2'],
  fingerprint: ['M6.2 7.6A7.6 7.6 0 0 1 19.6 12v1.2', 'M4.4 12a7.6 7.6 0 0 1 .5-2.7', 'M8 18.6c.5-2 .8-4.3.8-6.6a3.2 3.2 0 0 1 6.4 0c0 3.3-.5 6.2-1.4 8.8', 'M12 12c0 3-.4 5.8-1.2 8.4', 'M5 16.4c.2-1.4.4-2.9.4-4.4', 'M17.9 18.4c.4-1.7.6-3.4.7-5.1'],
  face: ['M4 8V6a2 2 0 0 1 2-2h2', 'M16 4h2a2 2 0 0 1 2 2v2', 'M20 16v2a2 2 0 0 1-2 2h-2', 'M8 20H6a2 2 0 0 1-2-2v-2', 'M9 9v1.5', 'M15 9v1.5', 'M12 9v4h-.8', 'M9 15.5c1.8 1.4 4.2 1.4 6 0'],
  phone: ['M8 2.8h8a1.6 1.6 0 0 1 1.6 1.6v15.2a1.6 1.6 0 0 1-1.6 1.6H8a1.6 1.6 0 0 1-1.6-1.6V4.4A1.6 1.6 0 0 1 8 2.8Z', 'M11 18.2h2'],
  device: ['M4.5 5h15v10.5h-15z', 'M2.5 19h19', 'M10 16v3', 'M14 16v3'],
  cloud: ['M7 18.5a4.5 4.5 0 0 1-.6-9 6 6 0 0 1 11.5 1.2A4 4 0 0 1 17.5 18.5Z', 'M12 11.5v4', 'M12 11.5a1.4 1.4 0 1 0 0-2.8 1.4 1.4 0 0 0 0 2.8Z'],
  security_key: ['M3 9.5h11.5v5H3z', 'M14.5 10.6H21v2.8h-6.5', 'M17.6 10.6v2.8', 'M7.2 12h.1'],
  browser: ['M3.5 5h17v14h-17z', 'M3.5 9h17', 'M6.2 7h.1', 'M8.6 7h.1'],
  done: ['M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z', 'm8 12.3 2.7 2.7L16 9.6'],
  info: ['M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z', 'M12 11.2v5', 'M12 7.8h.1'],
  person: ['M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z', 'M4.5 20.5c.5-4 3.3-6.2 7.5-6.2s7 2.2 7.5 6.2'],
};

/** @typedef {keyof typeof PATHS} Icon */

/**
 * @param {Icon} name
 * @returns {SVGElement}
 */
export function icon(name) {
  return drawing(PATHS[name], { class: 'icon' });
}

/**
 * What a provider looks like, by what it is.
 *
 * @param {string | undefined} kind
 * @returns {SVGElement}
 */
export function providerIcon(kind) {
  switch (kind) {
    case 'cloud':
    case 'device':
    case 'security_key':
    case 'browser':
      return icon(kind);
    default:
      return icon('passkey');
  }
}
