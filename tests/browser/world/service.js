// The service under test.

import { join } from 'node:path';

import { BUILT } from './paths.js';
import { Program } from './process.js';
import { local } from './site.js';

/**
 * @param {string} directory where it may write
 * @param {import('./world.js').Ports} ports
 * @param {import('./site.js').Site} site
 * @param {import('./world.js').Arrangement} arrangement
 * @param {string} key what comes with each hook
 * @returns {Promise<Program>} with its database made
 */
export async function service(directory, ports, site, arrangement, key) {
  const binary = process.env.ONBOARDING_BIN ?? join(BUILT, 'debug/kratos-onboarding');
  const env = {
    ONBOARDING__SERVE__PUBLIC__HOST: '127.0.0.1',
    ONBOARDING__SERVE__PUBLIC__PORT: String(ports.service),
    ONBOARDING__SERVE__PUBLIC__BASE_URL: `${site.service}/`,
    ONBOARDING__SERVE__PUBLIC__BASE_PATH: site.servicePath,
    ONBOARDING__SERVE__ADMIN__HOST: '127.0.0.1',
    ONBOARDING__SERVE__ADMIN__PORT: String(ports.serviceAdmin),
    ONBOARDING__KRATOS__PUBLIC_URL: local(ports.kratos),
    ONBOARDING__KRATOS__BROWSER_URL: `${site.kratos}/`,
    ONBOARDING__KRATOS__ADMIN_URL: local(ports.kratosAdmin),
    ONBOARDING__KRATOS__PRIVILEGED_SESSION_MAX_AGE: arrangement.privilegedFor,
    ONBOARDING__METHODS: arrangement.methods.join(','),
    ONBOARDING__PAGE__ALLOWED_ORIGINS: new URL(site.app).origin,
    ONBOARDING__PAGE__DEFAULT_RETURN_URL: `${site.app}/`,
    ONBOARDING__PAGE__ALLOWED_RETURN_URLS: `${site.app}/`,
    ONBOARDING__DSN: `sqlite://${join(directory, 'onboarding.sqlite')}`,
    ONBOARDING__WEBHOOK__API_KEYS: key,
    // 32 bytes, 0 to 31.
    ONBOARDING__SECRETS__PII: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
    ...arrangement.service,
  };
  await new Program('migrate', binary, ['migrate', 'sql'], { cwd: directory, env }).run();
  return new Program('kratos-onboarding', binary, ['serve'], { cwd: directory, env });
}
