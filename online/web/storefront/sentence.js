// How does a sentence go on without one of its words? Null where the word is not in it as it was understood.
const NOT = /^(?:no|not|non|without|kein\w*|ohne|nicht|sans|pas|de|d'|sin|nada|nothing|nichts|in|aus|any)$/iu
const JOINED = /^(?:,|and|or|und|oder|et|ou|y|o|nor|noch|ni)$/iu
const ENDS = ["", "s", "es", "n", "en", "e", "er", "es", "em", "a", "as", "os"]

const pieces = (text) => text.match(/[\p{L}\p{N}'’-]+|,|\s+|[^\s,\p{L}\p{N}]/gu) || []
const isSpace = (piece) => /^\s+$/u.test(piece)
const isSame = (said, word) => ENDS.some((end) => said === word + end || said + end === word)

export const without = (sentence, word) => {
  const all = pieces(sentence), at = all.flatMap((piece, place) => (isSpace(piece) ? [] : [place]))
  const said = at.map((place) => all[place].toLowerCase()), wanted = pieces(word.toLowerCase()).filter((piece) => !isSpace(piece))
  const first = said.findIndex((_, start) => wanted.every((one, offset) => isSame(said[start + offset] ?? "", one)))
  if (first < 0) return null
  let from = first, to = first + wanted.length
  let denied = from
  while (denied > 0 && NOT.test(said[denied - 1])) denied -= 1
  const followed = JOINED.test(said[to] ?? "") && !NOT.test(said[to + 1] ?? "")
  if (denied < from && followed) to += 1 // "no leather or velvet": the "no" stays with velvet
  else if (denied < from) from = denied
  if (from > 0 && JOINED.test(said[from - 1]) && !(denied < first && followed)) from -= 1
  const kept = all.filter((_, place) => { const i = at.indexOf(place); return i < 0 || i < from || i >= to })
  return kept.join("").replace(/\s+/gu, " ").replace(/\s+,/gu, ",").replace(/^[\s,]+|[\s,]+$/gu, "")
}
