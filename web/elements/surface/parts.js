// The pieces scenes are put together from.

import { h } from './dom.js';

/** @typedef {import('../words/words.js').Words} Words */
/** @typedef {import('../words/words.js').Key} Key */
/** @typedef {import('./dom.js').Child} Child */

/**
 * @typedef {object} Frame What the page around says of how it is to look.
 * @property {string | null} logo
 * @property {string} app
 * @property {string | null} supportUrl
 * @property {1 | 2 | 3 | 4 | 5} level of the heading
 * @property {boolean} isCard part of a page, which is not left
 */

/**
 * @typedef {object} CardContent
 * @property {Node | Node[]} mark
 * @property {string} title
 * @property {readonly (string | Node | null)[]} texts
 * @property {Node | null} [account]
 * @property {Node | null} [note]
 * @property {Node | null} [before] above the actions
 * @property {readonly (HTMLElement | null)[]} [actions] the first is the one that most will want
 * @property {Node | null} [after]
 */

/**
 * @param {CardContent & { frame: Frame, words: Words }} content
 * @returns {HTMLElement}
 */
export function card({ mark, title, texts, account, note, before, actions = [], after, frame, words }) {
  const marks = [mark].flat().map((one) => h('span', { class: 'mark' }, one));
  const paragraphs = texts.filter((text) => text !== null).map((text) => h('p', { class: 'muted', part: 'text' }, text));
  const shown = actions.filter((action) => action !== null);
  return h(
    'section',
    { class: 'card', part: 'card', 'aria-labelledby': 'title' },
    h(
      'div',
      { class: 'inside' },
      head(frame),
      h('div', { class: 'marks' }, ...marks),
      h('div', { class: 'words' }, heading(title, frame), ...paragraphs, account),
      note,
      h('div', { class: 'spring' }),
      before,
      shown.length > 0 && h('div', { class: 'actions' }, ...shown),
      after,
      help(frame, words),
    ),
  );
}

/** @param {Frame} frame */
function head({ logo, app }) {
  return logo ? h('div', { class: 'head' }, h('img', { class: 'logo', part: 'logo', src: logo, alt: app })) : null;
}

/**
 * @param {Frame} frame
 * @param {Words} words
 */
export function help({ supportUrl }, words) {
  return supportUrl ? h('a', { class: 'help small', href: supportUrl, 'data-key': 'support' }, words.say('support')) : null;
}

/**
 * @param {string} title
 * @param {Frame} frame
 */
export function heading(title, { level }) {
  return h(`h${level}`, { id: 'title', class: 'title', part: 'heading', tabindex: '-1' }, title);
}

/**
 * One below the heading.
 *
 * @param {Frame} frame
 * @param {...import('./dom.js').Child} children
 */
export function subheading({ level }, ...children) {
  return h(/** @type {'h2'} */ (`h${level + 1}`), { class: 'subtitle' }, ...children);
}

/**
 * @param {'first' | 'second' | 'plain' | 'danger'} rank
 * @param {string} key keeps the focus when the scene is drawn anew
 * @param {string} label
 * @param {() => void} pressed
 * @returns {HTMLButtonElement}
 */
export function button(rank, key, label, pressed) {
  const press = (/** @type {Event} */ event) => {
    if (/** @type {HTMLElement} */ (event.currentTarget).getAttribute('aria-disabled') !== 'true') pressed();
  };
  const part = rank === 'first' ? 'button first' : rank === 'danger' ? 'button danger' : 'button';
  return h('button', { type: 'button', class: rank, part, 'data-key': key, onclick: press }, label);
}

/**
 * Stays where it is and keeps the focus, but does nothing.
 *
 * @param {HTMLButtonElement} pressable
 * @param {string} why
 */
export function busy(pressable, why) {
  pressable.setAttribute('aria-disabled', 'true');
  pressable.prepend(spinner());
  pressable.append(h('span', { class: 'unseen' }, ` (${why})`));
}

export function spinner() {
  return h('span', { class: 'spinner', 'aria-hidden': 'true' });
}

/** @param {string} text */
export function note(text) {
  return h('div', { class: 'note', part: 'note', id: 'note' }, h('p', {}, text));
}

/**
 * Whose it is; `bdi`, because a name may run the other way than the words around it.
 *
 * @param {Words} words
 * @param {Key} key
 * @param {string} name
 */
export function account(words, key, name) {
  return h('p', { class: 'account', part: 'account' }, h('span', {}, ...named(words, key, name)));
}

/**
 * A sentence about somebody.
 *
 * @param {Words} words
 * @param {Key} key
 * @param {string} name
 * @returns {import('./dom.js').Child[]}
 */
export function named(words, key, name) {
  const [before, after] = words.around(key, 'account');
  return [before, h('bdi', {}, name), after];
}

/**
 * @param {string} key
 * @param {string} label
 * @param {string} value
 */
export function field(key, label, value) {
  const input = h('input', { type: 'text', 'data-key': key, maxlength: '64', autocomplete: 'off', value });
  return h('label', {}, label, input);
}

/**
 * @param {string} question
 * @param {string} answer
 */
export function disclosure(question, answer) {
  return h('details', { part: 'details' }, h('summary', { 'data-key': 'what' }, question), h('p', { class: 'muted small' }, answer));
}

/**
 * Something else has the person's attention, or nothing has: one scene, so that the focus stays.
 *
 * @param {{ title: string, text: string | null, says?: string, frame: Frame, words: Words }} content
 * @returns {import('./surface.js').Scene}
 */
export function waiting({ title, text, says = '', frame, words }) {
  return { name: 'busy', content: card({ mark: spinner(), title, texts: [text], frame, words }), says };
}

/** Still: nothing moves, and nothing is read out. */
export function skeleton() {
  const bone = (/** @type {string} */ kind) => h('div', { class: `bone ${kind}` });
  return h(
    'div',
    { class: 'card', part: 'card', 'aria-hidden': 'true' },
    h('div', { class: 'inside' }, bone('square'), bone('title'), bone(''), bone('short'), h('div', { class: 'spring' }), bone('press'), bone('press')),
  );
}
