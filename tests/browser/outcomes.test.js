// What becomes of a try: refused by the person, by the device, by the browser, by nobody.

import assert from 'node:assert/strict';

import { focused } from './person/look.js';
import { inWorld } from './scenario.js';
import {
  action, arrives, CONTINUE, isCounted, isDecided, isLookedAt, isOffered, offerUrl, press, READY, reads, sees, SET_UP, SKIP, TITLE, until,
} from './steps.js';

const test = inWorld();
const withKeys = inWorld({ methods: ['webauthn'] });
const withPauses = inWorld({ service: { ONBOARDING__POLICY__FAILED_PAUSE: '1h' } });

const NOT_STARTED = 'That did not start. Try again.';
const CANCELLED = /No passkey was created/;
const TOOK_LONG = /your device stopped waiting/;
const HERE = 'This device already has a passkey for this account';

test('cancelled: said neutrally, and a second try works', async ({ person, page }) => {
  await isOffered(person);
  await person.refuse('NotAllowedError', 1_300);
  await press(page, SET_UP);
  await reads(page, CANCELLED);
  assert.equal(await page.getByRole('alert').count(), 0);
  await isDecided(person, 'later');
  await press(page, /^(Set up a passkey|Try again)$/);
  await sees(page, READY);
  await isDecided(person, 'done');
  assert.deepEqual(person.ceremonies.map(({ outcome }) => outcome), ['NotAllowedError', 'ok']);
});

test('each try has options of its own: a challenge is never used twice', async ({ person, page }) => {
  await isOffered(person);
  await person.refuse('NotAllowedError', 1_300);
  await press(page, SET_UP);
  await reads(page, CANCELLED);
  await press(page, /^(Set up a passkey|Try again)$/);
  await sees(page, READY);
  const [first, second] = person.ceremonies.map(({ options }) => JSON.stringify(options.challenge));
  assert.notEqual(first, second);
});

test('cancelled twice: "Skip for now" becomes the first button', async ({ person, page, world }) => {
  await isOffered(person);
  const order = async () => (await page.getByRole('button').allInnerTexts()).filter((text) => [SET_UP, 'Try again', SKIP].includes(text));
  assert.equal((await order())[0], SET_UP);
  for (let cancels = 1; cancels <= 2; cancels += 1) {
    await person.refuse('NotAllowedError', 1_300);
    await press(page, /^(Set up a passkey|Try again)$/);
    await until(`${cancels} cancelled`, () => person.ceremonies.filter(({ outcome }) => outcome).length === cancels);
    await reads(page, CANCELLED);
    await until('it can be tried again', () => action(page, /^(Set up a passkey|Try again)$/).isEnabled());
  }
  await until('"Skip for now" is first', async () => (await order())[0] === SKIP);
  await press(page, SKIP);
  await arrives(page, world.appUrl('/'));
});

test('refused within a second: it did not start, and nothing is held against the person', async ({ person, page }) => {
  await isOffered(person);
  await person.refuse('NotAllowedError', 200);
  await press(page, SET_UP);
  await reads(page, NOT_STARTED);
  assert.equal((await person.decision()).decision, 'offer');
  await press(page, /^(Set up a passkey|Try again)$/);
  await sees(page, READY);
});

test('nobody touches the device until the time-out: said so, and a second try works', async ({ person, page }) => {
  await page.clock.install();
  await isOffered(person);
  await person.refuse('NotAllowedError', 119_900);
  await press(page, SET_UP);
  await until('it asks', () => person.ceremonies.length === 1);
  await page.clock.runFor(120_000);
  await reads(page, TOOK_LONG);
  await page.clock.resume();
  assert.equal((await person.decision()).decision, 'offer');
  await press(page, /^(Set up a passkey|Try again)$/);
  await sees(page, READY);
});

test('while the device is asked, the page says what to do, and waits', async ({ person, page }) => {
  await isOffered(person);
  const device = await person.hold();
  await press(page, SET_UP);
  await sees(page, 'Follow the steps on your screen');
  assert.equal(await page.getByRole('button').count(), 0);
  await device.release();
  await sees(page, READY);
});

test('a device that does not recognise its owner creates nothing', async ({ person, page }) => {
  await isOffered(person);
  await person.device.recognise(false);
  await press(page, SET_UP);
  await until('it has ended', () => person.ceremonies[0]?.outcome);
  assert.equal(person.ceremonies[0]?.outcome, 'NotAllowedError');
  await action(page, /^(Set up a passkey|Try again)$/).waitFor();
  assert.deepEqual(await person.device.credentials(), []);
  await person.device.recognise(true);
  await press(page, /^(Set up a passkey|Try again)$/);
  await sees(page, READY);
});

test('the device has one already: that is a success, with a way to the list', async ({ person, page }) => {
  await isOffered(person);
  await person.refuse('InvalidStateError', 300);
  await press(page, SET_UP);
  await sees(page, HERE);
  await action(page, CONTINUE).waitFor();
  await action(page, 'See your passkeys').waitFor();
});

test('the relying party does not fit: the operator is told, the person goes on', async ({ person, page, world }) => {
  await isOffered(person);
  await person.refuse('SecurityError', 50);
  await press(page, SET_UP);
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
  await isCounted(world, 'failed', 'config');
  assert.match(person.watch.console.join('\n'), /warning: passkey elements: /);
});

test('something unheard of goes wrong: said in plain words, with a way on', async ({ person, page, world }) => {
  await isOffered(person);
  await person.refuse('DataError', 1_300);
  await press(page, SET_UP);
  await action(page, 'Try again').waitFor();
  assert.equal(await page.getByText(/DataError|WebAuthn|credential/i).count(), 0);
  await press(page, SKIP);
  await arrives(page, world.appUrl('/'));
});

test('an offer counts once a session, after a second in view', async ({ person, page }) => {
  const counted = () => person.watch.requests.filter((request) => /^POST .*\/api\/onboarding\/offered/.test(request)).length;
  await page.clock.install();
  await isOffered(person);
  assert.equal((await person.decision()).offers_left, 4);
  await until('it is counted', async () => (await person.decision()).offers_left === 3);
  await page.reload();
  await sees(page, TITLE);
  await page.clock.runFor(1_500); // long enough to be counted, were it counted again
  await page.clock.runFor(1_500);
  assert.deepEqual([counted(), (await person.decision()).offers_left], [1, 3]);
});

test('no platform authenticator: a phone or a security key is asked for, and any device is taken', async ({ person, page }) => {
  await person.register();
  await page.goto(offerUrl(person));
  await press(page, 'Use your phone or a security key');
  await sees(page, READY);
  const [ceremony] = person.ceremonies;
  assert.equal(ceremony?.options.authenticatorSelection.authenticatorAttachment, undefined);
  assert.equal((await person.credentials()).passkeys.length, 1);
}, { device: { transport: 'usb' } });

test('a browser without passkeys: no offer, and it is not held against the account', async ({ person, page, world }) => {
  await person.register();
  await page.goto(offerUrl(person));
  await Promise.race([arrives(page, world.appUrl('/')), press(page, CONTINUE)]);
  await arrives(page, world.appUrl('/'));
  const decision = await person.decision();
  assert.equal(decision.decision, 'offer', decision.reason);
}, { lacks: ['webauthn'], device: null });

withKeys('what the person wrote and opened is still there when the offer is drawn anew', async ({ person, page }) => {
  await isOffered(person);
  await page.getByText('What is a passkey?').click();
  await page.getByLabel('Name').fill('On my key ring');
  await page.getByLabel('Name').focus();
  // Each of these draws it anew: another text, and a look at who is signed in.
  await page.evaluate(() => document.querySelector('passkey-offer')?.setAttribute('app-name', 'Another'));
  await reads(page, /sign in to Another/);
  assert.equal(await page.getByLabel('Name').inputValue(), 'On my key ring');
  await reads(page, /replaces your password/);
  assert.equal((await focused(page)).tag, 'input');
  await person.refuse('NotAllowedError', 1_300);
  await press(page, SET_UP);
  await reads(page, CANCELLED);
  assert.equal(await page.getByLabel('Name').inputValue(), 'On my key ring');
});

withPauses('a try fails and the service would wait with the next: what went wrong stays there to be read, and it can be tried again', async ({ person, page }) => {
  await isOffered(person);
  await person.refuse('DataError', 1_300);
  await press(page, SET_UP);
  await reads(page, /Something went wrong on your device/);
  assert.equal((await isDecided(person, 'later')).reason, 'failed');
  await isLookedAt(page);
  await reads(page, /Something went wrong on your device/);
  await action(page, SKIP).waitFor();
  await press(page, 'Try again');
  await sees(page, READY);
});
