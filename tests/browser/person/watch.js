// Whatever goes wrong in a person's browser, so that it fails the test.

import { guard, wrongs } from './guard.js';

const HERE = /^(?:(?:.+\.)?localhost|127\.0\.0\.1)$/;

export class Watch {
  /** What went wrong and was not expected. @type {string[]} */
  problems = [];
  /** Everything the pages wrote to the console. @type {string[]} */
  console = [];
  /** Every call for a passkey, in order. @type {import('./guard.js').Ceremony[]} */
  ceremonies = [];
  /** Every request: method and address. @type {string[]} */
  requests = [];
  /** @type {RegExp[]} */
  #expected;

  /** @param {RegExp[]} expected problems that belong to the test */
  constructor(expected) {
    this.#expected = [...expected];
  }

  /** From now on this belongs to the test. @param {...RegExp} problems */
  expect(...problems) {
    this.#expected.push(...problems);
  }

  /** @param {import('playwright-core').BrowserContext} context */
  async over(context) {
    await context.exposeBinding('__told', ({ page }, told) => this.#hear(page, told));
    await context.addInitScript(guard);
    context.on('weberror', (event) => {
      const error = event.error();
      // An exception of the browser's own may come without a stack.
      this.#problem(`error: ${error.stack || `${error.name}: ${error.message}`}`);
    });
    context.on('console', (message) => {
      const { url } = message.location();
      this.console.push(`${message.type()}: ${message.text()} (${url})`);
      if (message.type() !== 'error') return;
      const [, status] = /^Failed to load resource: .*?(\d{3}|net::\w+)/.exec(message.text()) ?? [];
      this.#problem(status ? `${status} ${url}` : `console: ${message.text()} (${url})`);
    });
    context.on('request', (request) => {
      this.requests.push(`${request.method()} ${request.url()}`);
      const url = new URL(request.url());
      if (url.protocol.startsWith('http') && !HERE.test(url.hostname)) this.#problem(`request elsewhere: ${url}`);
    });
  }

  /** @param {unknown} page @param {any} told */
  #hear(page, told) {
    if (told.violation) this.#problem(`policy: ${told.violation}`);
    if (told.ceremony) {
      this.ceremonies.push(Object.assign(told.ceremony, { page }));
      for (const wrong of wrongs(told.ceremony)) this.#problem(wrong);
    }
    if (told.ended) {
      const { id, ...ended } = told.ended;
      const ceremony = this.ceremonies.findLast((one) => one.id === id && /** @type {any} */ (one).page === page);
      if (ceremony) Object.assign(ceremony, ended);
    }
  }

  /** @param {string} problem */
  #problem(problem) {
    // The browser asks for it by itself, now and then: no page did.
    if (/^404 .*\/favicon\.ico$/.test(problem)) return;
    if (!this.#expected.some((pattern) => pattern.test(problem))) this.problems.push(problem);
  }
}
