// What people do in the app (`demo/app`).

/** @typedef {import('./person/person.js').Person} Person */
/** @typedef {import('playwright-core').Page} Page */

/** Registers on the app's page, and goes where that leads. @param {Person} person @param {string} [returnTo] */
export async function registersInApp({ world, page, email, password }, returnTo) {
  await page.goto(world.appUrl(`/registration${returnTo ? `?return_to=${encodeURIComponent(returnTo)}` : ''}`));
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Create account' }).click();
}

/** @param {Person} person */
export async function signsOutInApp({ world, page, watch }) {
  // The card on the home page asks a moment after the page is there: perhaps as nobody.
  watch.expect(/^401 .*\/api\/onboarding\?/);
  await page.goto(world.appUrl('/'));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.pathname === '/login' && url.searchParams.has('flow'));
}

/** On the app's login page, wherever the browser was sent from. @param {Person} person @param {Page} [page] */
export async function signsInInApp(person, page = person.page) {
  await isAtLogin(person, page);
  await page.getByLabel('E-mail').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Signed in already, and asked again. @param {Person} person @param {Page} [page] */
export async function signsInAgain(person, page = person.page) {
  await isAtLogin(person, page);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Confirm' }).click();
}

/** @param {Person} person @param {'passkey' | 'webauthn'} method */
export async function signsInWithPasskey({ world, page, email }, method) {
  await page.goto(world.kratosUrl('/self-service/login/browser'));
  if (method === 'webauthn') {
    // It wants to know who it is before it asks for the key.
    await page.getByLabel('E-mail').fill(email);
    await page.getByRole('button', { name: 'Sign in with a security key' }).click();
  } else {
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  }
  await page.waitForURL(world.appUrl('/'));
}

/** @param {Person} person @param {string} code of the second factor */
export async function givesCode(person, code) {
  await isAtLogin(person, person.page);
  await person.page.getByLabel('Code from your authenticator app').fill(code);
  await person.page.getByRole('button', { name: 'Use Authenticator' }).click();
}

/** @param {Person} person @param {Page} page */
async function isAtLogin({ world }, page) {
  await page.waitForURL((url) => url.origin === world.app.origin && url.pathname === '/login' && url.searchParams.has('flow'));
}
