// What both elements have in common: a shadow root that shows one scene at a time, and what a scene owes to people
// who do not see it: focus on the new heading, one polite live region.

import { h } from './dom.js';
import { Press } from './press.js';
import { paint, sheet } from './styles.js';

/**
 * @typedef {object} Scene
 * @property {string} name Another name is another scene: focus goes to its heading.
 * @property {Node | null} content `null` takes no space.
 * @property {string} [says] Read out once when it changes.
 */

/** How a scene came about: what moves by itself leaves the focus alone. */
/** @typedef {'person' | 'itself'} Cause */

/** Of something much taller than the window little is ever seen at once. */
const THRESHOLDS = Array.from({ length: 41 }, (_, step) => step / 40);

// So that importing this without a DOM does no harm.
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

export class Surface extends Base {
  #root = this.attachShadow({ mode: 'open' });
  #brand = new CSSStyleSheet();
  #stage = h('div');
  #live = h('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  #presence = new CSSStyleSheet();
  #press = new Press(this.#stage);
  /** @type {string | null} */
  #shown = null;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet(), this.#brand, this.#presence];
    this.#root.append(this.#stage, this.#live);
    this.#takeSpace(false);
  }

  /**
   * @param {Scene} scene
   * @param {Cause} cause
   */
  show(scene, cause) {
    if (cause === 'itself') return this.#press.after(() => this.#draw(scene, cause));
    this.#press.forget();
    // What was asked is answered: its dialog must not keep the focus from what comes of it.
    closeAnswered(this.#root);
    this.#draw(scene, cause);
  }

  /**
   * @param {Scene} scene
   * @param {Cause} cause
   */
  #draw(scene, cause) {
    const isNew = scene.name !== this.#shown;
    const active = this.#root.activeElement;
    const held = active instanceof HTMLElement ? active.dataset['key'] : undefined;
    const wasInside = active !== null;
    this.#shown = scene.name;
    const asLeft = isNew ? () => {} : remember(this.#stage);
    this.#stage.replaceChildren(...(scene.content ? [scene.content] : []));
    this.#takeSpace(scene.content !== null);
    this.#say(scene.says ?? '');
    if (!scene.content) return;
    asLeft();
    const heading = this.#stage.querySelector('#title');
    if (isNew && (cause === 'person' || wasInside)) {
      focus(heading);
    } else if (wasInside) {
      const same = held ? this.#stage.querySelector(`[data-key="${held}"]`) : null;
      focus(same ?? heading);
    }
  }

  /** @param {boolean} does */
  #takeSpace(does) {
    this.#presence.replaceSync(does ? '' : ':host { display: none; }');
  }

  /** @param {string} text */
  #say(text) {
    if (this.#live.textContent !== text) this.#live.textContent = text;
  }

  /**
   * @param {string} language
   * @param {'ltr' | 'rtl'} direction
   */
  speak(language, direction) {
    for (const part of [this.#stage, this.#live]) {
      part.lang = language;
      part.dir = direction;
    }
  }

  /** @param {string | null} colour */
  paint(colour) {
    paint(this.#brand, colour);
  }

  /**
   * Whether half of it can be seen, or half of the window is full of it.
   *
   * @param {(isSeen: boolean) => void} changed
   * @returns {() => void} stops it
   */
  watchSight(changed) {
    const seen = new IntersectionObserver((entries) => changed(isHalfSeen(entries.at(-1))), { threshold: THRESHOLDS });
    seen.observe(this.#stage);
    return () => seen.disconnect();
  }

  /**
   * Outwards: an event that bubbles out of shadow roots.
   *
   * @param {string} name
   * @param {Record<string, unknown>} detail
   * @param {{ cancelable?: boolean }} [options]
   * @returns {boolean} whether nobody prevented it
   */
  tell(name, detail, { cancelable = false } = {}) {
    return this.dispatchEvent(new CustomEvent(name, { detail, cancelable, bubbles: true, composed: true }));
  }

  /**
   * Leaves the page, unless the page around says that it does so itself.
   *
   * @param {string} why
   * @param {URL} url
   * @param {'assign' | 'replace'} how
   */
  leave(why, url, how) {
    if (this.tell('passkey-navigate', { why, url: url.href }, { cancelable: true })) location[how](url.href);
  }

  /**
   * Modal, and gone once it is closed; the focus then goes back to what opened it, or to what took its place.
   *
   * @param {HTMLDialogElement} dialog
   */
  ask(dialog) {
    const opener = this.#root.activeElement;
    const key = opener instanceof HTMLElement ? opener.dataset['key'] : undefined;
    this.#root.append(dialog);
    dialog.addEventListener('close', () => {
      const hadFocus = dialog.contains(this.#root.activeElement) || this.#root.activeElement === null;
      dialog.remove();
      if (hadFocus) focus(this.#stage.querySelector(`[data-key="${key}"]`) ?? this.#stage.querySelector('#title'));
    });
    dialog.showModal();
  }

  /** Takes away what was asked: nobody would hear the answer. */
  unask() {
    for (const dialog of this.#root.querySelectorAll('dialog')) dialog.remove();
  }
}

/** @param {IntersectionObserverEntry | undefined} entry the newest */
function isHalfSeen(entry) {
  if (!entry?.isIntersecting) return false;
  const { intersectionRect, boundingClientRect, rootBounds } = entry;
  return intersectionRect.height >= 0.5 * Math.min(boundingClientRect.height, rootBounds?.height ?? window.innerHeight);
}

/** @param {Element | null} element */
function focus(element) {
  if (element instanceof HTMLElement) element.focus();
}

/** @param {ShadowRoot} root */
function closeAnswered(root) {
  for (const dialog of root.querySelectorAll('dialog')) if ('answered' in dialog.dataset) dialog.close();
}

/**
 * What a person typed and opened.
 *
 * @param {HTMLElement} stage
 * @returns {() => void} puts it into what took its place
 */
function remember(stage) {
  const typed = [...stage.querySelectorAll('input')].map((input) => ({ key: input.dataset['key'], text: input.value }));
  const isOpen = stage.querySelector('details[open]') !== null;
  return () => {
    for (const { key, text } of typed) {
      const input = stage.querySelector(`input[data-key="${key}"]`);
      if (input instanceof HTMLInputElement) input.value = text;
    }
    stage.querySelector('details')?.toggleAttribute('open', isOpen);
  };
}
