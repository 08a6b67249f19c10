// The document of `GET /api/onboarding`, read; see the service's OpenAPI document.

import { webAddress } from '../wire/address.js';

/**
 * @typedef {object} Decision
 * @property {string} subject
 * @property {'offer' | 'later' | 'done' | 'never' | 'required'} decision
 * @property {string} reason
 * @property {boolean} may_skip
 * @property {boolean} may_dismiss
 * @property {string | null} required_by RFC 3339
 * @property {{ privileged: boolean, privileged_for_s: number }} session
 * @property {'settings' | 'own'} ceremony how a passkey is added; anything else is taken for `settings`
 * @property {number} [conditional_create_for_s] in which a passkey may be made without asking
 * @property {{ browser_url: string }} kratos
 * @property {{ return_to: string, manage: string }} links
 */

const DECISIONS = ['offer', 'later', 'done', 'never', 'required'];

/**
 * @param {any} body
 * @returns {Decision | null} `null`: something else answered in the place of the service
 */
export function readDecision(body) {
  const isOne =
    typeof body?.subject === 'string' &&
    DECISIONS.includes(body.decision) &&
    typeof body.session?.privileged === 'boolean' &&
    Number.isFinite(body.session.privileged_for_s) &&
    [body.kratos?.browser_url, body.links?.return_to, body.links?.manage].every(webAddress);
  return isOne ? body : null;
}
