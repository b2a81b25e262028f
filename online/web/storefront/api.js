// What does the service say? Errors are {kind, detail, after}: busy, offline, refused or gone; `after` in seconds.
const SILENCE_MS = 4000
const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("")

export class Trouble extends Error {
  constructor(kind, detail = "", after = 0) {
    super(detail || kind)
    Object.assign(this, { kind, detail, after })
  }
}

const KINDS = { 404: "gone", 409: "conflict", 422: "refused", 429: "busy", 500: "busy", 502: "busy", 503: "busy", 504: "busy" }

const call = async (path, body, { signal, headers = {} } = {}) => {
  const sent = body === undefined ? { signal } : { method: "POST", signal, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) }
  let reply
  try {
    reply = await fetch(path, sent)
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Trouble("offline")
  }
  const said = await reply.json().catch(() => ({}))
  if (!reply.ok) throw new Trouble(KINDS[reply.status] || "refused", said.detail, Number(reply.headers.get("Retry-After")) || 1)
  return said
}

/** Follows a request's events; resolves with its answer, rejects where the stream cannot be had. */
const follow = (url, { signal, understood, slot }) => new Promise((resolve, reject) => {
  const source = new EventSource(url)
  let timer = 0
  const end = (settle, value) => { clearTimeout(timer); source.close(); settle(value) }
  const waiting = () => { clearTimeout(timer); timer = setTimeout(() => end(reject, new Trouble("busy", "", 1)), SILENCE_MS) }
  const on = (name, act) => source.addEventListener(name, (event) => { if (!signal.aborted) { waiting(); act(JSON.parse(event.data)) } })
  on("understood", understood)
  on("slot", slot)
  on("bundles", (answer) => end(resolve, answer))
  on("failed", (problem) => end(reject, new Trouble("busy", problem.detail, 1)))
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) end(reject, new Trouble("gone")) }
  signal.addEventListener("abort", () => end(reject, new Trouble("aborted")))
  waiting()
})

/** The answer to a request. It comes step by step; where that does not work, at once. */
export const ask = async (body, steps) => {
  const { signal } = steps
  let accepted
  try {
    accepted = await call("/v1/requests", body, { signal, headers: { "Idempotency-Key": random() } })
  } catch (error) {
    if (signal.aborted || error.kind === "refused" || error.kind === "offline") throw error
  }
  if (accepted) {
    try {
      return await follow(accepted.events_url, steps)
    } catch (error) {
      if (signal.aborted) throw error
    }
  }
  return call("/v1/bundles", body, { signal })
}

/** The answer that was given to a request before, as long as it is kept. */
export const reopen = (id, steps) => follow(`/v1/requests/${encodeURIComponent(id)}/events`, steps)

export const swap = (bundle, slot, mode) => call(`/v1/bundles/${encodeURIComponent(bundle)}/swap`, { slot, mode })

export const product = (id) => call(`/v1/products/${encodeURIComponent(id)}`)

export const suggestions = (q, language, signal) => call(`/v1/suggestions?${new URLSearchParams({ q, language })}`, undefined, { signal })

export const orderId = () => `demo-${random().slice(0, 12)}`
