// Several tabs of one browser: what is done in one shows in the others, and only one of them waits for news.

/**
 * @typedef {{ what: 'done' | 'removed' | 'changed' | 'begun' | 'ended', subject: string }} News `begun`, `ended`: a ceremony in
 *   another tab
 */

const CHANNEL = 'passkey-elements';
const LOCK = 'passkey-elements-waiting';
const CEREMONY = 'passkey-elements-ceremony';

export class Tabs {
  #channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(CHANNEL) : null;
  /** @type {AbortController | null} */
  #waiting = null;
  #ending = new AbortController();
  /** One is under way here. */
  #isRunning = false;
  /** A ceremony is under way in another tab. */
  isBusy = false;

  #heard;

  /** @param {(news: News) => void} heard */
  constructor(heard) {
    this.#heard = heard;
    this.#channel?.addEventListener('message', ({ data }) => {
      if (data.what === 'begun') void this.#heedsAnother(data.subject);
      heard(data);
    });
  }

  /**
   * Whether another tab had begun a ceremony before this one could hear of it.
   *
   * @param {string} subject
   */
  async look(subject) {
    const held = (await navigator.locks?.query())?.held ?? [];
    if (!this.#isRunning && held.some(({ name, mode }) => name === CEREMONY && mode === 'exclusive')) {
      void this.#heedsAnother(subject);
      this.#heard({ what: 'begun', subject });
    }
  }

  /**
   * Other tabs begin none meanwhile: a device keeps the last of two that are made with the same user handle, and Kratos both.
   *
   * @param {string} subject
   * @param {Promise<unknown>} running
   */
  ceremony(subject, running) {
    this.#isRunning = true;
    const ended = running.catch(() => {}).finally(() => (this.#isRunning = false));
    void navigator.locks?.request(CEREMONY, () => {
      // Whoever heard of it before the lock was had may have found it free.
      this.tell({ what: 'begun', subject });
      return ended;
    });
    this.tell({ what: 'begun', subject });
  }

  /**
   * Until it has ended there, also where that tab is closed.
   *
   * @param {string} subject
   */
  async #heedsAnother(subject) {
    const { signal } = this.#ending;
    if (signal.aborted || this.isBusy || !navigator.locks) return;
    this.isBusy = true;
    await navigator.locks.request(CEREMONY, { mode: 'shared', signal }, () => {}).catch(() => {});
    this.isBusy = false;
    if (!signal.aborted) this.#heard({ what: 'ended', subject });
  }

  /** @param {News} news nobody hears after `close()` */
  tell(news) {
    this.#channel?.postMessage(news);
  }

  /**
   * Waits for news in at most one tab, and here at most once: `ask` answers when there is some, and tells whether to go
   * on asking.
   *
   * @param {(signal: AbortSignal) => Promise<boolean>} ask
   */
  wait(ask) {
    if (this.#waiting) return;
    const waiting = new AbortController();
    this.#waiting = waiting;
    const { signal } = waiting;
    // Without locks (older browsers) there is no news, and the page finds out when it is looked at again.
    navigator.locks
      ?.request(LOCK, { signal }, async () => {
        while (!signal.aborted && (await ask(signal)));
        // At once: it may be wanted again before the lock is given back.
        if (this.#waiting === waiting) this.#waiting = null;
      })
      .catch(() => {})
      .finally(() => {
        if (this.#waiting === waiting) this.#waiting = null;
      });
  }

  stopWaiting() {
    this.#waiting?.abort();
    this.#waiting = null;
  }

  close() {
    this.stopWaiting();
    this.#ending.abort();
    this.#channel?.close();
    this.#channel = null;
  }
}
