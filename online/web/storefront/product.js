// One product with what the catalogue says of it, in a panel.
import { product } from "./api.js"
import { el, icon, picture, PATHS, safeLink } from "./dom.js"
import { onPanel } from "./panels.js"
import { money, reason, t } from "./texts.js"

const LONGEST = 1_200

const fact = (name, value) => value ? [el("dt", {}, t(name)), el("dd", {}, value)] : []

/** Where nobody can live there is nothing to see: the sample shop's links. */
const leadsOn = (link) => {
  const url = link ? safeLink(link) : null
  return url && !url.hostname.endsWith(".example") ? url : null
}

const draw = (found, { item, buy, complete, own }) => {
  const link = leadsOn(found.link)
  return [
    picture(found.image_link, true),
    el("p", { class: "total" }, money(found.price_cents, found.currency)),
    el("p", { class: found.is_sellable ? "stock" : "warning" }, t(found.is_sellable ? "inStock" : "soldOut")),
    el("p", { class: "about" }, found.description.slice(0, LONGEST)),
    el("dl", {}, ...["brand", "color", "material", "size"].flatMap((name) => fact(name, found[name]))),
    item?.reasons.length > 0 && el("ul", { class: "reasons" }, ...item.reasons.map((said) => el("li", {}, icon(PATHS.check), reason(said, found.currency, own)))),
    el("div", { class: "panel-foot" },
      el("button", { type: "button", class: "primary", disabled: !found.is_sellable, on: { click: () => buy(found) } }, icon(PATHS.cart), t("toCart")),
      el("button", { type: "button", class: "quiet", on: { click: () => complete(found.product_id) } }, t("goesWith")),
      link && el("a", { href: link.href, rel: "noopener noreferrer", target: "_blank" }, t("atShop"))),
  ]
}

/** `own(word)` is the shopper's word for one of the catalogue's, `itemOf(id)` is the product as an answer has it, `buy(found)` puts it into the cart, `complete(id)` asks what goes with it. */
export const startProduct = ({ itemOf, ...more }) => onPanel("product", async (show, id) => {
  const item = itemOf(id), isHere = () => location.hash.startsWith("#product=")
  show(item?.title || t("looking"), picture(item?.image_link, true))
  try {
    const found = await product(id)
    if (isHere()) show(found.title, ...draw(found, { item, ...more }))
  } catch (error) {
    if (isHere()) show(item?.title || t("none"), el("p", {}, t(error.kind === "gone" ? "gone" : error.kind === "offline" ? "offline" : "busy")))
  }
})
