// A press that ends on another element than it began on is no click: what would be drawn by itself meanwhile waits for it.

/** A click follows the end of a touch by so much, where it follows. */
const CLICK_WITHIN_MS = 300;
/** The end of a press is not always told, such as in another window. */
const LONGEST_MS = 5_000;

export class Press {
  #isUnderWay = false;
  /** @type {(() => void) | null} */
  #waiting = null;

  /** @param {HTMLElement} stage */
  constructor(stage) {
    stage.addEventListener('pointerdown', (event) => event.button === 0 && this.#begin());
  }

  /** @param {() => void} draw takes the place of another that waits */
  after(draw) {
    if (this.#isUnderWay) this.#waiting = draw;
    else draw();
  }

  /** What waits is out of date. */
  forget() {
    this.#waiting = null;
  }

  #begin() {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    const over = new AbortController();
    const end = () => {
      if (over.signal.aborted) return;
      over.abort();
      this.#isUnderWay = false;
      const draw = this.#waiting;
      this.#waiting = null;
      draw?.();
    };
    const { signal } = over;
    // Behind whoever listens for it.
    window.addEventListener('click', () => setTimeout(end), { signal, capture: true });
    for (const lifted of ['pointerup', 'pointercancel']) {
      window.addEventListener(lifted, () => setTimeout(end, CLICK_WITHIN_MS), { signal, capture: true });
    }
    setTimeout(end, LONGEST_MS);
  }
}
