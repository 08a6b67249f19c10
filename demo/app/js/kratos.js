// Kratos's public API, as a page of its own uses it: flows are read and submitted by fetch, with the cookie.

/**
 * @typedef {{ id: number, text: string, type: 'info' | 'error' | 'success', context?: Record<string, unknown> }} Message
 * @typedef {{ type: string, group: string, attributes: Record<string, any>, messages: Message[], meta: { label?: Message } }} Node
 * @typedef {{ id: string, return_to?: string, refresh?: boolean, requested_aal?: string, state?: string, identity?: any,
 *   ui: { action: string, method: string, nodes: Node[], messages?: Message[] } }} Flow
 * @typedef {'registration' | 'login' | 'settings'} Kind
 * @typedef {{ status: number, body: any }} Answer
 */

/** Where Kratos and the service are. @returns {Promise<{ kratos: string, service: string }>} */
export async function configuration() {
  const { kratos, service } = await (await fetch('/config.json')).json();
  return { kratos: kratos.replace(/\/$/, ''), service: service.replace(/\/$/, '') };
}

export class Kratos {
  /** @param {string} url of its public API */
  constructor(url) {
    this.url = url;
  }

  /** @param {string} path or a whole address @param {unknown} [body] is sent as JSON @returns {Promise<Answer>} */
  async ask(path, body) {
    const url = path.startsWith('http') ? path : this.url + path;
    const headers = { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}) };
    const answer = await fetch(url, {
      method: body ? 'POST' : 'GET',
      credentials: 'include',
      headers,
      body: body ? JSON.stringify(body) : undefined,
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : undefined };
  }

  /** The address that starts a flow; what the page itself was asked for is passed on. @param {Kind} kind */
  start(kind, query = new URLSearchParams(location.search)) {
    const passedOn = [...query].filter(([name]) => ['return_to', 'refresh', 'aal'].includes(name));
    return `${this.url}/self-service/${kind}/browser?${new URLSearchParams(passedOn)}`;
  }

  /** The flow in the address of this page; without one the browser goes to Kratos to start one. @param {Kind} kind */
  async flow(kind) {
    const id = new URLSearchParams(location.search).get('flow');
    if (!id) return this.leave(this.start(kind));
    const { status, body } = await this.ask(`/self-service/${kind}/flows?id=${encodeURIComponent(id)}`);
    if (status === 200) return /** @type {Flow} */ (body);
    // Gone, unknown, or made for another browser: a new one, and once only.
    if ([403, 404, 410].includes(status) && once(`anew-${kind}`)) {
      const redirect = body?.redirect_browser_to ?? body?.error?.details?.redirect_to;
      return this.leave(redirect ?? this.start(kind));
    }
    throw new Refused(body?.error?.reason ?? body?.error?.message ?? `Kratos answered ${status}.`);
  }

  /** Leaves the page for good: what awaits this never goes on. @param {string} url @returns {Promise<never>} */
  leave(url) {
    location.replace(url);
    return new Promise(() => undefined);
  }

  /**
   * Submits a flow. Where the answer is a form, it is given back; everything else leads away from here.
   *
   * @param {Kind} kind @param {Flow} flow @param {Record<string, unknown>} body @returns {Promise<Flow>}
   */
  async submit(kind, flow, body) {
    const token = value(flow, 'csrf_token');
    const { status, body: answer } = await this.ask(flow.ui.action, { csrf_token: token, ...body });
    const next = answer?.continue_with?.find((/** @type {any} */ one) => one.action === 'redirect_browser_to');
    if (status === 200 && kind !== 'settings') return this.leave(next?.redirect_browser_to ?? '/');
    if (answer?.ui) {
      if (status === 200 && flow.return_to && next) return this.leave(next.redirect_browser_to);
      return answer;
    }
    if (answer?.redirect_browser_to) {
      const to = new URL(answer.redirect_browser_to);
      // The same flow has another form now: there is no need to load the page again.
      if (to.origin === location.origin && to.searchParams.get('flow') === flow.id) {
        const again = await this.ask(`/self-service/${kind}/flows?id=${flow.id}`);
        if (again.status === 200) return again.body;
      }
      return this.leave(to.href);
    }
    if (answer?.use_flow_id) return this.leave(`${location.pathname}?flow=${answer.use_flow_id}`);
    if (answer?.error?.id === 'session_already_available') return this.leave('/');
    if ([403, 404, 410].includes(status) && once(`anew-${kind}`)) return this.leave(this.start(kind));
    throw new Refused(answer?.error?.reason ?? answer?.error?.message ?? `Kratos answered ${status}.`);
  }

  /** Who is signed in; undefined for nobody. Where a second factor is due, the browser goes to it. */
  async whoami() {
    const { status, body } = await this.ask('/sessions/whoami');
    if (status === 403 && body?.redirect_browser_to) {
      const to = new URL(body.redirect_browser_to);
      to.searchParams.set('return_to', location.href);
      return this.leave(to.href);
    }
    return status === 200 ? body : undefined;
  }

  async signOut() {
    const { status, body } = await this.ask('/self-service/logout/browser');
    return this.leave(status === 200 ? body.logout_url : '/login');
  }
}

/** Something Kratos would not do, in its own words. */
export class Refused extends Error {}

/** @param {Flow} flow @param {string} name */
export function node(flow, name) {
  return flow.ui.nodes.find(({ attributes }) => attributes.name === name);
}

/** @param {Flow} flow @param {string} name @returns {any} */
export function value(flow, name) {
  return node(flow, name)?.attributes.value;
}

/** False when it was asked a moment ago: two pages that send each other away end here. @param {string} what */
function once(what) {
  const last = Number(sessionStorage.getItem(what) ?? 0);
  sessionStorage.setItem(what, String(Date.now()));
  return Date.now() - last > 5_000;
}
