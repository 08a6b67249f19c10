// A program that a world is made of: started, awaited, stopped by its own id, its log kept.

import { spawn } from 'node:child_process';

const LONGEST_LOG = 2_000_000;

/** @type {Set<Program>} */
const running = new Set();

// Nothing outlives the test file, however that ends.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.once(signal, () => process.exit(1));
}
process.on('exit', () => {
  for (const program of running) program.kill();
});

export class Program {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  #log = '';
  /** @type {Promise<void>} */
  #ended = Promise.resolve();

  /**
   * @param {string} name
   * @param {string} binary
   * @param {string[]} args
   * @param {{ cwd: string, env: Record<string, string> }} options `env` is all of it: a setting of the developer must not
   *   decide a test.
   */
  constructor(name, binary, args, options) {
    this.name = name;
    this.binary = binary;
    this.args = args;
    this.options = options;
  }

  start() {
    const child = spawn(this.binary, this.args, { ...this.options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    running.add(this);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        this.#log = (this.#log + text).slice(-LONGEST_LOG);
      });
    }
    this.#ended = new Promise((resolve) => {
      child.on('error', (error) => {
        this.#log += `\n${this.name}: ${error.message}\n`;
        this.#child = undefined;
        resolve();
      });
      child.on('close', () => {
        if (this.#child === child) this.#child = undefined;
        running.delete(this);
        resolve();
      });
    });
  }

  get log() {
    return this.#log;
  }

  get isRunning() {
    return this.#child !== undefined;
  }

  /** Runs it to its end. */
  async run() {
    this.start();
    const child = this.#child;
    await this.#ended;
    if (child?.exitCode !== 0) throw new Error(`${this.name} failed\n${this.#log}`);
  }

  /** Resolves once `url` answers with a 2xx. @param {string} url */
  async ready(url) {
    const deadline = Date.now() + 60_000;
    for (;;) {
      if (!this.isRunning) throw new Error(`${this.name} ended before it was ready\n${this.#log}`);
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer?.ok) return;
      if (Date.now() > deadline) throw new Error(`${this.name} is not ready\n${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** At once, without a farewell. */
  kill() {
    this.#child?.kill('SIGKILL');
  }

  async stop() {
    this.kill();
    await this.#ended;
  }

  /** Leaves it alive and silent: connections are taken, nothing is answered. */
  freeze() {
    this.#child?.kill('SIGSTOP');
  }

  thaw() {
    this.#child?.kill('SIGCONT');
  }
}
