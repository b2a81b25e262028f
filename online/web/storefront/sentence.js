// How does a sentence go on without one of its words? Null where the word is not in it as it was understood.
const NOT = /^(?:no|not|non|without|kein\w*|ohne|nicht|sans|pas|sin|nada|nothing|nichts)$/iu
const WITH = /^(?:in|of|from|by|any|aus|von|mit|in|de|d'|du|en|con)$/iu
const JOINED = /^(?:,|and|or|und|oder|et|ou|y|o|nor|noch|ni)$/iu
const ENDS = ["", "s", "es", "n", "en", "e", "er", "em", "a", "as", "os"]

const pieces = (text) => text.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*|\s+|[^\s\p{L}\p{N}]/gu) || []
const isSpace = (piece) => /^\s+$/u.test(piece)
const isSame = (said = "", word) => ENDS.some((end) => said === word + end || said + end === word)
const wordsOf = (text) => pieces(text.toLowerCase()).filter((piece) => !isSpace(piece))

/** Where a word stands in the sentence as it was typed; as it is where it does not stand there. */
export const asTyped = (sentence, word) => {
  const all = pieces(sentence), places = [...all.keys()].filter((place) => !isSpace(all[place])), wanted = wordsOf(word)
  const from = places.findIndex((_, start) => wanted.every((one, offset) => all[places[start + offset]]?.toLowerCase() === one))
  return from < 0 || !wanted.length ? word : all.slice(places[from], places[from + wanted.length - 1] + 1).join("")
}

/** `others` are the words that were said with it: of "no leather or velvet" the "no" stays with velvet. */
export const without = (sentence, word, others = []) => {
  const all = pieces(sentence), places = [...all.keys()].filter((place) => !isSpace(all[place]))
  const said = places.map((place) => all[place].toLowerCase()), wanted = wordsOf(word)
  let from = said.findIndex((_, start) => wanted.every((one, offset) => isSame(said[start + offset], one)))
  if (from < 0) return null
  let to = from + wanted.length
  const goesOn = others.some((other) => wordsOf(other).every((one, offset) => isSame(said[to + 1 + offset], one)))
  if (JOINED.test(said[from - 1] ?? "")) from -= 1
  else if (JOINED.test(said[to] ?? "") && goesOn) to += 1
  else {
    while (WITH.test(said[from - 1] ?? "") || NOT.test(said[from - 1] ?? "")) from -= 1
    if (JOINED.test(said[from - 1] ?? "")) from -= 1
  }
  const gone = new Set(places.slice(from, to))
  return all.filter((_, place) => !gone.has(place)).join("").replace(/\s+/gu, " ").replace(/\s+,/gu, ",").replace(/^[\s,]+|[\s,]+$/gu, "")
}
