// The shop: a wish becomes a request, what comes of it is shown, and each change of the wish has an address of its own.
import { ask, product, reopen, suggestions, swap, Trouble } from "./api.js"
import { hideSlider, showSlider } from "./budget.js"
import { addToCart, cartIds, startCart } from "./cart.js"
import { chips, inTheirWords, thingInTheirWords } from "./chips.js"
import { announce, el, find, icon, PATHS } from "./dom.js"
import { consents, setConsent, track, who } from "./events.js"
import { kindOf, nothing, trouble } from "./nothing.js"
import { closePanel, openPanel, showPanel } from "./panels.js"
import { startProduct } from "./product.js"
import { anchor, card, skeleton } from "./sets.js"
import { all, examples, language, LANGUAGES, list, money, t } from "./texts.js"
import { grow, onWish, setWish } from "./wishbox.js"
import * as wishes from "./wish.js"

const SETS = 3
const answers = new Map(), titles = new Map()
let wish = wishes.empty(), answer = null, underway = null, isOffline = false, isRead = false

const main = { answer: find("#answer"), sets: find("#sets"), chips: find("#chips"), title: find("#answer-title"), count: find("#answer-count"), note: find("#note") }

// --- what is shown ---

const say = (text) => { main.note.textContent = text }

const showHome = () => {
  document.documentElement.className = "home"
  document.title = t("title")
  grow()
}

const showFrame = () => {
  document.documentElement.className = "asked"
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

const own = (word) => (answer ? inTheirWords(wish, answer.understood)(word) : word)
const thing = (name) => thingInTheirWords(wish, answer.understood)(name)

const showChips = (understood) => main.chips.replaceChildren(...chips(wish, understood, {
  change, titleOf,
  cannot: () => { say(t("ownWords")); find("#wish").focus() },
}))

const keyOf = (element) => element?.closest?.("[data-key]")?.dataset.key

const showAnswer = () => {
  const hadFocus = main.answer.contains(document.activeElement), key = keyOf(document.activeElement)
  const { understood, bundles, request_id: requestId } = answer
  main.sets.removeAttribute("aria-busy")
  for (const bundle of bundles) for (const one of bundle.items) titles.set(one.product_id, one.title)
  const kept = { requestId, budget: understood.budget, wish, own, thing, said: understood.said ?? {}, act }
  main.sets.replaceChildren(...(bundles.length ? bundles.map((bundle, place) => card(bundle, place, kept)) : [nothing(answer, wish, { change, thing, another: () => { find("#wish").focus(); find("#wish").select() } })]))
  const least = Math.min(...bundles.map((one) => one.total_cents))
  const said = !bundles.length ? t("none") : bundles.length === 1 ? t("foundOne", money(least, bundles[0].currency)) : t("found", bundles.length, money(least, bundles[0].currency))
  main.count.textContent = bundles.length ? said : ""
  showChips(understood)
  showSlider(answer, wish.q, (cents) => change({ max: cents }, { replace: true }))
  announce(said)
  if (hadFocus && document.activeElement === document.body) {
    const same = key && [...main.answer.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key)
    ;(same || main.title).focus({ preventScroll: true })
  }
  performance.mark("setwise-answer")
}

const showTrouble = (error) => {
  isOffline = kindOf(error) === "offline"
  main.chips.replaceChildren()
  hideSlider()
  main.sets.removeAttribute("aria-busy")
  main.count.textContent = ""
  main.sets.replaceChildren(trouble(error, () => start()))
  announce(t(kindOf(error)))
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
    hideSlider()
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
      const other = await swap(bundle.bundle_id, one.slot, mode)
      const instead = other.items.find(({ slot }) => slot === one.slot)
      if (answer.bundles[place] !== bundle) return
      titles.set(instead.product_id, instead.title)
      answer = { ...answer, bundles: answer.bundles.with(place, other) }
      answers.set(answer.request_id, answer)
      const next = card(other, place, { requestId: answer.request_id, budget: answer.understood.budget, wish, own, thing, said: answer.understood.said ?? {}, act })
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

const holding = (id) => answer?.bundles.find((one) => one.items.some(({ product_id }) => product_id === id))

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
  find("#examples").classList.remove("unread")
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
startProduct({
  own,
  itemOf: (id) => holding(id)?.items.find(({ product_id }) => product_id === id),
  buy: (found) => {
    const bundle = holding(found.product_id), item = bundle?.items.find(({ product_id }) => product_id === found.product_id)
    track("add_to_cart", bundle ? idsOf(bundle, item) : { product_id: found.product_id })
    addToCart(bundle || { bundle_id: "", currency: found.currency }, bundle ? answer.request_id : "", [{ ...found, slot: item?.slot || "", quantity: 1 }])
    announce(t("added", found.title))
    closePanel()
  },
  complete: (id) => afterPanel(() => change({ ...wishes.empty(), cart: [id] })),
})
startCart(() => afterPanel(() => change({ ...wishes.empty(), cart: cartIds().slice(0, 200) })))
onWish(begin)
addEventListener("popstate", show)
addEventListener("online", () => { if (isOffline) start() })
show()
