/**
 * What a person is told of a try that they can try again.
 *
 * @param {import('../attempt/failure.js').Note} note
 * @param {import('../words/words.js').Words} words
 */
export function noteText(note, words) {
  switch (note) {
    case 'not_saved_delete':
      return `${words.say('note.not_saved')} ${words.say('note.delete_unsaved')}`;
    case 'stale_delete':
      return `${words.say('note.stale')} ${words.say('note.delete_unsaved')}`;
    default:
      return words.say(`note.${note}`);
  }
}
