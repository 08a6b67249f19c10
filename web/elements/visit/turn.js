// When something is to be done again: later, and not while nobody looks.

export class Turn {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #seen = new AbortController();

  /**
   * In the place of what was due before.
   *
   * @param {number} ms
   * @param {() => void} due
   */
  in(ms, due) {
    this.stop();
    const { signal } = (this.#seen = new AbortController());
    const look = () => {
      if (document.visibilityState !== 'visible') return;
      this.stop();
      due();
    };
    this.#timer = setTimeout(() => {
      document.addEventListener('visibilitychange', look, { signal });
      look();
    }, ms);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#seen.abort();
  }
}
