// One set as a shopper sees it: what it costs of the budget, why it was chosen, and what can be done with each product.
import { el, icon, picture, PATHS } from "./dom.js"
import { capital, has, list, money, reason, t } from "./texts.js"

const MODES = ["cheaper", "similar", "different"]
export const TILES = 4

const bar = (bundle, budget) => {
  if (!budget || budget.max_cents === null || budget.scope === "item") return null
  const { total_cents: total, currency } = bundle, left = budget.max_cents - total
  const part = el("span", { class: "bar-part" })
  part.style.inlineSize = `${Math.min(100 * total / Math.max(budget.max_cents, 1), 100)}%`
  const said = t("ofBudget", money(total, currency), money(budget.max_cents, currency, true))
  return el("div", { class: left < 0 ? "spent above" : "spent" },
    el("div", { class: "bar", role: "img", "aria-label": said }, part),
    left >= 0 && el("p", { class: "left" }, left ? t("left", money(left, currency)) : t("exact")))
}

/** In the shopper's words, where there is one for each of its products. */
const titleOf = ({ title }, { said, thing }) => {
  const names = title.split(", ").map((name) => name.toLowerCase())
  return names.every((name) => Object.hasOwn(said, name)) ? capital([...new Set(names.map(thing))].join(", ")) : title
}

const tool = (path, label, key, act, more = {}) =>
  el("button", { type: "button", class: "round", "aria-label": label, title: label, "data-key": key, on: { click: act }, ...more }, icon(path))

const priceOf = ({ quantity, price_cents: price }, currency) =>
  el("p", { class: "price" }, quantity > 1 && el("span", { class: "times" }, `${quantity} × `), money(price, currency))

const item = (one, place, bundle, isEager, { wish, own, act }) => {
  const { product_id: id, title, slot } = one, isKept = wish.lock.includes(id)
  const modes = el("div", { class: "modes", role: "group", "aria-label": t("swapOf", title), hidden: true },
    ...MODES.map((mode) => el("button", { type: "button", class: "pill", "data-key": `${mode}:${slot}`, on: { click: () => act.swap(bundle, one, mode) } }, t(mode))))
  const opener = el("button", {
    type: "button", class: "pill swap", "aria-label": t("swapOf", title), "aria-expanded": "false", "data-key": `swap:${slot}`,
    on: { click: () => open(modes.hidden) },
  }, icon(PATHS.swap), el("span", {}, t("swap")))
  const open = (yes) => { modes.hidden = !yes; opener.setAttribute("aria-expanded", String(yes)) }
  const whole = el("li", { class: isKept ? "item kept" : "item", on: {
    focusout: ({ relatedTarget }) => { if (!whole.contains(relatedTarget)) open(false) },
    keydown: ({ key }) => { if (key === "Escape" && !modes.hidden) { open(false); opener.focus() } },
  } },
    el("div", { "data-product": id, "data-slot": slot, "data-position": String(place + 1) },
      el("button", { type: "button", class: "see", "data-key": `see:${id}`, on: { click: () => act.see(bundle, one) } },
        picture(one.image_link, isEager), el("span", { class: "name" }, title)),
      el("div", { class: "buy" }, priceOf(one, bundle.currency),
        el("button", { type: "button", class: "round strong", "data-event": "add_to_cart", "aria-label": t("addOne", title), title: t("toCart"), "data-key": `add:${id}`, on: { click: () => act.add(bundle, [one]) } }, icon(PATHS.plus))),
      el("p", { class: "why" }, one.reasons.length ? reason(one.reasons[0], bundle.currency, own) : "")),
    el("div", { class: "tools" }, !isKept && opener,
      tool(PATHS.keep, t("keepOf", title), `keep:${id}`, () => act.keep(one, !isKept), { "aria-pressed": String(isKept) }),
      !isKept && tool(PATHS.close, t("dropOf", title), `drop:${id}`, () => act.drop(one))),
    modes)
  return whole
}

/** Of `known`, `act` has what can be done: swap, keep, drop, add, see, share; `own(word)` is the shopper's word for one of the catalogue's, `thing(name)` that for a product. */
export const card = (bundle, place, known) => {
  const { requestId, budget, act } = known
  const { label, total_cents: total, currency } = bundle, id = `set-${bundle.bundle_id}`
  const why = bundle.reasons.includes("its products go together") ? [[PATHS.check, t("together")]] : []
  if (bundle.open_slots.length) why.push([PATHS.minus, t("open", list(bundle.open_slots.map(known.thing)))])
  return el("article", { class: "set", "data-bundle": bundle.bundle_id, "data-request": requestId, "aria-labelledby": id },
    el("header", { class: "set-head" },
      el("p", { class: place ? "label" : "label first" }, has(label) ? t(label) : capital(label)),
      el("h2", { id }, titleOf(bundle, known)),
      el("p", { class: "total" }, money(total, currency)),
      bar(bundle, budget),
      why.length ? el("ul", { class: "reasons" }, ...why.map(([path, said]) => el("li", {}, icon(path), said))) : null,
      el("div", { class: "set-buttons" },
        el("button", { type: "button", class: "primary", "data-key": `all:${place}`, on: { click: () => act.addAll(bundle) } }, icon(PATHS.cart), t("addAll")),
        el("button", { type: "button", class: "quiet share", "aria-label": t("share"), "data-key": `share:${place}`, on: { click: (event) => act.share(bundle, event.currentTarget) } }, icon(PATHS.share), el("span", {}, t("share"))))),
    el("ul", { class: "items" }, ...bundle.items.map((one, at) => item(one, at, bundle, place === 0, known))),
    el("p", { class: "set-note", role: "status" }))
}

const tile = () => el("li", { class: "item" }, el("span", { class: "picture" }), el("span", { class: "line" }), el("span", { class: "line short" }))

/** What keeps the place of a set until it is there. */
export const skeleton = () => el("div", { class: "set waiting", "aria-hidden": "true" },
  el("div", { class: "set-head" }, el("span", { class: "line short" }), el("span", { class: "line tall" }), el("span", { class: "line total-line" }), el("span", { class: "line" })),
  el("ul", { class: "items" }, ...Array.from({ length: TILES }, tile)))

/** A product that is known before the sets are: it takes the next free place of a skeleton. */
export const anchor = (place, { product, quantity }) => {
  const free = [...place.querySelectorAll(".item:not(.known)")][0]
  if (!free) return
  free.classList.add("known")
  free.replaceChildren(picture(product.image_link, true), el("span", { class: "name" }, product.title),
    priceOf({ quantity, price_cents: product.price_cents }, product.currency))
}
