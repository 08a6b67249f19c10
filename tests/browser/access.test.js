// For everybody: what assistive technology, the keyboard, a small screen and a large one get, state by state.

import assert from 'node:assert/strict';

import { focused, keep, tree, violations } from './person/look.js';
import { inWorld } from './scenario.js';
import { action, CONTINUE, DISMISS, isOffered, offerUrl, press, READY, reads, sees, SET_UP, SKIP, TITLE, until } from './steps.js';

/** @typedef {import('playwright-core').Page} Page */

const test = inWorld();
const dismissable = inWorld({ service: { ONBOARDING__POLICY__DISMISS_FROM_OFFER: '1' } });
const required = inWorld({
  service: {
    ONBOARDING__POLICY__REQUIRED__EVERYBODY__FROM: '2020-01-01T00:00:00Z',
    ONBOARDING__POLICY__REQUIRED__EVERYBODY__BY: '2099-01-02T00:00:00Z',
  },
});

/** @param {Page} page @param {string} name of the state, for the screenshots */
async function isInOrder(page, name) {
  assert.deepEqual(await violations(page), []);
  await keep(page, name);
  await fits(page);
}

/** At 320 px, which is 1280 px at 400 %, nothing is cut off, and targets are large enough. @param {Page} page */
async function fits(page) {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 256 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 320, `${wide} px wide at 320 px`);
  for (const target of await page.getByRole('button').or(page.getByRole('link')).or(page.locator('summary')).all()) {
    const box = await target.boundingBox();
    if (!box) continue;
    assert.ok(box.width >= 24 && box.height >= 24, `${await target.innerText()}: ${box.width} × ${box.height}`);
    assert.ok(box.x >= 0 && box.x + box.width <= 320, `${await target.innerText()} from ${box.x} to ${box.x + box.width}`);
  }
  if (before) await page.setViewportSize(before);
}

/** @param {Page} page @param {RegExp[]} lines in this order */
async function hasTree(page, lines) {
  const roles = await tree(page);
  let from = 0;
  for (const line of lines) {
    const found = roles.slice(from).search(line);
    assert.notEqual(found, -1, `${line} is not in (or not in this order in)\n${roles}`);
    from += found;
  }
}

dismissable('the offer: its roles, its order, axe', async ({ person, page }) => {
  await isOffered(person);
  await hasTree(page, [
    /heading "Sign in faster next time"/,
    /Create a passkey to sign in to Example with your face, fingerprint or screen lock instead of a password/,
    new RegExp(person.email),
    /button "Set up a passkey"/,
    /button "Skip for now"/,
    /button "Don’t ask again"/,
    /What is a passkey\?/,
  ]);
  await isInOrder(page, 'offer');
  await page.getByText('What is a passkey?').click();
  await isInOrder(page, 'offer-explained');
});

dismissable('by the keyboard alone: in the order it is seen, and each by name', async ({ person, page, world }) => {
  await isOffered(person);
  const order = [];
  for (let presses = 0; presses < 4; presses += 1) {
    await page.keyboard.press('Tab');
    order.push((await focused(page)).text);
  }
  assert.deepEqual(order, [SET_UP, SKIP, DISMISS, 'What is a passkey?']);
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');
  await sees(page, READY);
  assert.equal((await focused(page)).text, READY);
  await page.keyboard.press('Tab');
  assert.equal((await focused(page)).text, CONTINUE);
  await page.keyboard.press('Enter');
  await page.waitForURL(world.appUrl('/'));
});

test('what appears by itself takes no focus', async ({ person, page }) => {
  await isOffered(person);
  assert.equal((await focused(page)).tag, 'body');
});

test('while the device is asked, and after: focus goes to the new heading, and it is said once', async ({ person, page }) => {
  await isOffered(person);
  const device = await person.hold();
  await press(page, SET_UP);
  await sees(page, 'Follow the steps on your screen');
  assert.deepEqual(await focused(page), { tag: 'h1', text: 'Follow the steps on your screen' });
  await isInOrder(page, 'working');
  await device.release();
  await sees(page, READY);
  assert.deepEqual(await focused(page), { tag: 'h1', text: READY });
  await hasTree(page, [/heading "Your passkey is ready"/, /button "Continue"/, /button "See your passkeys"/, /status/]);
  assert.equal(await page.getByRole('status').count(), 1);
  assert.equal((await page.getByRole('status').innerText()).trim(), READY);
  await isInOrder(page, 'done');
});

test('cancelled: the note is read out, and the focus is not lost', async ({ person, page }) => {
  await isOffered(person);
  await person.refuse('NotAllowedError', 1_300);
  await press(page, SET_UP);
  await reads(page, /No passkey was created/);
  await until('it can be tried again', () => action(page, 'Try again').isVisible());
  assert.notEqual((await focused(page)).tag, 'body');
  assert.match(await page.getByRole('status').innerText(), /No passkey was created/);
  await isInOrder(page, 'cancelled');
});

test('it did not start; the device has one already', async ({ person, page }) => {
  await isOffered(person);
  await person.refuse('NotAllowedError', 100);
  await press(page, SET_UP);
  await reads(page, 'That did not start. Try again.');
  await until('it can be tried again', () => action(page, 'Try again').isVisible());
  await isInOrder(page, 'not-started');
  await person.refuse('InvalidStateError', 300);
  await press(page, 'Try again');
  await sees(page, 'This device already has a passkey for this account');
  assert.equal((await focused(page)).tag, 'h1');
  await isInOrder(page, 'here-already');
});

test('signed out', async ({ person, page }) => {
  await person.register();
  await person.signOut();
  await page.goto(offerUrl(person));
  await sees(page, 'Please sign in');
  await isInOrder(page, 'signed-out');
}, { expects: [/^401 /] });

test('somebody else is signed in', async ({ person, page }) => {
  await isOffered(person);
  await person.becomesSomebodyElse();
  await press(page, SET_UP);
  await sees(page, 'Someone else is signed in now');
  assert.equal((await focused(page)).tag, 'h1');
  await isInOrder(page, 'somebody-else');
}, { expects: [/^4\d\d /] });

test('the service is down', async ({ person, page }) => {
  await person.register();
  await page.route(/\/api\/onboarding/, (route) => route.abort('connectionrefused'));
  await page.goto(offerUrl(person));
  await action(page, CONTINUE).waitFor();
  assert.equal(await page.getByRole('status').innerText(), 'You can go on');
  await isInOrder(page, 'go-on');
}, { expects: [/net::ERR/] });

test('the skeleton: still, not read out, and the card does not jump', async ({ person, page }) => {
  await person.register();
  /** @type {() => void} */
  let pass = () => {};
  const held = new Promise((resolve) => (pass = () => resolve(undefined)));
  await page.route(/\/api\/onboarding(\?|$)/, async (route) => {
    await held;
    await route.continue();
  });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(offerUrl(person));
  const card = page.locator('passkey-offer [part=card]');
  await card.waitFor();
  assert.doesNotMatch(await tree(page), /heading|button/);
  await page.screenshot({ path: await shot('skeleton-light-phone') });
  const before = await card.boundingBox();
  pass();
  await sees(page, TITLE);
  const after = await card.boundingBox();
  assert.ok(before && after);
  assert.ok(Math.abs(after.y - before.y) <= 1 && Math.abs(after.x - before.x) <= 1, `moved from ${JSON.stringify(before)} to ${JSON.stringify(after)}`);
});

required('required from a date on: says when', async ({ person, page }) => {
  await isOffered(person);
  await reads(page, /January 2, 2099/);
  await isInOrder(page, 'required-by');
});

required('required, and this browser cannot', async ({ person, page }) => {
  await person.register();
  await page.goto(offerUrl(person));
  await action(page, CONTINUE).waitFor();
  assert.equal(await page.getByRole('status').innerText(), 'Set up your passkey on another device');
  await isInOrder(page, 'elsewhere');
}, { lacks: ['webauthn'], device: null });

test('forced colours and reduced motion', async ({ person, page }) => {
  await isOffered(person);
  await page.screenshot({ path: await shot('offer-forced-colours-dark-desktop') });
  // The palette is the person's, and axe does not see it.
  assert.deepEqual(await violations(page, ['color-contrast']), []);
  const device = await person.hold();
  await press(page, SET_UP);
  await sees(page, 'Follow the steps on your screen');
  const moving = await page.evaluate(() => document.getAnimations().filter((one) => one.playState === 'running').length);
  assert.equal(moving, 0);
  await device.release();
  await sees(page, READY);
}, { context: { forcedColors: 'active', colorScheme: 'dark', reducedMotion: 'reduce' } });

for (const colour of ['#ffe600', '#0a0', '#ff8fa3', '#111111', '#ffffff']) {
  test(`a brand colour is corrected until it can be read: ${colour}`, async ({ person, page, world }) => {
    await person.register();
    await page.goto(world.app.publish('/branded', {
      body: `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
        <title>App</title><main><h1>App</h1><passkey-offer placement="card" brand-colour="${colour}"></passkey-offer></main>
        <script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`,
    }));
    await sees(page, TITLE);
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await violations(page), [], colorScheme);
    }
    await page.emulateMedia({ colorScheme: null });
    await keep(page, `brand-${colour.slice(1)}`);
  });
}

test('a window much smaller than the offer: seen all the same, and counted', async ({ person, page }) => {
  await page.setViewportSize({ width: 320, height: 160 });
  await isOffered(person);
  const box = await page.locator('passkey-offer').boundingBox();
  assert.ok(box && box.height > 2 * 160, `${box?.height} px high`);
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight / 3));
  await until('it is counted', () => person.watch.requests.some((request) => /^POST .*\/api\/onboarding\/offered/.test(request)), 5_000);
});

/** @param {string} name */
async function shot(name) {
  const { LEFT } = await import('./world/paths.js');
  return `${LEFT}/screenshots/${name}.png`;
}
