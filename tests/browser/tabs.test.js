// Several tabs of one browser, and several people at it.

import assert from 'node:assert/strict';

import { inWorld } from './scenario.js';
import { action, arrives, CONTINUE, isLookedAt, isOffered, offerUrl, press, READY, reads, sees, SET_UP, SKIP, TITLE, until } from './steps.js';

const test = inWorld();
const OTHER = 'Someone else is signed in now';

test('the account is named, and nothing of it is stored', async ({ person, page }) => {
  await isOffered(person);
  await reads(page, `For ${person.email}`);
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.equal(stored.includes(person.email), false, stored);
});

test('somebody else signs in in another tab: looked at again, the page says so, and starts over for them', async ({ person, page }) => {
  await isOffered(person);
  await person.becomesSomebodyElse();
  await isLookedAt(page);
  await sees(page, OTHER);
  await reads(page, person.email);
  await press(page, 'Start over');
  await sees(page, TITLE);
  await reads(page, `For ${person.email}`);
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal((await person.credentials()).passkeys.length, 1);
}, { expects: [/^401 /] });

test('somebody else signs in, and the page is not looked at before the click: nobody gets a passkey', async ({ person, page }) => {
  await isOffered(person);
  await person.becomesSomebodyElse();
  await press(page, SET_UP);
  await sees(page, OTHER);
  assert.deepEqual((await person.credentials()).passkeys, []);
}, { expects: [/^401 /, /^403 /, /^409 /, /^412 /] });

test('somebody else signs in and it is skipped: it is not their skip', async ({ person, page }) => {
  await isOffered(person);
  await person.becomesSomebodyElse();
  await press(page, SKIP);
  await until('it was said', () => person.watch.requests.some((request) => /^POST .*\/api\/onboarding\/skip/.test(request)));
  await page.waitForLoadState();
  assert.equal((await person.decision()).decision, 'offer');
}, { expects: [/^401 /, /^403 /, /^409 /, /^412 /] });

test('done in one tab shows in the other, which was not touched', async ({ person, page }) => {
  await isOffered(person);
  const second = await person.tab();
  await second.goto(offerUrl(person));
  await sees(second, TITLE);
  await page.bringToFront();
  await press(page, SET_UP);
  await sees(page, READY);
  await sees(second, READY);
  assert.equal(person.ceremonies.length, 1);
});

test('skipped in one tab: the other does not offer it any more', async ({ person, page, world }) => {
  await isOffered(person);
  const second = await person.tab();
  await second.goto(offerUrl(person));
  await sees(second, TITLE);
  await press(page, SKIP);
  await arrives(page, world.appUrl('/'));
  await until('no offer', async () => !(await action(second, SET_UP).isVisible()));
});

/** @param {import('./scenario.js').Scene} scene */
async function isDoneElsewhere({ person, another }) {
  const elsewhere = await another();
  elsewhere.email = person.email;
  await elsewhere.signIn();
  await elsewhere.page.goto(elsewhere.world.serviceUrl('/passkeys'));
  await press(elsewhere.page, 'Add a passkey');
  await reads(elsewhere.page, /was added/);
}

test('done on another device shows here, without a reload', async (scene) => {
  await isOffered(scene.person);
  await isDoneElsewhere(scene);
  await sees(scene.page, READY);
});

test('and after a try that came to nothing here', async (scene) => {
  const { person, page } = scene;
  await isOffered(person);
  await person.refuse('NotAllowedError');
  await press(page, SET_UP);
  await reads(page, /No passkey was created/);
  await isDoneElsewhere(scene);
  await sees(page, READY);
});

test('one waiting connection a browser, however many tabs', async ({ person, page }) => {
  /** @type {Set<import('playwright-core').Request>} */
  const waiting = new Set();
  let most = 0;
  person.context.on('request', (request) => {
    if (!/\/api\/onboarding(\/events|\?.*wait=)/.test(request.url())) return;
    waiting.add(request);
    most = Math.max(most, waiting.size);
  });
  person.context.on('requestfinished', (request) => void waiting.delete(request));
  person.context.on('requestfailed', (request) => void waiting.delete(request));
  await isOffered(person);
  const tabs = [await person.tab(), await person.tab()];
  for (const tab of tabs) {
    await tab.goto(offerUrl(person));
    await sees(tab, TITLE);
  }
  await until('one waits', () => waiting.size === 1);
  await page.close();
  await until('another takes over', () => waiting.size === 1);
  assert.equal(most, 1);
});

test('Back after the offer was left: it is there as it was, and works', async ({ person, page, world }) => {
  await isOffered(person);
  await page.goto(world.appUrl('/settings'));
  await page.goBack();
  await sees(page, TITLE);
  await press(page, SET_UP);
  await sees(page, READY);
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
});
