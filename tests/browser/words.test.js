// The person's language, its direction, and words of the operator's own.

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { keep } from './person/look.js';
import { inWorld } from './scenario.js';
import { offerUrl, press, sees, until } from './steps.js';
import { ROOT } from './world/paths.js';

const WORDS = join(ROOT, 'web/elements/words');
const LANGUAGES = /** @type {const} */ ([
  ['en-GB', 'en', 'ltr'],
  ['de-AT', 'de', 'ltr'],
  ['fr-FR', 'fr', 'ltr'],
  ['es-MX', 'es', 'ltr'],
  ['ja-JP', 'ja', 'ltr'],
  ['ar-EG', 'ar', 'rtl'],
]);

const test = inWorld();

/** @param {string} language @returns {Promise<Record<string, string>>} */
async function texts(language) {
  return (await import(pathToFileURL(join(WORDS, `${language}.js`)).href)).default;
}

for (const [locale, language, direction] of LANGUAGES) {
  test(`a browser in ${locale} is spoken to in ${language}: offer, success, list`, async ({ person, page, world }) => {
    const words = await texts(language);
    const text = (/** @type {string} */ key) => (words[key] ?? assert.fail(`no ${key}`)).replaceAll('{app}', 'Example');
    await person.register();
    await page.goto(offerUrl(person));
    await sees(page, text('offer.title'));
    const html = page.locator('html');
    assert.equal(await html.getAttribute('lang'), language);
    assert.equal(await html.getAttribute('dir'), direction);
    const heading = page.getByRole('heading', { name: text('offer.title') });
    assert.equal(await heading.evaluate((element) => getComputedStyle(element).direction), direction);
    assert.equal(await heading.evaluate((element) => element.closest('[lang]')?.getAttribute('lang')), language);
    for (const key of ['offer.set_up', 'offer.skip']) await page.getByRole('button', { name: text(key), exact: true }).waitFor();
    await keep(page, `offer-${language}`);
    await press(page, text('offer.set_up'));
    await sees(page, text('done.title'));
    await keep(page, `done-${language}`);
    await page.goto(world.serviceUrl('/passkeys'));
    await sees(page, text('held.title'));
    await page.getByRole('button', { name: text('held.add'), exact: true }).waitFor();
    await keep(page, `passkeys-${language}`);
  }, { locale });
}

test('a language that is not there: English', async ({ person, page }) => {
  await person.register();
  await page.goto(offerUrl(person));
  await sees(page, (await texts('en'))['offer.title'] ?? '');
}, { locale: 'is-IS' });

test('the language of the page around it wins over the browser’s, and each text can be another', async ({ person, page, world }) => {
  await person.register();
  const words = JSON.stringify({ 'offer.title': 'Nie mehr Passwörter', 'no.such.text': 'x' }).replaceAll('"', '&quot;');
  await page.goto(world.app.publish('/deutsch', {
    body: `<!doctype html><html lang="de"><title>App</title><h1>App</h1>
      <passkey-offer placement="card" app-name="Beispiel" words="${words}"></passkey-offer>
      <script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`,
  }));
  await sees(page, 'Nie mehr Passwörter');
  const german = await texts('de');
  await page.getByText((german['offer.text'] ?? '').replaceAll('{app}', 'Beispiel')).waitFor();
});

test('every language has every text, with the same names to fill in', async () => {
  const english = await texts('en');
  const names = (/** @type {string} */ text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  const files = (await readdir(WORDS)).filter((file) => /^[a-z]{2}\.js$/.test(file));
  assert.deepEqual(files.sort(), LANGUAGES.map(([, language]) => `${language}.js`).sort());
  for (const [, language] of LANGUAGES) {
    const words = await texts(language);
    assert.deepEqual(Object.keys(words).sort(), Object.keys(english).sort(), language);
    for (const [key, text] of Object.entries(words)) {
      assert.deepEqual(names(text), names(english[key] ?? ''), `${language} ${key}`);
      assert.doesNotMatch(text, /webauthn|credential|authenticator|ceremony/i, `${language} ${key}`);
    }
  }
});

test('no technical word is ever on the page', async ({ person, page }) => {
  await person.register();
  await page.goto(offerUrl(person));
  await until('it is there', () => page.getByRole('button').count());
  await page.getByText('What is a passkey?').click();
  assert.doesNotMatch(await page.locator('body').innerText(), /webauthn|credential|authenticator|ceremony/i);
});
