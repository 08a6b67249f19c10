// Several tabs of one browser: what is done in one shows in the others, and only one of them waits for news.

/**
 * @typedef {{ what: 'done' | 'removed' | 'changed', subject: string }} News
 */

const CHANNEL = 'passkey-elements';
const LOCK = 'passkey-elements-waiting';

export class Tabs {
  #channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(CHANNEL) : null;
  /** @type {AbortController | null} */
  #waiting = null;

  /** @param {(news: News) => void} heard */
  constructor(heard) {
    this.#channel?.addEventListener('message', (event) => heard(event.data));
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
    this.#channel?.close();
    this.#channel = null;
  }
}
