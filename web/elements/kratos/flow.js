// A settings flow of Kratos, read: which passkeys and security keys there are, and what a new one is made of.

import { webAddress } from '../wire/address.js';

/**
 * @typedef {object} Held A credential of which the flow shows a remove node.
 * @property {string} id lower-case hex
 * @property {'passkey' | 'security_key'} kind
 * @property {string | null} name
 * @property {string | null} addedAt RFC 3339
 * @property {boolean} removable Kratos keeps the last one that signs a person in (v1.3.1, v26.2.0: the node is disabled).
 */

/**
 * @typedef {object} SettingsFlow
 * @property {string} id
 * @property {string | null} identity whose it is; `null` where Kratos does not say it
 * @property {URL} action
 * @property {string} csrf
 * @property {number} freshUntil by `performance.now()`: the device's own clock may be wrong by hours
 * @property {string | null} account what the person calls it
 * @property {string | null} app what the relying party is called
 * @property {readonly Held[]} held
 * @property {Record<'passkey' | 'security_key', any>} options what `create()` is told, as Kratos gave it; `null` where it
 *   does not take that kind
 */

/** @typedef {'passkey' | 'security_key'} Kind */

/** What Kratos calls each kind: method, remove node, the field a new one is submitted in (v1.3.1 to main). */
export const METHODS = /** @type {const} */ ({
  passkey: { method: 'passkey', remove: 'passkey_remove', register: 'passkey_settings_register' },
  security_key: { method: 'webauthn', remove: 'webauthn_remove', register: 'webauthn_register' },
});

/** Where a flow does not say how long it lives. */
const USUAL_LIFETIME_MS = 600_000;

/**
 * @param {any} body
 * @returns {SettingsFlow | null} `null`: this is no settings flow
 */
export function readFlow(body) {
  const nodes = body?.ui?.nodes;
  const action = webAddress(body?.ui?.action);
  if (typeof body?.id !== 'string' || !action || !Array.isArray(nodes)) return null;
  const value = (/** @type {string} */ name) =>
    nodes.find((node) => node?.attributes?.name === name)?.attributes?.value ?? null;
  const options = {
    passkey: parsed(value('passkey_create_data')),
    security_key: parsed(value('webauthn_register_trigger')),
  };
  const lifetime = Date.parse(body.expires_at) - Date.parse(body.issued_at);
  return {
    id: body.id,
    identity: typeof body.identity?.id === 'string' ? body.identity.id : null,
    action,
    csrf: String(value('csrf_token') ?? ''),
    freshUntil: performance.now() + (lifetime > 0 ? lifetime : USUAL_LIFETIME_MS),
    account: account(options.passkey, body.identity),
    app: (options.passkey ?? options.security_key)?.rp?.name || null,
    held: nodes.flatMap(readHeld),
    options,
  };
}

/**
 * Whether it is certainly somebody else's.
 *
 * @param {SettingsFlow} flow
 * @param {string | null} identity
 */
export function isOfAnother(flow, identity) {
  return flow.identity !== null && identity !== null && flow.identity !== identity;
}

/**
 * @param {any} node
 * @returns {Held[]}
 */
function readHeld(node) {
  const { name, value, disabled } = node?.attributes ?? {};
  const kind = name === METHODS.passkey.remove ? 'passkey' : name === METHODS.security_key.remove ? 'security_key' : null;
  if (!kind || typeof value !== 'string') return [];
  const told = node.meta?.label?.context ?? {};
  const given = typeof told.display_name === 'string' ? told.display_name.trim() : '';
  return [
    {
      id: value.toLowerCase(),
      kind,
      // Kratos's own word for "none".
      name: given === '' || given === 'unnamed' ? null : given,
      addedAt: typeof told.added_at === 'string' ? told.added_at : null,
      removable: disabled !== true,
    },
  ];
}

/**
 * @param {unknown} text
 * @returns {any} the `publicKey` part
 */
function parsed(text) {
  if (typeof text !== 'string' || text === '') return null;
  try {
    const data = JSON.parse(text);
    // In a registration flow it is wrapped once more.
    return (data.credentialOptions ?? data).publicKey ?? null;
  } catch {
    return null;
  }
}

/**
 * Never stored. The passkey's own name for the account first: it is what the device will show.
 *
 * @param {any} options
 * @param {any} identity
 * @returns {string | null}
 */
function account(options, identity) {
  const named = options?.user?.name;
  const traits = identity?.traits;
  const candidates = [
    // Without a display name in the schema Kratos puts the relying party's name there.
    named === options?.rp?.name ? null : named,
    traits?.email,
    identity?.verifiable_addresses?.[0]?.value,
    traits?.username,
    traits?.phone,
  ];
  return candidates.find((candidate) => typeof candidate === 'string' && candidate !== '') ?? null;
}
