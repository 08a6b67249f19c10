// What both elements show when it is about who is signed in, and not about passkeys.

import { h } from './dom.js';
import { icon } from './icons.js';
import * as parts from './parts.js';

/** @typedef {{ name: 'signed_out' } | { name: 'second_factor' } | { name: 'other_person', account: string | null }} Crossroad */

/** @typedef {Record<Crossroad['name'], () => void>} Ways What its button does. */

/**
 * @param {Crossroad} state
 * @param {import('../words/words.js').Words} words
 * @param {parts.Frame} frame
 * @param {Ways} ways
 * @returns {import('./surface.js').Scene}
 */
export function crossroad(state, words, frame, ways) {
  const text = textOf(state, words);
  const title = words.say(`${state.name}.title`);
  const first = parts.button('first', 'round', words.say(`${state.name}.action`), ways[state.name]);
  return { name: state.name, content: parts.card({ mark: icon('person'), title, texts: [text], actions: [first], frame, words }), says: title };
}

/**
 * @param {Crossroad} state
 * @param {import('../words/words.js').Words} words
 */
function textOf(state, words) {
  if (state.name !== 'other_person') return words.say(`${state.name}.text`);
  return state.account ? h('span', {}, ...parts.named(words, 'other_person.text', state.account)) : words.say('other_person.text_unknown');
}
