// One sheet for both elements. A constructed sheet is no inline style: it passes a CSP without 'unsafe-inline'.

import { parseColour, readableOn, written } from './colour.js';

const DARK_COLOURS = `
  color-scheme: dark;
  --_accent: var(--passkey-accent, #9db1ff);
  --_on-accent: var(--passkey-on-accent, #10142a);
  --_surface: var(--passkey-surface, #1b1e26);
  --_text: var(--passkey-text, #f2f3f7);
  --_muted: var(--passkey-muted, #b3b9c6);
  --_border: var(--passkey-border, #343945);
  --_control-border: var(--passkey-control-border, #7d8596);
  --_shadow: var(--passkey-shadow, 0 12px 32px rgb(0 0 0 / .35));
`;

const CSS = `
:host {
  --_accent: var(--passkey-accent, #2f4fd6);
  --_on-accent: var(--passkey-on-accent, #ffffff);
  --_link: var(--passkey-link, var(--_accent));
  --_surface: var(--passkey-surface, #ffffff);
  --_text: var(--passkey-text, #16181d);
  --_muted: var(--passkey-muted, #555b67);
  --_border: var(--passkey-border, #d9dce3);
  --_control-border: var(--passkey-control-border, #868d9b);
  --_tint: color-mix(in srgb, var(--_accent) 9%, var(--_surface));
  --_radius: var(--passkey-radius, 18px);
  --_shadow: var(--passkey-shadow, 0 1px 2px rgb(20 24 40 / .06), 0 12px 32px rgb(20 24 40 / .08));
  --_font: var(--passkey-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  display: block;
  color-scheme: light;
  color: var(--_text);
  font-family: var(--_font);
  font-size: 1rem;
  line-height: 1.5;
  text-align: start;
}
:host([hidden]) { display: none; }
@media (prefers-color-scheme: dark) {
  :host(:not([theme="light"])) {${DARK_COLOURS}}
}
:host([theme="dark"]) {${DARK_COLOURS}}
*, *::before, *::after { box-sizing: border-box; }
.card {
  container-type: inline-size;
  inline-size: 100%;
  max-inline-size: 30rem;
  margin-inline: auto;
  background: var(--_surface);
  border: 1px solid var(--_border);
  border-radius: var(--_radius);
  box-shadow: var(--_shadow);
}
.card.wide { max-inline-size: 42rem; }
.inside { display: flex; flex-direction: column; gap: 1.25rem; padding: clamp(1.25rem, 7cqi, 2.25rem); }
:host([placement="page"]) .inside { min-block-size: 29rem; }
.spring { flex: 1; min-block-size: 0; margin-block-start: -1.25rem; }
.head { display: flex; align-items: center; gap: .75rem; min-block-size: 2.5rem; }
.logo { max-block-size: 2.5rem; max-inline-size: 10rem; object-fit: contain; }
.mark {
  display: grid; place-items: center; inline-size: 3.5rem; block-size: 3.5rem; flex: none;
  border-radius: 1.1rem; background: var(--_tint); color: var(--_link);
}
.mark .icon { inline-size: 1.9rem; block-size: 1.9rem; }
.marks { display: flex; gap: .5rem; }
.icon { inline-size: 1.4em; block-size: 1.4em; flex: none; fill: none; stroke: currentColor; stroke-width: 1.6;
  stroke-linecap: round; stroke-linejoin: round; }
.title { margin: 0; font-size: clamp(1.35rem, 5.5cqi, 1.65rem); line-height: 1.2; font-weight: 680; letter-spacing: -.012em;
  text-wrap: balance; overflow-wrap: anywhere; }
.title:focus { outline: none; }
.title:focus-visible { outline: 3px solid var(--_link); outline-offset: .35rem; border-radius: .25rem; }
.subtitle { margin: 0; font-size: 1.02rem; font-weight: 620; overflow-wrap: anywhere; }
p { margin: 0; text-wrap: pretty; overflow-wrap: anywhere; }
.words { display: flex; flex-direction: column; gap: .6rem; }
.muted { color: var(--_muted); }
.small { font-size: .925rem; }
.help { display: inline-block; inline-size: fit-content; padding-block: .25rem; }
.account { display: inline-flex; align-items: center; gap: .45rem; max-inline-size: 100%; font-size: .925rem; color: var(--_muted); }
bdi { display: inline-block; max-inline-size: 100%; }
.account bdi { overflow-wrap: anywhere; color: var(--_text); font-weight: 560; }
.actions { display: flex; flex-direction: column; gap: .6rem; }
button, .button {
  appearance: none; font: inherit; font-weight: 600; line-height: 1.25; text-align: center; text-decoration: none; cursor: pointer;
  display: inline-flex; align-items: center; justify-content: center; gap: .5rem; min-block-size: 2.9rem; padding: .7rem 1.15rem;
  border-radius: calc(var(--_radius) * .67); border: 1.5px solid transparent; overflow-wrap: anywhere;
}
.first { background: var(--_accent); color: var(--_on-accent); border-color: var(--_accent); }
.second { background: transparent; color: var(--_text); border-color: var(--_control-border); }
.plain { background: transparent; color: var(--_link); }
.danger { background: var(--passkey-danger, #b3261e); color: #fff; }
@media (hover: hover) {
  .first:hover { filter: brightness(1.07); }
  .second:hover { background: var(--_tint); }
  .plain:hover { text-decoration: underline; text-underline-offset: .2em; }
}
button:active:not([aria-disabled="true"]) { transform: translateY(1px); }
:is(button, .button, a, summary, input):focus-visible { outline: 3px solid var(--_link); outline-offset: 2px; }
button[aria-disabled="true"] { cursor: progress; opacity: .72; }
a { color: var(--_link); text-underline-offset: .2em; }
details { border-block-start: 1px solid var(--_border); padding-block-start: .9rem; }
summary { cursor: pointer; font-weight: 560; color: var(--_link); inline-size: fit-content; padding-block: .3rem; border-radius: .25rem; }
details p { margin-block-start: .5rem; }
.note { display: flex; gap: .65rem; align-items: flex-start; padding: .8rem .95rem; border-radius: calc(var(--_radius) * .55);
  background: var(--_tint); border: 1px solid transparent; font-size: .955rem; }
.note .icon { margin-block-start: .1em; color: var(--_link); }
label { display: flex; flex-direction: column; gap: .35rem; font-weight: 560; font-size: .955rem; }
input { font: inherit; color: inherit; background: var(--_surface); inline-size: 100%; min-block-size: 2.75rem; padding: .55rem .8rem;
  border: 1.5px solid var(--_control-border); border-radius: calc(var(--_radius) * .5); }
.spinner { inline-size: 1.15em; block-size: 1.15em; border-radius: 50%; border: 2.5px solid currentColor; border-inline-end-color: transparent;
  animation: turn .9s linear infinite; }
.mark .spinner { inline-size: 1.8rem; block-size: 1.8rem; }
@keyframes turn { to { transform: rotate(1turn); } }
.bone { background: var(--_border); border-radius: .5rem; block-size: 1rem; }
.bone.title { block-size: 1.9rem; inline-size: 72%; }
.bone.short { inline-size: 55%; }
.bone.press { block-size: 2.9rem; border-radius: calc(var(--_radius) * .67); }
.bone.square { inline-size: 3.5rem; block-size: 3.5rem; border-radius: 1.1rem; }
ul { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; gap: .75rem; }
.held { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: .25rem .9rem; align-items: center; padding: .9rem;
  border: 1px solid var(--_border); border-radius: calc(var(--_radius) * .67); }
.held.new { border-color: var(--_link); background: var(--_tint); }
.held p + p { margin-block-start: .35rem; }
.held .mark { inline-size: 2.75rem; block-size: 2.75rem; border-radius: .85rem; }
.held .mark .icon { inline-size: 1.5rem; block-size: 1.5rem; }
.held button { min-block-size: 2.5rem; padding: .45rem .8rem; }
@container (max-width: 24rem) {
  .held { grid-template-columns: auto minmax(0, 1fr); }
  .held button { grid-column: 1 / -1; }
}
.row { display: flex; flex-wrap: wrap; gap: .6rem; }
.row > * { flex: 1 1 auto; }
.badge { display: inline-block; font-size: .82rem; font-weight: 560; padding: .05rem .5rem; border-radius: 1rem; border: 1px solid var(--_border);
  color: var(--_muted); }
dialog { color: inherit; background: var(--_surface); border: 1px solid var(--_border); border-radius: var(--_radius); padding: 0;
  inline-size: min(28rem, calc(100vw - 2rem)); max-block-size: calc(100dvh - 2rem); overflow: auto; box-shadow: 0 24px 64px rgb(0 0 0 / .3); }
dialog::backdrop { background: rgb(10 12 20 / .55); }
.unseen { position: absolute; inline-size: 1px; block-size: 1px; margin: -1px; padding: 0; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; border: 0; }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation-duration: 3s !important; transition: none !important; }
  .spinner { animation: none; border-inline-end-color: currentColor; border-style: dotted; }
  button:active { transform: none !important; }
}
@media (forced-colors: active) {
  .card, .held, dialog, .note { border-color: CanvasText; }
  button, .button { border-color: ButtonText; }
  .first, .danger { forced-color-adjust: none; background: ButtonText; color: ButtonFace; }
  .bone { background: GrayText; forced-color-adjust: none; }
}
`;

/** @type {CSSStyleSheet | undefined} */
let shared;

/** @returns {CSSStyleSheet} */
export function sheet() {
  if (!shared) {
    shared = new CSSStyleSheet();
    shared.replaceSync(CSS);
  }
  return shared;
}

const LIGHT = /** @type {const} */ ([255, 255, 255]);
const DARK = /** @type {const} */ ([27, 30, 38]);

/**
 * The brand's colour for both grounds, moved as far as it must be to be read: as a button with its text, and as text.
 *
 * @param {CSSStyleSheet} brand
 * @param {string | null} colour `#rgb` or `#rrggbb`; anything else is no colour
 */
export function paint(brand, colour) {
  const parsed = parseColour(colour);
  if (!parsed) {
    brand.replaceSync('');
    return;
  }
  const rule = (/** @type {string} */ selector, /** @type {import('./colour.js').Colour} */ ground) => {
    // What can be read on the ground, the ground can be read on: it is the colour of a button's text.
    return `${selector} { --_accent: var(--passkey-accent, ${written(readableOn(parsed, ground))});
      --_on-accent: var(--passkey-on-accent, ${written(ground)}); }`;
  };
  brand.replaceSync(`${rule(':host', LIGHT)}
    @media (prefers-color-scheme: dark) { ${rule(':host(:not([theme="light"]))', DARK)} }
    ${rule(':host([theme="dark"])', DARK)}`);
}
