// Kratos's forms: nodes become labelled fields, and what is wrong stands beside the field it is about.

/** @typedef {import('./kratos.js').Node} Node @typedef {import('./kratos.js').Flow} Flow */

/**
 * @param {string} name of the element, with classes: `p.soft`
 * @param {Record<string, string | boolean | ((event: Event) => void)>} [attributes]
 * @param {(globalThis.Node | string | false | null | undefined)[]} content
 * @returns {HTMLElement}
 */
export function element(name, attributes = {}, ...content) {
  const [tag = 'div', ...classes] = name.split('.');
  const made = document.createElement(tag);
  made.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key.slice(2), value);
    else if (value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...content.filter((one) => one !== false && one !== null && one !== undefined));
  return made;
}

/** Kratos leaves some fields without a label. */
const LABELS = /** @type {Record<string, string>} */ ({
  identifier: 'E-mail',
  'traits.email': 'E-mail',
  'traits.name.first': 'First name',
  'traits.name.last': 'Last name',
  password: 'Password',
  totp_code: 'Code from your authenticator app',
  lookup_secret: 'Backup code',
  code: 'Code from the e-mail',
});

const AUTOCOMPLETE = /** @type {Record<string, string>} */ ({
  'traits.name.first': 'given-name',
  'traits.name.last': 'family-name',
  identifier: 'username webauthn',
  totp_code: 'one-time-code',
  code: 'one-time-code',
});

/** A field with its label and its messages. @param {Node} node */
export function field(node) {
  const { name, type, value, required, autocomplete } = node.attributes;
  const wrong = node.messages.filter((message) => message.type === 'error');
  const id = `field-${name}`;
  const input = element('input', {
    id,
    name,
    type: name === 'identifier' ? 'email' : type,
    required: Boolean(required),
    autocomplete: AUTOCOMPLETE[name] ?? autocomplete ?? false,
    value: value ?? false,
    ...(wrong.length ? { 'aria-invalid': 'true', 'aria-describedby': `${id}-wrong` } : {}),
    ...(name === 'totp_code' || name === 'code' ? { inputmode: 'numeric' } : {}),
  });
  return element(
    'div.field',
    {},
    element('label', { for: id }, LABELS[name] ?? node.meta.label?.text ?? name),
    input,
    ...wrong.map((message) => element('p.wrong', { id: `${id}-wrong` }, message.text)),
  );
}

/** Anything that is shown and not asked: a picture, a secret. @param {Node} node */
export function shown(node) {
  const label = node.meta.label?.text ?? '';
  if (node.type === 'img') return element('img.qr', { src: node.attributes.src, alt: label });
  if (node.type === 'text') {
    return element('p.small', {}, label, element('br'), element('code', {}, node.attributes.text?.text ?? ''));
  }
  return undefined;
}

/** What the whole form is told; in the place where screen readers hear of it. @param {Flow} flow @param {string} [more] */
export function messages(flow, more) {
  const said = (flow.ui.messages ?? []).filter(({ id }) => !SAID_BY_THE_PAGE.has(id));
  const [errors, others] = [
    said.filter((message) => message.type === 'error').map((message) => message.text),
    said.filter((message) => message.type !== 'error').map((message) => message.text),
  ];
  if (more) errors.push(more);
  return [
    element('p.alarm', { role: 'alert' }, errors.join(' ')),
    element('p.note', { role: 'status' }, others.join(' ')),
  ];
}

// "Please confirm…", "Please complete the second…", "Prepare your device…", "Please choose a credential…": the heading says it.
const SAID_BY_THE_PAGE = new Set([1_010_003, 1_010_004, 1_010_012, 1_040_009]);

/**
 * A form that calls `submit` with what was entered, nested as Kratos wants it.
 *
 * @param {(entered: Record<string, any>) => Promise<void>} submit
 * @param {(globalThis.Node | string | false | undefined)[]} content
 */
export function form(submit, ...content) {
  return element(
    'form',
    {
      method: 'post',
      onsubmit: (event) => {
        event.preventDefault();
        const target = /** @type {HTMLFormElement} */ (event.currentTarget);
        void busy(target, () => submit(entered(target)));
      },
    },
    ...content,
  );
}

/** @param {HTMLFormElement} form */
export function entered(form) {
  /** @type {Record<string, any>} */
  const all = {};
  for (const [name, text] of new FormData(form)) {
    const path = name.split('.');
    const last = /** @type {string} */ (path.pop());
    let place = all;
    for (const part of path) place = place[part] ??= {};
    place[last] = text;
  }
  return all;
}

/** Nobody presses twice. @param {HTMLElement} around @param {() => Promise<void>} work */
export async function busy(around, work) {
  const buttons = [...around.querySelectorAll('button')];
  buttons.forEach((button) => (button.disabled = true));
  try {
    await work();
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}
