// What a device, a browser or a page cannot do is held against it, never against the account.

import assert from 'node:assert/strict';

import { OPENED } from './between.js';
import { value } from './person/flow.js';
import { inWorld } from './scenario.js';
import { arrives, isCounted, isOffered, offerUrl, press, READY, sees, SET_UP, TITLE, until } from './steps.js';

/** @typedef {import('./scenario.js').Scene} Scene */

const test = inWorld();
const longPrivileged = inWorld({ privilegedFor: '10h' });

/** Nothing is offered, the person is where they wanted to go, and another device is asked as before. @param {Scene} scene */
async function isNotOffered({ person, page, world }) {
  await person.register();
  await page.goto(offerUrl(person));
  await arrives(page, world.appUrl('/'));
  assert.deepEqual(person.ceremonies, []);
  const decision = await person.decision();
  assert.equal(decision.decision, 'offer', decision.reason);
  assert.equal(decision.offers_left, 4);
}

const IN_APP = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 390.0.0.28.85';

test('no WebAuthn in this browser: no offer', isNotOffered, { lacks: ['webauthn'], device: null });

test('inside another app: no offer', isNotOffered, { context: { userAgent: IN_APP } });

test('not a secure context: no offer', async (scene) => {
  await scene.page.addInitScript(() => Object.defineProperty(window, 'isSecureContext', { value: false }));
  await isNotOffered(scene);
});

test('a page over plain http of another host than localhost: no offer, and no error', async ({ person, page, world }) => {
  await person.register();
  const url = world.app.publish('/plain', {
    body: `<!doctype html><html lang="en"><title>Plain</title><h1>Plain</h1><passkey-offer placement="card"></passkey-offer>
      <script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`,
  });
  await page.route('http://plain.test/**', (route) => route.continue({ url: route.request().url().replace('http://plain.test', new URL(url).origin) }));
  await page.goto('http://plain.test/plain');
  assert.equal(await page.evaluate(() => window.isSecureContext), false);
  await until('it was asked', () => person.watch.console.some((line) => /^warning: passkey elements: /.test(line)));
  assert.equal(await page.locator('passkey-offer').isVisible(), false);
}, { expects: [/plain\.test/, /net::ERR/, /CORS/] });

test('a frame of another origin without permission: no offer; with permission: an offer that works', async ({ person, page, world }) => {
  await person.register();
  const inner = world.app.publish('/inner', {
    body: `<!doctype html><html lang="en"><title>Inner</title><h1>Inner</h1><passkey-offer placement="card"></passkey-offer>
      <script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`,
  });
  // The same server under another name is another site; cookies of `localhost` reach it in a frame of `localhost` only.
  const outer = (/** @type {string} */ allow) => `<!doctype html><html lang="en"><title>Outer</title><h1>Outer</h1>
    <iframe title="Inner" src="${inner}" ${allow}></iframe></html>`;
  const second = await world.secondApp();
  await page.goto(second.publish('/without', { body: outer('') }));
  const frame = page.frameLocator('iframe');
  await until('it was decided', () => person.watch.requests.some((request) => /\/api\/onboarding\/unavailable/.test(request)));
  assert.equal(await frame.locator('passkey-offer').isVisible(), false);
  await page.goto(second.publish('/with', { body: outer('allow="publickey-credentials-create"') }));
  await frame.getByRole('heading', { name: TITLE }).waitFor();
  await frame.getByRole('button', { name: SET_UP }).click();
  await frame.getByRole('heading', { name: READY }).waitFor();
  assert.equal((await person.credentials()).passkeys.length, 1);
});

test('a relying party that is not this host: the operator’s mistake, seen before the first click', async ({ person, page, world }) => {
  await person.register();
  await page.route(/\/self-service\/settings\/browser/, async (route) => {
    const answer = await route.fetch();
    const flow = await answer.json();
    for (const { attributes } of flow.ui.nodes) {
      if (typeof attributes.value !== 'string' || !attributes.value.includes('"localhost"')) continue;
      attributes.value = attributes.value.replaceAll('"localhost"', '"login.example.org"');
    }
    assert.match(value(flow, 'passkey_create_data'), /login\.example\.org/);
    await route.fulfill({ response: answer, json: flow });
  });
  await page.goto(offerUrl(person));
  await arrives(page, world.appUrl('/'));
  assert.match(person.watch.console.join('\n'), /warning: passkey elements: .*login\.example\.org/);
  await isCounted(world, 'unavailable', 'config');
  assert.deepEqual(person.ceremonies, []);
});

longPrivileged('an offer that was left open for an hour: its options are new, and it works', async ({ person, page }) => {
  await page.clock.install();
  await isOffered(person);
  const flows = () => person.watch.requests.filter((request) => /\/self-service\/settings\/browser/.test(request)).length;
  assert.equal(flows(), 1);
  await page.clock.fastForward('59:00');
  await until('the options are renewed', () => flows() === 2);
  await press(page, SET_UP);
  await sees(page, READY);
});

test('a clock that is hours ahead: what was prepared keeps for as long as Kratos says', async ({ person, page }) => {
  await page.clock.install({ time: Date.now() + 3 * 3_600_000 });
  await isOffered(person);
  const opened = () => person.watch.requests.filter((request) => OPENED.test(request)).length;
  const before = opened();
  await page.clock.fastForward(16_000);
  await page.clock.fastForward(16_000);
  await page.evaluate(() => 0);
  assert.equal(opened(), before);
  await press(page, SET_UP);
  await sees(page, READY);
});
