// A passkey made in the background after a sign-in with a password, where the operator wants that: no offer, and nobody is asked.

import assert from 'node:assert/strict';

import { signsInWithPasskey, signsOutInApp } from './app.js';
import { hears, held } from './between.js';
import { keep, violations } from './person/look.js';
import { inWorld } from './scenario.js';
import { action, isDecided, isOffered, offerUrl, press, READY, reads, sees, SET_UP, SKIP, TITLE, until } from './steps.js';
import { IS_REAL_KRATOS } from './world/world.js';

/** @typedef {import('./person/person.js').Person} Person */
/** @typedef {import('playwright-core').Page} Page */

const OWN = { ONBOARDING__WEBAUTHN__RP_ID: 'localhost', ONBOARDING__WEBAUTHN__RP_NAME: 'Example' };
const WANTED = { ...OWN, ONBOARDING__PAGE__CONDITIONAL_CREATE: 'true' };
const test = inWorld({ service: WANTED });
const usual = inWorld({ service: OWN });

/**
 * Chromium's virtual authenticator leaves these requests unanswered for ever. This makes one as a password manager does: nobody is
 * present, nobody is verified (WebAuthn Level 3, 6.1: the first and third bit of the flags).
 *
 * @param {Page} page
 */
async function passwordManager(page) {
  await page.addInitScript(() => {
    const w = /** @type {any} */ (window);
    w.__passwordManager = async (/** @type {any} */ create, /** @type {any} */ { mediation, ...options }) => {
      const made = await create(options);
      const rp = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(options.publicKey.rp.id)));
      const json = made.toJSON();
      for (const field of ['attestationObject', 'authenticatorData']) {
        const bytes = Uint8Array.from(atob(json.response[field].replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
        const at = bytes.findIndex((_, start) => rp.every((byte, nth) => bytes[start + nth] === byte));
        if (at < 0) throw new Error('there is no authenticator data');
        bytes[at + rp.length] = /** @type {number} */ (bytes[at + rp.length]) & ~0b101;
        const text = btoa(String.fromCharCode(...bytes));
        json.response[field] = text.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
      }
      Object.defineProperty(made, 'toJSON', { value: () => json });
      return made;
    };
  });
}

/** What is made is on its way until it is released. @param {Page} page */
async function onItsWay(page) {
  const way = held();
  await page.route(/\/api\/onboarding\/passkeys$/, async (route) => {
    if (route.request().method() === 'POST') await way.released;
    await route.fallback();
  });
  return way;
}

/** @param {Person} person */
function background(person) {
  return person.ceremonies.filter(({ isConditional, call }) => isConditional && call === 'create');
}

/** @param {Person} person @param {RegExp} what */
function sent(person, what) {
  return person.watch.requests.filter((request) => what.test(request));
}

/** @param {Person} person */
async function pends(person) {
  await isOffered(person);
  await until('it was asked for', () => background(person).length === 1);
}

const versions = IS_REAL_KRATOS ? /** @type {const} */ (['v26.2.0']) : /** @type {const} */ (['v1.3.1', 'v26.2.0', 'main']);
for (const version of versions) {
  const world = inWorld({ service: WANTED, version });
  world(`a password manager makes one, nobody clicks, and it signs in (${version})`, async ({ person, page, world: { metrics } }) => {
    await passwordManager(page);
    await person.register();
    await page.goto(offerUrl(person));
    await sees(page, READY);
    await reads(page, 'Your password app created it for you when you signed in with your password.');
    await keep(page, 'upgraded');
    assert.deepEqual(await violations(page), []);
    await isDecided(person, 'done');
    assert.deepEqual(background(person).map(({ outcome, inClick }) => [outcome, inClick]), [['ok', false]]);
    assert.equal(person.ceremonies.length, 1);
    assert.deepEqual(sent(person, /^POST .*\/api\/onboarding\/(offered|started|completed)$/), [], 'it is no offer');
    assert.equal((await person.credentials()).passkeys.length, 1);
    assert.match(await metrics.call(person.world), /^onboarding_funnel_total\{(?=[^}]*step="upgraded").*\} [1-9]/m);
    await signsOutInApp(person);
    await signsInWithPasskey(person, 'passkey');
    const session = await person.session();
    assert.deepEqual(session.authentication_methods.map((/** @type {any} */ one) => one.method), ['passkey']);
  }, { expects: [/^401 .*whoami/] });
}

test('nothing comes of it, as mostly: the offer stands, a click ends it, and one passkey is made', async ({ person, page }) => {
  await pends(person);
  await press(page, SET_UP);
  await sees(page, READY);
  assert.deepEqual(person.ceremonies.map(({ isConditional, outcome }) => [isConditional, outcome]), [[true, 'AbortError'], [false, 'ok']]);
  assert.equal((await person.credentials()).passkeys.length, 1);
});

test('it ends when the person leaves it', async ({ person, page }) => {
  await pends(person);
  await page.evaluate(() => document.querySelector('passkey-offer')?.remove());
  await until('it has ended', () => background(person)[0]?.outcome === 'AbortError');
});

test('who skips the offer is not given one behind their back', async ({ person, page }) => {
  await pends(person);
  await press(page, SKIP);
  const hasGoneOn = () => !page.url().includes('post-registration');
  await until('the page has gone on', hasGoneOn);
  await page.waitForLoadState();
  await isDecided(person, 'later');
  await page.goto(offerUrl(person)).catch(() => undefined);
  await until('the page has gone on', hasGoneOn);
  assert.equal(background(person).length, 1);
  assert.deepEqual((await person.credentials()).passkeys, []);
});

test('once a session: a reload does not ask again', async ({ person, page }) => {
  await pends(person);
  await page.reload();
  await sees(page, TITLE);
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal(background(person).length, 1);
});

test('while it is on its way there is nothing to click, and other tabs wait', async ({ person, page, world }) => {
  await passwordManager(page);
  const way = await onItsWay(page);
  await person.register();
  await page.goto(offerUrl(person));
  await sees(page, 'Saving your passkey…');
  for (const name of [SET_UP, SKIP]) assert.equal(await action(page, name).count(), 0);
  const polls = () => sent(person, /wait=/).length;
  const before = polls();
  const other = await person.tab();
  await other.goto(world.serviceUrl('/passkeys'));
  await press(other, 'Add a passkey');
  await reads(other, /in another tab/);
  assert.ok(polls() - before < 5, `${polls() - before} polls meanwhile`);
  way.release();
  await sees(page, READY);
  await until('the list has it', async () => (await other.getByRole('listitem').count()) === 1);
  assert.equal((await person.credentials()).passkeys.length, 1);
});

test('it is no offer while a password manager may still be at it', async ({ person, page }) => {
  await page.clock.install();
  await pends(person);
  const offered = () => sent(person, /^POST .*\/api\/onboarding\/offered/).length;
  await page.clock.runFor(3_000);
  await page.clock.runFor(1_000);
  assert.equal(offered(), 0);
  await page.clock.runFor(3_000);
  await until('it is one', () => offered() === 1);
});

test('made after somebody left it: the device is told to forget it', async ({ person, page }) => {
  await passwordManager(page);
  const signalled = await hears(page);
  await page.addInitScript(() => {
    const w = /** @type {any} */ (window);
    const makes = w.__passwordManager;
    w.__passwordManager = async (/** @type {any} */ create, /** @type {any} */ { signal, ...options }) => {
      await new Promise((resolve) => (w.__goOn = resolve));
      return makes(create, options);
    };
  });
  await pends(person);
  await page.evaluate(() => {
    document.querySelector('passkey-offer')?.remove();
    /** @type {any} */ (window).__goOn();
  });
  await until('it was told', async () => (await signalled()).length === 1);
  assert.deepEqual((await person.credentials()).passkeys, []);
});

test('an extension that has put itself in the browser’s place would ask: it is not asked', async ({ person, page }) => {
  await page.addInitScript(() => {
    const original = navigator.credentials.create.bind(navigator.credentials);
    navigator.credentials.create = (/** @type {any} */ options) => original(options);
  });
  await isOffered(person);
  await press(page, SET_UP);
  await sees(page, READY);
  assert.deepEqual(background(person), []);
});

test('Kratos does not take it: the device forgets it, and the person is told', async ({ person, page }) => {
  await passwordManager(page);
  const signalled = await hears(page);
  await page.route(/\/api\/onboarding\/passkeys$/, (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    const error = { id: 'settings_flow_required', code: 409, status: 'Conflict', reason: '', message: '', details: {} };
    return route.fulfill({ status: 409, contentType: 'application/json', body: JSON.stringify({ error }) });
  });
  await person.register();
  await page.goto(offerUrl(person));
  await reads(page, 'Your passkey could not be saved, and nothing was changed.');
  await sees(page, TITLE);
  assert.deepEqual((await signalled()).map(({ name, rpId }) => [name, rpId]), [['signalUnknownCredential', 'localhost']]);
  assert.deepEqual((await person.credentials()).passkeys, []);
}, { expects: [/^409 .*passkeys/] });

usual('unless the operator wants it nothing is asked for in the background', async ({ person, page }) => {
  await passwordManager(page);
  await isOffered(person);
  await press(page, SET_UP);
  await sees(page, READY);
  assert.deepEqual(background(person), []);
});
