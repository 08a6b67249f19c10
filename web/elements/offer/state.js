// Everything `<passkey-offer>` can be showing. What is shown follows from this and from nothing else.

/** @typedef {import('../attempt/failure.js').Note} Note */

/**
 * @typedef {object} Offering
 * @property {'offer'} name
 * @property {boolean} isRequired
 * @property {string | null} requiredBy RFC 3339
 * @property {boolean} maySkip
 * @property {boolean} mayDismiss
 * @property {'create' | 'confirm' | 'resume'} step `confirm`: to sign in again first; `resume`: that was done just now
 * @property {boolean} isReady options are there: the click can call `create()`
 * @property {boolean} isSkipFirst
 * @property {Note | null} note
 * @property {string | null} account
 * @property {'device' | 'other' | 'key'} way what the person will use; `key`: Kratos has security keys only
 * @property {string} proposedName
 */

/**
 * @typedef {{ name: 'quiet' }
 *   | { name: 'skeleton' }
 *   | Offering
 *   | { name: 'working', way: Offering['way'] }
 *   | { name: 'saving' }
 *   | { name: 'done', where: { provider: string } | 'device' | 'other' | null, isUnasked?: boolean }
 *   | { name: 'here' }
 *   | { name: 'elsewhere', why: import('../visit/device.js').Unable['why'] }
 *   | { name: 'go_on' }
 *   | { name: 'signed_out' }
 *   | { name: 'second_factor' }
 *   | { name: 'other_person', account: string | null }
 *   | { name: 'not_gained', isLeft: boolean }} State
 *   `isUnasked`: a password manager made it by itself. `isLeft`: the device may still show a passkey that does not work
 */

export {};
