import { busy, element, entered, field, form, messages } from './form.js';
import { node, value } from './kratos.js';
import { heading, navigation, page, show } from './page.js';
import { create, explanation, isSupported } from './passkey.js';

/** @typedef {import('./kratos.js').Flow} Flow @typedef {import('./page.js').Page} Page */

await page(async (here) => {
  navigation(here.kratos, false);
  render(here, await here.kratos.flow('registration'));
});

/**
 * Who somebody is and their password on one page: Kratos takes both at once, although its own form asks in two steps.
 *
 * @param {Page} here @param {Flow} flow @param {string} [trouble] @param {Record<string, any>} [traits]
 */
function render(here, flow, trouble, traits = {}) {
  const { kratos, main } = here;
  const again = (/** @type {Flow} */ next, /** @type {Record<string, any>} */ traits, /** @type {string} */ more = '') =>
    render(here, next, more, traits);
  const withPassword = async (/** @type {Record<string, any>} */ { traits, password }) => {
    again(await kratos.submit('registration', flow, { method: 'password', traits, password }), traits);
  };
  const withPasskey = async (/** @type {Record<string, any>} */ { traits }) => {
    // The options come with the second step.
    const second = await kratos.submit('registration', flow, { method: 'profile', traits });
    const data = value(second, 'passkey_create_data');
    if (!data) return again(second, traits, data === undefined && !wrong(second) ? 'Passkeys are off here.' : '');
    try {
      const { publicKey } = JSON.parse(data).credentialOptions;
      publicKey.user = { ...publicKey.user, name: traits.email, displayName: traits.email };
      delete publicKey.authenticatorSelection?.authenticatorAttachment;
      const passkey_register = await create(publicKey);
      again(await kratos.submit('registration', second, { method: 'passkey', traits, passkey_register }), traits);
    } catch (error) {
      again(second, traits, explanation(error));
    }
  };

  const described = flow.ui.nodes.filter(({ attributes }) => attributes.name?.startsWith('traits.'));
  const fields = described.map((one) => {
    const { name, type } = one.attributes;
    const typed = name.split('.').slice(1).reduce((/** @type {any} */ place, /** @type {string} */ part) => place?.[part], traits);
    const kind = name === 'traits.email' ? 'email' : type === 'hidden' ? 'text' : type;
    return field({ ...one, attributes: { ...one.attributes, type: kind, value: typed ?? one.attributes.value } });
  });
  // Not in the form of the first step, or put there by Kratos as a plain text field to hold a message.
  const password = {
    type: 'input', group: 'password', meta: {}, messages: node(flow, 'password')?.messages ?? [],
    attributes: { name: 'password', type: 'password', required: true, autocomplete: 'new-password' },
  };
  show(
    main,
    element(
      'section.sheet.stack',
      {},
      element('div', {}, heading('Create your account'), element('p.soft', {}, 'It takes less than a minute.')),
      ...messages(flow, trouble),
      form(
        withPassword,
        ...fields,
        field(password),
        element('button', { type: 'submit' }, 'Create account'),
        isSupported && element('div.or', {}, 'or'),
        isSupported && element('button.plain', { type: 'button', onclick: (event) => {
          const within = /** @type {HTMLElement} */ (event.currentTarget).closest('form');
          const asked = [...(within?.querySelectorAll('input') ?? [])].filter((one) => one.name !== 'password');
          if (within && asked.every((one) => one.reportValidity())) void busy(within, () => withPasskey(entered(within)));
        } }, 'Sign up with a passkey instead'),
      ),
      element('p.soft.small', {}, 'Here before? ', element('a', { href: flow.return_to ? `/login?return_to=${encodeURIComponent(flow.return_to)}` : '/login' }, 'Sign in')),
    ),
  );
}

/** @param {Flow} flow */
function wrong(flow) {
  return flow.ui.nodes.some(({ messages }) => messages.length) || flow.ui.messages?.some(({ type }) => type === 'error');
}
