// Which words, numbers and currencies does the page speak? One row a text: en, de, fr, es.
const TEXTS = {
  title: ["Setwise shop", "Setwise Shop", "Boutique Setwise", "Tienda Setwise"],
  skip: ["Skip to your wish", "Zum Wunsch springen", "Aller au souhait", "Ir al deseo"],
  language: ["Language", "Sprache", "Langue", "Idioma"],
  hero: ["Say what you need. Get the whole set.", "Sagen Sie, was Sie brauchen. Bekommen Sie alles dazu.", "Dites ce qu’il vous faut. Recevez l’ensemble complet.", "Diga lo que necesita. Reciba el conjunto completo."],
  lead: ["One sentence becomes complete sets of products that go together and stay within your budget.", "Aus einem Satz werden komplette Sets, die zusammenpassen und in Ihrem Budget bleiben.", "Une phrase devient des ensembles complets, assortis, dans les limites de votre budget.", "Una frase se convierte en conjuntos completos que combinan y respetan su presupuesto."],
  wish: ["What are you looking for?", "Was suchen Sie?", "Que cherchez-vous ?", "¿Qué busca?"],
  hint: ["A living room under $1500, no leather …", "Ein Wohnzimmer unter 1500 $, kein Leder …", "Un salon à moins de 1500 $, sans cuir …", "Un salón por menos de 1500 $, sin cuero …"],
  find: ["Find sets", "Sets finden", "Trouver", "Buscar"],
  try: ["For example", "Zum Beispiel", "Par exemple", "Por ejemplo"],
  promise1: ["Never above your budget", "Nie über Ihrem Budget", "Jamais au-dessus du budget", "Nunca por encima del presupuesto"],
  promise2: ["Everything in stock now", "Alles jetzt auf Lager", "Tout est en stock", "Todo disponible ahora"],
  promise3: ["Swap, keep or drop anything", "Alles tauschen, behalten, weglassen", "Échangez, gardez, retirez", "Cambie, conserve o quite"],
  understood: ["What we understood", "Was wir verstanden haben", "Ce que nous avons compris", "Lo que hemos entendido"],
  results: ["Your sets", "Ihre Sets", "Vos ensembles", "Sus conjuntos"],
  withCart: ["Goes with your cart", "Passt zu Ihrem Warenkorb", "Va avec votre panier", "Combina con su cesta"],
  budget: ["Budget", "Budget", "Budget", "Presupuesto"],
  anyBudget: ["No limit", "Ohne Limit", "Sans limite", "Sin límite"],
  upTo: ["up to {0}", "bis {0}", "jusqu’à {0}", "hasta {0}"],
  each: ["up to {0} each", "bis {0} je Stück", "jusqu’à {0} chacun", "hasta {0} cada uno"],
  atLeast: ["from {0}", "ab {0}", "à partir de {0}", "desde {0}"],
  no: ["no {0}", "ohne {0}", "sans {0}", "sin {0}"],
  keeping: ["Keeping {0}", "Bleibt: {0}", "Gardé : {0}", "Se queda: {0}"],
  dropped: ["Without {0}", "Ohne {0}", "Sans {0}", "Sin {0}"],
  remove: ["Remove {0}", "{0} entfernen", "Retirer {0}", "Quitar {0}"],
  more: ["One more {0}", "Noch ein {0}", "Un {0} de plus", "Un {0} más"],
  fewer: ["One {0} fewer", "Ein {0} weniger", "Un {0} de moins", "Un {0} menos"],
  add: ["Add a product", "Produkt hinzufügen", "Ajouter un produit", "Añadir un producto"],
  addHint: ["such as rug", "etwa Teppich", "p. ex. tapis", "p. ej. alfombra"],
  relaxed: ["Nothing that fits is {0}", "Nichts Passendes ist {0}", "Rien d’adapté n’est {0}", "Nada adecuado es {0}"],
  ownWords: ["This is said in your own words: please change your sentence.", "Das steht anders in Ihrem Satz: bitte ändern Sie ihn selbst.", "C’est dit autrement dans votre phrase : modifiez-la, s’il vous plaît.", "Está dicho con otras palabras: cambie su frase, por favor."],
  "best match": ["Best match", "Beste Wahl", "Meilleur choix", "Mejor opción"],
  "best value": ["Best value", "Bester Preis", "Meilleur prix", "Mejor precio"],
  "step up": ["Step up", "Etwas Besseres", "Un cran au-dessus", "Un paso más"],
  alternative: ["Alternative", "Alternative", "Alternative", "Alternativa"],
  swapped: ["Your choice", "Ihre Auswahl", "Votre choix", "Su elección"],
  shared: ["Shared set", "Geteiltes Set", "Ensemble partagé", "Conjunto compartido"],
  left: ["{0} below your budget", "{0} unter Ihrem Budget", "{0} sous votre budget", "{0} por debajo"],
  exact: ["exactly your budget", "genau Ihr Budget", "exactement votre budget", "justo su presupuesto"],
  ofBudget: ["{0} of {1}", "{0} von {1}", "{0} sur {1}", "{0} de {1}"],
  together: ["Made to go together", "Passt zusammen", "Va bien ensemble", "Combinan entre sí"],
  open: ["Without: {0}", "Ohne: {0}", "Sans : {0}", "Sin: {0}"],
  addAll: ["Add all to cart", "Alles in den Korb", "Tout ajouter au panier", "Añadir todo a la cesta"],
  addOne: ["Add {0} to cart", "{0} in den Warenkorb", "Ajouter {0} au panier", "Añadir {0} a la cesta"],
  toCart: ["Add to cart", "In den Warenkorb", "Ajouter au panier", "Añadir a la cesta"],
  added: ["In your cart: {0}", "Im Warenkorb: {0}", "Dans le panier : {0}", "En la cesta: {0}"],
  share: ["Copy link", "Link kopieren", "Copier le lien", "Copiar enlace"],
  copied: ["Link copied", "Link kopiert", "Lien copié", "Enlace copiado"],
  swap: ["Swap", "Tauschen", "Échanger", "Cambiar"],
  swapOf: ["Swap {0}", "{0} tauschen", "Échanger {0}", "Cambiar {0}"],
  cheaper: ["Cheaper", "Günstiger", "Moins cher", "Más barato"],
  similar: ["Similar", "Ähnlich", "Similaire", "Similar"],
  different: ["Different", "Anders", "Différent", "Distinto"],
  keep: ["Keep", "Behalten", "Garder", "Conservar"],
  keepOf: ["Keep {0} in every set", "{0} in jedem Set behalten", "Garder {0} dans chaque ensemble", "Conservar {0} en cada conjunto"],
  drop: ["Remove", "Weg", "Retirer", "Quitar"],
  dropOf: ["Never show {0}", "{0} nicht mehr zeigen", "Ne plus montrer {0}", "No mostrar {0}"],
  nothingElse: ["Nothing else fits here within your wish and budget.", "Nichts anderes passt hier zu Wunsch und Budget.", "Rien d’autre ne convient ici.", "Nada más encaja aquí."],
  expired: ["This set is from earlier. Ask again for a fresh one.", "Dieses Set ist älter. Bitte neu suchen.", "Cet ensemble date un peu. Relancez la recherche.", "Este conjunto es antiguo. Busque de nuevo."],
  nowInstead: ["{0} instead", "Stattdessen {0}", "{0} à la place", "{0} en su lugar"],
  found: ["{0} sets, from {1}", "{0} Sets, ab {1}", "{0} ensembles, dès {1}", "{0} conjuntos, desde {1}"],
  foundOne: ["1 set, {0}", "1 Set, {0}", "1 ensemble, {0}", "1 conjunto, {0}"],
  looking: ["Putting sets together", "Sets werden zusammengestellt", "Composition des ensembles", "Componiendo conjuntos"],
  none: ["No complete set this time", "Diesmal kein komplettes Set", "Pas d’ensemble complet cette fois", "Esta vez no hay conjunto completo"],
  "none budget": ["{0} is not enough for everything you named.", "{0} reichen nicht für alles Genannte.", "{0} ne suffisent pas pour tout.", "{0} no alcanza para todo."],
  "none stock": ["What you named is sold out at the moment.", "Das Genannte ist gerade ausverkauft.", "C’est actuellement épuisé.", "Está agotado en este momento."],
  "none currency": ["This shop does not sell in that currency.", "Dieser Shop verkauft nicht in dieser Währung.", "Cette boutique ne vend pas dans cette devise.", "Esta tienda no vende en esa moneda."],
  "none excluded": ["You left out everything that would fit.", "Alles Passende wurde ausgeschlossen.", "Vous avez exclu tout ce qui conviendrait.", "Ha excluido todo lo que encajaría."],
  "none filters": ["Nothing has all that you ask for.", "Nichts hat alles Gewünschte.", "Rien ne réunit tout cela.", "Nada reúne todo lo que pide."],
  "none nothing_found": ["This shop has nothing like that.", "So etwas gibt es in diesem Shop nicht.", "Cette boutique n’a rien de tel.", "Esta tienda no tiene nada parecido."],
  fromPrice: ["Show sets from {0}", "Sets ab {0} zeigen", "Voir dès {0}", "Ver desde {0}"],
  leaveOut: ["Leave out {0}", "{0} weglassen", "Sans {0}", "Sin {0}"],
  bringBack: ["Bring back what I removed", "Entferntes zurückholen", "Remettre ce que j’ai retiré", "Recuperar lo que quité"],
  unkeep: ["Let go of what I kept", "Behaltenes loslassen", "Relâcher ce que j’ai gardé", "Soltar lo que conservé"],
  another: ["Try another wish", "Anderer Wunsch", "Un autre souhait", "Otro deseo"],
  busy: ["The shop is busy right now.", "Im Shop ist gerade viel los.", "La boutique est très fréquentée.", "La tienda está ocupada."],
  offline: ["You seem to be offline.", "Sie sind anscheinend offline.", "Vous semblez hors ligne.", "Parece que no hay conexión."],
  refused: ["This wish cannot be asked so.", "So lässt sich dieser Wunsch nicht stellen.", "Ce souhait ne peut pas être traité ainsi.", "Este deseo no se puede pedir así."],
  retry: ["Try again", "Noch einmal", "Réessayer", "Reintentar"],
  cart: ["Cart", "Warenkorb", "Panier", "Cesta"],
  cartOf: ["Cart, {0} items", "Warenkorb, {0} Artikel", "Panier, {0} articles", "Cesta, {0} artículos"],
  emptyCart: ["Nothing here yet. A whole set is one click away.", "Noch leer. Ein ganzes Set ist einen Klick entfernt.", "Encore vide. Un ensemble entier est à un clic.", "Aún vacía. Un conjunto entero está a un clic."],
  subtotal: ["Total", "Summe", "Total", "Total"],
  complete: ["Complete my cart", "Warenkorb ergänzen", "Compléter mon panier", "Completar mi cesta"],
  checkout: ["Check out", "Zur Kasse", "Commander", "Pagar"],
  pretend: ["This is a demo: nothing is charged, nothing is shipped.", "Eine Demo: nichts wird berechnet, nichts verschickt.", "Une démo : rien n’est facturé ni expédié.", "Es una demo: no se cobra ni se envía nada."],
  order: ["Place the pretend order", "Probehalber bestellen", "Passer la commande fictive", "Hacer el pedido ficticio"],
  thanks: ["Thank you!", "Vielen Dank!", "Merci !", "¡Gracias!"],
  receipt: ["Order {0}, {1}", "Bestellung {0}, {1}", "Commande {0}, {1}", "Pedido {0}, {1}"],
  goOn: ["Keep shopping", "Weiter einkaufen", "Continuer", "Seguir comprando"],
  back: ["Back", "Zurück", "Retour", "Volver"],
  close: ["Close", "Schließen", "Fermer", "Cerrar"],
  soldOut: ["Sold out", "Ausverkauft", "Épuisé", "Agotado"],
  newPrice: ["Price now {0}", "Preis jetzt {0}", "Prix actuel {0}", "Precio actual {0}"],
  inStock: ["In stock", "Auf Lager", "En stock", "Disponible"],
  brand: ["Brand", "Marke", "Marque", "Marca"],
  color: ["Colour", "Farbe", "Couleur", "Color"],
  material: ["Material", "Material", "Matière", "Material"],
  size: ["Size", "Größe", "Taille", "Talla"],
  details: ["See details of {0}", "{0} ansehen", "Voir {0}", "Ver {0}"],
  atShop: ["At the maker’s page", "Zur Seite des Herstellers", "Page du produit", "Página del producto"],
  gone: ["This product is no longer sold.", "Dieses Produkt gibt es nicht mehr.", "Ce produit n’est plus vendu.", "Este producto ya no se vende."],
  goesWith: ["What goes with it?", "Was passt dazu?", "Qu’est-ce qui va avec ?", "¿Qué combina con él?"],
  consent: ["Remember my visit for better suggestions", "Meinen Besuch für bessere Vorschläge merken", "Retenir ma visite pour mieux suggérer", "Recordar mi visita para sugerir mejor"],
  footer: ["A shop to try Setwise with. Prices exclude shipping.", "Ein Shop zum Ausprobieren von Setwise. Preise ohne Versand.", "Une boutique pour essayer Setwise. Prix hors livraison.", "Una tienda para probar Setwise. Precios sin envío."],
  api: ["API", "API", "API", "API"],
  "kind thing": ["product", "Produkt", "produit", "producto"],
  "kind color": ["colour", "Farbe", "couleur", "color"],
  "kind material": ["material", "Material", "matière", "material"],
  "kind style": ["style", "Stil", "style", "estilo"],
  "kind brand": ["brand", "Marke", "marque", "marca"],
  suggested: ["{0} suggestions", "{0} Vorschläge", "{0} suggestions", "{0} sugerencias"],
}

export const EXAMPLES = [
  ["a cosy mid-century living room under $1500, no leather", "ein gemütliches Wohnzimmer unter 1500 $, kein Leder", "un salon chaleureux à moins de 1500 $, sans cuir", "un salón acogedor por menos de 1500 $, sin cuero"],
  ["a walnut desk and two black office chairs, max 1.5k", "ein Schreibtisch aus Nussbaum und zwei schwarze Bürostühle, höchstens 1500 $", "un bureau en noyer et deux chaises de bureau noires, 1500 $ maximum", "un escritorio de nogal y dos sillas de oficina negras, máximo 1500 $"],
  ["a tent, two sleeping bags and a lantern under $700", "ein Zelt, zwei Schlafsäcke und eine Laterne unter 700 $", "une tente, deux sacs de couchage et une lanterne à moins de 700 $", "una tienda de campaña, dos sacos de dormir y un farol por menos de 700 $"],
  ["a calm scandinavian bedroom around $1200", "ein ruhiges skandinavisches Schlafzimmer um 1200 $", "une chambre scandinave apaisante autour de 1200 $", "un dormitorio escandinavo tranquilo por unos 1200 $"],
]

// What the service gives as a reason, and how it is said here; {0} is a product, a word or an amount.
const REASONS = [
  [/^(.+), as asked$/, ["{0}, as you asked", "{0}, wie gewünscht", "{0}, comme demandé", "{0}, como pidió"]],
  [/^in a set of the shop's with (.+)$/, ["Part of the shop’s set with {0}", "Im Set des Shops mit {0}", "Dans un ensemble avec {0}", "En un conjunto con {0}"]],
  [/^often bought with (.+)$/, ["Often bought with {0}", "Oft gekauft mit {0}", "Souvent acheté avec {0}", "A menudo comprado con {0}"]],
  [/^of a kind that is bought with (.+)$/, ["Often goes with {0}", "Passt oft zu {0}", "Accompagne souvent {0}", "Suele ir con {0}"]],
  [/^in the style of (.+)$/, ["In the style of {0}", "Im Stil von {0}", "Dans le style de {0}", "Al estilo de {0}"]],
  [/^completes what you have$/, ["Completes what you have", "Ergänzt, was Sie haben", "Complète ce que vous avez", "Completa lo que tiene"]],
  [/^like what you looked at lately$/, ["Like what you looked at", "Wie zuletzt angesehen", "Comme ce que vous avez vu", "Como lo que ha visto"]],
  [/^you bought it before$/, ["You bought it before", "Schon einmal gekauft", "Déjà acheté", "Ya lo compró"]],
  [/^like what you bought before$/, ["Like what you bought before", "Wie früher Gekauftes", "Comme vos achats", "Como sus compras"]],
  [/^recommended by the shop$/, ["The shop recommends it", "Vom Shop empfohlen", "Conseillé par la boutique", "Recomendado por la tienda"]],
  [/^its name says (.+)$/, ["A real {0}", "Wirklich: {0}", "Bien : {0}", "Es: {0}"]],
  [/^bought often$/, ["Bought often", "Oft gekauft", "Souvent acheté", "Muy comprado"]],
  [/^described in your words$/, ["Described in your words", "In Ihren Worten beschrieben", "Décrit avec vos mots", "Descrito con sus palabras"]],
  [/^close in meaning to what you wrote$/, ["Close to what you wrote", "Nah an Ihrem Wunsch", "Proche de votre souhait", "Cercano a su deseo"]],
  [/^the best of what was found$/, ["The best that was found", "Das Beste, was da ist", "Le meilleur trouvé", "Lo mejor encontrado"]],
  [/^you asked for this product$/, ["You keep this one", "Von Ihnen behalten", "Vous le gardez", "Usted lo conserva"]],
  [/^the shop adds it to another product of this bundle$/, ["The shop adds it", "Vom Shop dazugelegt", "Ajouté par la boutique", "La tienda lo añade"]],
  [/^(\d+\.?\d*) [A-Z]{3} cheaper than .+$/, ["{0} cheaper", "{0} günstiger", "{0} de moins", "{0} más barato"]],
  [/^like (.+), at a similar price$/, ["Like the one before, at a similar price", "Wie vorher, zu ähnlichem Preis", "Comme avant, à prix similaire", "Como antes, a precio similar"]],
  [/^unlike (.+)$/, ["Something different", "Etwas anderes", "Autre chose", "Algo distinto"]],
]

export const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français", es: "Español" }
const codes = Object.keys(LANGUAGES)
const stored = () => { try { return localStorage.shop_language } catch { return "" } }
const usual = (navigator.languages || ["en"]).map((tag) => tag.slice(0, 2)).find((code) => codes.includes(code))
export const language = codes.includes(stored()) ? stored() : usual || "en"
const place = codes.indexOf(language)

/** de-CH for a German page where the browser says so: its own number forms. */
const locale = (navigator.languages || []).find((tag) => tag.startsWith(language)) || language

export const fill = (text, ...values) => text.replace(/\{(\d)\}/g, (_, number) => values[number] ?? "")

export const t = (key, ...values) => fill(TEXTS[key][place], ...values)

export const has = (key) => Object.hasOwn(TEXTS, key)

export const examples = () => EXAMPLES.map((row) => row[place])

/** `own(word)` is the shopper's word for one of the catalogue's. */
export const reason = (said, currency, own) => {
  for (const [pattern, row] of REASONS) {
    const hit = said.match(pattern)
    if (hit) {
      const isAmount = /cheaper than/.test(said)
      const value = isAmount ? money(Math.round(Number(hit[1]) * 10 ** digitsOf(currency)), currency) : (hit[1] || "").split(", ").map(own).join(", ")
      return capital(fill(row[place], value))
    }
  }
  return capital(said)
}

export const capital = (text) => text.charAt(0).toLocaleUpperCase(locale) + text.slice(1)

const formats = new Map()
const formatOf = (currency, whole) => {
  const key = `${currency}${whole}`
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(locale, { style: "currency", currency, ...(whole && { maximumFractionDigits: 0 }) }))
  return formats.get(key)
}

export const digitsOf = (currency) => formatOf(currency, false).resolvedOptions().maximumFractionDigits

/** Minor units as this reader writes money; whole amounts without a fraction where `brief`. */
export const money = (cents, currency, brief = false) => {
  const amount = cents / 10 ** digitsOf(currency)
  return formatOf(currency, brief && Number.isInteger(amount)).format(amount)
}

export const list = (words) => new Intl.ListFormat(locale, { type: "unit" }).format(words)

export const all = (words) => new Intl.ListFormat(locale, { type: "conjunction" }).format(words)

export const day = (date) => new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(date)
