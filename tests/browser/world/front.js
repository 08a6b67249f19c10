// The reverse proxy of the arrangement with one origin.

import { createServer, request } from 'node:http';

export class Front {
  #port;
  #server;

  /** @param {import('./world.js').Ports} ports */
  constructor({ front, kratos, service, app }) {
    this.#port = front;
    this.#server = createServer((incoming, outgoing) => {
      const path = incoming.url ?? '/';
      if (path.startsWith('/kratos/')) pass(incoming, outgoing, kratos, path.slice('/kratos'.length));
      else if (path.startsWith('/onboarding/')) pass(incoming, outgoing, service, path);
      else pass(incoming, outgoing, app, path);
    });
  }

  start() {
    return new Promise((resolve) => this.#server.listen(this.#port, '127.0.0.1', () => resolve(undefined)));
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/**
 * @param {import('node:http').IncomingMessage} incoming
 * @param {import('node:http').ServerResponse} outgoing
 * @param {number} port
 * @param {string} path
 */
function pass(incoming, outgoing, port, path) {
  const headers = { ...incoming.headers, 'x-forwarded-proto': 'http', 'x-forwarded-host': incoming.headers.host };
  const onward = request({ host: '127.0.0.1', port, path, method: incoming.method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on('error', () => outgoing.writeHead(502).end());
  outgoing.on('close', () => onward.destroy());
  incoming.pipe(onward);
}
