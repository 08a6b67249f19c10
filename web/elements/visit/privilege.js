// For how long Kratos still lets this session change credentials, by the clock of this page.

import { NEEDED_MS } from './time.js';

export class Privilege {
  /** By `performance.now()`, which no change of the wall clock moves. */
  #until = 0;

  /** @param {{ privileged: boolean, privileged_for_s: number }} session as of now */
  learn({ privileged, privileged_for_s }) {
    this.#until = privileged ? performance.now() + privileged_for_s * 1000 : 0;
  }

  get isSome() {
    return this.#until > performance.now();
  }

  /** Nobody who starts now is told afterwards that their session is too old. */
  get isEnough() {
    return this.enoughFor > 0;
  }

  /** ms for which `isEnough` holds; 0 when it does not. */
  get enoughFor() {
    return Math.max(this.#until - NEEDED_MS - performance.now(), 0);
  }
}
