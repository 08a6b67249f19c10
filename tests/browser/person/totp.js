// A second factor: codes by time (RFC 6238), as an app on a phone makes them.

import { createHmac } from 'node:crypto';

import { submit } from './flow.js';

/** @typedef {import('./person.js').Person} Person */

/** Adds one to the account. @param {Person} person @returns {Promise<string>} the secret, base32 */
export async function addsTotp(person) {
  const flow = await person.settings();
  const node = flow.ui.nodes.find((/** @type {any} */ one) => one.attributes.id === 'totp_secret_key');
  const secret = node.attributes.text.context?.secret ?? node.attributes.text.text;
  await submit(person.context.request, flow, { method: 'totp', totp_code: code(secret, Date.now()) });
  return secret;
}

/** The next code: one is good once, and Kratos takes the next one already. @param {string} secret base32 */
export function nextCode(secret) {
  return code(secret, Date.now() + 30_000);
}

/** @param {string} secret base32 @param {number} now ms since the epoch */
function code(secret, now) {
  const bits = [...secret.replace(/=+$/, '')].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const digest = createHmac('sha1', key).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
