// A real Kratos, configured by a copy of `kratos-config/`.

import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { parse, stringify } from 'yaml';

import { ROOT } from './paths.js';
import { Program } from './process.js';
import { local, origins, relyingOrigins } from './site.js';

const FILES = [
  'identity.schema.json',
  'hooks/registration.jsonnet',
  'hooks/settings.jsonnet',
  'hooks/login.jsonnet',
];

/**
 * @param {string} directory where it may write
 * @param {import('./world.js').Ports} ports
 * @param {import('./site.js').Site} site
 * @param {import('./world.js').Arrangement} arrangement
 * @param {string} key what comes with each hook
 * @returns {Promise<Program>}
 */
export async function realKratos(directory, ports, site, arrangement, key) {
  const binary = /** @type {string} */ (process.env.KRATOS_BIN);
  for (const file of FILES) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await copyFile(join(ROOT, 'kratos-config', file), join(directory, file));
  }
  const text = placed(await readFile(join(ROOT, 'kratos-config/kratos.yml'), 'utf8'), ports, site, key);
  await writeFile(join(directory, 'kratos.yml'), stringify(arrange(parse(text), site, arrangement)));
  return new Program('kratos', binary, ['serve', '--dev', '-c', 'kratos.yml'], {
    cwd: directory,
    env: {
      HOME: directory,
      // Nothing here may reach outside this machine.
      SELFSERVICE_METHODS_PASSWORD_CONFIG_HAVEIBEENPWNED_ENABLED: 'false',
      SQA_OPT_OUT: 'true',
    },
  });
}

/**
 * @param {any} config as `kratos.yml` has it
 * @param {import('./site.js').Site} site
 * @param {import('./world.js').Arrangement} arrangement
 */
function arrange(config, site, arrangement) {
  config.serve.public.cors.allowed_origins = origins(site);
  if (site.cookieDomain) config.cookies.domain = site.cookieDomain;
  for (const method of ['passkey', 'webauthn']) {
    Object.assign(config.selfservice.methods[method].config.rp, { id: site.rpId, origins: relyingOrigins(site, arrangement) });
  }
  const { methods, flows } = config.selfservice;
  methods.passkey.enabled = arrangement.methods.includes('passkey');
  methods.webauthn.enabled = arrangement.methods.includes('webauthn');
  methods.code.enabled = methods.code.passwordless_enabled = arrangement.code;
  flows.settings.privileged_session_max_age = arrangement.privilegedFor;
  // Argon2 as it is meant for a server takes a second of both cores for each person.
  config.hashers = { algorithm: 'bcrypt', bcrypt: { cost: 4 } };
  return config;
}

/**
 * With this world's ports and key. In one go: a port that was put in may look like one that is to be replaced.
 *
 * @param {string} text
 * @param {import('./world.js').Ports} ports
 * @param {import('./site.js').Site} site
 * @param {string} key
 */
function placed(text, ports, site, key) {
  const places = /** @type {Record<string, string>} */ ({
    'REPLACE-WITH-YOUR-ONBOARDING-KEY': key,
    'http://localhost:5050/api/kratos': `${local(ports.hooks)}${site.servicePath}/api/kratos`,
    'http://localhost:5050': site.service,
    'http://localhost:4455': site.app,
    'http://localhost:4433': site.kratos,
    'http://localhost:4434': local(ports.kratosAdmin),
    'port: 4433': `port: ${ports.kratos}`,
    'port: 4434': `port: ${ports.kratosAdmin}`,
  });
  for (const place of Object.keys(places)) {
    if (!text.includes(place)) throw new Error(`kratos.yml no longer holds ${place}`);
  }
  // The longest first, as an alternation takes the first that fits.
  const any = new RegExp(`(?:${Object.keys(places).sort((a, b) => b.length - a.length).join('|')})(?!\\d)`, 'g');
  return text.replace(any, (place) => places[place] ?? place);
}
