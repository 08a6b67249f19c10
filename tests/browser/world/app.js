// The app beside the service: the pages of `demo/app`, and pages that a test puts there itself.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

import { ROOT } from './paths.js';

const TYPES = /** @type {Record<string, string>} */ ({
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
});

/** @typedef {{ body: string | Uint8Array, type?: string, headers?: Record<string, string> }} Page */

export class App {
  #port;
  #configuration;
  #server;
  /** @type {Map<string, Page>} */
  #pages = new Map();

  /** @param {number} port @param {string} origin as browsers know it @param {unknown} configuration what `/config.json` answers */
  constructor(port, origin, configuration) {
    this.#port = port;
    this.origin = origin;
    this.#configuration = configuration;
    this.#server = createServer((incoming, outgoing) => void this.#answer(incoming, outgoing));
  }

  start() {
    return new Promise((resolve) => this.#server.listen(this.#port, '127.0.0.1', () => resolve(undefined)));
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /**
   * Puts a page of a test's own there.
   *
   * @param {string} path @param {Page} page
   * @returns {string} its address
   */
  publish(path, page) {
    this.#pages.set(path, page);
    return this.origin + path;
  }

  /** @param {import('node:http').IncomingMessage} incoming @param {import('node:http').ServerResponse} outgoing */
  async #answer(incoming, outgoing) {
    const path = new URL(incoming.url ?? '/', this.origin).pathname;
    const page = await this.#find(path);
    if (!page) return void outgoing.writeHead(404, { 'content-type': 'text/plain' }).end(`no ${path} here\n`);
    const headers = { 'content-type': page.type ?? 'text/html; charset=utf-8', 'cache-control': 'no-cache', ...page.headers };
    outgoing.writeHead(200, headers).end(page.body);
  }

  /** @param {string} path @returns {Promise<Page | undefined>} */
  async #find(path) {
    const published = this.#pages.get(path);
    if (published) return published;
    if (path === '/config.json') return { body: JSON.stringify(this.#configuration), type: 'application/json' };
    // The browser asks for it on its own, and a 404 would be an error in the console.
    if (path === '/favicon.ico') return { body: '', type: 'image/x-icon' };
    const file = join(ROOT, 'demo/app', normalize(path));
    for (const name of [file, `${file}.html`, join(file, 'index.html')]) {
      const body = await readFile(name).catch(() => undefined);
      if (body) return { body, type: TYPES[extname(name)] ?? 'application/octet-stream' };
    }
    return undefined;
  }
}
