// Kratos lets a session change passkeys only for a while after signing in: looked at first, rescued where it comes all the same.

import assert from 'node:assert/strict';

import { signsInAgain } from './app.js';
import { inWorld } from './scenario.js';
import {
  arrives, CONTINUE, isCounted, isDecided, isOffered, offerUrl, press, READY, reads, RESUME, sees, SET_UP, SKIP, until,
} from './steps.js';

const PRIVILEGED = 'ONBOARDING__KRATOS__PRIVILEGED_SESSION_MAX_AGE';

/** Shorter than a ceremony may take. */
const short = inWorld({ privilegedFor: '1m' });
/** The service believes that there is time. */
const mistaken = inWorld({ privilegedFor: '4s', service: { [PRIVILEGED]: '1h' } });
/** Nobody is ever in time. */
const never = inWorld({ privilegedFor: '1ms' });

/** @param {import('./person/person.js').Person} person @param {number} seconds */
async function isTooOld(person, seconds) {
  const session = await person.session();
  await until('the session is too old', () => Date.now() > Date.parse(session.authenticated_at) + seconds * 1000 + 100);
}

short('too little time: sign in again first, then create with one touch', async ({ person, page, world }) => {
  const destination = world.appUrl('/?from=test');
  await isOffered(person, destination);
  await press(page, SET_UP);
  await signsInAgain(person);
  await arrives(page, world.serviceUrl('/post-registration'));
  assert.deepEqual(person.ceremonies, []);
  await press(page, RESUME);
  await sees(page, READY);
  assert.equal(person.ceremonies.length, 1);
  assert.equal((await person.credentials()).passkeys.length, 1);
  await press(page, CONTINUE);
  await page.waitForURL(destination);
});

short('the way back is good once: the address is clean again, and a reload is an ordinary offer', async ({ person, page }) => {
  await isOffered(person);
  const before = page.url();
  await press(page, SET_UP);
  await signsInAgain(person);
  await page.getByRole('button', { name: RESUME }).waitFor();
  assert.equal(page.url(), before);
  assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.includes('resume'))), []);
  await page.reload();
  await page.getByRole('button', { name: SET_UP }).waitFor();
  assert.equal(await page.getByRole('button', { name: RESUME }).count(), 0);
});

short('on the way to sign in again the person turns back: the offer is there as before', async ({ person, page, world }) => {
  await isOffered(person);
  await press(page, SET_UP);
  await page.waitForURL((url) => url.origin === world.app.origin);
  await page.goBack();
  await page.getByRole('button', { name: SET_UP }).waitFor();
  await press(page, SKIP);
  await arrives(page, world.appUrl('/'));
});

mistaken('refused after the ceremony: Kratos kept it, and the passkey is there after signing in again', async ({ person, page, world }) => {
  const destination = world.appUrl('/?from=test');
  await isOffered(person, destination);
  await isTooOld(person, 4);
  await press(page, SET_UP);
  await signsInAgain(person);
  await page.waitForURL((url) => url.origin === new URL(world.serviceUrl('')).origin);
  await sees(page, READY);
  assert.equal(person.ceremonies.length, 1);
  const { passkeys } = await person.credentials();
  assert.equal(passkeys.length, 1);
  const [kept] = await person.device.credentials();
  assert.equal(Buffer.from(kept?.credentialId ?? '', 'base64').toString('hex'), passkeys[0]);
  await isDecided(person, 'done');
  await press(page, CONTINUE);
  await page.waitForURL(destination);
}, { expects: [/^403 .*\/self-service\/settings/] });

mistaken('refused after the ceremony, and the person turns back: nothing is claimed, and a second try works', async ({ person, page, world }) => {
  await isOffered(person);
  await isTooOld(person, 4);
  await press(page, SET_UP);
  await page.waitForURL((url) => url.origin === world.app.origin);
  await page.goBack();
  await page.getByRole('button', { name: SET_UP }).waitFor();
  assert.deepEqual((await person.credentials()).passkeys, []);
  await person.signIn({ refresh: true });
  await page.goto(offerUrl(person));
  await press(page, SET_UP);
  await sees(page, READY);
}, { expects: [/^403 .*\/self-service\/settings/] });

never('signed in again and still refused: said in plain words, reported, and there is a way on', async ({ person, page, world }) => {
  await isOffered(person);
  await press(page, SET_UP);
  await signsInAgain(person);
  await sees(page, 'It did not work this time');
  await reads(page, /That is not your fault/);
  assert.deepEqual(person.ceremonies, []);
  await isCounted(world, 'failed', 'privilege_not_gained');
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
});
