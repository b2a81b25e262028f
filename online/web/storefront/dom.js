// How is an element made? Texts become text nodes and nothing is ever read as HTML.
const ATTRIBUTES = /^(?:aria-[a-z]+|data-[a-z-]+|alt|class|for|height|href|id|lang|max|maxlength|min|name|rel|role|rows|src|step|tabindex|target|title|type|value|width)$/
const SVG = "http://www.w3.org/2000/svg"

export const el = (name, properties = {}, ...children) => {
  const one = document.createElement(name)
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue
    if (key === "on") for (const [event, handler] of Object.entries(value)) one.addEventListener(event, handler)
    else if (typeof value === "boolean") one[key] = value
    else if (ATTRIBUTES.test(key)) one.setAttribute(key, value)
    else throw new TypeError(`no attribute of ours: ${key}`)
  }
  one.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false))
  return one
}

export const find = (selector, root = document) => root.querySelector(selector)

/** A drawing of one path, 24 by 24; it says nothing to a screen reader. */
export const icon = (path) => {
  const svg = document.createElementNS(SVG, "svg"), line = document.createElementNS(SVG, "path")
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon" })) svg.setAttribute(key, value)
  line.setAttribute("d", path)
  svg.append(line)
  return svg
}

export const PATHS = {
  cart: "M3 4h2l2.4 11h10.2L20 7H6M9 20h.01M17 20h.01",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  keep: "M7 11V8a5 5 0 0 1 10 0v3M5.5 11h13v9h-13z",
  minus: "M6 12h12",
  plus: "M12 6v12M6 12h12",
  retry: "M20 12a8 8 0 1 1-2.6-5.9M20 4v4h-4",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16.2 16.2L21 21",
  share: "M12 15V4M8 7.5L12 3.5l4 4M5 12v8h14v-8",
  swap: "M4 8h14l-3.5-3.5M20 16H6l3.5 3.5",
  box: "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
}

/** http and https only: what a feed says may be anything. */
export const safeLink = (link) => {
  try {
    const url = new URL(link, location.href)
    return /^https?:$/.test(url.protocol) ? url : null
  } catch {
    return null
  }
}

/** The sample shop's pictures name the address that they were made for: on this machine they are this service's own. */
const pictureAt = (link) => {
  const url = link ? safeLink(link) : null
  if (!url) return null
  return /^(?:127\.0\.0\.1|localhost)$/.test(url.hostname) ? url.pathname : url.href
}

/** A picture in a place that is kept for it, or a drawing where there is none. */
export const picture = (link, eager = false) => {
  const place = el("span", { class: "picture" }), at = pictureAt(link)
  const draw = () => place.replaceChildren(icon(PATHS.box))
  if (!at) draw()
  else {
    const image = el("img", { alt: "", width: "200", height: "200", on: { error: draw } })
    image.loading = eager ? "eager" : "lazy"
    image.decoding = "async"
    image.src = at
    place.append(image)
  }
  return place
}

/** Says it to who cannot see it. */
export const announce = (text) => {
  const region = find("#announcer")
  region.textContent = ""
  setTimeout(() => { region.textContent = text }, 30)
}
