// What stands where sets would be: why there are none and what would help, or what went wrong and how to try again.
import { el, icon, picture, PATHS } from "./dom.js"
import { has, money, t } from "./texts.js"

const LONGEST_S = 30
const KINDS = ["busy", "offline", "refused"]

const action = (text, act, kind = "quiet") => el("button", { type: "button", class: kind, on: { click: act } }, text)

const panel = (title, ...content) => el("div", { class: "nothing" }, el("h2", {}, title), ...content)

const actions = (...all) => el("div", { class: "nothing-buttons" }, ...all)

const nearestOf = ({ items, currency }) => el("ul", { class: "nearest" }, ...items.map((one) => el("li", {}, picture(one.image_link),
  el("span", { class: "name" }, one.title), el("span", { class: "price" }, money(one.price_cents * one.quantity, currency)))))

/** No dead end: `thing(name)` is the shopper's word for a slot, `change` asks with part of the wish changed, `another` lets the shopper write a new one. */
export const nothing = ({ infeasible, understood }, wish, { change, another, thing }) => {
  const { reason, cheapest_total_cents: cheapest, blocking = [], cheapest: nearest } = infeasible || {}
  const { budget } = understood, currency = nearest?.currency || budget?.currency
  const key = has(`none ${reason}`) ? `none ${reason}` : "none nothing_found"
  const limit = budget && budget.max_cents !== null ? money(budget.max_cents, budget.currency, true) : ""
  const free = understood.slots.filter(({ locked }) => !locked).map(({ name, quantity, required }) => ({ name, quantity, required }))
  return panel(t("none"), el("p", {}, t(key, limit)), actions(
    cheapest && currency && action(t("fromPrice", money(cheapest, currency)), () => change({ max: cheapest }), "primary"),
    ...(free.length > blocking.length ? blocking : []).map((slot) => action(t("leaveOut", thing(slot)), () => change({ slots: free.filter(({ name }) => name !== slot) }))),
    wish.not.length > 0 && action(t("bringBack"), () => change({ not: [] })),
    wish.lock.length > 0 && action(t("unkeep"), () => change({ lock: [] })),
    action(t("another"), another)), nearest && nearestOf(nearest))
}

export const kindOf = ({ kind }) => (KINDS.includes(kind) ? kind : "busy")

/** `again` asks once more; a service that says when to come back is not asked earlier. */
export const trouble = (error, again) => {
  const kind = kindOf(error), button = action(t("retry"), again, "primary")
  button.prepend(icon(PATHS.retry))
  if (error.after > 0 && kind === "busy") {
    button.disabled = true
    setTimeout(() => { button.disabled = false }, Math.min(error.after, LONGEST_S) * 1000)
  }
  return panel(t(kind), kind === "refused" && error.detail && el("p", {}, error.detail), actions(button))
}
