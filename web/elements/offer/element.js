// `<passkey-offer>`: attributes in, events out.

import { baseOf } from '../service/base.js';
import { Onboarding } from '../service/onboarding.js';
import { PasskeyElement } from '../surface/element.js';
import { Course } from './course.js';
import { scene } from './scenes.js';

/** In view for so long counts as offered. */
const SEEN_AFTER_MS = 1000;

/** @augments {PasskeyElement<Course>} */
export class PasskeyOffer extends PasskeyElement {
  #isInView = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #seeing;

  /**
   * @param {import('../surface/inputs.js').Inputs} inputs
   * @param {AbortSignal} signal
   */
  begin(inputs, signal) {
    document.addEventListener('visibilitychange', () => this.#count(), { signal });
    const unwatch = this.watchSight((isInView) => this.#sight(isInView));
    signal.addEventListener('abort', () => {
      unwatch();
      clearTimeout(this.#seeing);
      this.#seeing = undefined;
    });
    return new Course(new Onboarding(baseOf(this)), {
      placement: inputs.isCard ? 'card' : 'page',
      returnTo: this.getAttribute('return-to'),
      fallback: inputs.fallback,
      show: (_, cause) => this.draw(cause),
      navigate: (why, url, how) => this.leave(why, url, how),
      tell: (event, detail) => this.tell(event, detail),
    });
  }

  /**
   * @param {Course} course
   * @param {import('../words/words.js').Words} words
   * @param {import('../surface/parts.js').Frame} frame
   */
  scene(course, words, frame) {
    const actions = {
      setUp: (/** @type {string} */ name) => course.setUp(name),
      skip: () => void course.decline('skip'),
      dismiss: () => void course.decline('dismiss'),
      goOn: () => course.exits.leave('assign'),
      manage: () => course.exits.manage(),
      ways: course.rounds.ways,
    };
    return scene(course.state, words, actions, frame);
  }

  /** @param {import('../surface/surface.js').Cause} cause */
  draw(cause) {
    super.draw(cause);
    this.#count();
  }

  /** @param {boolean} isInView */
  #sight(isInView) {
    this.#isInView = isInView;
    this.#count();
  }

  /** `offered` counts once a session, and after a second in view. */
  #count() {
    const course = this.spoken?.course;
    const counts = this.#isInView && document.visibilityState === 'visible' && course?.state.name === 'offer';
    if (!counts) {
      clearTimeout(this.#seeing);
      this.#seeing = undefined;
      return;
    }
    this.#seeing ??= setTimeout(() => void course.seen(), SEEN_AFTER_MS);
  }
}
