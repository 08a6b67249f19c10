/**
 * Whether this page may make credentials of the relying party (WebAuthn Level 3, 5.1.3, step 8). If not, the
 * configuration is wrong, whatever the person does.
 *
 * @param {string} relyingParty
 */
export function belongsTo(relyingParty) {
  return location.hostname === relyingParty || location.hostname.endsWith(`.${relyingParty}`);
}
