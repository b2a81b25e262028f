// What is wished, and how does an address say it? A link is the whole request, so it can be asked again anywhere.
import { language } from "./texts.js"

const MOST = { lock: 10, not: 200, cart: 200, slots: 10 }

export const empty = () => ({ q: "", max: null, slots: null, lock: [], not: [], cart: [], request: "" })

export const isEmpty = (wish) => !(wish.q.trim() || wish.lock.length || wish.cart.length || wish.slots?.length)

const ids = (text, most) => [...new Set((text || "").split(",").filter((id) => id && id.length <= 64))].slice(0, most)

const slotsOf = (text) => text === null ? null : text.split("~").filter(Boolean).slice(0, MOST.slots).map((one) => {
  const [name, quantity, required] = one.split("*")
  return { name: name.slice(0, 64), quantity: Math.min(Math.max(Number.parseInt(quantity, 10) || 1, 1), 99), required: required !== "0" }
}).filter(({ name }) => name.trim())

/** Reads ?q=...&max=...; whatever somebody wrote there becomes a request that is allowed. */
export const read = (search) => {
  const said = new URLSearchParams(search), max = said.get("max")
  return {
    q: (said.get("q") || "").slice(0, 512),
    max: max === "none" ? "none" : /^\d{1,15}$/.test(max || "") ? Number(max) : null,
    slots: slotsOf(said.get("slots")),
    lock: ids(said.get("lock"), MOST.lock),
    not: ids(said.get("not"), MOST.not),
    cart: ids(said.get("with"), MOST.cart),
    request: /^[\w-]{1,64}$/.test(said.get("r") || "") ? said.get("r") : "",
  }
}

export const write = (wish) => {
  const said = new URLSearchParams()
  if (wish.q) said.set("q", wish.q)
  if (wish.max !== null) said.set("max", wish.max)
  if (wish.slots) said.set("slots", wish.slots.map(({ name, quantity, required }) => `${name.replace(/[*~]/g, " ")}*${quantity}${required ? "" : "*0"}`).join("~"))
  for (const [name, list] of [["lock", wish.lock], ["not", wish.not], ["with", wish.cart]]) if (list.length) said.set(name, list.join(","))
  if (wish.request) said.set("r", wish.request)
  const text = said.toString()
  return text ? `?${text}` : location.pathname
}

/** The body of POST /v1/requests. "No limit" is a budget from 0 on: a field wins over the sentence, and without one the page says its language. */
export const bodyOf = (wish, who) => ({
  ...who,
  ...(wish.q.trim() ? { prompt: wish.q } : { language }),
  ...(wish.max !== null && { budget: wish.max === "none" ? { min_cents: 0 } : { max_cents: wish.max } }),
  ...(wish.slots && { slots: wish.slots }),
  ...(wish.lock.length && { lock: wish.lock }),
  ...(wish.not.length && { exclude: wish.not }),
  ...(wish.cart.length && { basket: wish.cart }),
})

/** A link to one set as it is: its products are locked, and nothing else is looked for. */
export const linkTo = (wish, bundle) => write({
  ...empty(), q: wish.q, lock: bundle.items.map((item) => item.product_id).slice(0, MOST.lock), max: wish.max,
  slots: bundle.items.filter((item) => item.quantity > 1).map(({ slot, quantity }) => ({ name: slot, quantity, required: true })),
})
