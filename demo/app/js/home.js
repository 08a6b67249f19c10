import { element } from './form.js';
import { heading, loadElements, navigation, page, show } from './page.js';

const METHODS = /** @type {Record<string, string>} */ ({
  password: 'your password',
  passkey: 'a passkey',
  webauthn: 'a security key',
  totp: 'an authenticator app',
  code: 'a code by e-mail',
  lookup_secret: 'a backup code',
});

await page(async ({ kratos, service, main }) => {
  const session = await kratos.whoami();
  navigation(kratos, Boolean(session));
  if (!session) {
    show(
      main,
      element(
        'section.hero',
        {},
        heading('Everything you need, from Acme.'),
        element('p', {}, 'Sign up with a password, be offered a passkey, and never type that password again.'),
        element(
          'p.actions',
          {},
          element('a.button', { href: '/registration' }, 'Create your account'),
          element('a.button.plain', { href: '/login' }, 'Sign in'),
        ),
      ),
    );
    return;
  }
  const { traits } = session.identity;
  const used = session.authentication_methods.map((/** @type {any} */ one) => METHODS[one.method] ?? one.method);
  const when = new Date(session.authenticated_at).toLocaleString(undefined, { timeStyle: 'short', dateStyle: 'medium' });
  show(
    main,
    element('div.hero', {}, heading(`Hello${traits.name?.first ? `, ${traits.name.first}` : ''}`)),
    element(
      'div.stack',
      {},
      element('passkey-offer', { placement: 'card', 'service-url': service, 'app-name': 'Acme', 'brand-colour': '#1f5a48', 'return-to': location.href }),
      element(
        'section.sheet',
        {},
        element('h2', {}, 'You are signed in'),
        element(
          'dl',
          {},
          element('dt', {}, 'As'),
          element('dd', {}, traits.email ?? session.identity.id),
          element('dt', {}, 'With'),
          element('dd', {}, [...new Set(used)].join(', ')),
          element('dt', {}, 'Since'),
          element('dd', {}, when),
        ),
      ),
    ),
  );
  loadElements(service);
});
