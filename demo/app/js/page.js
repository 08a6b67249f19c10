// What every page has: the frame, the elements of the service, and what is said when something fails.

import { element } from './form.js';
import { configuration, Kratos, Refused } from './kratos.js';

/** @typedef {{ kratos: Kratos, service: string, main: HTMLElement }} Page */

/** Runs a page; whatever it throws is told. @param {(page: Page) => Promise<void>} work */
export async function page(work) {
  const main = /** @type {HTMLElement} */ (document.getElementById('main'));
  try {
    const { kratos, service } = await configuration();
    await work({ kratos: new Kratos(kratos), service, main });
  } catch (error) {
    const isKnown = error instanceof Refused || (error instanceof TypeError && /fetch|network|load/i.test(error.message));
    // A mistake of this app is also told to whoever looks at the console.
    if (!isKnown) reportError(error);
    const reason = error instanceof Refused ? error.message : isKnown ? 'Kratos could not be reached.' : 'This page has a mistake.';
    show(
      main,
      element(
        'section.sheet.stack',
        {},
        heading('That did not work'),
        element('p.alarm', { role: 'alert' }, reason),
        element('p.actions', {}, element('a.button', { href: location.pathname }, 'Try again')),
      ),
    );
  }
}

/** The content of the page changes; the heading gets the focus, so that everybody hears of it. */
export function show(/** @type {HTMLElement} */ main, /** @type {HTMLElement[]} */ ...content) {
  const first = main.querySelector('h1') === null;
  main.replaceChildren(...content);
  if (!first) main.querySelector('h1')?.focus();
}

/** @param {string} text */
export function heading(text) {
  return element('h1', { tabindex: '-1' }, text);
}

/** Defines `<passkey-offer>` and `<passkey-manager>`. @param {string} service */
export function loadElements(service) {
  document.head.append(element('script', { type: 'module', src: `${service}/elements/v1.js` }));
}

/** @param {Kratos} kratos @param {boolean} isSignedIn */
export function navigation(kratos, isSignedIn) {
  const nav = /** @type {HTMLElement} */ (document.getElementById('nav'));
  nav.replaceChildren(
    ...(isSignedIn
      ? [
          element('a', { href: '/settings' }, 'Settings'),
          element('button.plain', { type: 'button', onclick: () => void kratos.signOut() }, 'Sign out'),
        ]
      : [element('a', { href: '/login' }, 'Sign in'), element('a', { href: '/registration' }, 'Create account')]),
  );
}
