// Kratos's self-service flows, gone through without a page: with a person's cookies, as a page that fetches does.

/** @typedef {import('playwright-core').APIRequestContext} Requests */

const JSON_PLEASE = { accept: 'application/json' };

/**
 * @param {Requests} requests
 * @param {string} url begins a flow
 * @returns {Promise<any>} the flow
 */
export async function begin(requests, url) {
  const answer = await requests.get(url, { headers: JSON_PLEASE });
  const flow = await answer.json();
  if (!answer.ok()) throw new Error(`${url}: ${answer.status()} ${JSON.stringify(flow)}`);
  return flow;
}

/**
 * @param {Requests} requests
 * @param {any} flow
 * @param {Record<string, unknown>} form
 * @param {number[]} [others] statuses that are fine besides 2xx
 * @returns {Promise<any>} what Kratos answered
 */
export async function submit(requests, flow, form, others = []) {
  const data = { ...form, csrf_token: value(flow, 'csrf_token') };
  const answer = await requests.fetch(flow.ui.action, { method: flow.ui.method, headers: JSON_PLEASE, data });
  const body = await answer.json();
  if (!answer.ok() && !others.includes(answer.status())) throw new Error(`${flow.ui.action}: ${answer.status()} ${JSON.stringify(body)}`);
  return body;
}

/** @param {any} flow @param {string} name of a node */
export function value(flow, name) {
  return nodes(flow, name)[0]?.attributes.value;
}

/** @param {any} flow @param {string} name @returns {any[]} */
export function nodes(flow, name) {
  return flow.ui.nodes.filter((/** @type {any} */ node) => node.attributes.name === name);
}
