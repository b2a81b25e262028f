// Before the first paint: an address with a wish shows no greeting that would have to make room again.
document.documentElement.className = location.search.length > 1 ? "asked" : "home"
