// What does the shop tell of its visitor? All of it by way of setwise.js, and who it is to the API as well.
const CHOICE = "shop_consent"
const kept = (store, name) => { try { return window[store][name] || undefined } catch { return undefined } }

export const consents = () => kept("localStorage", CHOICE) !== "no"

const tell = (yes) => { if (window.setwise) window.setwise.consent = yes }

export const setConsent = (yes) => {
  try { localStorage[CHOICE] = yes ? "yes" : "no" } catch { /* a browser that keeps nothing: until the page is left */ }
  tell(yes)
}

export const track = (kind, said) => window.setwise?.track(kind, said)

/** For the API: the visitor's and the session's id that events have, or that nothing may be kept. */
export const who = () => consents()
  ? { visitor_id: kept("localStorage", "setwise_visitor"), session_id: kept("sessionStorage", "setwise_session") }
  : { consent: false }

tell(consents())
