// The list of passkeys: what is there, a new one, one that goes.

import assert from 'node:assert/strict';

import { signsInAgain } from './app.js';
import { betweenPageAndKratos, hears, held, listens, OPENED, refuses } from './between.js';
import { Device } from './person/device.js';
import { focused, keep, violations } from './person/look.js';
import { inWorld } from './scenario.js';
import { action, arrives, offerUrl, press, READY, reads, sees, SET_UP, until } from './steps.js';

/** @typedef {import('./person/person.js').Person} Person */
/** @typedef {import('playwright-core').Page} Page */

const test = inWorld();
const passkeyOnly = inWorld({ methods: ['passkey'], code: false });
const webauthnOnly = inWorld({ methods: ['webauthn'] });
const PRIVILEGED = 'ONBOARDING__KRATOS__PRIVILEGED_SESSION_MAX_AGE';
const mistaken = inWorld({ privilegedFor: '4s', service: { [PRIVILEGED]: '1h' } });

const ADD = 'Add a passkey';
const LIST = 'Your passkeys';

/** @param {Person} person */
async function opensList(person) {
  await person.register();
  await person.page.goto(person.world.serviceUrl('/passkeys'));
  await sees(person.page, LIST);
}

/** @param {Page} page */
function rows(page) {
  return page.getByRole('listitem');
}

/** @param {Person} person @param {number} [count] there are then */
async function adds(person, count = 1) {
  await press(person.page, ADD);
  await until(`${count} in the list`, async () => (await rows(person.page).count()) === count);
}

/** In the dialogue that asks what to call it. @param {Page} page @param {string} [name] the proposed one where there is none */
async function names(page, name) {
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  assert.deepEqual(await violations(page), []);
  assert.notEqual(await dialog.getByLabel('Name').inputValue(), '');
  if (name) await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: /^Add a / }).click();
}

test('nobody has one: said so, and one can be added, which shows at once', async ({ person, page }) => {
  await opensList(person);
  await reads(page, 'You have no passkey yet.');
  await reads(page, `For ${person.email}`);
  assert.deepEqual(await violations(page), []);
  await keep(page, 'passkeys-none');
  await adds(person);
  await reads(page, /was added/);
  await reads(page, 'New');
  assert.notEqual((await focused(page)).tag, 'body');
  assert.match(await page.getByRole('status').innerText(), /was added/);
  assert.deepEqual(await violations(page), []);
  await keep(page, 'passkeys-added');
  assert.equal((await person.credentials()).passkeys.length, 1);
  await page.reload();
  await sees(page, LIST);
  assert.equal(await rows(page).count(), 1);
  await until('done', async () => (await person.decision()).decision === 'done');
});

test('the one from the offer is in the list', async ({ person, page }) => {
  await person.register();
  await page.goto(offerUrl(person));
  await press(page, SET_UP);
  await sees(page, READY);
  await press(page, 'See your passkeys');
  await sees(page, LIST);
  await until('it is there', async () => (await rows(page).count()) === 1);
});

test('a second one on the same device: it is there already', async ({ person, page }) => {
  await opensList(person);
  await adds(person);
  await press(page, ADD);
  await reads(page, 'This device already has a passkey for this account');
  assert.equal((await person.credentials()).passkeys.length, 1);
  assert.equal(person.ceremonies.at(-1)?.outcome, 'InvalidStateError');
});

test('two passkeys: each is removed by its name, and only that one goes', async ({ person, page }) => {
  await opensList(person);
  const signalled = await hears(page);
  await page.reload();
  await adds(person);
  await person.device.unplug();
  await Device.of(page);
  await adds(person, 2);
  const [first, second] = (await person.credentials()).passkeys;
  assert.ok(first && second);
  const buttons = page.getByRole('button', { name: /^Remove / });
  assert.equal(await buttons.count(), 2);
  const [, when] = /, added on (.+)$/.exec((await buttons.first().getAttribute('aria-label')) ?? '') ?? [];
  await buttons.first().click();
  const dialog = page.getByRole('dialog');
  // Both have one name, so the question says which of them is meant.
  await dialog.getByText(`Added on ${when}`).waitFor();
  await dialog.getByRole('heading', { name: /^Remove .*\?$/ }).waitFor();
  await dialog.getByText('You will no longer be able to sign in with it.').waitFor();
  assert.deepEqual(await violations(page), []);
  await keep(page, 'passkeys-remove');
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await until('one is left', async () => (await rows(page).count()) === 1);
  const { passkeys } = await person.credentials();
  assert.equal(passkeys.length, 1);
  const gone = [first, second].find((id) => !passkeys.includes(id)) ?? '';
  const told = await signalled();
  assert.deepEqual(told, [{ name: 'signalUnknownCredential', rpId: 'localhost', credentialId: Buffer.from(gone, 'hex').toString('base64url') }]);
  assert.notEqual((await focused(page)).tag, 'body');
});

test('the confirmation is refused: nothing goes, and the focus is where it was', async ({ person, page }) => {
  await opensList(person);
  await adds(person);
  const remove = page.getByRole('button', { name: /^Remove / });
  await remove.click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Keep it' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await until('the focus is back', async () => (await focused(page)).text.startsWith('Remove'));
  await remove.click();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.equal((await person.credentials()).passkeys.length, 1);
});

test('a list that arrives late does not take away the question that is being asked', async ({ person, page }) => {
  await opensList(person);
  await adds(person);
  /** @type {() => void} */
  let pass = () => {};
  const held = new Promise((resolve) => (pass = () => resolve(undefined)));
  await page.route(/\/api\/onboarding\/passkeys/, async (route) => {
    await held;
    await route.continue();
  });
  await press(page, 'Refresh');
  await page.getByRole('button', { name: /^Remove / }).click();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  pass();
  await reads(page, 'The list is up to date.');
  assert.equal(await dialog.isVisible(), true);
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await reads(page, 'You have no passkey yet.');
});

test('a list that arrives while a button is pressed does not take it from under the finger', async ({ person, page }) => {
  await opensList(person);
  await adds(person);
  await page.getByRole('button', { name: /^Remove / }).hover();
  await page.mouse.down();
  const loaded = Promise.all([/\/api\/onboarding\/passkeys/, /\/self-service\/settings/].map((part) => page.waitForResponse(part)));
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  for (const response of await loaded) await response.finished();
  await page.evaluate(() => new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame)));
  await page.mouse.up();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await reads(page, 'You have no passkey yet.');
});

test('the last passkey can go where a code signs in as well; the person is warned', async ({ person, page }) => {
  await opensList(person);
  await adds(person);
  await page.getByRole('button', { name: /^Remove / }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await reads(page, 'You have no passkey yet.');
  assert.deepEqual((await person.credentials()).passkeys, []);
});

test('where the browser cannot tell the provider, the person is told to', async ({ person, page }) => {
  await opensList(person);
  await adds(person);
  await page.getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await reads(page, /Also delete it (in|on) /);
}, { lacks: ['signals'] });

passkeyOnly('a passkey beside a password can go', async ({ person, page }) => {
  await opensList(person);
  await adds(person);
  await page.getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await reads(page, 'You have no passkey yet.');
});

passkeyOnly('the only way to sign in: it cannot be removed, and that is said before anybody tries', async ({ person, page, world }) => {
  await page.goto(world.appUrl('/registration'));
  await page.getByLabel('E-mail').fill(person.email);
  await page.getByRole('button', { name: 'Sign up with a passkey instead' }).click();
  // Who has one is offered none.
  await arrives(page, world.appUrl('/'));
  await page.goto(world.serviceUrl('/passkeys'));
  await sees(page, LIST);
  await reads(page, /your only way to sign in/);
  assert.equal(await page.getByRole('button', { name: /^Remove / }).count(), 0);
  assert.deepEqual(await violations(page), []);
  await keep(page, 'passkeys-last');
  // The app asks for the options after the click.
}, { expects: [/^navigator.credentials.create /, /^400 .*registration/, /^401 .*whoami/] });

test('a security key is added beside passkeys, with a name that can be changed', async ({ person, page }) => {
  await opensList(person);
  await adds(person);
  await person.device.unplug();
  await Device.of(page, { transport: 'usb' });
  await press(page, 'Add a security key');
  await names(page, 'On my key ring');
  await until('both are there', async () => (await rows(page).count()) === 2);
  await reads(page, 'On my key ring');
  await page.getByRole('button', { name: /^Remove On my key ring/ }).waitFor();
  const { passkeys, securityKeys } = await person.credentials();
  assert.deepEqual([passkeys.length, securityKeys.length], [1, 1]);
  await keep(page, 'passkeys-and-keys');
});

webauthnOnly('where Kratos has security keys only: added and removed', async ({ person, page }) => {
  await opensList(person);
  await press(page, ADD);
  await names(page);
  await until('it is there', async () => (await rows(page).count()) === 1);
  assert.equal((await person.credentials()).securityKeys.length, 1);
  await page.getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await until('it is gone', async () => (await rows(page).count()) === 0);
  assert.deepEqual((await person.credentials()).securityKeys, []);
});

mistaken('a session too old to remove: sign in again, confirm again, gone', async ({ person, page, world }) => {
  await opensList(person);
  await adds(person);
  await page.reload();
  await sees(page, LIST);
  const session = await person.session();
  await until('the session is too old', () => Date.now() > Date.parse(session.authenticated_at) + 4_100);
  await page.getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await signsInAgain(person);
  await page.waitForURL((url) => url.origin === new URL(world.serviceUrl('')).origin);
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  assert.equal((await person.credentials()).passkeys.length, 1);
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await reads(page, 'You have no passkey yet.');
  assert.deepEqual((await person.credentials()).passkeys, []);
}, { expects: [/^403 .*\/self-service\/settings/] });

mistaken('a session too old to add: Kratos kept it, and it is there after signing in again', async ({ person, page }) => {
  await opensList(person);
  const session = await person.session();
  await until('the session is too old', () => Date.now() > Date.parse(session.authenticated_at) + 4_100);
  await press(page, ADD);
  await signsInAgain(person);
  await sees(page, LIST);
  await until('it is there', async () => (await rows(page).count()) === 1);
  assert.equal(person.ceremonies.length, 1);
}, { expects: [/^403 .*\/self-service\/settings/] });

test('removed in one tab shows in the other', async ({ person, page, world }) => {
  await opensList(person);
  await adds(person);
  const second = await person.tab();
  await second.goto(world.serviceUrl('/passkeys'));
  await until('it is there', async () => (await rows(second).count()) === 1);
  await page.getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await reads(page, 'You have no passkey yet.');
  await reads(second, 'You have no passkey yet.');
});

test('signed out: sign in and come back', async ({ person, page, world }) => {
  await person.register();
  await person.signOut();
  await page.goto(world.serviceUrl('/passkeys'));
  await sees(page, 'Please sign in');
}, { expects: [/^401 /] });

test('Kratos does not answer: said in plain words, and again it can be tried', async ({ person, page, world }) => {
  await person.register();
  await page.route(/\/self-service\/settings/, (route) => route.abort('connectionrefused'));
  await page.goto(world.serviceUrl('/passkeys'));
  await sees(page, 'Your passkeys cannot be shown right now');
  assert.deepEqual(await violations(page), []);
  await keep(page, 'passkeys-not-loaded');
  await page.unroute(/\/self-service\/settings/);
  await action(page, /^(Refresh|Try again)$/).click();
  await sees(page, LIST);
}, { expects: [/net::ERR_CONNECTION_REFUSED/] });

test('somebody else is signed in by the time that Kratos has forgotten the flow: nothing of theirs is touched, and it is said', async ({ person, page }) => {
  const signalled = await hears(page);
  await opensList(person);
  await adds(person);
  await page.route(/\/api\/onboarding(\?|$)/, (route) => route.abort());
  await betweenPageAndKratos(person, async (route) => {
    await person.becomesSomebodyElse();
    await refuses(route, 410, 'self_service_flow_expired');
  });
  await page.getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await sees(page, 'Someone else is signed in now');
  assert.deepEqual(await signalled(), []);
}, { expects: [/^410 /, /^40\d /, /net::ERR_FAILED/] });

test('the answer to a removal is lost, and somebody else is signed in: it is not called removed', async ({ person, page }) => {
  const signalled = await hears(page);
  await opensList(person);
  await adds(person);
  await page.route(/\/api\/onboarding(\?|$)/, (route) => route.abort());
  await betweenPageAndKratos(person, async (route) => {
    await person.becomesSomebodyElse();
    await route.abort('connectionreset');
  });
  await page.getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await sees(page, 'Someone else is signed in now');
  assert.deepEqual(await signalled(), []);
}, { expects: [/net::ERR_/, /^40\d /] });

test('the question is open and the element is moved: the question goes, and nothing is removed', async ({ person, page }) => {
  await opensList(person);
  await adds(person);
  await page.getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('dialog').waitFor();
  await page.evaluate(() => document.querySelector('main')?.append(/** @type {HTMLElement} */ (document.querySelector('passkey-manager'))));
  await until('the question is gone', async () => (await page.locator('passkey-manager dialog').count()) === 0);
  await sees(page, LIST);
  assert.equal((await person.credentials()).passkeys.length, 1);
});

test('the element is taken out while it is asked who is signed in: nothing is removed', async ({ person, page }) => {
  await opensList(person);
  await adds(person);
  const { release, released } = held();
  const asked = page.waitForRequest(/fresh=1/);
  await page.route(/\/api\/onboarding\?.*fresh=/, async (route) => {
    await released;
    await route.continue().catch(() => undefined);
  });
  await page.getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await asked;
  await page.evaluate(() => document.querySelector('passkey-manager')?.remove());
  release();
  await page.waitForLoadState('networkidle');
  assert.equal((await person.credentials()).passkeys.length, 1);
}, { expects: [/net::ERR/] });

test('a new one is being made while a removal ends: it is not disturbed', async ({ person, page }) => {
  await opensList(person);
  await adds(person);
  const { release, released } = held();
  await betweenPageAndKratos(person, async (route) => {
    await released;
    await route.continue();
  });
  const removing = page.waitForRequest((request) => request.method() === 'POST' && request.url().includes('/self-service/settings'));
  await page.getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await removing;
  await page.keyboard.press('Escape');
  await person.refuse('NotAllowedError', 8_000);
  await press(page, ADD);
  await sees(page, 'Follow the steps on your screen');
  const loaded = page.waitForResponse(/\/api\/onboarding\/passkeys/);
  release();
  await (await loaded).finished();
  await page.evaluate(() => new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame)));
  assert.equal(await page.getByRole('heading', { name: 'Follow the steps on your screen' }).isVisible(), true);
  await reads(page, /No passkey was created/);
  assert.equal(await rows(page).count(), 0);
});

test('"Try again": the focus stays with the person, and what could not be loaded is said again', async ({ person, page }) => {
  await person.register();
  let isDown = true;
  await page.route(OPENED, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 600));
    await (isDown ? route.abort('connectionrefused') : route.continue());
  });
  await page.goto(person.world.serviceUrl('/passkeys'));
  const title = 'Your passkeys cannot be shown right now';
  await sees(page, title);
  const said = await listens(page);
  await press(page, 'Try again');
  await until('it is said again', async () => (await said()).filter((text) => text === title).length === 1);
  assert.match((await focused(page)).text, /^Try again/);
  isDown = false;
  await page.keyboard.press('Enter');
  await sees(page, LIST);
  assert.equal((await focused(page)).text, LIST);
}, { expects: [/net::ERR_CONNECTION_REFUSED/] });

test('refreshed twice: said twice', async ({ person, page }) => {
  await opensList(person);
  const said = await listens(page);
  for (const times of [1, 2]) {
    await press(page, 'Refresh');
    await until(`said ${times} times`, async () => (await said()).filter((text) => text === 'The list is up to date.').length === times);
  }
});
