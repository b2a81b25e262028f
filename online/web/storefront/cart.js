// What is in the cart, and how is it bought? Nothing is charged: the order ends as a purchase event and a receipt.
import { orderId, product } from "./api.js"
import { announce, el, find, icon, picture, PATHS } from "./dom.js"
import { track } from "./events.js"
import { closePanel, onPanel, openPanel, replacePanel, showPanel } from "./panels.js"
import { day, money, t } from "./texts.js"

const MOST = 99, CHECKED = 40
const kept = (store, name, otherwise) => { try { return JSON.parse(store[name]) ?? otherwise } catch { return otherwise } }
const keep = (store, name, value) => { try { store[name] = JSON.stringify(value) } catch { /* a browser that keeps nothing */ } }

const isItem = (one) => one && typeof one.id === "string" && Number.isInteger(one.price) && Number.isInteger(one.quantity) && /^[A-Z]{3}$/.test(one.currency)
let items = [].concat(kept(localStorage, "shop_cart", [])).filter(isItem)

export const cartIds = () => items.map(({ id }) => id)

const counted = () => items.reduce((sum, { quantity }) => sum + quantity, 0)

const totals = (some) => {
  const sums = new Map()
  for (const { currency, price, quantity } of some) sums.set(currency, (sums.get(currency) || 0) + price * quantity)
  return [...sums]
}

const totalText = (some) => totals(some).map(([currency, cents]) => money(cents, currency)).join(" + ")

export const showCount = () => {
  const button = find("#open-cart"), count = counted()
  button.setAttribute("aria-label", t("cartOf", count))
  button.replaceChildren(icon(PATHS.cart), el("span", { class: count ? "count" : "count none" }, String(count)))
}

const change = (next) => {
  items = next
  keep(localStorage, "shop_cart", items)
  showCount()
}

/** Puts products of a set into the cart; where each comes from stays with it. */
export const addToCart = (bundle, requestId, some) => {
  const next = items.map((one) => ({ ...one }))
  for (const { product_id: id, title, image_link: image, price_cents: price, quantity, slot } of some) {
    const there = next.find((one) => one.id === id)
    if (there) there.quantity = Math.min(there.quantity + quantity, MOST)
    else next.push({ id, title, image, price, quantity, currency: bundle.currency, request: requestId, bundle: bundle.bundle_id, slot })
  }
  change(next)
}

const setQuantity = (id, quantity) => {
  const gone = items.find((one) => one.id === id)
  change(items.flatMap((one) => (one.id !== id ? [one] : quantity > 0 ? [{ ...one, quantity: Math.min(quantity, MOST) }] : [])))
  if (quantity < 1 && gone) track("remove_from_cart", { product_id: id, ...(gone.request && { request_id: gone.request }), ...(gone.bundle && { bundle_id: gone.bundle }) })
}

const row = (one, redraw) => {
  const step = (path, label, quantity) => el("button", { type: "button", class: "round", "aria-label": label, on: { click: () => { setQuantity(one.id, quantity); redraw() } } }, icon(path))
  return el("li", { class: "cart-row" }, picture(one.image),
    el("div", { class: "cart-words" }, el("p", { class: "name" }, one.title), el("p", { class: "price" }, money(one.price * one.quantity, one.currency)),
      one.isGone && el("p", { class: "warning" }, t("soldOut")), one.was && el("p", { class: "warning" }, t("newPrice", money(one.price, one.currency)))),
    el("div", { class: "stepper" }, step(PATHS.minus, t("fewer", one.title), one.quantity - 1), el("span", {}, String(one.quantity)),
      one.quantity < MOST && step(PATHS.plus, t("more", one.title), one.quantity + 1)))
}

const lines = (some) => el("ul", { class: "receipt-lines" }, ...some.map(({ title, quantity, price, currency }) =>
  el("li", {}, el("span", {}, `${quantity} × ${title}`), el("span", {}, money(price * quantity, currency)))))

const sum = (some) => el("p", { class: "sum" }, el("span", {}, t("subtotal")), el("strong", {}, totalText(some)))

/** Prices and stock as they are now: what lay in the cart over night may have changed. */
const refresh = async (redraw) => {
  const asked = await Promise.allSettled(items.slice(0, CHECKED).map(({ id }) => product(id)))
  const now = new Map(asked.map((one, at) => [items[at]?.id, one]))
  let isOther = false
  const next = items.map((one) => {
    const { value, reason } = now.get(one.id) || {}
    const isGone = value ? !value.is_sellable : reason?.kind === "gone"
    const price = value?.currency === one.currency ? value.price_cents : one.price
    isOther ||= isGone !== Boolean(one.isGone) || price !== one.price
    return { ...one, isGone, price, was: price === one.price ? one.was : one.price }
  })
  if (isOther) { change(next); redraw() }
}

const drawCart = (complete) => (show) => {
  const redraw = () => { if (location.hash === "#cart") { showPanel() } }
  if (!items.length) {
    show(t("cart"), el("p", { class: "empty" }, t("emptyCart")), el("button", { type: "button", class: "primary", on: { click: closePanel } }, t("goOn")))
    return
  }
  const bought = items.filter(({ isGone }) => !isGone)
  show(t("cart"), el("ul", { class: "cart-rows" }, ...items.map((one) => row(one, redraw))),
    el("div", { class: "panel-foot" }, sum(bought),
      el("button", { type: "button", class: "primary", disabled: !bought.length, on: { click: () => replacePanel("checkout") } }, t("checkout")),
      el("button", { type: "button", class: "quiet", on: { click: complete } }, icon(PATHS.plus), t("complete"))))
}

const buy = () => {
  const bought = items.filter(({ isGone }) => !isGone), order = orderId()
  for (const [currency] of totals(bought)) {
    const mine = bought.filter((one) => one.currency === currency), requests = new Set(mine.map(({ request }) => request))
    const [request] = requests
    track("purchase", {
      order_id: order, currency, ...(requests.size === 1 && request && { request_id: request }),
      items: mine.map(({ id, quantity, price, slot, bundle }) => ({ product_id: id, quantity, price_cents: price, ...(slot && { slot }), ...(bundle && { bundle_id: bundle }) })),
    })
  }
  keep(sessionStorage, "shop_receipt", { order, at: Date.now(), items: bought })
  change([])
  replacePanel("receipt")
  announce(t("thanks"))
}

const drawCheckout = (show) => {
  const bought = items.filter(({ isGone }) => !isGone)
  if (!bought.length) { replacePanel("cart"); return }
  show(t("checkout"), lines(bought), el("p", { class: "hint" }, t("pretend")),
    el("div", { class: "panel-foot" }, sum(bought), el("button", { type: "button", class: "primary", on: { click: buy } }, t("order")),
      el("button", { type: "button", class: "quiet", on: { click: () => replacePanel("cart") } }, t("back"))))
}

const drawReceipt = (show) => {
  const receipt = kept(sessionStorage, "shop_receipt", null)
  if (!receipt) { closePanel(); return }
  show(t("thanks"), el("p", { class: "hint" }, t("receipt", receipt.order, day(new Date(receipt.at)))), lines(receipt.items.filter(isItem)),
    el("p", { class: "hint" }, t("pretend")),
    el("div", { class: "panel-foot" }, sum(receipt.items.filter(isItem)), el("button", { type: "button", class: "primary", on: { click: closePanel } }, t("goOn"))))
}

/** `complete()` asks what goes with the cart. */
export const startCart = (complete) => {
  const draw = drawCart(complete)
  onPanel("cart", draw)
  onPanel("checkout", drawCheckout)
  onPanel("receipt", drawReceipt)
  find("#open-cart").addEventListener("click", () => { openPanel("cart"); refresh(() => { if (location.hash === "#cart") showPanel() }) })
  addEventListener("storage", ({ key }) => {
    if (key !== "shop_cart") return
    items = [].concat(kept(localStorage, "shop_cart", [])).filter(isItem)
    showCount()
  })
  showCount()
}
