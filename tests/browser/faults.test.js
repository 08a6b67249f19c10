// Something is late, slow or down: an offer never stands between a person and the product.

import assert from 'node:assert/strict';

import { inWorld } from './scenario.js';
import {
  action, arrives, CONTINUE, isDecided, isOffered, offerUrl, press, READY, sees, SET_UP, TITLE, until,
} from './steps.js';

const test = inWorld();
const required = inWorld({
  service: {
    ONBOARDING__POLICY__REQUIRED__EVERYBODY__FROM: '2020-01-01T00:00:00Z',
    ONBOARDING__POLICY__REQUIRED__EVERYBODY__BY: '2020-01-02T00:00:00Z',
  },
});

/** @typedef {import('playwright-core').Page} Page */

/** @param {Page} page @param {RegExp} url @param {number} ms */
function slow(page, url, ms) {
  return page.route(url, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    await route.continue().catch(() => undefined);
  });
}

test('the hook is late: the offer is there at once, and when it comes there is one record', async ({ person, page, world }) => {
  world.hooks.hold();
  await person.register();
  const begun = Date.now();
  await page.goto(offerUrl(person));
  await sees(page, TITLE);
  assert.ok(Date.now() - begun < 3_000, 'it waited for the hook');
  await until('the offer is counted', async () => (await person.decision()).offers_left === 3);
  const before = await person.decision();
  await until('the hook is under way', () => world.hooks.deliveries.some(({ status }) => status === 0));
  // Later than any answer of a page; Kratos still waits.
  await page.waitForTimeout(Math.max(10_000 - (Date.now() - begun), 0));
  world.hooks.release();
  await until('the hook has arrived', () => world.hooks.deliveries.every(({ status }) => status === 204));
  const after = await person.decision();
  assert.equal(after.subject, before.subject);
  assert.ok(after.version >= before.version);
  assert.deepEqual([after.decision, after.offers_left], ['offer', 3]);
  await press(page, SET_UP);
  await sees(page, READY);
});

test('the hook is lost: offered all the same, and done is done', async ({ person, page, world }) => {
  world.hooks.lose(true);
  await isOffered(person);
  await press(page, SET_UP);
  await sees(page, READY);
  await isDecided(person, 'done');
});

test('no answer in three seconds: a still skeleton, then a way on', async ({ person, page, world }) => {
  await person.register();
  await slow(page, /\/api\/onboarding/, 5_000);
  await page.goto(offerUrl(person));
  const begun = Date.now();
  await action(page, CONTINUE).waitFor({ timeout: 4_500 });
  assert.ok(Date.now() - begun < 4_000, `${Date.now() - begun} ms`);
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
}, { expects: [/net::ERR/] });

test('a slow answer, but in time: the offer comes, and it works', async ({ person, page }) => {
  await person.register();
  await slow(page, /\/api\/onboarding(\?|$)/, 1_200);
  await page.goto(offerUrl(person));
  await sees(page, TITLE);
  await press(page, SET_UP);
  await sees(page, READY);
});

test('Kratos is slow: a way on', async ({ person, page, world }) => {
  await person.register();
  await slow(page, /\/self-service\/settings\/browser/, 5_000);
  await page.goto(offerUrl(person));
  await press(page, CONTINUE, 4_500);
  await arrives(page, world.appUrl('/'));
}, { expects: [/net::ERR/] });

test('Kratos is slow: a card that comes too late does not come at all', async ({ person, page, world }) => {
  await person.register();
  await page.clock.install();
  /** @type {() => void} */
  let answer = () => {};
  const asked = new Promise((resolve) => {
    void page.route(/\/self-service\/settings\/browser/, (route) => {
      answer = () => void route.continue();
      resolve(null);
    });
  });
  const body = `<!doctype html><html lang="en"><title>App</title><h1>App</h1><passkey-offer placement="card"></passkey-offer>
    <script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`;
  await page.goto(world.app.publish('/late', { body }));
  await asked;
  await page.clock.fastForward(3_100);
  const answered = page.waitForResponse(/\/self-service\/settings\/browser/);
  answer();
  await (await answered).finished();
  await page.evaluate(() => new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame)));
  assert.equal(await page.locator('passkey-offer').isVisible(), false);
});

for (const [what, status] of /** @type {const} */ ([['fails', 500], ['is overloaded', 503], ['is not there', 0]])) {
  required(`the service ${what}: a way on, even where a passkey is required`, async ({ person, page, world }) => {
    await person.register();
    await page.route(/\/api\/onboarding/, (route) =>
      status ? route.fulfill({ status, body: '{"error":{"code":500}}' }) : route.abort('connectionrefused'));
    await page.goto(offerUrl(person));
    await press(page, CONTINUE, 3_500);
    await arrives(page, world.appUrl('/'));
  }, { expects: [/^5\d\d /, /net::ERR_CONNECTION_REFUSED/] });
}

for (const [what, go] of /** @type {[string, (kratos: import('./world/process.js').Program) => unknown][]} */ ([
  ['is down', (kratos) => kratos.stop()],
  ['hangs', (kratos) => kratos.freeze()],
])) {
  test(`Kratos ${what}: a way on`, async ({ person, page, world }) => {
    await person.register();
    await go(world.kratos);
    await page.goto(offerUrl(person));
    await press(page, CONTINUE, 5_000);
    await arrives(page, world.appUrl('/'));
  }, { ownWorld: true, expects: [/net::ERR/, /^5\d\d /] });
}

test('the service dies while the offer is there: the passkey is created all the same, and the person goes on', async ({ person, page, world }) => {
  await isOffered(person);
  await world.service.stop();
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal((await person.credentials()).passkeys.length, 1);
  world.service.start();
  await world.isReady();
  await isDecided(person, 'done');
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
}, { ownWorld: true, expects: [/net::ERR/] });

test('the service is down before the page of an app is opened: its own words stay', async ({ person, page, world }) => {
  await person.register();
  await world.service.stop();
  await page.goto(world.app.publish('/host', {
    body: `<!doctype html><html lang="en"><title>App</title><h1>App</h1><passkey-offer><a href="/">On to the app</a></passkey-offer>
      <script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`,
  }));
  await press(page, 'On to the app');
  await arrives(page, world.appUrl('/'));
}, { ownWorld: true, expects: [/net::ERR_CONNECTION_REFUSED/] });

test('the service goes down after its module was loaded: a way on, and a card does not appear', async ({ person, page, world }) => {
  await person.register();
  await page.goto(world.app.publish('/host', {
    body: `<!doctype html><html lang="en"><title>App</title><h1>App</h1>
      <script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`,
  }));
  await page.waitForFunction(() => customElements.get('passkey-offer'));
  await world.service.stop();
  await page.evaluate(() => {
    for (const placement of ['card', 'page']) {
      const offer = document.createElement('passkey-offer');
      offer.setAttribute('placement', placement);
      offer.setAttribute('default-return-to', '/');
      document.body.append(offer);
    }
  });
  await action(page, CONTINUE).waitFor({ timeout: 4_000 });
  assert.equal(await page.locator('passkey-offer[placement=card]').isVisible(), false);
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
}, { ownWorld: true, expects: [/net::ERR_CONNECTION_REFUSED/] });

test('Kratos dies while the device is asked: nothing is claimed, and the person goes on', async ({ person, page, world }) => {
  await isOffered(person);
  await world.kratos.stop();
  await press(page, SET_UP);
  await page.getByText(/could not be saved|You can go on/).first().waitFor({ timeout: 20_000 });
  await page.getByRole('button', { name: /^(Skip for now|Continue)$/ }).first().click();
  await arrives(page, world.appUrl('/'));
}, { ownWorld: true, expects: [/net::ERR/, /^5\d\d /] });

required('a passkey is required: no way past it while it can be created, and it can', async ({ person, page }) => {
  await isOffered(person);
  assert.equal(await action(page, 'Skip for now').count(), 0);
  await press(page, SET_UP);
  await sees(page, READY);
  await isDecided(person, 'done');
});

required('a passkey is required and this browser cannot: how to do it elsewhere, and a way on', async ({ person, page, world }) => {
  await person.register();
  await page.goto(offerUrl(person));
  await sees(page, 'Set up your passkey on another device');
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
}, { lacks: ['webauthn'], device: null });
