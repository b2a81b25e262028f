// How is a wish typed? A sentence that grows, with words of the catalogue offered on the way.
import { suggestions } from "./api.js"
import { announce, el, find } from "./dom.js"
import { capital, language, t } from "./texts.js"

const PAUSE_MS = 90
const field = find("#wish"), box = find("#suggestions")
let offered = [], active = -1, timer = 0, asking = null

/** Where style sheets cannot say it. */
export const grow = () => {
  if (CSS.supports("field-sizing", "content")) return
  field.style.blockSize = "auto"
  field.style.blockSize = `${field.scrollHeight}px`
}

export const setWish = (text) => {
  field.value = text
  hide()
  grow()
}

export const hide = () => {
  clearTimeout(timer)
  asking?.abort()
  offered = []
  active = -1
  box.hidden = true
  box.replaceChildren()
  field.removeAttribute("aria-activedescendant")
}

const take = (place) => {
  setWish(offered[place].text)
  field.focus()
}

const move = (to) => {
  active = (to + offered.length) % offered.length
  for (const [place, one] of [...box.children].entries()) one.setAttribute("aria-selected", String(place === active))
  field.setAttribute("aria-activedescendant", box.children[active].id)
}

/** German writes its nouns with a capital letter. */
const spelled = ({ text, term, kind }) => (language === "de" && kind === "thing" ? { text: text.slice(0, -term.length) + capital(term), term: capital(term), kind } : { text, term, kind })

const show = (found) => {
  hide()
  if (!found.length || document.activeElement !== field) return
  offered = found
  box.append(...found.map(({ term, kind }, place) => el("li", {
    role: "option", id: `suggestion-${place}`, "aria-selected": "false",
    on: { pointerdown: (event) => { event.preventDefault(); take(place) } },
  }, el("span", {}, term), el("small", {}, t(`kind ${kind}`)))))
  box.hidden = false
  announce(t("suggested", found.length))
}

const look = async () => {
  asking = new AbortController()
  const { signal } = asking, typed = field.value
  try {
    const found = await suggestions(typed, language, signal)
    if (!signal.aborted && typed === field.value) show(found.suggestions.map(spelled))
  } catch { /* typing goes on without help */ }
}

export const onWish = (ask) => {
  const submit = () => {
    hide()
    if (!field.value.trim()) { field.focus(); return }
    if (matchMedia("(pointer: coarse)").matches) field.blur() // the keyboard of a phone would lie over the sets
    ask(field.value.trim())
  }
  field.addEventListener("input", () => {
    grow()
    clearTimeout(timer)
    asking?.abort()
    if (field.value.trim().length < 2 || field.selectionStart !== field.value.length) hide()
    else timer = setTimeout(look, PAUSE_MS)
  })
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault()
      if (active >= 0) take(active)
      else submit()
    } else if (event.key === "Escape" && offered.length) { event.preventDefault(); hide() }
    else if (event.key === "ArrowDown" && offered.length) { event.preventDefault(); move(active + 1) }
    else if (event.key === "ArrowUp" && offered.length) { event.preventDefault(); move(active < 0 ? offered.length - 1 : active - 1) }
    else if (event.key === "Tab" && active >= 0) { event.preventDefault(); take(active) }
  })
  field.addEventListener("blur", hide)
  find("#wish-form").addEventListener("submit", (event) => { event.preventDefault(); submit() })
  addEventListener("resize", grow)
}
