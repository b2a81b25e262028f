// What shoppers do on a page, as Setwise's events: docs/events.md
(() => {
  const { src, dataset: own } = document.currentScript
  const url = own.url || new URL("/v1/events", src), headers = { "Content-Type": "application/json" }
  if (own.key) headers.Authorization = "Bearer " + own.key
  const open = (name) => { try { return window[name] } catch { return {} } }
  const local = open("localStorage"), tab = open("sessionStorage")
  const id = () => crypto.getRandomValues(new Uint32Array(4)).join("-")
  const me = window.setwise = { user_id: own.user, consent: own.consent != "false", track }
  let queue = JSON.parse(tab.setwise_queue || "[]"), wait = 500, timer
  function track(kind, said) {
    const { user_id, consent } = me
    const who = consent ? { user_id, visitor_id: local.setwise_visitor ||= id(), session_id: tab.setwise_session ||= id() } : { consent }
    queue.push({ specversion: "1.0", id: id(), source: own.source || location.host, type: "setwise." + kind, time: new Date(), data: { ...who, ...said } })
    plan(200)
  }
  const plan = (ms) => {
    if (me.consent) tab.setwise_queue = JSON.stringify(queue)
    else delete local.setwise_visitor, delete tab.setwise_session, delete tab.setwise_queue
    if (queue[0]) timer ||= setTimeout(send, ms)
  }
  const post = (body) => fetch(url, { method: "POST", keepalive: true, headers, body })
  const send = async () => {
    const sent = queue.slice(0, 50), { status } = await post(JSON.stringify(sent)).catch(() => ({ status: 503 }))
    const again = status > 499 || status == 429
    wait = again ? Math.min(wait * 2, 6e4) : 500
    if (!again) queue = queue.slice(sent.length)
    timer = 0
    plan(wait)
  }
  addEventListener("pagehide", () => {
    const body = JSON.stringify(queue.slice(0, 50))
    if (queue[0]) own.key ? post(body) : navigator.sendBeacon(url, body)
  })
  const of = (one) => {
    const at = (name) => one.closest(`[data-${name}]`)?.dataset[name]
    return { request_id: at("request"), bundle_id: at("bundle"), product_id: at("product"), slot: at("slot"), position: +at("position") }
  }
  const due = new Map()
  const watch = new IntersectionObserver((seen) => seen.forEach(({ target, intersectionRatio: part, intersectionRect: box }) => {
    clearTimeout(due.get(target))
    const show = () => { watch.unobserve(target); track("impression", of(target)) }
    if (part >= .5 || box.height > innerHeight / 2) due.set(target, setTimeout(show, 1e3))
  }), { threshold: [.2, .5] })
  const look = () => document.querySelectorAll("[data-bundle],[data-product]:not([data-bundle] *)").forEach((one) => {
    if (!due.has(one)) due.set(one), watch.observe(one)
  })
  new MutationObserver(look).observe(document, { childList: true, subtree: true })
  look()
  addEventListener("click", ({ target }) => {
    const one = target.closest("[data-product]")
    if (one) track(target.closest("[data-event]")?.dataset.event || "click", of(one))
  })
  plan()
})()
