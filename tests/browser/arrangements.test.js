// The three arrangements of `web/README.md`, each with the configuration it gives there.

import assert from 'node:assert/strict';

import { registersInApp, signsInWithPasskey, signsOutInApp } from './app.js';
import { inWorld } from './scenario.js';
import { arrives, CONTINUE, press, READY, reads, sees, SET_UP, TITLE, until } from './steps.js';

const oneOrigin = inWorld({ site: 'one_origin' });
const siblings = inWorld({ site: 'siblings' });
const ports = inWorld();

/** @param {import('./scenario.js').Scene} scene */
async function wholeWay({ person, page, world }) {
  await registersInApp(person);
  await arrives(page, world.serviceUrl('/post-registration'));
  await sees(page, TITLE);
  await reads(page, person.email);
  await press(page, SET_UP);
  await sees(page, READY);
  await press(page, CONTINUE);
  await arrives(page, world.appUrl('/'));
  await signsOutInApp(person);
  await signsInWithPasskey(person, 'passkey');
  // The list in a page of the app, and on the service's own.
  for (const url of [world.appUrl('/settings'), world.serviceUrl('/passkeys')]) {
    await page.goto(url);
    await sees(page, 'Your passkeys');
    await page.getByRole('button', { name: /^Remove / }).waitFor();
  }
  await until('the hooks have arrived', () => world.hooks.deliveries.length > 0 && world.hooks.deliveries.every(({ status }) => status === 204));
}

oneOrigin('one origin behind a reverse proxy: the whole way', wholeWay, { expects: [/^401 .*whoami/] });

siblings('sibling sub-domains: the whole way', wholeWay, { expects: [/^401 .*whoami/] });

ports('another site: nobody is signed in there, and the operator is told which line to change', async ({ person, page, world }) => {
  await person.register();
  // The same app, by an address that is another site.
  const host = world.app.publish('/elsewhere', {
    body: `<!doctype html><html lang="en"><title>App</title><h1>App</h1><passkey-offer placement="card"></passkey-offer>
      <script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`,
  }).replace('localhost', '127.0.0.1');
  await page.goto(host);
  await until('the operator is told', () => person.watch.console.some((line) => /^warning: passkey elements: /.test(line)));
  const told = person.watch.console.filter((line) => line.startsWith('warning:')).join('\n');
  assert.match(told, /page\.allowed_origins/);
  assert.equal(await page.locator('passkey-offer').isVisible(), false);
}, { expects: [/^40\d .*\/api\/onboarding/, /CORS policy/, /net::ERR_FAILED/] });
