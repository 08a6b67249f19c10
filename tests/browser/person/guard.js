// Runs in every page before anything else: sees how the page asks for passkeys. What it sees goes to the test.

/**
 * One call of `navigator.credentials.create` or `.get`.
 *
 * @typedef {object} Ceremony
 * @property {number} id
 * @property {'create' | 'get'} call
 * @property {boolean} isConditional in the background: `get` waits for the person's choice in a field, `create` for a password
 *   manager; neither needs a click
 * @property {boolean} isActive `navigator.userActivation.isActive`
 * @property {boolean} inClick called before the listener of a click or submit returned
 * @property {number} requests sent since the click
 * @property {number} others requests for a passkey that were under way
 * @property {any} options `publicKey`, bytes as lists of numbers
 * @property {string} [outcome] `ok`, or the name of the error, once it has ended
 * @property {number} [ms] how long it took
 */

/**
 * What the page answers instead of an authenticator, for what a virtual one cannot do: a person who closes the dialogue.
 *
 * @typedef {object} Refusal
 * @property {string} name of the DOMException
 * @property {number} after milliseconds
 */

/** Must stand on its own, because its text is sent to the browser. */
export function guard() {
  const w = /** @type {any} */ (window);
  if (w.__guarded) return;
  w.__guarded = true;

  const tell = (/** @type {unknown} */ what) => w.__told?.(what);
  let depth = 0;
  let requests = 0;
  let last = 0;
  /** @type {Set<{ signal?: AbortSignal }>} */
  const underWay = new Set();

  /** @type {WeakMap<object, (this: unknown, event: Event) => unknown>} */
  const wrapped = new WeakMap();
  const wrap = (/** @type {any} */ listener) => {
    if (typeof listener !== 'function' && typeof listener !== 'object') return listener;
    if (listener === null) return listener;
    let inner = wrapped.get(listener);
    if (!inner) {
      inner = function (event) {
        if (depth === 0 && event.isTrusted) requests = 0;
        depth += 1;
        try {
          return typeof listener === 'function' ? listener.call(this, event) : listener.handleEvent(event);
        } finally {
          depth -= 1;
        }
      };
      wrapped.set(listener, inner);
    }
    return inner;
  };
  for (const name of /** @type {const} */ (['addEventListener', 'removeEventListener'])) {
    const original = EventTarget.prototype[name];
    EventTarget.prototype[name] = function (/** @type {any[]} */ ...[type, listener, ...rest]) {
      const heard = type === 'click' || type === 'submit' ? wrap(listener) : listener;
      return /** @type {any} */ (original).call(this, type, heard, ...rest);
    };
  }
  for (const name of /** @type {const} */ (['onclick', 'onsubmit'])) {
    const original = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(HTMLElement.prototype, name));
    Object.defineProperty(HTMLElement.prototype, name, {
      ...original,
      set(listener) {
        original.set?.call(this, wrap(listener));
      },
    });
  }

  const counted = (/** @type {any} */ owner, /** @type {string} */ name) => {
    const original = owner[name];
    owner[name] = function (/** @type {unknown[]} */ ...args) {
      requests += 1;
      return original.apply(this, args);
    };
  };
  counted(window, 'fetch');
  counted(XMLHttpRequest.prototype, 'send');
  counted(Navigator.prototype, 'sendBeacon');

  const plain = (/** @type {unknown} */ value) =>
    JSON.parse(
      JSON.stringify(value ?? null, (_, inner) => {
        if (inner instanceof ArrayBuffer) return [...new Uint8Array(inner)];
        if (ArrayBuffer.isView(inner)) return [...new Uint8Array(inner.buffer, inner.byteOffset, inner.byteLength)];
        return inner;
      }),
    );

  const credentials = w.CredentialsContainer?.prototype;
  if (credentials) {
    for (const call of ['create', 'get']) {
      const original = credentials[call];
      credentials[call] = function (/** @type {any} */ options) {
        if (!options?.publicKey) return original.call(this, options);
        const others = [...underWay].filter(({ signal }) => !signal?.aborted).length;
        const ceremony = {
          id: (last += 1),
          call,
          isConditional: options.mediation === 'conditional',
          isActive: navigator.userActivation.isActive,
          inClick: depth > 0,
          requests,
          others,
          options: plain(options.publicKey),
        };
        tell({ ceremony });
        const mine = { signal: options.signal };
        underWay.add(mine);
        const begun = performance.now();
        /** @type {Promise<unknown>} */
        let answer;
        const { __refusal: refusal, __held: held } = w;
        w.__refusal = w.__held = undefined;
        if (ceremony.isConditional && call === 'create' && w.__passwordManager) {
          answer = w.__passwordManager((/** @type {any} */ asked) => original.call(this, asked), options);
        } else if (held) {
          answer = original.call(this, options).then((/** @type {unknown} */ made) => held.then(() => made));
        } else if (refusal) {
          answer = new Promise((_, reject) => {
            options.signal?.addEventListener('abort', () => reject(options.signal.reason));
            setTimeout(() => reject(new DOMException('as the test wants it', refusal.name)), refusal.after);
          });
        } else {
          answer = original.call(this, options);
        }
        const ended = (/** @type {string} */ outcome) => {
          underWay.delete(mine);
          tell({ ended: { id: ceremony.id, outcome, ms: performance.now() - begun } });
        };
        answer.then(
          () => ended('ok'),
          (error) => ended(error?.name ?? String(error)),
        );
        return answer;
      };
    }
  }

  document.addEventListener('securitypolicyviolation', (event) => {
    tell({ violation: `${event.violatedDirective}: ${event.blockedURI} (${event.sourceFile}:${event.lineNumber}) ${event.sample}` });
  });
}

/** What a ceremony did wrong. @param {Ceremony} ceremony @returns {string[]} */
export function wrongs({ call, isConditional, isActive, inClick, requests, others }) {
  const wrongs = [];
  if (others > 0) wrongs.push('while another was under way');
  if (isConditional) return wrongs.map((wrong) => `navigator.credentials.${call} ${wrong}`);
  if (call === 'create') {
    if (!isActive) wrongs.push('without user activation');
    if (!inClick) wrongs.push('not synchronously in a click');
    else if (requests > 0) wrongs.push(`after ${requests} requests since the click`);
  } else if (!isActive) {
    wrongs.push('without user activation');
  }
  return wrongs.map((wrong) => `navigator.credentials.${call} ${wrong}`);
}
