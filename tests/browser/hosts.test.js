// The elements in pages of others: another origin, React, strict policies, and where there is no page at all.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build } from 'esbuild';

import { inWorld } from './scenario.js';
import { action, arrives, isDecided, press, READY, sees, SET_UP, SKIP, TITLE, until } from './steps.js';
import { ROOT } from './world/paths.js';

/** @typedef {import('./world/world.js').World} World */

const test = inWorld();
const MODULE = 'web/elements/v1.js';

/**
 * A page of the app with an element in it.
 *
 * @param {World} world @param {string} path @param {string} element @param {{ headers?: Record<string, string>, head?: string }} [more]
 */
function host(world, path, element, { headers = {}, head = '' } = {}) {
  return world.app.publish(path, {
    headers,
    body: `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>App</title>${head}
      <main><h1>App</h1>${element}</main><script type="module" src="${world.serviceUrl('/elements/v1.js')}"></script></html>`,
  });
}

test('a card on another origin: it offers, and what it did is told by events that bubble', async ({ person, page, world }) => {
  await person.register();
  await page.addInitScript(() => {
    const told = /** @type {any} */ (window).told = /** @type {string[]} */ ([]);
    for (const name of ['decision', 'offered', 'started', 'created', 'skipped', 'cancelled', 'failed']) {
      document.addEventListener(`passkey-${name}`, () => told.push(name));
    }
  });
  await page.goto(host(world, '/card', '<passkey-offer placement="card"></passkey-offer>'));
  await sees(page, TITLE);
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal((await person.credentials()).passkeys.length, 1);
  const told = await page.evaluate(() => /** @type {string[]} */ (/** @type {any} */ (window).told));
  for (const name of ['started', 'created']) assert.ok(told.includes(name), `${name} is not in ${told}`);
  await press(page, 'Close');
  await until('the card goes away', async () => !(await page.locator('passkey-offer').isVisible()));
  assert.equal(page.url(), world.appUrl('/card'));
});

test('a card takes no space and moves no focus unless there is something to offer', async ({ person, page, world }) => {
  await person.register();
  await isDecided(person, 'offer');
  await person.report('skip');
  await page.goto(host(world, '/quiet', '<passkey-offer placement="card"><p>Fallback</p></passkey-offer><input aria-label="Task" autofocus>'));
  await page.waitForResponse(/\/api\/onboarding/);
  await page.waitForLoadState('networkidle');
  const box = await page.locator('passkey-offer').boundingBox();
  assert.ok(box === null || box.height === 0, JSON.stringify(box));
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Task');
});

test('a page under a policy: only what web/README.md asks for is needed', async ({ person, page, world }) => {
  await person.register();
  const service = new URL(world.serviceUrl('')).origin;
  const kratos = new URL(world.kratosUrl('')).origin;
  const headers = {
    'content-security-policy': `default-src 'none'; script-src ${service}; connect-src ${service} ${kratos}; require-trusted-types-for 'script'; trusted-types 'none'`,
  };
  await page.goto(host(world, '/strict', '<passkey-offer placement="card"></passkey-offer><passkey-manager></passkey-manager>', { headers }));
  await sees(page, TITLE);
  await sees(page, 'Your passkeys');
  await press(page, SET_UP);
  await sees(page, READY);
});

test('without JavaScript the children are there', async ({ person, world }) => {
  const browser = person.context.browser();
  const context = await /** @type {import('playwright-core').Browser} */ (browser).newContext({ javaScriptEnabled: false });
  try {
    const page = await context.newPage();
    await page.goto(host(world, '/fallback', '<passkey-offer><p>Go to <a href="/">the app</a></p></passkey-offer>'));
    await page.getByRole('link', { name: 'the app' }).waitFor();
    await page.goto(world.serviceUrl('/post-registration?return_to=' + encodeURIComponent(world.appUrl('/settings'))));
    assert.equal(await page.getByRole('link').first().getAttribute('href'), world.appUrl('/settings'));
  } finally {
    await context.close();
  }
});

test('a browser that cannot show the elements keeps the children', async ({ person, page, world }) => {
  await person.register();
  await page.goto(world.serviceUrl('/post-registration'));
  await page.getByRole('link', { name: 'Continue' }).click();
  await arrives(page, world.appUrl('/'));
}, { lacks: ['styleSheets'] });

test('a setting that makes no sense is said in the console, and does no harm', async ({ person, page, world }) => {
  await person.register();
  await page.goto(host(world, '/nonsense', `<passkey-offer placement="card" words="null" brand-colour="red" logo="javascript:alert(1)"
    support-url="javascript:alert(1)" heading-level="9" service-url="http://["></passkey-offer>`));
  await sees(page, TITLE);
  assert.equal(await page.locator('passkey-offer').getByRole('link').count(), 0);
  assert.equal(await page.locator('passkey-offer img').count(), 0);
  for (const attribute of ['words', 'service-url']) {
    assert.ok(person.watch.console.some((line) => line.startsWith('warning: passkey-offer:') && line.includes(`"${attribute}"`)), attribute);
  }
});

test('imported twice, from two addresses: no harm', async ({ person, page, world }) => {
  await person.register();
  const again = `<script type="module" src="${world.serviceUrl('/elements/v1.js?again')}"></script>`;
  await page.goto(host(world, '/twice', '<passkey-offer placement="card"></passkey-offer>', { head: again }));
  await sees(page, TITLE);
  assert.equal(await page.getByRole('heading', { name: TITLE }).count(), 1);
});

test('imported where there is no page: nothing is thrown', async () => {
  const module = await import(pathToFileURL(join(ROOT, MODULE)).href);
  assert.ok(module);
});

test('the module is asked for anew, and what it imports is kept for good', async ({ page, world }) => {
  await page.goto(world.app.publish('/blank', { body: '<!doctype html><html lang="en"><title>App</title></html>' }));
  const [entry, inner] = await page.evaluate(async (url) => {
    const answer = await fetch(url);
    const text = await answer.text();
    const [, specifier = ''] = /(?:from|import)\s*\(?["']([^"']+)["']/.exec(text) ?? [];
    const next = await fetch(new URL(specifier, url));
    return [answer, next].map(({ status, headers }) => ({ status, cache: headers.get('cache-control') ?? '' }));
  }, world.serviceUrl('/elements/v1.js'));
  assert.equal(entry?.status, 200);
  assert.match(entry?.cache ?? '', /no-cache|max-age=0/);
  assert.equal(inner?.status, 200);
  assert.match(inner?.cache ?? '', /immutable/);
});

test('put into the page, taken out and put in again: one offer', async ({ person, page, world }) => {
  await person.register();
  await page.goto(host(world, '/moved', '<passkey-offer placement="card"></passkey-offer><div id="there"></div>'));
  await sees(page, TITLE);
  await page.evaluate(() => {
    const offer = /** @type {HTMLElement} */ (document.querySelector('passkey-offer'));
    offer.remove();
    document.querySelector('#there')?.append(offer);
  });
  await sees(page, TITLE);
  await press(page, SET_UP);
  await sees(page, READY);
  assert.equal(person.ceremonies.length, 1);
});

test('leaving can be prevented, and the host page goes where it wants', async ({ person, page, world }) => {
  await person.register();
  await page.goto(host(world, '/router', '<passkey-offer placement="page"></passkey-offer>'));
  await page.evaluate(() => {
    document.addEventListener('passkey-navigate', (event) => {
      event.preventDefault();
      document.title = `to ${/** @type {CustomEvent} */ (event).detail.url}`;
    });
  });
  await sees(page, TITLE);
  await press(page, SKIP);
  await page.waitForFunction((to) => document.title === `to ${to}`, world.appUrl('/'));
  assert.equal(page.url(), world.appUrl('/router'));
});

test('the host takes the offer out of the page when it is skipped: it leaves nothing behind, and goes nowhere', async ({ person, page, world }) => {
  await page.clock.install();
  await person.register();
  await page.goto(host(world, '/taken', '<passkey-offer placement="page"></passkey-offer>'));
  await sees(page, TITLE);
  await page.evaluate(() => {
    document.addEventListener('passkey-skipped', (event) => /** @type {HTMLElement} */ (event.target).remove());
  });
  await press(page, SKIP);
  await until('it was said', () => person.watch.requests.some((request) => /^POST .*\/api\/onboarding\/skip/.test(request)));
  await page.waitForLoadState('networkidle');
  // As long as it waits for what is to be stored.
  await page.clock.runFor(1_000);
  assert.equal(page.url(), world.appUrl('/taken'));
});

for (const version of /** @type {const} */ (['18', '19'])) {
  test(`React ${version}, StrictMode, mounted twice: one offer, one ceremony, one list`, async ({ person, page, world }) => {
    await person.register();
    world.app.publish('/react.js', { body: await react(version), type: 'text/javascript' });
    await page.goto(host(world, '/react', '<div id="root"></div>', { head: '<script type="module" src="/react.js"></script>' }));
    await sees(page, TITLE);
    await sees(page, 'Your passkeys');
    await press(page, SET_UP);
    await sees(page, READY);
    await page.waitForFunction(() => /** @type {any} */ (window).created === 1);
    assert.equal(person.ceremonies.length, 1);
    await action(page, /^Remove /).waitFor();
    await press(page, 'Close');
    await until('the card goes away', async () => !(await page.locator('passkey-offer').isVisible()));
    assert.equal((await person.credentials()).passkeys.length, 1);
  }, { expects: [/React DevTools/] });
}

/** @param {'18' | '19'} version @returns {Promise<string>} */
async function react(version) {
  /** @type {Record<string, string>} */
  const alias = version === '18' ? { react: 'react18', 'react-dom': 'react-dom18' } : {};
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { createElement as h, StrictMode, useEffect, useRef } from 'react';
        import { createRoot } from 'react-dom/client';
        window.created = 0;
        function App() {
          const offer = useRef(null);
          useEffect(() => {
            const created = () => { window.created += 1; };
            const element = offer.current;
            element.addEventListener('passkey-created', created);
            return () => element.removeEventListener('passkey-created', created);
          }, []);
          return h('div', null, h('passkey-offer', { ref: offer, placement: 'card' }), h('passkey-manager', null));
        }
        createRoot(document.getElementById('root')).render(h(StrictMode, null, h(App)));`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: 'esm',
    write: false,
    alias,
    define: { 'process.env.NODE_ENV': '"development"' },
  });
  return outputFiles?.[0]?.text ?? assert.fail('nothing was built');
}
