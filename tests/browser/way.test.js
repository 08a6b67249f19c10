// The whole way: register, be offered a passkey, set it up, sign out, sign in with it. And the ways around.

import assert from 'node:assert/strict';

import { signsInWithPasskey, registersInApp, signsOutInApp } from './app.js';
import { inWorld } from './scenario.js';
import {
  action, arrives, CONTINUE, DISMISS, isDecided, isOffered, offerUrl, press, READY, reads, sees, SET_UP, SKIP, TITLE,
} from './steps.js';

const usual = inWorld();
const webauthnOnly = inWorld({ methods: ['webauthn'] });
const passkeyOnly = inWorld({ methods: ['passkey'], code: false });
const quick = inWorld({ service: { ONBOARDING__POLICY__DISMISS_FROM_OFFER: '1' } });

/** @param {import('./scenario.js').Scene} scene @param {'passkey' | 'webauthn'} method */
async function wholeWay({ person, page, world }, method) {
  await registersInApp(person);
  await arrives(page, world.serviceUrl('/post-registration'));
  await sees(page, TITLE);
  await reads(page, person.email);
  await press(page, SET_UP);
  await sees(page, READY);
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));

  const { passkeys, securityKeys } = await person.credentials();
  assert.deepEqual([passkeys.length, securityKeys.length], method === 'passkey' ? [1, 0] : [0, 1]);
  const [credential, ...others] = await person.device.credentials();
  assert.equal(others.length, 0);
  assert.equal(credential?.isResidentCredential, true);
  assert.deepEqual(person.ceremonies.map(({ call, outcome }) => [call, outcome]), [['create', 'ok']]);
  const before = await person.session();
  await isDecided(person, 'done');

  await signsOutInApp(person);
  assert.equal(await person.session(), undefined);
  await signsInWithPasskey(person, method);
  const session = await person.session();
  assert.equal(session.identity.id, before.identity.id);
  assert.deepEqual(session.authentication_methods.map((/** @type {any} */ one) => one.method), [method]);
  await isDecided(person, 'done');
}

for (const [where, test] of /** @type {const} */ ([['', usual], [' where Kratos has no security keys', passkeyOnly]])) {
  test(`register, set up, sign out, sign in with it${where}`, (scene) => wholeWay(scene, 'passkey'), { expects: [/^401 .*whoami/] });
}

webauthnOnly('the same where Kratos has the webauthn method only', (scene) => wholeWay(scene, 'webauthn'), {
  expects: [/^401 .*whoami/, /^422 .*\/self-service\/login/],
});

usual('the same in a browser without parseCreationOptionsFromJSON, toJSON and getClientCapabilities', (scene) => wholeWay(scene, 'passkey'), {
  lacks: ['parseCreationOptionsFromJSON', 'toJSON', 'getClientCapabilities'],
  expects: [/^401 .*whoami/],
});

usual('the same in a browser that is a few years old', (scene) => wholeWay(scene, 'passkey'), {
  lacks: ['parseCreationOptionsFromJSON', 'toJSON', 'getClientCapabilities', 'signals', 'recent'],
  expects: [/^401 .*whoami/],
});

webauthnOnly('and so with the webauthn method only', (scene) => wholeWay(scene, 'webauthn'), {
  lacks: ['parseCreationOptionsFromJSON', 'toJSON', 'getClientCapabilities'],
  expects: [/^401 .*whoami/, /^422 .*\/self-service\/login/],
});

for (const [where, test, verification] of /** @type {const} */ ([
  ['', usual, 'preferred'],
  [', with the webauthn method only too', webauthnOnly, 'required'],
])) {
  test(`what the device is told to make: discoverable, verified, within two minutes${where}`, async ({ person, page }) => {
    await isOffered(person);
    await press(page, SET_UP);
    await sees(page, READY);
    const [{ options } = assert.fail('no ceremony')] = person.ceremonies;
    assert.equal(options.authenticatorSelection.residentKey, 'required');
    assert.equal(options.authenticatorSelection.userVerification, verification);
    assert.ok(options.timeout <= 120_000, `${options.timeout}`);
  });
}

usual('skipped: the person goes on, and is left alone', async ({ person, page, world }) => {
  await isOffered(person);
  await press(page, SKIP);
  await arrives(page, world.appUrl('/'));
  assert.deepEqual(person.ceremonies, []);
  await isDecided(person, 'later');
  assert.deepEqual(person.watch.requests.filter((request) => request === `GET ${world.appUrl('/')}`).length, 1, 'gone to once');
  await page.goto(offerUrl(person));
  await arrives(page, world.appUrl('/'));
});

quick('never again: the person goes on, and is left alone for good', async ({ person, page, world }) => {
  await isOffered(person);
  await press(page, DISMISS);
  await arrives(page, world.appUrl('/'));
  await isDecided(person, 'never');
  await page.goto(offerUrl(person));
  await arrives(page, world.appUrl('/'));
});

usual('"Don’t ask again" is not there the first time', async ({ person, page }) => {
  await isOffered(person);
  assert.equal(await action(page, DISMISS).count(), 0);
});

usual('the explanation opens on request', async ({ person, page }) => {
  await isOffered(person);
  const text = page.getByText(/A passkey replaces your password/);
  assert.equal(await text.isVisible(), false);
  await page.getByText('What is a passkey?').click();
  await text.waitFor();
});

usual('the destination is kept, across a reload too', async ({ person, page, world }) => {
  const destination = world.appUrl('/?from=test');
  await isOffered(person, destination);
  await page.reload();
  await press(page, SET_UP);
  await sees(page, READY);
  await press(page, CONTINUE);
  await page.waitForURL(destination);
});

usual('a registration that was begun with a destination goes there in the end', async ({ person, page, world }) => {
  const destination = world.appUrl('/?from=registration');
  await registersInApp(person, offerUrl(person, destination));
  await arrives(page, world.serviceUrl('/post-registration'));
  await press(page, SKIP);
  await page.waitForURL(destination);
});

for (const foreign of ['https://evil.example/', '//evil.example/', 'javascript:alert(1)', 'https://localhost.evil.example/']) {
  usual(`a foreign destination is not gone to: ${foreign}`, async ({ person, page, world }) => {
    await isOffered(person, foreign);
    await press(page, SKIP);
    await arrives(page, world.appUrl('/'));
  });
}

usual('done: the page goes on at once, and Back does not offer again', async ({ person, page, world }) => {
  await page.goto(world.app.publish('/before', { body: '<!doctype html><html lang="en"><title>Before</title></html>' }));
  await isOffered(person);
  await press(page, SET_UP);
  await sees(page, READY);
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
  await page.goBack();
  await Promise.race([arrives(page, world.appUrl('/')), arrives(page, world.appUrl('/before')), sees(page, READY)]);
  assert.equal(await action(page, SET_UP).isVisible(), false);
  await page.goto(offerUrl(person));
  await arrives(page, world.appUrl('/'));
  assert.equal(person.ceremonies.length, 1);
});
