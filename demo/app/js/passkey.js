// Passkeys in the browser: options as Kratos writes them in, what Kratos takes out. Older browsers cannot read or write
// the JSON themselves.

/** @param {string} text base64url */
function bytes(text) {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

/** @param {ArrayBuffer | null | undefined} buffer */
function text(buffer) {
  if (!buffer) return undefined;
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** @param {PublicKeyCredential} credential */
function written(credential) {
  const response = /** @type {any} */ (credential.response);
  /** @type {Record<string, unknown>} */
  const fields = {};
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (response[name]) fields[name] = text(response[name]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: fields,
  });
}

/** @param {any} described @returns {any} */
function credentials(described) {
  return described?.map((/** @type {any} */ one) => ({ ...one, id: bytes(one.id) }));
}

export const isSupported = typeof PublicKeyCredential !== 'undefined';

/** Makes one. @param {any} options the object under `publicKey` @returns {Promise<string>} */
export async function create(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: credentials(options.excludeCredentials),
  };
  return written(/** @type {PublicKeyCredential} */ (await navigator.credentials.create({ publicKey })));
}

/** Uses one. @param {any} options the object under `publicKey` @returns {Promise<string>} */
export async function get(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: credentials(options.allowCredentials),
  };
  return written(/** @type {PublicKeyCredential} */ (await navigator.credentials.get({ publicKey })));
}

/** What to tell somebody whose ceremony came to nothing. @param {unknown} error */
export function explanation(error) {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError') return 'That was cancelled, or took too long. You can try again, or use another way.';
  if (name === 'InvalidStateError') return 'This device already has a passkey for this account.';
  if (name === 'SecurityError') return 'This address cannot use passkeys here. Open the demo on localhost.';
  return error instanceof Error ? error.message : String(error);
}
