// `<passkey-offer>`: attributes in, events out.

import { baseOf } from '../service/base.js';
import { Onboarding } from '../service/onboarding.js';
import { inputs } from '../surface/inputs.js';
import { Surface } from '../surface/surface.js';
import { words } from '../words/words.js';
import { Course } from './course.js';
import { scene } from './scenes.js';

/** In view for so long counts as offered. */
const SEEN_AFTER_MS = 1000;

export class PasskeyOffer extends Surface {
  static observedAttributes = ['lang', 'words', 'app-name', 'logo', 'brand-colour', 'support-url', 'heading-level'];

  /** @type {Course | null} */
  #course = null;
  /** @type {import('../words/words.js').Words | null} */
  #words = null;
  #listening = new AbortController();
  /** @type {() => void} */
  #unwatch = () => {};
  #isInView = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #seeing;

  connectedCallback() {
    void this.#begin();
  }

  disconnectedCallback() {
    this.#listening.abort();
    this.#course?.end();
    this.#course = null;
    this.#unwatch();
    clearTimeout(this.#seeing);
  }

  attributeChangedCallback() {
    if (this.#course) void this.#speak();
  }

  async #begin() {
    const course = new Course(new Onboarding(baseOf(this)), {
      placement: this.getAttribute('placement') === 'card' ? 'card' : 'page',
      returnTo: this.getAttribute('return-to'),
      fallback: inputs(this).fallback,
      show: (_, cause) => this.#draw(cause),
      navigate: (why, url, how) => this.leave(why, url, how),
      tell: (event, detail) => this.tell(event, detail),
    });
    this.#course = course;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    window.addEventListener('pageshow', (event) => event.persisted && course.wasRestored(), { signal });
    document.addEventListener('visibilitychange', () => this.#visibilityChanged(), { signal });
    this.#unwatch = this.watchSight((isInView) => this.#sight(isInView));
    await this.#speak();
    if (!signal.aborted) await course.start();
  }

  async #speak() {
    const { wished, overrides, colour, app } = inputs(this);
    this.#words = await words(wished, overrides, () => app ?? this.#course?.app ?? location.hostname);
    this.speak(this.#words.language, this.#words.direction);
    this.paint(colour);
    this.#draw('itself');
  }

  /** @param {import('../surface/surface.js').Cause} cause */
  #draw(cause) {
    const [course, words] = [this.#course, this.#words];
    if (!course || !words) return;
    const { logo, supportUrl, app, level } = inputs(this);
    const isCard = this.getAttribute('placement') === 'card';
    const frame = { logo, supportUrl, level, isCard, app: app ?? course.app ?? location.hostname };
    const actions = {
      setUp: (/** @type {string} */ name) => course.setUp(name),
      skip: () => void course.decline('skip'),
      dismiss: () => void course.decline('dismiss'),
      goOn: () => course.exits.leave('assign'),
      signIn: () => course.rounds.signIn(),
      secondFactor: () => course.rounds.secondFactor(),
      manage: () => course.exits.manage(),
      startOver: () => location.reload(),
    };
    this.show(scene(course.state, words, actions, frame), cause);
    this.#count();
  }

  #visibilityChanged() {
    this.#count();
    if (document.visibilityState === 'visible') void this.#course?.lookAgain();
  }

  /** @param {boolean} isInView */
  #sight(isInView) {
    this.#isInView = isInView;
    this.#count();
  }

  /** `offered` counts once a session, and after a second in view. */
  #count() {
    const course = this.#course;
    const counts = this.#isInView && document.visibilityState === 'visible' && course?.state.name === 'offer';
    if (!counts) {
      clearTimeout(this.#seeing);
      this.#seeing = undefined;
      return;
    }
    this.#seeing ??= setTimeout(() => course.seen(), SEEN_AFTER_MS);
  }
}
