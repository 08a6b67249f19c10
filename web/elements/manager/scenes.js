// What a person sees of their passkeys.

import { crossroad } from '../surface/crossroads.js';
import { h } from '../surface/dom.js';
import { icon, providerIcon } from '../surface/icons.js';
import { noteText } from '../surface/notes.js';
import * as parts from '../surface/parts.js';
import { datesOf, nameOf } from './labels.js';

/** @typedef {import('../words/words.js').Words} Words */
/** @typedef {import('../surface/surface.js').Scene} Scene */
/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').Listing} Listing */
/** @typedef {import('./state.js').Item} Item */
/** @typedef {import('./state.js').Note} Note */

/**
 * @typedef {object} Actions
 * @property {(which: 'passkey' | 'security_key') => void} add
 * @property {(item: Item) => void} askToRemove
 * @property {() => void} refresh
 * @property {() => void} retry
 * @property {import('../surface/crossroads.js').Ways} ways
 * @property {(() => void) | null} back
 */

/**
 * @param {State} state
 * @param {Words} words
 * @param {Actions} act
 * @param {parts.Frame} frame
 * @returns {Scene}
 */
export function scene(state, words, act, frame) {
  const card = (/** @type {Omit<parts.CardContent, 'texts'> & { text: string | null }} */ { text, ...content }) =>
    parts.card({ ...content, texts: [text], frame, words });
  switch (state.name) {
    case 'quiet':
      return { name: state.name, content: null };
    case 'skeleton':
      return { name: state.name, content: parts.skeleton() };
    case 'list':
      return list(state, words, act, frame);
    case 'working': {
      const text = words.say(state.kind === 'passkey' ? 'working.text' : 'working.text_other');
      return parts.waiting({ title: words.say('working.title'), text, frame, words });
    }
    case 'saving': {
      const title = words.say('saving.title');
      return parts.waiting({ title, text: null, says: title, frame, words });
    }
    case 'not_loaded': {
      const title = words.say('held.not_loaded.title');
      const again = parts.button('first', 'retry', words.say('offer.retry'), act.retry);
      if (state.isTrying) parts.busy(again, words.say('offer.getting_ready'));
      const text = words.say('held.not_loaded.text');
      const actions = [again, back(words, act)];
      // Said again, where it is so again.
      return { name: state.name, content: card({ mark: icon('info'), title, text, actions }), says: state.isTrying ? '' : title };
    }
    case 'signed_out':
    case 'second_factor':
    case 'other_person':
      return crossroad(state, words, frame, act.ways);
  }
}

/**
 * @param {Listing} state
 * @param {Words} words
 * @param {Actions} act
 * @param {parts.Frame} frame
 * @returns {Scene}
 */
function list(state, words, act, frame) {
  const text = state.note ? said(state.note, state, words) : null;
  const dates = datesOf(state.items, words);
  const items = h('ul', {}, ...state.items.map((item) => held(item, dates.get(item.id) ?? null, state, words, act, frame)));
  return {
    name: 'list',
    content: h(
      'section',
      { class: 'card wide', part: 'card', 'aria-labelledby': 'title' },
      h(
        'div',
        { class: 'inside' },
        h(
          'div',
          { class: 'words' },
          parts.heading(words.say('held.title'), frame),
          h('p', { class: 'muted', part: 'text' }, words.say(state.items.length > 0 ? 'held.intro' : 'held.none')),
          state.account ? parts.account(words, 'held.account', state.account) : null,
        ),
        text && parts.note(text),
        state.items.length > 0 && items,
        ...adding(state, words, act),
        h(
          'div',
          { class: 'row' },
          parts.button('plain', 'refresh', words.say('held.refresh'), act.refresh),
          back(words, act),
        ),
        parts.disclosure(words.say('offer.what'), words.say('offer.what_text')),
        parts.help(frame, words),
      ),
    ),
    says: text ?? '',
  };
}

/**
 * @param {Listing} state
 * @param {Words} words
 * @param {Actions} act
 * @returns {import('../surface/dom.js').Child[]}
 */
function adding(state, words, act) {
  if (state.step === 'unavailable') return [h('p', { class: 'muted small' }, words.say('held.unavailable'))];
  const resumes = state.step === 'resume' && state.note === null;
  const add = parts.button('first', 'add', words.say(resumes ? 'offer.resume' : 'held.add'), () => act.add('passkey'));
  const key = state.takesKeys ? parts.button('second', 'add-key', words.say('held.add_key'), () => act.add('security_key')) : null;
  return [
    state.step === 'confirm' && h('p', { class: 'muted small' }, words.say('removal.confirm_first')),
    h('div', { class: 'row' }, add, key),
  ];
}

/**
 * @param {Item} item
 * @param {string | null} date when it was added
 * @param {Listing} state
 * @param {Words} words
 * @param {Actions} act
 * @param {parts.Frame} frame
 */
function held(item, date, state, words, act, frame) {
  const isNew = item.id === state.fresh;
  const about = [
    date && words.say('held.added', { date }),
    item.isBackedUp === null ? null : words.say(item.isBackedUp ? 'held.backed_up' : 'held.only_here'),
  ].filter((text) => typeof text === 'string');
  const remove = parts.button('second', `remove-${item.id}`, words.say('held.remove'), () => act.askToRemove(item));
  const name = nameOf(item, words);
  const label = date ? words.say('held.remove_named_added', { name, date }) : words.say('held.remove_named', { name });
  remove.setAttribute('aria-label', label);
  const last = item.isRemovable ? null : h('p', { class: 'muted small' }, words.say('held.last'));
  return h(
    'li',
    { class: isNew ? 'held new' : 'held', part: 'item' },
    h('span', { class: 'mark' }, item.kind === 'security_key' ? icon('security_key') : providerIcon(item.provider?.kind)),
    h(
      'div',
      {},
      parts.subheading(frame, h('bdi', {}, name), isNew && ' ', isNew && h('span', { class: 'badge' }, words.say('held.new'))),
      h('p', { class: 'muted small' }, about.join(' · ')),
      last,
    ),
    item.isRemovable && remove,
  );
}

/**
 * What a person calls it, where Kratos keeps that.
 *
 * @param {'passkey' | 'security_key'} which
 * @param {string} proposed
 * @param {Words} words
 * @param {(name: string) => void} named
 * @returns {HTMLDialogElement}
 */
export function naming(which, proposed, words, named) {
  const label = words.say(which === 'passkey' ? 'held.add' : 'held.add_key');
  const field = parts.field('key-name', words.say('offer.name'), proposed);
  const add = parts.button('first', 'add', label, () => {
    dialog.dataset['answered'] = '';
    named(field.querySelector('input')?.value ?? '');
  });
  const cancel = parts.button('second', 'cancel', words.say('naming.cancel'), () => dialog.close());
  const title = h('h2', { id: 'naming-title', class: 'title' }, label);
  const inside = h('div', { class: 'inside' }, title, field, h('div', { class: 'row' }, cancel, add));
  const dialog = h('dialog', { 'aria-labelledby': 'naming-title', part: 'dialog', lang: words.language, dir: words.direction }, inside);
  return dialog;
}

/**
 * What is lost, before it is.
 *
 * @param {Item} item
 * @param {object} how
 * @param {Words} how.words
 * @param {string | null} how.date when it was added: two may have one name
 * @param {boolean} how.isPrivileged
 * @param {() => Promise<void>} how.confirmed
 * @returns {HTMLDialogElement}
 */
export function removal(item, { words, date, isPrivileged, confirmed }) {
  const cancel = parts.button('second', 'keep', words.say('removal.cancel'), () => dialog.close());
  const confirm = parts.button('danger', 'remove', words.say('removal.confirm'), async () => {
    parts.busy(confirm, words.say('offer.getting_ready'));
    dialog.dataset['answered'] = '';
    await confirmed();
    dialog.close();
  });
  const texts = [
    date && words.say('held.added', { date }),
    words.say('removal.text'),
    item.isLast === 'no' ? null : words.say('removal.last'),
    isPrivileged ? null : words.say('removal.confirm_first'),
  ];
  const title = h('h2', { id: 'removal-title', class: 'title' }, words.say('removal.title', { name: nameOf(item, words) }));
  const about = h('div', { class: 'words', id: 'removal-text' }, ...texts.map((text) => text && h('p', { class: 'muted' }, text)));
  const inside = h('div', { class: 'inside' }, h('div', { class: 'words' }, title, about), h('div', { class: 'row' }, cancel, confirm));
  const named = { 'aria-labelledby': 'removal-title', 'aria-describedby': 'removal-text', part: 'dialog' };
  const dialog = h('dialog', { ...named, lang: words.language, dir: words.direction }, inside);
  return dialog;
}

/**
 * @param {Note} note
 * @param {Listing} state
 * @param {Words} words
 */
function said(note, state, words) {
  switch (note.what) {
    case 'added': {
      const item = state.items.find((one) => one.id === state.fresh);
      return words.say('held.added_note', { name: item ? nameOf(item, words) : words.say('held.passkey') });
    }
    case 'removed':
      return words.say('held.removed_note', { name: nameOf(note.item, words) });
    case 'delete_too': {
      const { item } = note;
      const where = item.provider ? words.say('held.delete_in_provider', { provider: item.provider.name }) : words.say('held.delete_on_device');
      return `${words.say('held.removed_note', { name: nameOf(item, words) })} ${where}`;
    }
    case 'refreshed':
      return words.say('held.refreshed');
    case 'here':
      return words.say('here.title');
    case 'not_gained':
      return words.say('not_gained.text');
    case 'not_gained_delete':
      return `${words.say('not_gained.text')} ${words.say('note.delete_unsaved')}`;
    case 'not_removed':
      return words.say('removal.failed');
    case 'not_removed_privilege':
      return words.say('removal.not_gained');
    default:
      return noteText(note.what, words);
  }
}

/**
 * @param {Words} words
 * @param {Actions} act
 */
function back(words, act) {
  return act.back ? parts.button('plain', 'back', words.say('held.back'), act.back) : null;
}
