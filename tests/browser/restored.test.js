// A page that was left and is shown again as it was, without having been loaded (the back/forward cache of browsers).

import { inWorld } from './scenario.js';
import { press, sees, SET_UP, TITLE } from './steps.js';

/** @typedef {import('./person/person.js').Person} Person */

const PRIVILEGED = 'ONBOARDING__KRATOS__PRIVILEGED_SESSION_MAX_AGE';
/** The service believes that there is time. */
const mistaken = inWorld({ privilegedFor: '1ms', service: { [PRIVILEGED]: '1h' } });
const ADD = 'Add a passkey';
const LIST = 'Your passkeys';

/** Goes back, and the page is the one that was left. @param {Person} person @param {() => Promise<unknown>} leave */
async function comesBack({ page }, leave) {
  await page.evaluate(() => void (/** @type {any} */ (window).wasHere = true));
  await leave();
  await page.waitForURL((url) => url.pathname === '/login');
  await page.waitForLoadState();
  await page.evaluate(() => history.back());
  await page.waitForFunction(() => 'wasHere' in window);
}

/** A page of the app: those of the service are never kept. @param {Person} person @param {string} element @param {string} heading */
async function opens(person, element, heading) {
  const { page, world } = person;
  await person.register();
  await page.goto(world.app.publish('/host', {
    body: `<!doctype html><html lang="en"><title>App</title><h1>App</h1><${element}></${element}>
      <script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`,
  }));
  await sees(page, heading);
}

mistaken('sent to sign in again after the ceremony, and back: the offer starts over', async ({ person, page }) => {
  await opens(person, 'passkey-offer', TITLE);
  await comesBack(person, () => press(page, SET_UP));
  await page.getByRole('button', { name: SET_UP }).waitFor();
}, { keepsPages: true, expects: [/^403 .*\/self-service\/settings/] });

mistaken('sent to sign in again after the ceremony, and back: the list is there again', async ({ person, page }) => {
  await opens(person, 'passkey-manager', LIST);
  await comesBack(person, () => press(page, ADD));
  await sees(page, LIST);
}, { keepsPages: true, expects: [/^403 .*\/self-service\/settings/] });
