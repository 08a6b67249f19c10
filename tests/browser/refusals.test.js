// Every refusal of Kratos has a way out of its own.

import assert from 'node:assert/strict';

import { randomUUID } from 'node:crypto';

import { givesCode, signsInInApp } from './app.js';
import { betweenPageAndKratos, cors } from './between.js';
import { addsTotp, nextCode } from './person/totp.js';
import { inWorld } from './scenario.js';
import {
  action, arrives, CONTINUE, isDecided, isOffered, offerUrl, press, READY, reads, sees, SET_UP, SKIP, TITLE, until,
} from './steps.js';

/** @typedef {import('./person/person.js').Person} Person */

const test = inWorld();
const unknown = inWorld({ isPageKnown: false });
const AGAIN = /^(Set up a passkey|Try again)$/;

/** Nothing technical is on the page. @param {Person} person */
async function isInPlainWords({ page }) {
  const text = await page.locator('body').innerText();
  assert.doesNotMatch(text, /webauthn|credential|authenticator|ceremony|csrf|strategy|\b[45]\d\d\b|error/i);
}

test('security_csrf_violation: a new token, and the submission is retried once, without another touch', async ({ person, page, world }) => {
  await isOffered(person);
  await person.context.clearCookies({ name: /csrf/ });
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal(person.ceremonies.length, 1);
  assert.equal((await person.credentials()).passkeys.length, 1);
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
}, { expects: [/^403 .*\/self-service\/settings/] });

test('security_identity_mismatch: who is signed in now, and start over', async ({ person, page }) => {
  await isOffered(person);
  // The page is asked who is signed in before it submits; Kratos has to be the one that notices.
  await page.route(/\/api\/onboarding\?.*fresh=/, (route) => route.abort());
  await page.route(/\/api\/onboarding\?.*wait=/, (route) => route.abort());
  await person.becomesSomebodyElse();
  await press(page, SET_UP);
  await page.unroute(/\/api\/onboarding\?.*fresh=/);
  await sees(page, 'Someone else is signed in now');
  await reads(page, person.email);
  assert.deepEqual((await person.credentials()).passkeys, []);
  await isInPlainWords(person);
  await press(page, 'Start over');
  await sees(page, TITLE);
  await reads(page, person.email);
}, { expects: [/^403 /, /^409 /, /net::ERR_FAILED/] });

test('session_aal2_required: the second factor, and back to the offer', async ({ person, page, world }) => {
  await person.register();
  const secret = await addsTotp(person);
  await person.signOut();
  await person.signIn();
  await page.goto(offerUrl(person, world.appUrl('/?from=test')));
  await sees(page, 'One more step to sign in');
  await isInPlainWords(person);
  await press(page, 'Go on');
  await givesCode(person, nextCode(secret));
  await sees(page, TITLE);
  await press(page, SET_UP);
  await sees(page, READY);
  await press(page, CONTINUE);
  await page.waitForURL(world.appUrl('/?from=test'));
}, { expects: [/^403 .*\/api\/onboarding/] });

test('signed out, and then the page is opened: sign in and come back', async ({ person, page, world }) => {
  await person.register();
  await person.signOut();
  await page.goto(offerUrl(person, world.appUrl('/?from=test')));
  await sees(page, 'Please sign in');
  await press(page, 'Sign in');
  await signsInInApp(person);
  await sees(page, TITLE);
  await press(page, SKIP);
  await page.waitForURL(world.appUrl('/?from=test'));
}, { expects: [/^401 .*\/api\/onboarding/] });

test('signed out while the device is asked: sign in and come back, and nothing is claimed', async ({ person, page }) => {
  // The page that waits for news could hear of it before the click.
  await page.route(/\/api\/onboarding\?.*wait=/, (route) => route.abort());
  await isOffered(person);
  await person.signOut();
  await press(page, SET_UP);
  await sees(page, 'Please sign in');
  await isInPlainWords(person);
  await person.signIn();
  await page.reload();
  await sees(page, TITLE);
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal((await person.credentials()).passkeys.length, 1);
}, { expects: [/^401 /, /^403 /, /ERR_FAILED .*wait=/] });

for (const [status, what] of /** @type {const} */ ([[404, 'the flow is unknown'], [410, 'the flow has expired']])) {
  test(`${status}, ${what}: said in plain words, and a second try works`, async ({ person, page }) => {
    await isOffered(person);
    await betweenPageAndKratos(person, async (route, time) => {
      if (time > 1) return route.continue();
      if (status === 404) {
        const url = new URL(route.request().url());
        url.searchParams.set('flow', randomUUID());
        return route.continue({ url: url.href });
      }
      const error = { id: 'self_service_flow_expired', code: 410, status: 'Gone', reason: 'The settings flow expired', message: 'self-service flow expired' };
      return route.fulfill({ status, contentType: 'application/json', headers: cors(route), body: JSON.stringify({ error }) });
    });
    await press(page, SET_UP);
    await reads(page, /your passkey could not be saved/i);
    await isInPlainWords(person);
    await press(page, AGAIN);
    await sees(page, READY);
    assert.equal((await person.credentials()).passkeys.length, 1);
  }, { expects: [new RegExp(`^${status} `)] });
}

test('422 browser_location_change_required: the browser goes there', async ({ person, page, world }) => {
  const there = world.app.publish('/there', { body: '<!doctype html><html lang="en"><title>There</title><h1>There</h1></html>' });
  await isOffered(person);
  await betweenPageAndKratos(person, (route) => {
    const error = { id: 'browser_location_change_required', code: 422, status: 'Unprocessable Entity', message: 'browser location change required' };
    const body = JSON.stringify({ error, redirect_browser_to: there });
    return route.fulfill({ status: 422, contentType: 'application/json', headers: cors(route), body });
  });
  await press(page, SET_UP);
  await arrives(page, there);
}, { expects: [/^422 /] });

test('"Could not find a strategy": said in plain words, nothing is left on the device, and a second try works', async ({ person, page }) => {
  await isOffered(person);
  await betweenPageAndKratos(person, (route, time) => {
    if (time > 1) return route.continue();
    const { csrf_token } = route.request().postDataJSON();
    return route.continue({ postData: JSON.stringify({ csrf_token, method: '' }) });
  });
  await press(page, SET_UP);
  await reads(page, /your passkey could not be saved/i);
  await isInPlainWords(person);
  await press(page, AGAIN);
  await sees(page, READY);
  assert.equal((await person.credentials()).passkeys.length, 1);
}, { expects: [/^400 .*\/self-service\/settings/] });

test('"Could not find a strategy" to the second copy of what was taken: the passkey is there, and that is said', async ({ person, page }) => {
  await isOffered(person);
  await betweenPageAndKratos(person, async (route) => {
    await route.fetch();
    const { csrf_token } = route.request().postDataJSON();
    await route.continue({ postData: JSON.stringify({ csrf_token, method: '' }) });
  });
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal((await person.credentials()).passkeys.length, 1);
  await isDecided(person, 'done');
}, { expects: [/^400 .*\/self-service\/settings/] });

test('what cannot be parsed (4000001): said in plain words, and a second try works', async ({ person, page }) => {
  await isOffered(person);
  await betweenPageAndKratos(person, (route, time) => {
    if (time > 1) return route.continue();
    const form = route.request().postDataJSON();
    return route.continue({ postData: JSON.stringify({ ...form, passkey_settings_register: '{"id":"AAAA"}' }) });
  });
  await press(page, SET_UP);
  await reads(page, /your passkey could not be saved/i);
  await isInPlainWords(person);
  await press(page, AGAIN);
  await sees(page, READY);
}, { expects: [/^400 .*\/self-service\/settings/] });

test('Kratos fails once: the submission is retried, without another touch', async ({ person, page }) => {
  await isOffered(person);
  const times = await betweenPageAndKratos(person, (route, time) =>
    time > 1 ? route.continue() : route.fulfill({ status: 502, headers: cors(route), body: 'bad gateway' }));
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal(times(), 2);
  assert.equal(person.ceremonies.length, 1);
}, { expects: [/^502 /] });

test('the answer is lost after Kratos took it: the passkey is there, and that is said', async ({ person, page }) => {
  await isOffered(person);
  await betweenPageAndKratos(person, async (route) => {
    await route.fetch();
    await route.abort('connectionreset');
  });
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal((await person.credentials()).passkeys.length, 1);
}, { expects: [/net::ERR_CONNECTION_RESET/, /^400 /, /^403 /] });

test('Kratos fails for good: nothing is claimed, the device forgets it, and there is a way on', async ({ person, page, world }) => {
  await isOffered(person);
  await page.evaluate(() => {
    const constructor = /** @type {any} */ (PublicKeyCredential);
    constructor.signalUnknownCredential = (/** @type {any} */ options) => {
      /** @type {any} */ (window).signalled = options;
      return Promise.resolve();
    };
  });
  await betweenPageAndKratos(person, (route) => route.fulfill({ status: 500, headers: cors(route), body: '{}' }));
  await press(page, SET_UP);
  await reads(page, /your passkey could not be saved/i);
  await isInPlainWords(person);
  const [made] = await person.device.credentials();
  const signalled = await page.evaluate(() => /** @type {any} */ (window).signalled);
  assert.equal(signalled.rpId, 'localhost');
  assert.equal(signalled.credentialId, Buffer.from(made?.credentialId ?? '', 'base64').toString('base64url'));
  assert.equal(person.ceremonies.length, 1);
  await until('it can be skipped', () => action(page, SKIP).isVisible());
  await press(page, SKIP);
  await arrives(page, world.appUrl('/'));
}, { expects: [/^500 /] });

unknown('the page is not one of rp.origins: said in plain words, and the operator is told which setting', async ({ person, page, world }) => {
  await isOffered(person);
  await press(page, SET_UP);
  await reads(page, /could not be saved/);
  await isInPlainWords(person);
  assert.deepEqual((await person.credentials()).passkeys, []);
  assert.match(person.watch.console.join('\n'), /warning: passkey elements: .*rp\.origins/);
  await until('it is counted', async () => /onboarding_page_reports_total\{(?=[^}]*"failed")(?=[^}]*"kratos")/.test(await world.metrics()));
  await press(page, SKIP);
  await arrives(page, world.appUrl('/'));
}, { expects: [/^500 .*\/self-service\/settings/] });
