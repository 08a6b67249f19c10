// What this device and this page can do. Held against the device, never against the account.

/**
 * @typedef {{ kind: 'platform' | 'roaming', platform: boolean | null, hybrid: boolean | null }} Able
 *   `platform`: a passkey can be kept here. `roaming`: on a phone or a security key.
 * @typedef {{ kind: 'unable', why: 'no_webauthn' | 'insecure' | 'in_app' | 'frame', platform: null, hybrid: null }} Unable
 * @typedef {Able | Unable} Device
 */

/** @returns {Promise<Device>} */
export async function device() {
  const why = obstacle();
  if (why) return { kind: 'unable', why, platform: null, hybrid: null };
  const { platform, hybrid } = await capabilities();
  return { kind: platform === false ? 'roaming' : 'platform', platform, hybrid };
}

/** @returns {Unable['why'] | null} */
function obstacle() {
  if (!window.isSecureContext) return 'insecure';
  if (isInApp(navigator.userAgent)) return 'in_app';
  if (typeof PublicKeyCredential !== 'function' || typeof navigator.credentials?.create !== 'function') return 'no_webauthn';
  return mayCreate() ? null : 'frame';
}

/** @returns {Promise<{ platform: boolean | null, hybrid: boolean | null }>} */
async function capabilities() {
  try {
    // `passkeyPlatformAuthenticator` counts a phone in (WebAuthn Level 3, 5.1.8), so it does not tell them apart.
    const told = await PublicKeyCredential.getClientCapabilities();
    const platform = told['userVerifyingPlatformAuthenticator'];
    if (typeof platform === 'boolean') return { platform, hybrid: told['hybridTransport'] ?? null };
  } catch {
    // Older than that.
  }
  try {
    return { platform: await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable(), hybrid: null };
  } catch {
    return { platform: null, hybrid: null };
  }
}

/** In a frame of another origin the page around it has to allow it (WebAuthn Level 3, 5.10). */
function mayCreate() {
  if (window.top === window.self) return true;
  const policy = /** @type {any} */ (document).featurePolicy;
  if (policy?.allowsFeature) return policy.allowsFeature('publickey-credentials-create');
  try {
    return window.top?.location.origin === location.origin;
  } catch {
    return false;
  }
}

/**
 * Browsers inside other apps: they have no passkeys, or lose what was made in them.
 *
 * @param {string} agent
 */
function isInApp(agent) {
  return /\bFB(AN|AV|_IAB)\b|\bInstagram\b|\bLine\/|\bMicroMessenger\b|\bTwitter(Android| for)|\bLinkedInApp\b|\bSnapchat\b|\bTikTok\b|musical_ly|\bPinterest\b|; wv\)/.test(agent);
}

/** What a person would call this device; they can change it. */
export function proposedName() {
  const told = /** @type {any} */ (navigator).userAgentData?.platform ?? '';
  const known = ['iPhone', 'iPad', 'Android', 'Windows', 'Chrome OS', 'Mac', 'Linux'];
  return known.find((one) => told.includes(one) || navigator.userAgent.includes(one)) ?? '';
}
