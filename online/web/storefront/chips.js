// What was understood, as chips that can be changed: fields where the API has one, else the sentence itself.
import { el, icon, PATHS } from "./dom.js"
import { asTyped, without } from "./sentence.js"
import { capital, list, money, t } from "./texts.js"

const OWN = ["styles", "colors", "materials", "brands", "sizes"]
const DENIED = ["styles", "colors", "materials", "brands", "categories", "words"]

const cross = (text, act, key) => el("button", { type: "button", class: "chip-button", "aria-label": t("remove", text), "data-key": key, on: { click: act } }, icon(PATHS.close))

const chip = (kind, text, remove, ...before) =>
  el("li", { class: `chip ${kind}` }, ...before, el("span", { class: "chip-text" }, text), remove && cross(text, remove, `chip:${kind}:${text}`))

export const budgetText = ({ min_cents: least, max_cents: most, currency, scope, approximate }) => {
  if (most === null) return least ? t("atLeast", money(least, currency, true)) : t("anyBudget")
  return (approximate ? "≈ " : "") + t(scope === "item" ? "each" : "upTo", money(most, currency, true))
}

const asked = (understood) => understood.slots.filter(({ locked }) => !locked).map(({ name, quantity, required }) => ({ name, quantity, required }))

/** The shopper's own words for a word of the catalogue. */
export const inTheirWords = (wish, { said = {} }) => (word) => asTyped(wish.q, Object.hasOwn(said, word) ? said[word] : word)

/** The same for a thing: German writes it with a capital letter. */
export const thingInTheirWords = (wish, understood) => (name) => {
  const words = inTheirWords(wish, understood)(name)
  return understood.language === "de" ? capital(words) : words
}

const slotChip = (slot, understood, name, change) => {
  const { quantity } = slot
  const with_ = (number) => change({ slots: asked(understood).flatMap((one) => (one.name !== slot.name ? [one] : number ? [{ ...one, quantity: number }] : [])) })
  const step = (path, label, number) => el("button", {
    type: "button", class: "chip-button", "aria-label": label, "data-key": `step:${path.length}:${name}`, on: { click: () => with_(number) },
  }, icon(path))
  const isLast = understood.slots.length < 2
  return el("li", { class: "chip thing" },
    quantity > 1 && step(PATHS.minus, t("fewer", name), quantity - 1),
    el("span", { class: "chip-text" }, quantity > 1 ? `${quantity} × ${name}` : name),
    quantity < 20 && step(PATHS.plus, t("more", name), quantity + 1),
    !isLast && cross(name, () => with_(0), `chip:thing:${name}`))
}

const adder = (understood, change) => {
  const input = el("input", { type: "text", maxlength: "64", "aria-label": t("add") })
  input.placeholder = t("addHint")
  input.autocomplete = "off"
  const form = el("form", { class: "adder", on: { submit: (event) => {
    event.preventDefault()
    const name = input.value.trim()
    if (name) change({ slots: [...asked(understood), { name, quantity: 1, required: true }].slice(0, 10) })
  } } }, input, el("button", { type: "submit", class: "chip-button", "aria-label": t("add") }, icon(PATHS.plus)))
  return el("li", { class: "chip add" }, form)
}

/** `change(part)` asks again with part of the wish changed, `cannot()` says that only the shopper can change it. */
export const chips = (wish, understood, { change, cannot, titleOf }) => {
  const own = inTheirWords(wish, understood), thing = thingInTheirWords(wish, understood)
  const say = (word, others) => () => {
    const sentence = without(wish.q, word, others.filter((other) => other !== word))
    if (sentence === null) cannot()
    else change({ q: sentence })
  }
  const found = []
  if (understood.budget) found.push(chip("money", budgetText(understood.budget), wish.max === "none" ? null : () => change({ max: "none" })))
  for (const id of wish.lock) found.push(chip("kept", t("keeping", titleOf(id)), () => change({ lock: wish.lock.filter((one) => one !== id) })))
  for (const id of wish.not) found.push(chip("denied", t("dropped", titleOf(id)), () => change({ not: wish.not.filter((one) => one !== id) })))
  for (const slot of understood.slots) if (!slot.locked) found.push(slotChip(slot, understood, thing(slot.name), change))
  for (const kind of OWN) {
    const words = understood[kind].map(own)
    for (const word of new Set(words)) found.push(chip("taste", word, say(word, words)))
  }
  const denied = [...new Set(DENIED.flatMap((kind) => understood.exclude[kind]).map(own))]
  for (const word of denied) found.push(chip("denied", t("no", word), say(word, denied)))
  if (understood.relaxed.length) found.push(el("li", { class: "chip relaxed" }, t("relaxed", list(understood.relaxed.map(own)))))
  if (!wish.cart.length) found.push(adder(understood, change))
  return found
}
