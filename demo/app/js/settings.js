import { element, field, form, messages, shown } from './form.js';
import { Refused } from './kratos.js';
import { heading, loadElements, navigation, page, show } from './page.js';

/** @typedef {import('./kratos.js').Flow} Flow @typedef {import('./page.js').Page} Page */

const TITLES = /** @type {Record<string, string>} */ ({
  profile: 'Your details',
  password: 'Password',
  totp: 'Authenticator app',
});

await page(async (here) => {
  const { kratos, service, main } = here;
  const flow = await settings(here);
  navigation(kratos, true);
  const other = element('div.stack');
  show(
    main,
    element('div.hero', {}, heading('Settings'), element('p', {}, flow.identity?.traits.email ?? '')),
    element(
      'div.stack',
      {},
      // The element looks after passkeys with flows of its own; this page only gives it a place.
      element('passkey-manager', { 'service-url': service, 'app-name': 'Acme', 'brand-colour': '#1f5a48' }),
      other,
    ),
  );
  loadElements(service);
  render(here, other, flow);
});

/** A flow for the rest of this page: the one in the address, or a new one. @param {Page} page @returns {Promise<Flow>} */
async function settings({ kratos }) {
  const id = new URLSearchParams(location.search).get('flow');
  for (const path of [...(id ? [`flows?id=${encodeURIComponent(id)}`] : []), 'browser']) {
    const { status, body } = await kratos.ask(`/self-service/settings/${path}`);
    if (status === 200) return body;
    if (status === 401) {
      const back = new URL(location.href);
      back.searchParams.delete('flow');
      return kratos.leave(kratos.start('login', new URLSearchParams({ return_to: back.href })));
    }
    if (body?.redirect_browser_to) return kratos.leave(body.redirect_browser_to);
  }
  throw new Refused('Kratos has no settings for you right now.');
}

/** @param {Page} page @param {HTMLElement} place @param {Flow} flow */
function render({ kratos, ...page }, place, flow) {
  const sections = Object.entries(TITLES).flatMap(([group, title]) => {
    const nodes = flow.ui.nodes.filter((node) => node.group === group);
    if (!nodes.length) return [];
    const fields = nodes.filter(({ type, attributes }) => type === 'input' && !['submit', 'hidden'].includes(attributes.type));
    const buttons = nodes.filter(({ attributes }) => attributes.type === 'submit');
    const submitted = async (/** @type {Record<string, unknown>} */ body) => {
      const next = await kratos.submit('settings', flow, body);
      render({ kratos, ...page }, place, next);
      place.querySelector('[role=alert]:not(:empty), [role=status]:not(:empty)')?.scrollIntoView({ block: 'nearest' });
    };
    return [
      element(
        'section.sheet.stack',
        {},
        element('h2', {}, title),
        form(
          (entered) => submitted({ ...entered, ...(buttons[0] ? { [buttons[0].attributes.name]: buttons[0].attributes.value } : {}) }),
          ...nodes.map(shown).filter((shown) => shown !== undefined),
          ...fields.map(field),
          ...buttons.map((one) => element('button.plain', { type: 'submit' }, one.meta.label?.text ?? 'Save')),
        ),
      ),
    ];
  });
  place.replaceChildren(...messages(flow), element('div.columns', {}, ...sections));
}
