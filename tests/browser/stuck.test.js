// Nobody is left in front of something that turns for ever, and nothing is claimed that is not known.

import assert from 'node:assert/strict';

import { betweenPageAndKratos, cors, hears, held, LOOKED_AT, OPENED, SUBMITTED } from './between.js';
import { inWorld } from './scenario.js';
import { action, arrives, CONTINUE, isOffered, offerUrl, press, READY, reads, sees, SET_UP, TITLE } from './steps.js';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('./person/person.js').Person} Person */

const test = inWorld();

const AGAIN = 'Try again';
const ADD = 'Add a passkey';
const LIST = 'Your passkeys';
const STEPS = 'Follow the steps on your screen';
const OTHER = 'Someone else is signed in now';
const UNSURE = /could not check whether your passkey was saved/;

/**
 * A password manager answers in the browser's place: its credential inherits from the browser's, whose methods throw for it.
 *
 * @param {Page} page @param {{ isReadable?: boolean }} [how]
 */
function hasPasswordManager(page, { isReadable = true } = {}) {
  return page.addInitScript((isReadable) => {
    const prototype = /** @type {any} */ (window).CredentialsContainer.prototype;
    const original = prototype.create;
    prototype.create = function (/** @type {any} */ options) {
      return original.call(this, options).then((/** @type {any} */ made) => {
        const { clientDataJSON, attestationObject } = made.response;
        const of = (/** @type {any} */ parent, /** @type {object} */ own) =>
          Object.create(parent.prototype, Object.getOwnPropertyDescriptors(own));
        const response = isReadable ? { clientDataJSON, attestationObject } : { clientDataJSON };
        return of(PublicKeyCredential, {
          id: made.id,
          rawId: made.rawId,
          type: made.type,
          response: of(AuthenticatorAttestationResponse, response),
        });
      });
    };
  }, isReadable);
}

/** @param {Person} person */
async function opensList(person) {
  await person.register();
  await person.page.goto(person.world.serviceUrl('/passkeys'));
  await sees(person.page, LIST);
}

/** So much time passes for the page; what it waits for from elsewhere may arrive meanwhile. @param {Page} page @param {number} seconds */
async function passes(page, seconds) {
  for (let second = 0; second < seconds; second += 1) await page.clock.runFor(1_000);
}

test('a password manager whose credential cannot write itself as JSON: saved all the same', async ({ person, page }) => {
  await hasPasswordManager(page);
  await isOffered(person);
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal((await person.credentials()).passkeys.length, 1);
});

test('a credential that cannot be read: said in plain words, its device forgets it, and it can be tried again', async ({ person, page }) => {
  await hasPasswordManager(page, { isReadable: false });
  const signalled = await hears(page);
  await isOffered(person);
  await press(page, SET_UP);
  await reads(page, /your passkey could not be saved/i);
  const [made] = await person.device.credentials();
  const told = await signalled();
  assert.deepEqual(told.map(({ credentialId }) => credentialId), [Buffer.from(made?.credentialId ?? '', 'base64').toString('base64url')]);
  await action(page, AGAIN).waitFor();
});

test('Kratos gives a flow that leads nowhere: a way on', async ({ person, page, world }) => {
  await person.register();
  await page.route(OPENED, async (route) => {
    const answer = await route.fetch();
    const flow = await answer.json();
    await route.fulfill({ response: answer, json: { ...flow, ui: { ...flow.ui, action: 'nowhere' } } });
  });
  await page.goto(offerUrl(person));
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
});

test('something else ends the request for a passkey: as if it had been cancelled, and it can be tried again', async ({ person, page }) => {
  await isOffered(person);
  await person.refuse('AbortError', 1_300);
  await press(page, SET_UP);
  await reads(page, /No passkey was created/);
  await press(page, AGAIN);
  await sees(page, READY);
  await page.goto(person.world.serviceUrl('/passkeys'));
  await sees(page, LIST);
  await person.refuse('AbortError', 1_300);
  await press(page, ADD);
  await reads(page, /No passkey was created/);
});

test('the request for a passkey is never answered, not even after its time: said so, and it can be tried again', async ({ person, page }) => {
  await page.clock.install();
  await isOffered(person);
  await person.hold();
  await press(page, SET_UP);
  await sees(page, STEPS);
  await page.clock.runFor(136_000);
  await reads(page, /your device stopped waiting/);
  await page.clock.resume();
  await person.device.clear();
  await press(page, AGAIN);
  await sees(page, READY);
});

test('Kratos took it, both answers are lost and it cannot be asked: nothing is claimed, and the device keeps it', async ({ person, page }) => {
  const signalled = await hears(page);
  // Nobody else says it either.
  await page.route(/\/api\/onboarding\?.*wait=/, (route) => route.abort());
  await isOffered(person);
  await betweenPageAndKratos(person, async (route) => {
    await route.fetch();
    await route.abort('connectionreset');
  });
  await page.route(LOOKED_AT, (route) => route.abort('connectionreset'));
  await press(page, SET_UP);
  await reads(page, UNSURE);
  assert.equal(await page.getByText(/nothing was changed/).count(), 0);
  assert.deepEqual(await signalled(), []);
  await press(page, AGAIN);
  await sees(page, 'This device already has a passkey for this account');
}, { expects: [/net::ERR_/, /^40\d /] });

test('Kratos hangs while it saves: the person waits no longer than half a minute', async ({ person, page }) => {
  await page.clock.install();
  await isOffered(person);
  const forGood = held();
  await page.route(SUBMITTED, () => forGood.released);
  await page.route(LOOKED_AT, () => forGood.released);
  await press(page, SET_UP);
  await sees(page, 'Saving your passkey…');
  await passes(page, 25);
  await reads(page, UNSURE, 3_000);
}, { expects: [/net::ERR/] });

test('somebody else is signed in and Kratos hangs: said at once, without their name', async ({ person, page }) => {
  await isOffered(person);
  const forGood = held();
  await page.route(LOOKED_AT, () => forGood.released);
  await page.route(/\/api\/onboarding\?.*wait=/, (route) => route.abort());
  await person.becomesSomebodyElse();
  await press(page, SET_UP);
  await sees(page, OTHER, 3_000);
  await reads(page, /Another account is signed in now/);
}, { expects: [/^40\d /, /^41\d /, /net::ERR/] });

for (const [what, body] of /** @type {const} */ ([['something else', '{}'], ['half of it', '{"subject":"x","decision":"offer"}']])) {
  test(`the service answers ${what} with 200: a way on, and the list says that it cannot be shown`, async ({ person, page, world }) => {
    await person.register();
    await page.route(/\/api\/onboarding(\?|$)/, (route) => route.fulfill({ status: 200, contentType: 'application/json', body }));
    await page.goto(offerUrl(person));
    await press(page, CONTINUE, 4_000);
    await arrives(page, world.appUrl('/'));
    await page.goto(world.serviceUrl('/passkeys'));
    await sees(page, 'Your passkeys cannot be shown right now');
  });
}

test('the words of a language never arrive: English', async ({ person, page }) => {
  await person.register();
  const forGood = held();
  await page.route(/\/words\/de\./, () => forGood.released);
  await page.goto(offerUrl(person));
  await sees(page, TITLE, 6_000);
  await press(page, SET_UP);
  await sees(page, READY);
}, { locale: 'de-AT', expects: [/net::ERR/] });

for (const [element, name, way] of /** @type {const} */ ([
  ['passkey-offer', SET_UP, 'You can go on'],
  ['passkey-manager', ADD, 'Your passkeys cannot be shown right now'],
])) {
  test(`${element}: Kratos sends the browser away and the page around does not let it: after a while there is a way on`, async ({ person, page, world }) => {
    await page.clock.install();
    await person.register();
    await page.goto(world.app.publish('/keeps', {
      body: `<!doctype html><html lang="en"><title>App</title><h1>App</h1><${element}></${element}>
        <script>addEventListener('passkey-navigate', (event) => { event.preventDefault(); window.sent = true; })</script>
        <script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`,
    }));
    await betweenPageAndKratos(person, (route) => refusesTo(route, world.appUrl('/there')));
    await press(page, name);
    await page.waitForFunction(() => 'sent' in window);
    await sees(page, 'Saving your passkey…');
    await passes(page, 35);
    await sees(page, way);
  }, { expects: [/^422 /] });
}

for (const [element, name, title] of /** @type {const} */ ([
  ['passkey-offer', SET_UP, TITLE],
  ['passkey-manager', ADD, LIST],
])) {
  // Chromium keeps no page that asked for a passkey; other browsers do. What they say then is said here by the test.
  test(`${element}: sent away in the middle of a try, and back on the page as it was left: it starts over`, async ({ person, page, world }) => {
    await person.register();
    await page.goto(world.app.publish('/left', {
      body: `<!doctype html><html lang="en"><title>App</title><h1>App</h1><${element}></${element}>
        <script>addEventListener('passkey-navigate', (event) => { event.preventDefault(); window.sent = true; })</script>
        <script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`,
    }));
    await betweenPageAndKratos(person, (route) => refusesTo(route, world.appUrl('/there')));
    await press(page, name);
    await page.waitForFunction(() => 'sent' in window);
    await sees(page, 'Saving your passkey…');
    await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
    await sees(page, title);
    await action(page, name).waitFor();
  }, { expects: [/^422 /] });
}

/** @param {import('playwright-core').Route} route @param {string} there */
function refusesTo(route, there) {
  const error = { id: 'browser_location_change_required', code: 422, status: 'Unprocessable Entity', message: 'browser location change required' };
  const body = JSON.stringify({ error, redirect_browser_to: there });
  return route.fulfill({ status: 422, contentType: 'application/json', headers: cors(route), body });
}
