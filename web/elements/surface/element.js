// What both elements are: a course that runs while they are in a page, drawn in the words and colours that their attributes
// ask for.

import { words } from '../words/words.js';
import { inputs } from './inputs.js';
import { Surface } from './surface.js';

/** @typedef {import('./surface.js').Cause} Cause */

/**
 * @typedef {object} Running
 * @property {() => Promise<void>} start
 * @property {() => void} end
 * @property {(isRestored?: boolean) => Promise<void>} lookAgain
 * @property {string | null} app what the relying party is called, once it is known
 */

/** @template {Running} Course */
export class PasskeyElement extends Surface {
  static observedAttributes = ['lang', 'words', 'app-name', 'logo', 'brand-colour', 'support-url', 'heading-level'];

  /** @type {Course | null} */
  #course = null;
  /** @type {import('./inputs.js').Inputs | null} */
  #inputs = null;
  /** @type {import('../words/words.js').Words | null} */
  #words = null;
  #connection = new AbortController();

  connectedCallback() {
    void this.#begin();
  }

  disconnectedCallback() {
    this.#connection.abort();
    this.#course?.end();
    this.unask();
    this.#course = null;
  }

  attributeChangedCallback() {
    if (this.#course) void this.#speak(inputs(this));
  }

  /**
   * A course of its own for each time it is put into a page.
   *
   * @param {import('./inputs.js').Inputs} _inputs
   * @param {AbortSignal} _signal it was taken out
   * @returns {Course}
   */
  begin(_inputs, _signal) {
    throw new Error('each element has a course of its own');
  }

  /**
   * @param {Course} _course
   * @param {import('../words/words.js').Words} _words
   * @param {import('./parts.js').Frame} _frame
   * @returns {import('./surface.js').Scene}
   */
  scene(_course, _words, _frame) {
    throw new Error('each element has scenes of its own');
  }

  /** @param {Cause} cause */
  draw(cause) {
    const [course, inputs, words] = [this.#course, this.#inputs, this.#words];
    if (!course || !inputs || !words) return;
    const { logo, supportUrl, level, isCard } = inputs;
    this.show(this.scene(course, words, { logo, supportUrl, level, isCard, app: this.#app }), cause);
  }

  /** What a dialog is made with; `null` while nothing can be seen. */
  get spoken() {
    return this.#course && this.#words ? { course: this.#course, words: this.#words } : null;
  }

  get #app() {
    return this.#inputs?.app ?? this.#course?.app ?? location.hostname;
  }

  async #begin() {
    const { signal } = (this.#connection = new AbortController());
    const given = inputs(this);
    const course = this.begin(given, signal);
    this.#course = course;
    window.addEventListener('pageshow', (event) => event.persisted && course.lookAgain(true), { signal });
    const look = () => document.visibilityState === 'visible' && void course.lookAgain();
    document.addEventListener('visibilitychange', look, { signal });
    await this.#speak(given);
    if (!signal.aborted) await course.start();
  }

  /** @param {import('./inputs.js').Inputs} given */
  async #speak(given) {
    this.#inputs = given;
    const spoken = await words(given.wished, given.overrides, () => this.#app);
    // Another language may have been asked for meanwhile.
    if (this.#inputs !== given) return;
    this.#words = spoken;
    this.speak(spoken.language, spoken.direction);
    this.paint(given.colour);
    this.draw('itself');
  }
}
