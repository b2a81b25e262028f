// The shop: a wish becomes a request, what comes of it is shown, and each change of the wish has an address of its own.
import { ask, product, reopen, suggestions, swap, Trouble } from "./api.js"
import { addToCart, cartIds, startCart } from "./cart.js"
import { chips } from "./chips.js"
import { announce, el, find, icon, picture, PATHS, safeLink } from "./dom.js"
import { consents, setConsent, track, who } from "./events.js"
import { closePanel, onPanel, openPanel, showPanel } from "./panels.js"
import { anchor, card, skeleton } from "./sets.js"
import { all, digitsOf, examples, has, language, LANGUAGES, list, money, reason as reasonText, t } from "./texts.js"
import { grow, onWish, setWish } from "./wishbox.js"
import * as wishes from "./wish.js"

const SETS = 3, SETTLED_MS = 250
const answers = new Map(), titles = new Map(), swappedOut = new Map()
let wish = wishes.empty(), answer = null, underway = null, range = null, isOffline = false, isRead = false

const main = { answer: find("#answer"), sets: find("#sets"), chips: find("#chips"), slider: find("#slider"), title: find("#answer-title"), count: find("#answer-count"), note: find("#note") }

// --- what is shown ---

const say = (text) => { main.note.textContent = text }

const showHome = () => {
  document.documentElement.className = "home"
  main.answer.hidden = true
  document.title = t("title")
  grow()
}

const showFrame = () => {
  document.documentElement.className = "asked"
  main.answer.hidden = false
  main.title.textContent = wish.cart.length ? t("withCart") : t("results")
  document.title = wish.q ? `${wish.q.slice(0, 60)} · ${t("title")}` : t("title")
  setWish(wish.q)
}

const titleOf = (id) => {
  if (!titles.has(id)) {
    titles.set(id, id)
    product(id).then(({ title }) => { titles.set(id, title); if (answer) showChips(answer.understood) }, () => {})
  }
  const title = titles.get(id)
  return title.length > 40 ? `${title.slice(0, 38)}…` : title
}

const showChips = (understood) => main.chips.replaceChildren(...chips(wish, understood, {
  change, titleOf,
  cannot: () => { say(t("ownWords")); find("#wish").focus() },
}))

const nice = (value) => {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)))
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= value)
}

/** The range stays where it is as long as the sentence does: a slider that runs away cannot be held. */
const rangeFor = (most, currency) => {
  const unit = 10 ** digitsOf(currency)
  if (range && range.q === wish.q && range.currency === currency && most <= range.max) return range
  const step = nice(most / unit / 40) * unit
  range = { q: wish.q, currency, step, min: step, max: Math.ceil(2 * most / step) * step }
  return range
}

const showSlider = () => {
  const { budget } = answer.understood, first = answer.bundles[0] || answer.infeasible?.cheapest
  const currency = budget?.currency || first?.currency
  const set = budget?.scope === "item" ? null : budget?.max_cents ?? null
  const dearest = Math.max(0, ...answer.bundles.map((one) => one.total_cents), answer.infeasible?.cheapest_total_cents || 0)
  if (!currency || !(set || dearest)) { main.slider.replaceChildren(); return }
  const { min, max, step } = rangeFor(Math.max(set || 0, dearest), currency), old = find("#budget")
  const value = Math.min(Math.max(set ?? max, min), max)
  const text = set === null ? t("anyBudget") : money(set, currency, true)
  if (old) { // it may be in somebody's hand
    Object.assign(old, { min: String(min), max: String(max), step: String(step) })
    if (document.activeElement !== old || Number(old.value) !== value) old.value = String(value)
    old.setAttribute("aria-valuetext", text)
    find("#budget-now").textContent = text
    return
  }
  const now = el("output", { id: "budget-now", for: "budget" }, text)
  const input = el("input", { type: "range", id: "budget", min: String(min), max: String(max), step: String(step), "aria-valuetext": text })
  input.value = String(value)
  let timer = 0
  input.addEventListener("input", () => {
    const cents = Number(input.value), said = money(cents, currency, true)
    now.textContent = said
    input.setAttribute("aria-valuetext", said)
    clearTimeout(timer)
    timer = setTimeout(() => change({ max: cents }, { replace: true }), SETTLED_MS)
  })
  main.slider.replaceChildren(el("label", { for: "budget" }, t("budget")), input, now)
}

const keyOf = (element) => element?.closest?.("[data-key]")?.dataset.key

const showAnswer = () => {
  const hadFocus = main.answer.contains(document.activeElement), key = keyOf(document.activeElement)
  const { understood, bundles, request_id: requestId } = answer
  main.sets.removeAttribute("aria-busy")
  for (const bundle of bundles) for (const one of bundle.items) titles.set(one.product_id, one.title)
  const kept = { requestId, budget: understood.budget, wish, act }
  main.sets.replaceChildren(...(bundles.length ? bundles.map((bundle, place) => card(bundle, place, kept)) : [nothing()]))
  const least = Math.min(...bundles.map((one) => one.total_cents))
  const said = !bundles.length ? t("none") : bundles.length === 1 ? t("foundOne", money(least, bundles[0].currency)) : t("found", bundles.length, money(least, bundles[0].currency))
  main.count.textContent = said
  showChips(understood)
  showSlider()
  announce(said)
  if (hadFocus && document.activeElement === document.body) {
    const same = key && [...main.answer.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key)
    ;(same || main.title).focus({ preventScroll: true })
  }
  performance.mark("setwise-answer")
}

const action = (text, act, kind = "quiet") => el("button", { type: "button", class: kind, on: { click: act } }, text)

/** No set is no dead end: what would help is one click away. */
const nothing = () => {
  const { reason = "nothing_found", cheapest_total_cents: cheapest, blocking = [], cheapest: nearest } = answer.infeasible || {}
  const { budget, slots } = answer.understood, currency = nearest?.currency || budget?.currency
  const key = has(`none ${reason}`) ? `none ${reason}` : "none nothing_found"
  const free = slots.filter(({ locked }) => !locked)
  return el("div", { class: "nothing" }, el("h2", {}, t("none")),
    el("p", {}, t(key, budget?.max_cents !== null && budget ? money(budget.max_cents, budget.currency, true) : "")),
    nearest && el("ul", { class: "nearest" }, ...nearest.items.map((one) => el("li", {}, picture(one.image_link), el("span", { class: "name" }, one.title), el("span", { class: "price" }, money(one.price_cents * one.quantity, nearest.currency))))),
    el("div", { class: "nothing-buttons" },
      cheapest && currency && action(t("fromPrice", money(cheapest, currency)), () => change({ max: cheapest }), "primary"),
      ...(free.length > blocking.length ? blocking : []).map((name) => action(t("leaveOut", name), () => change({ slots: free.filter((one) => one.name !== name).map(({ name: slot, quantity, required }) => ({ name: slot, quantity, required })) }))),
      wish.not.length ? action(t("bringBack"), () => change({ not: [] })) : null,
      wish.lock.length ? action(t("unkeep"), () => change({ lock: [] })) : null,
      action(t("another"), () => { find("#wish").focus(); find("#wish").select() })))
}

const showTrouble = (error) => {
  const kind = ["busy", "offline", "refused"].includes(error.kind) ? error.kind : "busy"
  isOffline = kind === "offline"
  main.sets.removeAttribute("aria-busy")
  main.count.textContent = ""
  const again = action(t("retry"), () => start(), "primary")
  again.prepend(icon(PATHS.retry))
  if (error.after > 0 && kind === "busy") {
    again.disabled = true
    setTimeout(() => { again.disabled = false }, Math.min(error.after, 30) * 1000)
  }
  main.sets.replaceChildren(el("div", { class: "nothing" }, el("h2", {}, t(kind)), kind === "refused" && error.detail ? el("p", {}, error.detail) : null, el("div", { class: "nothing-buttons" }, again)))
  announce(t(kind))
}

// --- what is asked ---

const start = async ({ isReopened = false } = {}) => {
  underway?.abort()
  const mine = underway = new AbortController(), asked = wish
  performance.mark("setwise-ask")
  isOffline = false
  say("")
  showFrame()
  const isFirst = main.sets.querySelector(".set[data-bundle]") === null
  main.sets.setAttribute("aria-busy", "true")
  main.count.textContent = t("looking")
  if (isFirst) main.sets.replaceChildren(...Array.from({ length: SETS }, skeleton))
  const first = main.sets.firstElementChild
  const steps = { signal: mine.signal, understood: showChips, slot: (said) => { if (isFirst) anchor(first, said) } }
  try {
    let found
    if (isReopened) found = await reopen(asked.request, steps).catch((error) => { if (mine.signal.aborted) throw error })
    if (!found && asked.q) track("search", { query: asked.q })
    found ||= await ask({ ...wishes.bodyOf(asked, who()), n_bundles: SETS }, steps)
    if (mine.signal.aborted) return
    answer = found
    answers.set(answer.request_id, answer)
    wish = { ...asked, request: answer.request_id }
    history.replaceState(history.state, "", wishes.write(wish) + location.hash)
    showAnswer()
  } catch (error) {
    if (!mine.signal.aborted) showTrouble(error instanceof Trouble ? error : new Trouble("busy"))
  }
}

/** Asks with part of the wish changed, under an address of its own; a slider's steps share one. */
const change = (part, { replace = false } = {}) => {
  const isStep = replace && history.state?.isStep
  wish = { ...wish, ...part, request: "" }
  if (wishes.isEmpty(wish)) { history.pushState({}, "", location.pathname); show(); return }
  history[isStep ? "replaceState" : "pushState"]({ isStep: replace }, "", wishes.write(wish))
  start()
}

const begin = (q) => {
  range = null
  change({ ...wishes.empty(), q })
  scrollTo({ top: 0 })
}

/** What the address says, after a start and on the way back. */
const show = () => {
  const said = wishes.read(location.search)
  showPanel()
  if (isRead && wishes.write(said) === wishes.write(wish) && (answer || wishes.isEmpty(said))) {
    if (wishes.isEmpty(said)) showHome()
    return
  }
  isRead = true
  wish = said
  if (wishes.isEmpty(wish)) {
    underway?.abort()
    answer = null
    main.sets.replaceChildren()
    main.slider.replaceChildren()
    setWish("")
    showHome()
  } else if (answers.has(wish.request)) {
    underway?.abort()
    answer = answers.get(wish.request)
    showFrame()
    showAnswer()
  } else start({ isReopened: Boolean(wish.request) })
}

// --- what can be done with a set ---

const noteOf = (bundle) => find(`[data-bundle="${CSS.escape(bundle.bundle_id)}"] .set-note`)

const idsOf = (bundle, one) => ({ request_id: answer.request_id, bundle_id: bundle.bundle_id, product_id: one.product_id, slot: one.slot, position: bundle.items.indexOf(one) + 1 })

const act = {
  swap: async (bundle, one, mode) => {
    const place = answer.bundles.indexOf(bundle), note = noteOf(bundle)
    note.textContent = t("looking")
    try {
      const gone = [...(swappedOut.get(bundle.bundle_id) || []), ...wish.not]
      const other = await swap(bundle.bundle_id, one.slot, mode, gone)
      const instead = other.items.find(({ slot }) => slot === one.slot)
      if (answer.bundles[place] !== bundle) return
      swappedOut.set(other.bundle_id, [...gone, one.product_id])
      titles.set(instead.product_id, instead.title)
      answer = { ...answer, bundles: answer.bundles.with(place, { ...other, title: other.title, open_slots: other.open_slots || [] }) }
      answers.set(answer.request_id, answer)
      const budget = answer.understood.budget
      const next = card(answer.bundles[place], place, { requestId: answer.request_id, budget, wish, act })
      main.sets.children[place].replaceWith(next)
      const said = t("nowInstead", instead.title)
      find(".set-note", next).textContent = said
      find(`[data-key="${CSS.escape(`swap:${one.slot}`)}"]`, next)?.focus({ preventScroll: true })
    } catch (error) {
      note.textContent = error.kind === "conflict" ? t("nothingElse") : error.kind === "gone" ? t("expired") : t(error.kind === "offline" ? "offline" : "busy")
    }
  },
  keep: (one, yes) => change({ lock: yes ? [...wish.lock, one.product_id].slice(-10) : wish.lock.filter((id) => id !== one.product_id) }),
  drop: (one) => change({ not: [...wish.not, one.product_id].slice(-200) }),
  add: (bundle, some) => {
    addToCart(bundle, answer.request_id, some)
    announce(t("added", list(some.map(({ title }) => title))))
  },
  addAll: (bundle) => {
    for (const one of bundle.items) track("add_to_cart", idsOf(bundle, one))
    addToCart(bundle, answer.request_id, bundle.items)
    openPanel("cart")
  },
  see: (bundle, one) => {
    track("view_item", idsOf(bundle, one))
    openPanel("product", one.product_id)
  },
  share: async (bundle, button) => {
    const link = location.origin + "/" + wishes.linkTo(wish, bundle)
    try {
      await navigator.clipboard.writeText(link)
      button.lastChild.textContent = t("copied")
      button.setAttribute("aria-label", t("copied"))
      announce(t("copied"))
    } catch { prompt(t("share"), link) }
  },
}

const fact = (name, value) => value ? [el("dt", {}, t(name)), el("dd", {}, value)] : []

/** One product with what the catalogue says of it. */
const drawProduct = async (show_, id) => {
  const bundle = answer?.bundles.find((one) => one.items.some(({ product_id }) => product_id === id))
  const one = bundle?.items.find(({ product_id }) => product_id === id)
  show_(one?.title || t("looking"), picture(one?.image_link, true))
  try {
    const found = await product(id), link = found.link ? safeLink(found.link) : null
    const leads = link && !link.hostname.endsWith(".example") // where nobody can live: the sample shop's own
    if (!location.hash.startsWith("#product=")) return
    const asItem = one || { product_id: id, title: found.title, image_link: found.image_link, price_cents: found.price_cents, quantity: 1, slot: "" }
    const inSet = bundle || { bundle_id: "", currency: found.currency }
    show_(found.title, picture(found.image_link, true),
      el("p", { class: "total" }, money(found.price_cents, found.currency)),
      el("p", { class: found.is_sellable ? "stock" : "warning" }, t(found.is_sellable ? "inStock" : "soldOut")),
      el("p", { class: "about" }, found.description.slice(0, 1_200)),
      el("dl", {}, ...fact("brand", found.brand), ...fact("color", found.color), ...fact("material", found.material), ...fact("size", found.size)),
      one?.reasons.length ? el("ul", { class: "reasons" }, ...one.reasons.map((said) => el("li", {}, icon(PATHS.check), reasonText(said, found.currency)))) : null,
      el("div", { class: "panel-foot" },
        el("button", { type: "button", class: "primary", disabled: !found.is_sellable, on: { click: () => {
          track("add_to_cart", bundle ? idsOf(bundle, one) : { product_id: id })
          addToCart(inSet, bundle ? answer.request_id : "", [{ ...asItem, quantity: 1 }])
          announce(t("added", found.title))
          closePanel()
        } } }, icon(PATHS.cart), t("toCart")),
        el("button", { type: "button", class: "quiet", on: { click: () => afterPanel(() => change({ ...wishes.empty(), cart: [id] })) } }, t("goesWith")),
        leads && el("a", { href: link.href, rel: "noopener noreferrer", target: "_blank" }, t("atShop"))))
  } catch (error) {
    show_(one?.title || t("none"), el("p", {}, t(error.kind === "gone" ? "gone" : error.kind === "offline" ? "offline" : "busy")))
  }
}

/** Closes the panel first: what follows has an address of its own. */
const afterPanel = (go) => {
  if (history.state?.isPanel) addEventListener("popstate", () => go(), { once: true })
  const isAlone = !history.state?.isPanel
  closePanel()
  if (isAlone) go()
}

// --- the start ---

const isSample = document.body.dataset.shop === "sample"

/** The sample shop's are written by hand, those of another are made of what it has most of. */
const showExamples = async () => {
  const usual = isSample ? null : await suggestions("", language).then((said) => said.suggestions.map(({ term }) => term), () => [])
  const texts = usual ? [usual.slice(0, 1), usual.slice(0, 2), usual.slice(2, 4), usual.slice(4, 7)].filter((some) => some.length).map(all) : examples()
  find("#examples").replaceChildren(...texts.map((text) => el("li", {}, el("button", { type: "button", class: "example", on: { click: () => begin(text) } }, icon(PATHS.search), el("span", {}, text)))))
}

const translate = () => {
  document.documentElement.lang = language
  for (const one of document.querySelectorAll("[data-text]")) one.textContent = t(one.dataset.text)
  for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", t(one.dataset.label, "").trim())
  find("#wish").placeholder = t(isSample ? "hint" : "wish")
  const chooser = find("#language")
  chooser.append(...Object.entries(LANGUAGES).map(([code, name]) => el("option", { value: code, lang: code }, name)))
  chooser.value = language
  chooser.addEventListener("change", () => { try { localStorage.shop_language = chooser.value } catch { /* this page only */ } location.reload() })
  const consent = find("#consent")
  consent.checked = consents()
  consent.addEventListener("change", () => setConsent(consent.checked))
}

translate()
showExamples()
onPanel("product", drawProduct)
startCart(() => afterPanel(() => change({ ...wishes.empty(), cart: cartIds().slice(0, 200) })))
onWish(begin)
addEventListener("popstate", show)
addEventListener("online", () => { if (isOffline) start() })
show()
