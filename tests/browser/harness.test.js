// What the other files rely on: whatever goes wrong in a browser is seen.

import assert from 'node:assert/strict';

import { focused, tree, violations } from './person/look.js';
import { inWorld } from './scenario.js';
import { until } from './steps.js';

const test = inWorld();

/** @param {string} script @param {string} [body] */
const page = (script, body = '<button>Go</button>') => ({
  body: `<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>${body}</main><script>
    const ask = () => navigator.credentials.create({ publicKey: {
      challenge: new Uint8Array(16), rp: { name: 'x', id: 'localhost' }, user: { id: new Uint8Array(8), name: 'x', displayName: 'x' },
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }] } });
    ${script}
  </script></html>`,
});

test('a person registers, signs out and signs in, and the service knows', async ({ person, world }) => {
  await person.register();
  assert.equal((await person.decision()).decision, 'offer');
  assert.ok(await person.session());
  await person.signOut();
  assert.equal(await person.session(), undefined);
  await person.signIn();
  assert.equal((await person.decision()).decision, 'offer');
  await until('the hook has arrived', () =>
    world.hooks.deliveries.some(({ path, status }) => path.endsWith('/registration/password') && status === 204));
});

test('a device holds what was created, and a click that asks at once is fine', async ({ person, page: tab, world }) => {
  const script = `document.querySelector('button').addEventListener('click', () => ask().then(() => document.title = 'done'))`;
  await tab.goto(world.app.publish('/fine', page(script)));
  await tab.getByRole('button', { name: 'Go' }).click();
  await tab.waitForFunction(() => document.title === 'done');
  assert.equal((await person.device.credentials()).length, 1);
  assert.equal(person.ceremonies[0]?.outcome, 'ok');
  await person.refuse('NotAllowedError', 50);
  await tab.getByRole('button', { name: 'Go' }).click();
  await tab.waitForFunction(() => document.title === 'done');
  assert.equal((await person.device.credentials()).length, 1);
}, { expects: [/NotAllowedError/] });

for (const [what, script, problem] of /** @type {[string, string, RegExp][]} */ ([
  ['an error in a script', `document.querySelector('button').addEventListener('click', () => missing())`, /missing is not defined/],
  ['a promise nobody handles', `document.querySelector('button').addEventListener('click', () => { Promise.reject(new Error('left alone')) })`, /left alone/],
  ['an error in the console', `document.querySelector('button').addEventListener('click', () => console.error('oh no'))`, /console: oh no/],
  ['a request to another host', `document.querySelector('button').addEventListener('click', () => fetch('https://example.org/').catch(() => {}))`, /request elsewhere: https:\/\/example\.org/],
  ['a refused request', `document.querySelector('button').addEventListener('click', () => fetch('/nowhere'))`, /404 .*\/nowhere/],
  ['a passkey that nobody asked for', `setTimeout(() => ask().catch(() => {}), 10)`, /create without user activation/],
  ['an await before the passkey', `document.querySelector('button').addEventListener('click', async () => { await null; await ask() })`, /create not synchronously in a click/],
  ['a timer before the passkey', `document.querySelector('button').onclick = () => setTimeout(ask)`, /create not synchronously in a click/],
  ['a request between click and passkey', `document.querySelector('button').addEventListener('click', () => { fetch('/config.json'); ask() })`, /create after 1 requests since the click/],
  ['two passkeys at once', `document.querySelector('button').addEventListener('click', () => { ask().catch(() => {}); ask().catch(() => {}) })`, /create while another was under way/],
])) {
  test(`${what} is seen`, async ({ person, page: tab, world }) => {
    await tab.goto(world.app.publish('/wrong', page(script)));
    await tab.getByRole('button', { name: 'Go' }).click();
    await until(`seen: ${problem}`, () => person.watch.problems.some((one) => problem.test(one)));
    // What comes of it may still be on its way.
    person.watch.expect(/^/);
    person.watch.problems.splice(0);
  });
}

test('what a policy forbids is seen', async ({ person, page: tab, world }) => {
  const headers = { 'content-security-policy': "default-src 'self'; require-trusted-types-for 'script'" };
  world.app.publish('/script.js', { body: `document.querySelector('main').innerHTML = '<b>bold</b>'`, type: 'text/javascript' });
  const body = '<!doctype html><html lang="en"><title>A page</title><main></main><script>1</script><script src="/script.js"></script></html>';
  await tab.goto(world.app.publish('/strict', { body, headers }));
  for (const problem of [/^policy: script-src-elem: inline/, /^policy: require-trusted-types-for/]) {
    await until(`seen: ${problem}`, () => person.watch.problems.some((one) => problem.test(one)));
  }
  person.watch.problems.splice(0);
});

test('focus, roles and names are read through shadow roots, and axe looks into them', async ({ page: tab, world }) => {
  const script = `const root = document.querySelector('x-y').attachShadow({ mode: 'open' });
    const button = document.createElement('button'); button.textContent = 'Inside'; root.append(button);
    root.append(document.createElement('button'));
    button.focus();`;
  await tab.goto(world.app.publish('/shadow', page(script, '<x-y></x-y>')));
  assert.deepEqual(await focused(tab), { tag: 'button', text: 'Inside' });
  assert.match(await tree(tab), /button "Inside"/);
  assert.match((await violations(tab)).join('\n'), /button-name/);
});
