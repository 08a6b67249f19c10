// What a person sees in each state of the offer.

import { crossroad } from '../surface/crossroads.js';
import { icon } from '../surface/icons.js';
import { noteText } from '../surface/notes.js';
import * as parts from '../surface/parts.js';

/** @typedef {import('../words/words.js').Words} Words */
/** @typedef {import('../words/words.js').Key} Key */
/** @typedef {import('../surface/surface.js').Scene} Scene */
/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').Offering} Offering */

/**
 * @typedef {object} Actions
 * @property {(keyName: string) => void} setUp
 * @property {() => void} skip
 * @property {() => void} dismiss
 * @property {() => void} goOn
 * @property {import('../surface/crossroads.js').Ways} ways
 * @property {() => void} manage
 */

/**
 * @param {State} state
 * @param {Words} words
 * @param {Actions} act
 * @param {parts.Frame} frame
 * @returns {Scene}
 */
export function scene(state, words, act, frame) {
  const card = (/** @type {parts.CardContent} */ content) => parts.card({ ...content, frame, words });
  const goOn = parts.button('first', 'go-on', words.say(frame.isCard ? 'close' : 'continue'), act.goOn);
  switch (state.name) {
    case 'quiet':
      return { name: state.name, content: null };
    case 'skeleton':
      return { name: state.name, content: parts.skeleton() };
    case 'offer':
      return offer(state, words, act, frame);
    case 'working': {
      const text = words.say(state.way === 'device' ? 'working.text' : 'working.text_other');
      return parts.waiting({ title: words.say('working.title'), text, frame, words });
    }
    case 'saving': {
      const title = words.say('saving.title');
      return parts.waiting({ title, text: null, says: title, frame, words });
    }
    case 'done': {
      const unasked = state.isUnasked ? words.say('done.upgraded') : null;
      const texts = [unasked, whereIsIt(state.where, words), words.say('done.next')];
      const manage = parts.button('plain', 'manage', words.say('done.manage'), act.manage);
      const title = words.say('done.title');
      const says = unasked ? `${title}. ${unasked}` : title;
      return { name: state.name, content: card({ mark: icon('done'), title, texts, actions: [goOn, manage] }), says };
    }
    case 'here': {
      const manage = parts.button('plain', 'manage', words.say('done.manage'), act.manage);
      const [title, texts] = [words.say('here.title'), [words.say('here.text')]];
      return { name: state.name, content: card({ mark: icon('done'), title, texts, actions: [goOn, manage] }), says: title };
    }
    case 'elsewhere': {
      const how = words.say(state.why === 'in_app' || state.why === 'frame' ? 'elsewhere.in_app' : 'elsewhere.other');
      const texts = [words.say('elsewhere.text'), how];
      const title = words.say('elsewhere.title');
      return { name: state.name, content: card({ mark: icon('phone'), title, texts, actions: [goOn] }), says: title };
    }
    case 'go_on': {
      const [title, texts] = [words.say('go_on.title'), [words.say('go_on.text')]];
      return { name: state.name, content: card({ mark: icon('info'), title, texts, actions: [goOn] }), says: title };
    }
    case 'not_gained': {
      const texts = [words.say('not_gained.text'), state.isLeft ? words.say('note.delete_unsaved') : null];
      const title = words.say('not_gained.title');
      return { name: state.name, content: card({ mark: icon('info'), title, texts, actions: [goOn] }), says: title };
    }
    case 'signed_out':
    case 'second_factor':
    case 'other_person':
      return crossroad(state, words, frame, act.ways);
  }
}

/**
 * @param {Offering} state
 * @param {Words} words
 * @param {Actions} act
 * @param {parts.Frame} frame
 * @returns {Scene}
 */
function offer(state, words, act, frame) {
  const note = state.note ? noteText(state.note, words) : null;
  const name = state.way === 'key' && state.step !== 'confirm' ? parts.field('key-name', words.say('offer.name'), state.proposedName) : null;
  const setUp = parts.button(state.isSkipFirst ? 'second' : 'first', 'set-up', words.say(buttonKey(state)), () =>
    act.setUp(name?.querySelector('input')?.value ?? ''),
  );
  if (note) setUp.setAttribute('aria-describedby', 'note');
  if (!state.isReady) parts.busy(setUp, words.say('offer.getting_ready'));
  const skip = state.maySkip ? parts.button(state.isSkipFirst ? 'first' : 'second', 'skip', words.say('offer.skip'), act.skip) : null;
  const dismiss = state.mayDismiss ? parts.button('plain', 'dismiss', words.say('offer.dismiss'), act.dismiss) : null;
  const about = { device: 'offer.text', other: 'offer.text_other', key: 'offer.text_key' };
  const demand = state.requiredBy && state.maySkip ? words.say('offer.required_by', { date: words.date(state.requiredBy) }) : words.say('offer.required');
  return {
    name: 'offer',
    content: parts.card({
      frame,
      words,
      mark: [icon('face'), icon('fingerprint'), icon('passkey')],
      title: words.say('offer.title'),
      texts: [
        words.say(/** @type {Key} */ (about[state.way])),
        state.isRequired ? demand : null,
        state.step === 'confirm' ? words.say('offer.confirm_first') : null,
      ],
      account: state.account ? parts.account(words, 'offer.account', state.account) : null,
      note: note ? parts.note(note) : null,
      before: name,
      actions: state.isSkipFirst ? [skip, setUp, dismiss] : [setUp, skip, dismiss],
      after: parts.disclosure(words.say('offer.what'), words.say('offer.what_text')),
    }),
    says: note ?? '',
  };
}

/**
 * @param {Offering} state
 * @returns {Key}
 */
function buttonKey({ step, way, note }) {
  if (step === 'resume' && !note) return 'offer.resume';
  if (note && step !== 'confirm') return 'offer.retry';
  return way === 'other' ? 'offer.set_up_other' : 'offer.set_up';
}

/**
 * @param {Extract<State, { name: 'done' }>['where']} where
 * @param {Words} words
 */
function whereIsIt(where, words) {
  if (where === null) return null;
  if (typeof where === 'object') return words.say('done.where_provider', where);
  return words.say(where === 'device' ? 'done.where_device' : 'done.where_other');
}
