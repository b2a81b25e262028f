"""Text -> tokens: words, numbers and signs, the same for prompts, titles and word tables."""

import re
import unicodedata
from functools import lru_cache

import msgspec

_TOKEN = re.compile(
    r"(?P<number>\d{1,3}(?:[.,'’ ]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,2}(?!\d))?)"
    r"|(?P<word>(?:usd|eur|gbp|chf|cad|aud)(?=\d)|w/(?:out|o)?(?!\w)|(?:qu|[dljscnmt])['’](?=[^\W\d_]{2})|[^\W\d_](?:[^\W_]|['’](?=[^\W\d_]))*)"
    r"|(?P<sign>us\$|[^\w\s]|_)"
)


_ABBREVIATED = re.compile(r"\b(max|min|ca|approx|aprox|env|gr|incl|inkl)\.(?=\s*\d|\s)")


_BEYOND_A_SPACE = re.compile(r"[\d.]|['’`´] ")
"""Numbers, abbreviations and elisions are read with what follows them."""


class Token(msgspec.Struct):
    """A word, number or sign; `start` and `end` are its place; `glued`: no space stands before it."""

    text: str
    kind: str
    start: int
    end: int
    glued: bool = False


def normalised(text: str) -> str:
    """One form for every way to type the same: NFKC, lower case, single spaces, straight apostrophes."""
    if text.isascii():
        plain = text.lower().replace("`", "'")
    else:
        plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("`", "'").replace("´", "'")
        plain = unicodedata.normalize("NFC", plain)
    return " ".join(_ABBREVIATED.sub(r"\1", plain).split())


def tokens_of(text: str) -> list[Token]:
    """Tokens of a normalised text. Hyphens part words, so that 't-shirt' and 't shirt' are the same."""
    tokens: list[Token] = []
    end = -1
    for match in _TOKEN.finditer(text):
        start = match.start()
        tokens.append(Token(match[0], match.lastgroup or "sign", start, match.end(), start == end))
        end = match.end()
    return tokens


def phrase(text: str) -> str:
    """The tokens of a table's entry, parted by spaces; hyphens are left out, as in words_in."""
    # The tables' 100,000 phrases are made of few words: to take each apart by itself was a second of every start.
    if _BEYOND_A_SPACE.search(text):
        return _taken_apart(text)
    return " ".join(filter(None, map(_taken_apart, text.split(" "))))


@lru_cache(maxsize=16_384)
def _taken_apart(text: str) -> str:
    plain = normalised(text)
    if plain.endswith("'"):
        # "Rien d'" ends where another word begins: without one, its last token would be no elision.
        return " ".join(token.text for token in tokens_of(plain + "xx")[:-1] if token.text != "-")
    return " ".join(token.text for token in tokens_of(plain) if token.text != "-")


def words_in(text: str) -> list[str]:
    """The words and numbers of any text in lower case, hyphenated words in parts."""
    return [token.text for token in tokens_of(normalised(text)) if token.kind != "sign"]
