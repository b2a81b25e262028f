// How does a page ask the service? With the operator's key, which stays in this tab.

const PLACE = "setwise_operator_key";

export class Refused extends Error {
  constructor(problem, status, headers) {
    super(problem.detail || problem.title || `the service answered ${status}`);
    this.status = status;
    this.errors = problem.errors ?? [];
    this.headers = headers;
  }
}

export function key() {
  return sessionStorage.getItem(PLACE) ?? "";
}

export function keep(text) {
  if (text) sessionStorage.setItem(PLACE, text);
  else sessionStorage.removeItem(PLACE);
}

// An address ending in #key=... hands the key over once; then it is no part of the address any more.
export function takeKeyFromAddress() {
  const found = /^#key=(.+)$/.exec(location.hash);
  if (found) {
    keep(decodeURIComponent(found[1]));
    history.replaceState(null, "", location.pathname + "#/live");
  }
}

export async function ask(path, { method = "GET", body, headers, signal } = {}) {
  const sent = { authorization: `Bearer ${key()}`, ...headers };
  if (body !== undefined) sent["content-type"] = "application/json";
  const reply = await fetch(path, {
    method, headers: sent, signal, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store",
  });
  const text = await reply.text();
  let told = {};
  try {
    told = text ? JSON.parse(text) : {};
  } catch {
    told = { detail: text.slice(0, 300) };
  }
  if (!reply.ok) throw new Refused(told, reply.status, reply.headers);
  return { told, etag: reply.headers.get("etag") };
}

export async function read(path, options) {
  return (await ask(path, options)).told;
}
