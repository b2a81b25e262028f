// How is the budget moved? A slider whose range stays where it is as long as the sentence does: one that runs away cannot be held.
import { el, find } from "./dom.js"
import { digitsOf, money, t } from "./texts.js"

const SETTLED_MS = 250, STEPS = 40
const place = find("#slider")
let range = null, moving = 0

const nice = (value) => {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)))
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= value)
}

const rangeFor = (most, currency, q) => {
  const unit = 10 ** digitsOf(currency)
  if (range && range.q === q && range.currency === currency && most <= range.max) return range
  const step = nice(most / unit / STEPS) * unit
  range = { q, currency, step, min: step, max: Math.ceil(2 * most / step) * step }
  return range
}

export const hideSlider = () => { place.replaceChildren() }

/** `move(cents)` is called when it has come to rest. */
export const showSlider = (answer, q, move) => {
  const { budget } = answer.understood, first = answer.bundles[0] || answer.infeasible?.cheapest
  const currency = budget?.currency || first?.currency
  const set = budget?.scope === "item" ? null : budget?.max_cents ?? null
  const dearest = Math.max(0, ...answer.bundles.map((one) => one.total_cents), answer.infeasible?.cheapest_total_cents || 0)
  if (!currency || !(set || dearest)) { hideSlider(); return }
  const { min, max, step } = rangeFor(Math.max(set || 0, dearest), currency, q)
  const value = String(Math.min(Math.max(set ?? max, min), max)), text = set === null ? t("anyBudget") : money(set, currency, true)
  if (!find("#budget")) {
    place.replaceChildren(el("label", { for: "budget" }, t("budget")), el("input", { type: "range", id: "budget" }), el("output", { id: "budget-now", for: "budget" }))
  }
  // The same element all the time: it may be in somebody's hand, and then it is not moved.
  const input = find("#budget"), now = find("#budget-now")
  const say = (said) => { now.textContent = said; input.setAttribute("aria-valuetext", said) }
  Object.assign(input, { min: String(min), max: String(max), step: String(step) })
  if (!moving) {
    input.value = value
    say(text)
  }
  input.oninput = () => {
    const cents = Number(input.value)
    say(money(cents, currency, true))
    clearTimeout(moving)
    moving = setTimeout(() => { moving = 0; move(cents) }, SETTLED_MS)
  }
}
