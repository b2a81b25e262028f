// Which panel is open? The part of the address behind # says it, so that the back button closes it.
import { el, find, icon, PATHS } from "./dom.js"
import { t } from "./texts.js"

const dialog = find("#panel")
const makers = new Map()
let opener = null

export const onPanel = (name, make) => makers.set(name, make)

export const openPanel = (name, argument = "") => {
  opener = document.activeElement
  history.pushState({ ...history.state, isPanel: true }, "", `#${name}${argument && `=${encodeURIComponent(argument)}`}`)
  showPanel()
}

/** Another panel in the place of this one. */
export const replacePanel = (name) => {
  history.replaceState(history.state, "", `#${name}`)
  showPanel()
}

export const closePanel = () => {
  if (history.state?.isPanel) history.back()
  else {
    history.replaceState(history.state, "", location.pathname + location.search)
    showPanel()
  }
}

const head = (title) => el("div", { class: "panel-head" },
  el("h2", { id: "panel-title", tabindex: "-1" }, title),
  el("button", { type: "button", class: "round", "aria-label": t("close"), on: { click: closePanel } }, icon(PATHS.close)))

/** Opens, changes or closes what the address says. */
export const showPanel = () => {
  const [name, said = ""] = location.hash.slice(1).split("=")
  const make = makers.get(name)
  if (!make) {
    if (dialog.open) dialog.close()
    if (opener?.isConnected) opener.focus()
    opener = null
    return
  }
  let argument = ""
  try { argument = decodeURIComponent(said) } catch { /* a broken address names nothing */ }
  const show = (title, ...content) => {
    dialog.className = `panel ${name}`
    dialog.replaceChildren(head(title), ...content)
    if (!dialog.open) dialog.showModal()
  }
  make(show, argument)
  find("#panel-title")?.focus()
}

dialog.addEventListener("cancel", (event) => { event.preventDefault(); closePanel() })
dialog.addEventListener("click", (event) => { if (event.target === dialog) closePanel() })
