// Kratos lets a session change passkeys only for a while after signing in: looked at first, rescued where it comes all the same.

import assert from 'node:assert/strict';

import { signsInAgain } from './app.js';
import { cors, hears, OPENED } from './between.js';
import { inWorld } from './scenario.js';
import {
  action, arrives, CONTINUE, isCounted, isDecided, isOffered, offerUrl, press, READY, reads, RESUME, sees, SET_UP, SKIP, until,
} from './steps.js';

const PRIVILEGED = 'ONBOARDING__KRATOS__PRIVILEGED_SESSION_MAX_AGE';

/** Shorter than a ceremony may take. */
const short = inWorld({ privilegedFor: '1m' });
/** The service believes that there is time. */
const mistaken = inWorld({ privilegedFor: '4s', service: { [PRIVILEGED]: '1h' } });
/** Nobody is ever in time. */
const never = inWorld({ privilegedFor: '1ms' });

/** It is enough at first, and not for long. */
const scarce = inWorld({ privilegedFor: '170s' });
/** The service believes that signing in again helps, and it never does. */
const hopeless = inWorld({ privilegedFor: '1ms', service: { [PRIVILEGED]: '1m' } });

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

short('cancelled once, and then signed in again for another try: it goes on with that, whatever the pause', async ({ person, page }) => {
  await page.route(/\/api\/onboarding\?.*wait=/, (route) => route.abort());
  await isOffered(person);
  await person.report('cancelled', { duration_ms: 2_000 });
  await isDecided(person, 'later');
  await press(page, SET_UP);
  await signsInAgain(person);
  await press(page, RESUME);
  await sees(page, READY);
  assert.equal((await person.credentials()).passkeys.length, 1);
}, { expects: [/ERR_FAILED .*wait=/] });

short('back from signing in again, and the service takes five seconds: who wants a passkey waits for it', async ({ person, page }) => {
  await isOffered(person);
  await press(page, SET_UP);
  await page.route(/\/api\/onboarding\?(?!.*wait=)/, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    await route.continue().catch(() => undefined);
  });
  await signsInAgain(person);
  await action(page, RESUME).waitFor();
});

scarce('Kratos does not send people back to this page, and time runs out: nobody is sent away, and there is a way on', async ({ person, page, world }) => {
  await page.clock.install();
  await page.route(OPENED, (route) => {
    if (!new URL(route.request().url()).searchParams.has('return_to')) return route.continue();
    const error = { id: 'self_service_flow_return_to_forbidden', code: 400, status: 'Bad Request', message: 'not allowed' };
    return route.fulfill({ status: 400, contentType: 'application/json', headers: cors(route), body: JSON.stringify({ error }) });
  });
  await isOffered(person);
  const left = person.watch.requests.length;
  await page.clock.fastForward(25_000);
  await sees(page, 'You can go on');
  assert.deepEqual(person.watch.requests.slice(left).filter((request) => request.includes('/self-service/login')), []);
  await isCounted(world, 'unavailable', 'config');
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
}, { expects: [/^400 .*\/self-service\/settings/] });

hopeless('signed in again and refused after the ceremony: the device forgets the passkey', async ({ person, page }) => {
  const signalled = await hears(page);
  await isRefusedAfterAll(person);
  await sees(page, 'It did not work this time');
  const [last] = (await person.device.credentials()).slice(-1);
  assert.deepEqual((await signalled()).map(({ credentialId }) => credentialId), [Buffer.from(last?.credentialId ?? '', 'base64').toString('base64url')]);
  assert.equal(await page.getByText(/You can delete it there/).count(), 0);
}, { expects: [/^403 .*\/self-service\/settings/] });

hopeless('signed in again and refused after the ceremony, and the device cannot be told: the person is', async ({ person, page }) => {
  await isRefusedAfterAll(person);
  await sees(page, 'It did not work this time');
  await reads(page, /You can delete it there/);
}, { expects: [/^403 .*\/self-service\/settings/], lacks: ['signals'] });

/** @param {import('./person/person.js').Person} person */
async function isRefusedAfterAll(person) {
  const { page } = person;
  await isOffered(person);
  await press(page, SET_UP);
  await signsInAgain(person);
  await press(page, RESUME);
}
