// Everything `<passkey-manager>` can be showing.

/**
 * @typedef {object} Item
 * @property {string} id lower-case hex
 * @property {'passkey' | 'security_key'} kind
 * @property {string | null} name given by the person, or the provider's
 * @property {{ name: string, kind: string } | null} provider
 * @property {string | null} addedAt RFC 3339
 * @property {boolean | null} isBackedUp
 * @property {'yes' | 'no' | 'maybe'} isLast the last way to sign in; `maybe`: the last passkey, and nobody says what else there is
 * @property {boolean} isRemovable
 */

/**
 * @typedef {{ what: 'removed' | 'delete_too', item: Item }
 *   | { what: 'added' | 'not_gained' | 'not_gained_delete' | 'not_removed' | 'not_removed_privilege' | 'refreshed' | 'here' }
 *   | { what: import('../attempt/failure.js').Note }} Note
 */

/**
 * @typedef {object} Listing
 * @property {'list'} name
 * @property {readonly Item[]} items
 * @property {string | null} account
 * @property {'create' | 'confirm' | 'resume' | 'unavailable'} step of adding one
 * @property {boolean} takesKeys security keys can be added, too
 * @property {string | null} fresh id of the one just added
 * @property {Note | null} note
 */

/**
 * @typedef {{ name: 'quiet' } | { name: 'skeleton' } | Listing | { name: 'working', kind: Item['kind'] } | { name: 'saving' }
 *   | { name: 'not_loaded', isTrying: boolean } | import('../surface/crossroads.js').Crossroad} State
 */

export {};
