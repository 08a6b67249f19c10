// What each is called, so that no two are called the same.

/** @typedef {import('../words/words.js').Words} Words */
/** @typedef {import('./state.js').Item} Item */

/**
 * @param {Item} item
 * @param {Words} words
 */
export function nameOf(item, words) {
  return item.name ?? words.say(item.kind === 'passkey' ? 'held.passkey' : 'held.security_key');
}

/**
 * When each was added: the day, and the time as well where a day does not tell two of one name apart.
 *
 * @param {readonly Item[]} items
 * @param {Words} words
 * @returns {Map<string, string | null>} by id
 */
export function datesOf(items, words) {
  const day = (/** @type {Item} */ item) => item.addedAt && words.date(item.addedAt);
  const label = (/** @type {Item} */ item) => `${nameOf(item, words)} ${day(item)}`;
  return new Map(
    items.map((item) => {
      const isOnlyOne = items.filter((other) => label(other) === label(item)).length === 1;
      return [item.id, isOnlyOne ? day(item) : item.addedAt && words.date(item.addedAt, { exact: true })];
    }),
  );
}
