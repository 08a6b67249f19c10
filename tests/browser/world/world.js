// A world: Kratos (the double, or the real one that `KRATOS_BIN` names), the service, and an app, each on ports of its own
// on `localhost`, where they share cookies.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { App } from './app.js';
import { kratosDouble } from './double.js';
import { Front } from './front.js';
import { realKratos } from './kratos.js';
import { freePorts } from './ports.js';
import { Relay } from './relay.js';
import { service } from './service.js';
import { local, site } from './site.js';

/**
 * What one world has otherwise than another. Durations are Go's.
 *
 * @typedef {object} Arrangement
 * @property {('passkey' | 'webauthn')[]} methods in Kratos and in the service; webauthn is passwordless
 * @property {string} privilegedFor `privileged_session_max_age`, in both
 * @property {boolean} code whether people can sign in by a code as well, and so may remove their last passkey
 * @property {import('./site.js').Kind} site where browsers find the three
 * @property {boolean} isPageKnown whether the service's page is in Kratos's `rp.origins`, as it should be
 * @property {'v1.3.1' | 'v26.2.0' | 'main'} version of the double
 * @property {Record<string, string>} service further settings of the service, `ONBOARDING__…`
 */

/**
 * @typedef {{ kratos: number, kratosAdmin: number, service: number, serviceAdmin: number, app: number, hooks: number,
 *   front: number }} Ports
 */

/** @type {Arrangement} */
const USUAL = {
  methods: ['passkey', 'webauthn'], privilegedFor: '1h', code: true, site: 'ports', isPageKnown: true, version: 'v26.2.0', service: {},
};

const KEY = 'the-key-of-this-test';

export const IS_REAL_KRATOS = Boolean(process.env.KRATOS_BIN);

export class World {
  /** @type {App | undefined} */
  #second;

  /**
   * @param {string} directory
   * @param {Ports} ports
   * @param {import('./site.js').Site} site
   * @param {{ kratos: import('./process.js').Program, service: import('./process.js').Program }} programs
   */
  constructor(directory, ports, site, { kratos, service }) {
    this.directory = directory;
    this.ports = ports;
    this.site = site;
    this.kratos = kratos;
    this.service = service;
    this.hooks = new Relay(ports.hooks, ports.service);
    this.app = new App(ports.app, site.app, { kratos: site.kratos, service: site.service });
    this.front = new Front(ports);
  }

  /** @param {Partial<Arrangement>} [otherwise] */
  static async start(otherwise = {}) {
    const arrangement = { ...USUAL, ...otherwise };
    const directory = await mkdtemp(join(tmpdir(), 'onboarding-world-'));
    const [kratos = 0, kratosAdmin = 0, ofService = 0, serviceAdmin = 0, app = 0, hooks = 0, front = 0] = await freePorts(7);
    const ports = { kratos, kratosAdmin, service: ofService, serviceAdmin, app, hooks, front };
    const place = site(arrangement.site, ports);
    const make = IS_REAL_KRATOS ? realKratos : kratosDouble;
    const [kratosProgram, serviceProgram] = await Promise.all([
      make(directory, ports, place, arrangement, KEY),
      service(directory, ports, place, arrangement, KEY),
    ]);
    const world = new World(directory, ports, place, { kratos: kratosProgram, service: serviceProgram });
    try {
      world.kratos.start();
      world.service.start();
      await Promise.all([world.hooks.start(), world.app.start(), world.front.start(), world.isReady()]);
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  /** Another origin of the same site, which neither Kratos nor the service knows. It ends with the world. */
  async secondApp() {
    if (!this.#second) {
      const [port = 0] = await freePorts(1);
      this.#second = new App(port, local(port), undefined);
      await this.#second.start();
    }
    return this.#second;
  }

  async isReady() {
    await Promise.all([
      this.kratos.ready(`${local(this.ports.kratos)}/health/ready`),
      this.service.ready(`${local(this.ports.service)}${this.site.servicePath}/health/ready`),
    ]);
  }

  /** @param {string} path */
  kratosUrl(path) {
    return this.site.kratos + path;
  }

  /** @param {string} path */
  kratosAdminUrl(path) {
    return local(this.ports.kratosAdmin) + path;
  }

  /** @param {string} path */
  serviceUrl(path) {
    return this.site.service + path;
  }

  /** @param {string} path */
  appUrl(path) {
    return this.app.origin + path;
  }

  /** The service's metrics, as Prometheus reads them. */
  async metrics() {
    const answer = await fetch(`http://localhost:${this.ports.serviceAdmin}/metrics/prometheus`);
    if (!answer.ok) throw new Error(`metrics: ${answer.status}`);
    return answer.text();
  }

  /** What both programs have written of late. */
  logs() {
    return [this.service, this.kratos].map(({ name, log }) => `--- ${name}\n${log.slice(-6_000)}`).join('\n');
  }

  async stop() {
    await Promise.all([this.kratos.stop(), this.service.stop(), this.app.stop(), this.#second?.stop(), this.hooks.stop(), this.front.stop()]);
    await rm(this.directory, { recursive: true, force: true });
  }
}
