import { busy, element, field, form, messages, shown } from './form.js';
import { node, value } from './kratos.js';
import { heading, navigation, page, show } from './page.js';
import { explanation, get, isSupported } from './passkey.js';

/** @typedef {import('./kratos.js').Flow} Flow @typedef {import('./page.js').Page} Page */

await page(async (here) => {
  const flow = await here.kratos.flow('login');
  if (!flow.refresh && flow.requested_aal !== 'aal2') navigation(here.kratos, false);
  // Who confirms does not have to say who they are; a field that Kratos leaves empty is filled in.
  const session = flow.refresh ? await here.kratos.whoami() : undefined;
  render(here, flow, session?.identity.traits.email);
});

/** @param {Page} here @param {Flow} flow @param {string | undefined} email @param {string} [trouble] */
function render(here, flow, email, trouble) {
  const { kratos, main } = here;
  const again = (/** @type {Flow} */ next, /** @type {string} */ more = '') => render(here, next, email, more);
  const identifier = email ?? value(flow, 'identifier') ?? '';
  const submit = async (/** @type {Record<string, unknown>} */ body) => {
    const next = await kratos.submit('login', flow, body);
    // Kratos forgets who it was where the key did not fit.
    const who = node(next, 'identifier');
    if (who) who.attributes.value ||= body.identifier;
    again(next);
    // The identifier was taken; now the key, without another click.
    if (!value(flow, 'webauthn_login_trigger') && value(next, 'webauthn_login_trigger')) await withSecurityKey(next);
  };
  const withSecurityKey = async (/** @type {Flow} */ flow) => {
    try {
      const { publicKey } = JSON.parse(value(flow, 'webauthn_login_trigger'));
      const webauthn_login = await get(publicKey);
      again(await kratos.submit('login', flow, { method: 'webauthn', webauthn_login, identifier: value(flow, 'identifier') }));
    } catch (error) {
      again(flow, explanation(error));
    }
  };
  const withPasskey = async () => {
    try {
      const passkey_login = await get(JSON.parse(value(flow, 'passkey_challenge')).publicKey);
      again(await kratos.submit('login', flow, { method: 'passkey', passkey_login }));
    } catch (error) {
      again(flow, explanation(error));
    }
  };

  const has = (/** @type {string} */ group) => flow.ui.nodes.some((one) => one.group === group);
  const submits = flow.ui.nodes.filter(({ attributes }) => attributes.type === 'submit');
  const isSecond = flow.requested_aal === 'aal2';
  const confirms = flow.refresh && !isSecond;
  const asksWho = node(flow, 'identifier')?.attributes.type !== 'hidden' && !email;
  const passkey = isSupported && value(flow, 'passkey_challenge') && node(flow, 'passkey_login_trigger');
  const key = isSupported && value(flow, 'webauthn_login_trigger');
  const identifierField = () => {
    const described = node(flow, 'identifier');
    return asksWho && described ? field(described) : element('input', { type: 'hidden', name: 'identifier', value: identifier });
  };

  /** @type {HTMLElement[]} */
  const ways = [];
  if (passkey) ways.push(button(confirms ? 'Use your passkey' : 'Sign in with a passkey', withPasskey));
  if (key) ways.push(button('Continue with your security key', () => withSecurityKey(flow)));
  const password = submits.find(({ group }) => group === 'password');
  const described = node(flow, 'password');
  const byKey = submits.find(({ group }) => group === 'webauthn');
  if (password && described) {
    const keyToo = byKey && isSupported;
    ways.push(
      form(
        (entered) => submit({ ...entered, method: 'password' }),
        identifierField(),
        field(described),
        element('button', { type: 'submit' }, confirms ? 'Confirm' : 'Sign in'),
        keyToo && askForKey((entered) => submit({ identifier: entered.identifier, method: 'webauthn' })),
      ),
    );
  } else if (byKey && isSupported) {
    const submits = (/** @type {Record<string, any>} */ { identifier }) => submit({ identifier, method: 'webauthn' });
    ways.push(form(submits, identifierField(), element('button', { type: 'submit' }, 'Sign in with a security key')));
  }
  // Whatever else this Kratos offers, in its own words.
  for (const group of ['totp', 'lookup_secret', 'code', 'oidc'].filter(has)) {
    const nodes = flow.ui.nodes.filter((one) => one.group === group);
    const fields = nodes.filter(({ type, attributes }) => type === 'input' && !['submit', 'button', 'hidden'].includes(attributes.type));
    for (const one of nodes.filter(({ attributes }) => attributes.type === 'submit')) {
      const { name, value } = one.attributes;
      const needsWho = group === 'code' && !isSecond && !fields.length;
      ways.push(
        form(
          (entered) => submit({ ...entered, [name]: value }),
          needsWho && asksWho && password ? undefined : needsWho && identifierField(),
          ...nodes.map(shown).filter((shown) => shown !== undefined),
          ...fields.map(field),
          element(`button${isSecond ? '' : '.plain'}`, { type: 'submit' }, one.meta.label?.text ?? 'Continue'),
        ),
      );
    }
  }

  const title = isSecond ? 'One more step' : confirms ? 'Confirm it’s you' : 'Welcome back';
  document.title = `${title} · Acme (demo)`;
  show(
    main,
    element(
      'section.sheet.stack',
      {},
      element(
        'div',
        {},
        heading(title),
        confirms && element('p.soft', {}, identifier ? `Signed in as ${identifier}.` : 'Please sign in again.'),
        isSecond && element('p.soft', {}, 'Your account has a second factor.'),
      ),
      ...messages(flow, trouble),
      ...separated(ways),
      !confirms && !isSecond && element('p.soft.small', {}, 'New here? ', element('a', { href: onward('/registration', flow) }, 'Create your account')),
    ),
  );
}

/** @param {HTMLElement[]} ways */
function separated(ways) {
  return ways.flatMap((way, index) => (index ? [element('div.or', {}, 'or'), way] : [way]));
}

/** @param {string} text @param {() => Promise<void>} work */
function button(text, work) {
  return element('button.full', { type: 'button', onclick: (event) => {
    const pressed = /** @type {HTMLElement} */ (event.currentTarget);
    void busy(/** @type {HTMLElement} */ (pressed.closest('main') ?? pressed), work);
  } }, text);
}

/** Another button of the same form, that needs no password. @param {(entered: Record<string, any>) => Promise<void>} work */
function askForKey(work) {
  return element('button.plain', { type: 'button', onclick: (event) => {
    const within = /** @type {HTMLElement} */ (event.currentTarget).closest('form');
    const who = within?.querySelector('input[name=identifier]');
    if (!within || !(who instanceof HTMLInputElement) || !who.reportValidity()) return;
    void busy(within, () => work({ identifier: who.value }));
  } }, 'Sign in with a security key');
}

/** @param {string} path @param {Flow} flow */
function onward(path, flow) {
  return flow.return_to ? `${path}?return_to=${encodeURIComponent(flow.return_to)}` : path;
}
