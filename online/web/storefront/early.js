// Before the first paint: an address with a wish shows no greeting, and its sentence at once, so that nothing has to make room again.
const said = new URLSearchParams(location.search)
document.documentElement.className = said.size ? "asked" : "home"
new MutationObserver((_, watch) => {
  const field = document.getElementById("wish")
  if (!field) return
  field.value = (said.get("q") || "").slice(0, field.maxLength)
  watch.disconnect()
}).observe(document, { childList: true, subtree: true })
