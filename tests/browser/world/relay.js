// Between Kratos and the hooks of the service: passes deliveries on, late or not at all where a test wants that.

import { createServer, request } from 'node:http';

/** @typedef {{ path: string, status: number }} Delivery What came, and what the service answered; 0 where it was not asked. */

export class Relay {
  #port;
  #service;
  #server;
  /** @type {{ promise: Promise<void>, resolve: () => void } | undefined} */
  #held;
  #lost = false;
  /** @type {Delivery[]} */
  deliveries = [];

  /** @param {number} port where Kratos sends to @param {number} service */
  constructor(port, service) {
    this.#port = port;
    this.#service = service;
    this.#server = createServer((incoming, outgoing) => void this.#pass(incoming, outgoing));
  }

  start() {
    return new Promise((resolve) => this.#server.listen(this.#port, '127.0.0.1', () => resolve(undefined)));
  }

  async stop() {
    this.release();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** From now on nothing arrives until {@link release}. */
  hold() {
    /** @type {() => void} */
    let resolve = () => {};
    /** @type {Promise<void>} */
    const promise = new Promise((done) => (resolve = done));
    this.#held ??= { promise, resolve };
  }

  release() {
    this.#held?.resolve();
    this.#held = undefined;
  }

  /** Whether deliveries are lost: answered as if the service had taken them. @param {boolean} lost */
  lose(lost) {
    this.#lost = lost;
  }

  /** @param {import('node:http').IncomingMessage} incoming @param {import('node:http').ServerResponse} outgoing */
  async #pass(incoming, outgoing) {
    /** @type {Delivery} */
    const delivery = { path: incoming.url ?? '', status: 0 };
    this.deliveries.push(delivery);
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    if (this.#lost) return void outgoing.writeHead(204).end();
    await this.#held?.promise;
    const onward = request(
      { host: '127.0.0.1', port: this.#service, path: incoming.url, method: incoming.method, headers: incoming.headers },
      (answer) => {
        delivery.status = answer.statusCode ?? 0;
        outgoing.writeHead(delivery.status, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on('error', () => outgoing.destroy());
    onward.end(Buffer.concat(chunks));
  }
}
