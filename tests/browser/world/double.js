// The double of Kratos (`tests/double`), configured as `kratos-config/` configures the real one.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { BUILT } from './paths.js';
import { Program } from './process.js';
import { local, origins, relyingOrigins } from './site.js';

/**
 * @param {string} directory where it may write
 * @param {import('./world.js').Ports} ports
 * @param {import('./site.js').Site} site
 * @param {import('./world.js').Arrangement} arrangement
 * @param {string} key what comes with each hook
 * @returns {Promise<Program>}
 */
export async function kratosDouble(directory, ports, site, arrangement, key) {
  const binary = process.env.KRATOS_DOUBLE_BIN ?? join(BUILT, 'debug/examples/kratos-double');
  const { service, app, rpId } = site;
  const config = {
    public: { port: ports.kratos, base_url: `${site.kratos}/` },
    admin: { port: ports.kratosAdmin },
    ui: app,
    default_return_url: `${app}/`,
    after_registration_url: `${service}/post-registration`,
    allowed_return_urls: [`${service}/`, `${app}/`],
    cors_origins: origins(site),
    ...(site.cookieDomain && { cookie_domain: site.cookieDomain }),
    rp: { id: rpId, name: 'Example', origins: relyingOrigins(site, arrangement) },
    methods: {
      passkey: arrangement.methods.includes('passkey'),
      webauthn: arrangement.methods.includes('webauthn') ? 'passwordless' : 'off',
      code: arrangement.code,
    },
    privileged_session_max_age: arrangement.privilegedFor,
    kratos: arrangement.version,
    hooks: { service: `${local(ports.hooks)}${site.servicePath}`, key },
  };
  await writeFile(join(directory, 'double.json'), JSON.stringify(config));
  return new Program('kratos-double', binary, ['double.json'], { cwd: directory, env: {} });
}
