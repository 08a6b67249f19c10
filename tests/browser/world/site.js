// Which addresses browsers use: the arrangements of `web/README.md`.

/**
 * @typedef {object} Site
 * @property {string} kratos without a slash at the end, as the next two
 * @property {string} service
 * @property {string} app
 * @property {string} servicePath what the path of every request to the service begins with
 * @property {string} rpId
 * @property {string | null} cookieDomain
 */

/** `ports`: everything on `localhost`, as `kratos-config/` has it. @typedef {'ports' | 'one_origin' | 'siblings'} Kind */

/** @param {Kind} kind @param {import('./world.js').Ports} ports @returns {Site} */
export function site(kind, { kratos, service, app, front }) {
  switch (kind) {
    case 'ports':
      return {
        kratos: local(kratos), service: local(service), app: local(app),
        servicePath: '', rpId: 'localhost', cookieDomain: null,
      };
    case 'one_origin': {
      const origin = local(front);
      return {
        kratos: `${origin}/kratos`, service: `${origin}/onboarding`, app: origin,
        servicePath: '/onboarding', rpId: 'localhost', cookieDomain: null,
      };
    }
    case 'siblings': {
      // Browsers look for this domain on this machine, and trust it as they do `localhost`.
      const domain = 'example.localhost';
      return {
        kratos: `http://auth.${domain}:${kratos}`, service: `http://id.${domain}:${service}`, app: `http://app.${domain}:${app}`,
        servicePath: '', rpId: domain, cookieDomain: domain,
      };
    }
  }
}

/** Origins of pages that run the elements. @param {Site} site */
export function origins({ service, app }) {
  return [...new Set([service, app].map((url) => new URL(url).origin))];
}

/**
 * Those that Kratos knows as the relying party's.
 *
 * @param {Site} site
 * @param {import('./world.js').Arrangement} arrangement
 */
export function relyingOrigins(site, { isPageKnown }) {
  return isPageKnown ? origins(site) : [new URL(site.app).origin];
}

/** @param {number} port */
export function local(port) {
  return `http://localhost:${port}`;
}
