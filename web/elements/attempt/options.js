// What `create()` is told, from what Kratos gave; and what Kratos is handed, from what `create()` gave.

import { TIMEOUT_MS } from '../visit/time.js';
import { fromBase64url, fromHex, toBase64url } from './bytes.js';

/** @typedef {import('../kratos/flow.js').SettingsFlow} SettingsFlow */
/** @typedef {import('../kratos/flow.js').Kind} Kind */
/** @typedef {import('../visit/device.js').Able} Able */

/**
 * `passkey`: kept by the device or by a phone. `signing_key`: a security key that is to be as good as one, where Kratos has
 * `webauthn` only. `security_key`: any.
 *
 * @typedef {'passkey' | 'signing_key' | 'security_key'} Purpose
 */

/**
 * @param {SettingsFlow} flow
 * @param {Purpose} purpose
 * @param {Able} able
 * @returns {PublicKeyCredentialCreationOptions | null} `null`: Kratos gave none that can be read
 */
export function creationOptions(flow, purpose, able) {
  const given = flow.options[purpose === 'passkey' ? 'passkey' : 'security_key'];
  if (!given) return null;
  const wished = {
    ...given,
    timeout: Math.min(given.timeout ?? TIMEOUT_MS, TIMEOUT_MS),
    // Kratos sends none, so the same device would be added twice.
    excludeCredentials: flow.held.map(({ id }) => ({ type: 'public-key', id: toBase64url(fromHex(id).buffer) })),
    authenticatorSelection: selection(given.authenticatorSelection ?? {}, purpose, able),
    hints: hints(purpose, able),
  };
  try {
    return parse(wished);
  } catch {
    return null;
  }
}

/**
 * @param {any} given
 * @param {Purpose} purpose
 * @param {Able} able
 */
function selection(given, purpose, able) {
  const { authenticatorAttachment, ...rest } = given;
  switch (purpose) {
    case 'passkey':
      // Without one built in, "platform" would leave the person with nothing to touch. Kratos takes any (seen on v26.2.0).
      return able.kind === 'platform' && authenticatorAttachment ? given : rest;
    case 'signing_key':
      return { ...rest, residentKey: 'required', requireResidentKey: true, userVerification: 'required' };
    case 'security_key':
      return { ...rest, residentKey: 'preferred', requireResidentKey: false, userVerification: 'preferred' };
  }
}

/**
 * @param {Purpose} purpose
 * @param {Able} able
 */
function hints(purpose, able) {
  if (purpose === 'security_key') return ['security-key'];
  return able.kind === 'platform' ? ['client-device'] : ['hybrid', 'security-key'];
}

/**
 * @param {any} json
 * @returns {PublicKeyCredentialCreationOptions}
 */
export function parse(json) {
  if (typeof PublicKeyCredential.parseCreationOptionsFromJSON === 'function') {
    return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  }
  return {
    ...json,
    challenge: fromBase64url(json.challenge),
    user: { ...json.user, id: fromBase64url(json.user.id) },
    excludeCredentials: json.excludeCredentials.map((/** @type {any} */ one) => ({ ...one, id: fromBase64url(one.id) })),
  };
}

/**
 * @param {PublicKeyCredential} credential
 * @returns {string} `RegistrationResponseJSON`
 */
export function credentialJson(credential) {
  // Some password managers answer with an object of their own. What it inherits from the browser's throws: those
  // methods want a credential of the browser.
  const json = tried(() => JSON.stringify(credential.toJSON()));
  if (json) return json;
  const response = /** @type {AuthenticatorAttestationResponse} */ (credential.response);
  return JSON.stringify({
    id: credential.id,
    rawId: toBase64url(credential.rawId),
    type: credential.type,
    authenticatorAttachment: attachment(credential) ?? undefined,
    clientExtensionResults: tried(() => credential.getClientExtensionResults()) ?? {},
    response: {
      clientDataJSON: toBase64url(response.clientDataJSON),
      attestationObject: toBase64url(response.attestationObject),
      transports: tried(() => response.getTransports()) ?? [],
    },
  });
}

/** @param {PublicKeyCredential} credential */
export function attachment(credential) {
  return tried(() => credential.authenticatorAttachment);
}

/**
 * @template T
 * @param {() => T} read
 * @returns {T | null} `null`: it throws
 */
function tried(read) {
  try {
    return read();
  } catch {
    return null;
  }
}
