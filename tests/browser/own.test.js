// The service's own ceremony, handed in to Kratos: the same page, the same ways out, and no 403 at the end.

import assert from 'node:assert/strict';

import { registersInApp, signsInAgain, signsInWithPasskey, signsOutInApp } from './app.js';
import { hears, held } from './between.js';
import { Device } from './person/device.js';
import { keep, violations } from './person/look.js';
import { inWorld } from './scenario.js';
import { action, arrives, CONTINUE, isDecided, isOffered, offerUrl, press, READY, reads, RESUME, sees, SET_UP, TITLE, until } from './steps.js';
import { IS_REAL_KRATOS } from './world/world.js';

/** @typedef {import('./person/person.js').Person} Person */
/** @typedef {import('playwright-core').Page} Page */

const OWN = { ONBOARDING__WEBAUTHN__RP_ID: 'localhost', ONBOARDING__WEBAUTHN__RP_NAME: 'Example' };
const test = inWorld({ service: OWN });
const late = inWorld({ privilegedFor: '2s', service: { ...OWN, ONBOARDING__WEBAUTHN__OWN_CEREMONY_MAX_AGE: '1h' } });
const short = inWorld({ privilegedFor: '1m', service: OWN });

const ADDED = /\/api\/onboarding\/passkeys$/;
const LIST = 'Your passkeys';
const ADD = 'Add a passkey';
const BUSY = 'You are creating a passkey in another tab. Finish there first.';

/** What the page sent anywhere. @param {Person} person @param {RegExp} what */
function sent(person, what) {
  return person.watch.requests.filter((request) => what.test(request));
}

/** @param {Person} person */
function isOwn(person) {
  assert.equal(sent(person, /^POST .*\/api\/onboarding\/passkeys$/).length, 1);
  assert.deepEqual(sent(person, /^POST .*\/self-service\/settings/), [], 'nothing went through the settings flow');
}

/** @param {Person} person */
async function opensList(person) {
  await person.register();
  await person.page.goto(person.world.serviceUrl('/passkeys'));
  await sees(person.page, LIST);
}

/** @param {import('./scenario.js').Scene} scene */
async function wholeWay({ person, page, world }) {
  await registersInApp(person);
  await arrives(page, world.serviceUrl('/post-registration'));
  await sees(page, TITLE);
  await reads(page, person.email);
  await until('the options are there before the click', () => sent(person, /passkeys\/options$/).length > 0);
  await press(page, SET_UP);
  await sees(page, READY);
  assert.deepEqual(await violations(page), []);
  isOwn(person);
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
  assert.equal((await person.credentials()).passkeys.length, 1);
  const [{ options } = assert.fail('no ceremony')] = person.ceremonies;
  assert.deepEqual([options.rp.name, options.authenticatorSelection.userVerification], ['Example', 'required']);
  assert.equal(options.authenticatorSelection.authenticatorAttachment, undefined, 'any authenticator');
  const before = await person.session();
  await isDecided(person, 'done');
  await signsOutInApp(person);
  await signsInWithPasskey(person, 'passkey');
  const session = await person.session();
  assert.equal(session.identity.id, before.identity.id);
  assert.deepEqual(session.authentication_methods.map((/** @type {any} */ one) => one.method), ['passkey']);
}

const versions = IS_REAL_KRATOS ? /** @type {const} */ (['v26.2.0']) : /** @type {const} */ (['v1.3.1', 'v26.2.0', 'main']);
for (const version of versions) {
  const world = inWorld({ service: OWN, version });
  world(`register, set up, sign out, sign in with it (${version})`, wholeWay, { expects: [/^401 .*whoami/] });
}

test('the same in a browser that is a few years old', wholeWay, {
  lacks: ['parseCreationOptionsFromJSON', 'toJSON', 'getClientCapabilities', 'signals', 'recent'],
  expects: [/^401 .*whoami/],
});

late('a session that is too old for Kratos, and not for the operator: one touch, and no 403', async ({ person, page }) => {
  await person.register();
  await until('Kratos would refuse', async () => !(await person.decision()).session.privileged);
  await page.goto(offerUrl(person));
  await press(page, SET_UP);
  await sees(page, READY);
  isOwn(person);
  assert.equal(person.ceremonies.length, 1);
});

late('the next one is by Kratos’s own clock again', async ({ person, page, world }) => {
  await person.register();
  await until('Kratos would refuse', async () => !(await person.decision()).session.privileged);
  await page.goto(offerUrl(person));
  await press(page, SET_UP);
  await sees(page, READY);
  await page.goto(world.serviceUrl('/passkeys'));
  await sees(page, LIST);
  await press(page, ADD);
  await page.waitForURL((url) => url.pathname === '/login');
  assert.equal(person.ceremonies.length, 1, 'before anybody touches a sensor');
}, { expects: [/^403 .*passkeys\/options/] });

short('too little time: sign in again first, and nothing is refused after the touch', async ({ person, page, world }) => {
  await isOffered(person);
  await press(page, SET_UP);
  await signsInAgain(person);
  await arrives(page, world.serviceUrl('/post-registration'));
  assert.deepEqual(person.ceremonies, []);
  await press(page, RESUME);
  await sees(page, READY);
  assert.equal(person.ceremonies.length, 1);
});

test('a device that has one is not asked again; another one is added', async ({ person, page }) => {
  await opensList(person);
  await press(page, ADD);
  await reads(page, /was added/);
  await keep(page, 'own-added');
  await press(page, ADD);
  await reads(page, 'This device already has a passkey for this account');
  await person.device.unplug();
  await Device.of(page);
  await press(page, ADD);
  await until('both are there', async () => (await page.getByRole('listitem').count()) === 2);
  assert.equal((await person.credentials()).passkeys.length, 2);
  const handles = new Set(person.ceremonies.map(({ options }) => JSON.stringify(options.user.id)));
  assert.equal(handles.size, 1, 'one user handle for all');
});

test('two tabs at once: two passkeys, and none is lost', async ({ person, page, world }) => {
  await opensList(person);
  const other = await person.tab();
  await other.goto(world.serviceUrl('/passkeys'));
  await sees(other, LIST);
  // What the first one made is still on its way when the second begins: a device would keep the last of two.
  const first = held();
  await page.route(ADDED, async (route) => {
    if (route.request().method() === 'POST') await first.released;
    await route.fallback();
  });
  await page.bringToFront();
  const begun = page.waitForRequest((request) => ADDED.test(request.url()) && request.method() === 'POST');
  await press(page, ADD);
  await begun;
  await other.bringToFront();
  await press(other, ADD);
  await reads(other, BUSY);
  assert.equal(person.ceremonies.length, 1);
  first.release();
  await until('the first is seen in both', async () => (await other.getByRole('listitem').count()) === 1);
  await until('it may begin here', async () => (await other.getByText(BUSY).count()) === 0);
  await press(other, ADD);
  await until('both are there', async () => (await person.credentials()).passkeys.length === 2);
  await until('and seen in both', async () => {
    const counts = await Promise.all([page, other].map((tab) => tab.getByRole('listitem').count()));
    return counts.every((count) => count === 2);
  });
});

/** The device is asked in the first of two tabs, and the other one has heard of it. @param {Person} person */
async function twoAtIt(person) {
  const { page } = person;
  await isOffered(person);
  const other = await person.tab();
  await other.goto(offerUrl(person));
  await sees(other, TITLE);
  const device = await person.hold();
  await page.bringToFront();
  await press(page, SET_UP);
  await until('the device is asked', () => person.ceremonies.length === 1);
  await other.bringToFront();
  await press(other, SET_UP);
  await reads(other, BUSY);
  return { other, device };
}

test('two tabs with an offer: one ceremony, and the other tab says so until it has ended', async ({ person, page }) => {
  const { other, device } = await twoAtIt(person);
  await device.release();
  await sees(page, READY);
  await sees(other, READY);
  assert.equal(person.ceremonies.length, 1);
  assert.equal((await person.credentials()).passkeys.length, 1);
});

test('a tab that is opened in the middle of it hears of it too', async ({ person, page, world }) => {
  await isOffered(person);
  const device = await person.hold();
  await press(page, SET_UP);
  await until('the device is asked', () => person.ceremonies.length === 1);
  const other = await person.tab();
  await other.goto(world.serviceUrl('/passkeys'));
  await sees(other, LIST);
  await press(other, ADD);
  await reads(other, BUSY);
  await device.release();
  await sees(page, READY);
  assert.equal(person.ceremonies.length, 1);
});

test('a tab that is closed in the middle keeps no other waiting', async ({ person, page }) => {
  const { other } = await twoAtIt(person);
  await page.close();
  await until('it may begin here', async () => (await other.getByText(BUSY).count()) === 0);
  await press(other, SET_UP);
  await sees(other, READY);
  assert.equal((await person.credentials()).passkeys.length, 1);
});

test('the answer is lost: it is sent again, and added once', async ({ person, page }) => {
  await isOffered(person);
  let lost = 0;
  await page.route(ADDED, async (route) => {
    if (route.request().method() !== 'POST' || (lost += 1) > 1) return route.fallback();
    await route.fetch();
    await route.abort();
  });
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal(lost, 2);
  assert.equal((await person.credentials()).passkeys.length, 1);
}, { expects: [/passkeys/] });

test('Kratos takes no more of them: the device forgets it, and the settings flow is the way', async ({ person, page }) => {
  const signalled = await hears(page);
  await isOffered(person);
  const refusal = (/** @type {Record<string, string>} */ details) => ({
    status: 409,
    contentType: 'application/json',
    body: JSON.stringify({ error: { id: 'settings_flow_required', code: 409, status: 'Conflict', reason: '', message: '', details } }),
  });
  await page.route(ADDED, (route) => (route.request().method() === 'POST' ? route.fulfill(refusal({})) : route.fallback()));
  await press(page, SET_UP);
  await reads(page, 'Your passkey could not be saved, and nothing was changed.');
  assert.deepEqual((await signalled()).map(({ name, rpId }) => [name, rpId]), [['signalUnknownCredential', 'localhost']]);
  await press(page, 'Try again');
  await sees(page, READY);
  assert.equal(sent(person, /^POST .*\/self-service\/settings/).length, 1);
  assert.equal((await person.credentials()).passkeys.length, 1);
}, { expects: [/^409 .*passkeys/] });

test('somebody else is signed in by then: nothing of theirs is touched', async ({ person, page }) => {
  await isOffered(person);
  await person.becomesSomebodyElse();
  await press(page, SET_UP);
  await sees(page, 'Someone else is signed in now');
  assert.deepEqual((await person.credentials()).passkeys, []);
}, { expects: [/^401 /, /^409 /] });

/** @param {Page} page @param {'visible' | 'hidden'} state */
function isSeen(page, state) {
  return page.evaluate((state) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
}

for (const { what, opens, button } of [
  { what: 'an offer', opens: isOffered, button: SET_UP },
  { what: 'a list', opens: opensList, button: ADD },
]) {
  test(`${what} that nobody looks at asks for nothing; seen again, it is as good as new`, async ({ person, page }) => {
    await page.clock.install();
    await opens(person);
    // The first look at a person is news by itself.
    await page.reload();
    await action(page, button).waitFor();
    const asked = () => sent(person, /passkeys\/options$/).length;
    const before = asked();
    await isSeen(page, 'hidden');
    for (let minute = 0; minute < 10; minute += 1) await page.clock.fastForward(60_000);
    assert.equal(asked(), before);
    await isSeen(page, 'visible');
    await until('there are new ones', () => asked() === before + 1);
  });
}
