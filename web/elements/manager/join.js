// What the settings flow shows, joined with what the admin API knows of it.

/** @typedef {import('../kratos/flow.js').Held} Held */
/** @typedef {import('../service/onboarding.js').Provided} Provided */
/** @typedef {import('./state.js').Item} Item */

/**
 * @param {readonly Held[]} held
 * @param {readonly Provided[] | null} provided `null`: nobody could be asked
 * @returns {Item[]} the newest first
 */
export function join(held, provided) {
  const items = held.map((one) => {
    const more = provided?.find(({ id }) => id === one.id);
    const isOnly = held.length === 1;
    const isLast = !one.removable || more?.last_way_to_sign_in === true ? 'yes' : isOnly && more?.last_way_to_sign_in !== false ? 'maybe' : 'no';
    return /** @type {Item} */ ({
      id: one.id,
      kind: one.kind,
      name: one.name ?? more?.name ?? more?.provider?.name ?? null,
      provider: more?.provider ?? null,
      addedAt: one.addedAt ?? more?.added_at ?? null,
      isBackedUp: more?.backed_up ?? null,
      isLast,
      isRemovable: one.removable,
    });
  });
  return items.sort((a, b) => (b.addedAt ?? '').localeCompare(a.addedAt ?? ''));
}
