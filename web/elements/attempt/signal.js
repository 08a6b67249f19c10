// Telling the provider that a passkey is gone. Only ever about one: Kratos gives each passkey a user handle of its own,
// so "all accepted ones" would be an incomplete list, and providers drop living ones by it.

import { fromHex, toBase64url } from './bytes.js';

/**
 * @param {string} rpId
 * @param {string} id lower-case hex
 * @returns {Promise<boolean>} whether the browser could be told; the provider may still keep it
 */
export async function signalUnknown(rpId, id) {
  try {
    if (typeof PublicKeyCredential.signalUnknownCredential !== 'function') return false;
    await PublicKeyCredential.signalUnknownCredential({ rpId, credentialId: toBase64url(fromHex(id).buffer) });
    return true;
  } catch {
    return false;
  }
}
