"""One prompt as tokens with what they can mean; each reader marks what it took."""

import re
from itertools import accumulate

import msgspec

from setwise.languages import Language, Phrases, guess_language, language
from setwise.languages.stems import fold, singular, stem
from setwise.languages.tokens import Token, normalised, tokens_of
from setwise.prompt.lexicon import Entry, Lexicon
from setwise.vocabulary.mining import title_lead

MAX_CORRECTED = 8
LONGEST_DENIAL = 6
SHORTEST_TAIL = 3
SHORTEST_COMPOUND = 8
SHORT_PART = 4
_MARKUP = re.compile(r"<[^<>]{0,200}>")
_SENTENCE = re.compile(r"[.;!?\n](?=\s|$)|--+")
SEPARATORS = frozenset(
    [",", ";", ".", "!", "?", ":", "+", "&", "/", "(", ")", "[", "]", "–", "—", "|", "•", "*", '"', "=", "…", "¿", "¡"]
)
"""Signs that end what was said of one thing, as every other sign does that is not inside of words (emoji)."""
_INSIDE = frozenset(["-", "'", "%", "″", "°", "<", ">", "#", "@", "_", "~", "≤", "≥", "$", "€", "£", "×", "™", "®"])


class Match(msgspec.Struct):
    """Tokens `start` to `end` mean `entry`."""

    start: int
    end: int
    entry: Entry


class Reading:
    """The prompt while it is read. `state[i]` says by whom a token was taken: '' as long as nobody did."""

    def __init__(self, prompt: str, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.text = self._without_orders(_MARKUP.sub(" ; ", normalised(prompt)))
        self.tokens = _joined_hyphens(tokens_of(self.text))
        self.words = [token.text for token in self.tokens]
        spoken = [token.text for token in self.tokens if token.kind == "word"]
        self.code = guess_language(spoken, lexicon.home, lexicon.home_words)
        self.table: Language = language(self.code)
        self.state = [""] * len(self.tokens)
        self.phrases, self._speller = lexicon.of(self.code)
        self._take_titles()
        self._correct()
        self.stems = [stem(word, self.code) for word in self.words]
        self.home_stems = self.stems if self.code == lexicon.home else [stem(word, lexicon.home) for word in self.words]
        self.matches: list[Match] = []
        self.sizes: list[tuple[int, str]] = []
        self.denied_kinds: list[Match] = []
        """Products that must not be as they are described: 'no bed made of metal' is about a bed all the same."""
        self.is_left_open = False
        """True behind 'anything but ...': what comes is left to the shop."""
        self.owned: list[Entry] = []
        """Products that are there already, excluded or not: what is chosen has to go with them."""
        self.match_at: list[Match | None] = [None] * len(self.tokens)

    def _without_orders(self, text: str) -> str:
        """Leaves out sentences that try to give orders to a machine."""
        if not any(sign in text for sign in _ORDER_SIGNS):
            return text
        kept, start = [], 0
        for match in [*_SENTENCE.finditer(text), None]:
            end = match.end() if match else len(text)
            sentence = text[start:end]
            if not any(sign in sentence for sign in _ORDER_SIGNS):
                kept.append(sentence)
            start = end
        return " ".join(kept)

    def _take_titles(self) -> None:
        """A product that is named by the beginning of its title is one product, whatever its words mean elsewhere."""
        start = 0
        self.titles: list[tuple[int, int]] = []
        self._letters = [0, *accumulate(word.isalpha() for word in self.words)]
        while start < len(self.words):
            end = self._title_end(start)
            if self._is_title(self.words[start:end]):
                self.titles.append((start, end))
                self.state[start:end] = ["title"] * (end - start)
                start = end
            start += 1
            while start < len(self.words) and not self.is_separator(start - 1):
                start += 1

    def _is_title(self, words: list[str]) -> bool:
        lead = title_lead(words)
        if lead is None or lead not in self.lexicon.vocabulary.titles:
            return False
        # "Home office" stays an occasion even where a product is called so.
        return lead.count(" ") > 1 or not all(stem(word, self.code) in self.table.occasions for word in lead.split(" "))

    def _title_end(self, start: int) -> int:
        """The end of the list item that begins at `start`; 'salt and pepper mill' is no list of two."""
        end = start
        while end < len(self.words) and not self._ends_title(start, end):
            if self.is_separator(end) and not self._is_inside_title(start, end):
                break
            end += 1
        return end

    def _is_inside_title(self, start: int, i: int) -> bool:
        if self._is_title(self.words[i + 1 : i + 8]):
            return False
        if self.words[i] in ("plus", "n"):
            return True
        if i == start or i + 1 >= len(self.words):
            return False
        pair = f"{self.words[i - 1]} and {self.words[i + 1]}"
        is_joined = self.words[i] in ("and", "&", "+") and pair in self.lexicon.vocabulary.joined
        return is_joined and title_lead(self.words[start : i + 6]) in self.lexicon.vocabulary.titles

    def _ends_title(self, start: int, i: int) -> bool:
        """What a title's first words are followed by may be a wish: 'trail running shoes size 43 not black'."""
        if self._letters[i] - self._letters[start] < 3:
            return False
        table = self.table
        if table.no.at(self.words, i) is not None:
            return True
        bound = table.before.at(self.words, i)
        is_size = self.words[i] in table.size_before
        after = i + (bound[0] if bound else 1)
        is_led = bound is not None or is_size
        return (
            is_led
            and after < len(self.words)
            and (
                self.tokens[after].kind == "number"
                or self.words[after] in ("$", "€", "£")
                or (is_size and self.words[after] in table.letter_sizes)
            )
        )

    def is_separator(self, i: int) -> bool:
        """True for signs and words that part the things of a list."""
        word, token = self.words[i], self.tokens[i]
        if token.kind == "sign":
            return word not in _INSIDE or (word == "-" and not token.glued)
        return word in self.table.separators.values

    def _correct(self) -> None:
        corrected = 0
        for i, token in enumerate(self.tokens):
            if token.kind != "word" or corrected >= MAX_CORRECTED or len(token.text) < 3:
                continue
            word = token.text
            if word in self._speller.known or word in self.lexicon.home_words or self._is_known_form(word):
                continue
            if len(word) <= SHORT_PART and self._hangs_on(i):
                continue  # "High-tech" is no "high-teck".
            corrected += 1
            meant = self._speller.meant(word, is_denied=self._is_denied(i))
            if meant and not self._is_another_kind(word, meant):
                self.words[i] = meant

    def _is_another_kind(self, word: str, meant: str) -> bool:
        """A 'Laufjacke' is no 'Laufsocke': a German compound is what it ends in, misspelled or not."""
        tail = self.german_tail(word) if self.code == "de" and len(word) >= SHORTEST_COMPOUND else None
        return tail is not None and not stem(meant, "de").endswith(tail[0])

    def _hangs_on(self, i: int) -> bool:
        return i > 0 and not self.tokens[i].glued and self.tokens[i].start == self.tokens[i - 1].end

    def _is_denied(self, i: int) -> bool:
        """Behind a negation anything may be named ('no cartoons'), not only what the catalogue has ('carbon')."""
        for start in range(i - 1, max(-1, i - LONGEST_DENIAL), -1):
            if self.tokens[start].kind == "sign":
                return False
            if self.table.no.at(self.words, start) is not None:
                return True
        return False

    def _is_known_form(self, word: str) -> bool:
        key = stem(word, self.code)
        if (
            key in self.phrases.values
            or key in self.table.occasions
            or stem(word, self.lexicon.home) in self.lexicon.at_home.values
        ):
            return True
        if self.code != "de" and singular(word, self.code, self.table.keep_plural) in self._speller.known:
            return True
        if word.endswith(("'s", "s'")) or fold(word) in self._speller.known:
            return True
        return self.code == "de" and self.compound(word) is not None

    def compound(self, word: str) -> tuple[Entry, Entry, str] | None:
        """'Ledersofa' -> (leather, sofa, 'sofa'): of what it is made, what it is, and its name."""
        key = stem(word, "de")
        home = self.lexicon.home
        for cut in range(3, len(key) - 2):
            tail = self.lexicon.tails.get(key[cut:]) if home == "de" else self.phrases.values.get(key[cut:])
            if tail is None or not tail.product:
                continue
            before = key[:cut]
            for head in (
                before,
                before.removesuffix("n"),
                before.removesuffix("en"),
                before.removesuffix("s"),
                before.removesuffix("-"),
            ):
                entry = self.phrases.values.get(head)
                if entry is not None and entry.is_attribute():
                    return entry, tail, self.lexicon.german_name(key[cut:])
        return None

    def german_tail(self, word: str) -> tuple[str, Entry] | None:
        """'Esszimmerstuhl' -> ('stuhl', chair): the longest known product that the word ends in."""
        key = stem(word, "de")
        for cut in range(3, len(key) - 2):
            tail = (
                self.lexicon.tails.get(key[cut:]) if self.lexicon.home == "de" else self.phrases.values.get(key[cut:])
            )
            if tail is not None and tail.product:
                return key[cut:], tail
        return None

    def german_material(self, word: str) -> Entry | None:
        """'Glasplatte' is of glass: the longest material that a German word begins with, where letters follow."""
        if len(word) < 9 or self.german_tail(word) is not None:
            return None
        for cut in range(len(word) - 5, 3, -1):
            entry = self.phrases.values.get(stem(word[:cut], "de"))
            if entry is not None and entry.material and not entry.color and word[cut - 1] != "e":
                return entry
        return None

    def find_matches(self) -> None:
        """The longest phrase at each place, of the prompt's language or of the catalogue's."""
        i, n = 0, len(self.words)
        adjectives = self.lexicon.adjectives[self.code]
        adjective_keys = self.words if self.code == "en" else self.stems
        home = self.lexicon.at_home if self.code != self.lexicon.home else None
        while i < n:
            is_free = i > 0 and self.words[i] in self.table.free and self.tokens[i - 1].kind == "word"
            if self.tokens[i].kind != "word" or self.state[i] not in ("", "title") or is_free:
                i += 1  # In "soy-free dark chocolate" the name begins behind "free", whatever a title says.
                continue
            if counted := self.table.dozens.at(self.words, i) or self.table.pairs.at(self.words, i):
                i += counted[0]
                continue
            stop = i + 1
            while stop < n and stop < i + 6 and self.state[stop] == self.state[i] and not self._parts(stop):
                stop += 1
            hit = self.phrases.at(self.stems, i, stop)
            if home is not None:
                other = home.at(self.home_stems, i, stop)
                # A word of the prompt's own grammar ("für") is no word of the catalogue ("fur").
                if (
                    other is not None
                    and not (other[0] == 1 and self.words[i] in self.table.known)
                    and (hit is None or other[0] > hit[0])
                ):
                    hit = other
            adjective = adjectives.get(adjective_keys[i])
            if adjective is not None and (hit is None or (hit[0] == 1 and not (hit[1].is_attribute() or hit[1].thing))):
                hit = 1, adjective
            if hit is None:
                i += 1
                continue
            match = Match(i, i + hit[0], hit[1])
            self.matches.append(match)
            for k in range(match.start, match.end):
                self.match_at[k] = match
            i = match.end

    def _parts(self, i: int) -> bool:
        """A sign inside a phrase is only the '&' of a brand; 'and' is part of one where a table says so."""
        return self.tokens[i].kind == "sign" and self.words[i] not in ("&", "'", "+")

    def take(self, start: int, end: int, state: str) -> None:
        """Gives a state to the tokens that nobody took."""
        for i in range(start, end):
            if not self.state[i]:
                self.state[i] = state

    def ends_sentence(self, i: int) -> bool:
        return self.words[i] in (".", "!", "?", ";") or (
            self.tokens[i].kind == "sign" and self.words[i] not in _INSIDE and self.words[i] not in SEPARATORS
        )

    def original(self, start: int, end: int) -> str:
        """The words as typed (spelling corrected), joined as they were: 't-shirt' keeps its hyphen."""
        parts: list[str] = []
        for i in range(start, end):
            if parts and self.tokens[i].start > self.tokens[i - 1].end:
                parts.append(" ")
            elif parts and self.tokens[i].start == self.tokens[i - 1].end and self.tokens[i].glued is False:
                parts.append("-")
            parts.append(self.words[i])
        return "".join(parts)

    def one_of(self, word: str) -> str:
        """Singular in the prompt's language."""
        if self.code == "de":
            return self._german_singular(word)
        if name := self.lexicon.singulars[self.code].get(stem(word, self.code)):
            return name
        return singular(word, self.code, self.table.keep_plural)

    def _german_singular(self, word: str) -> str:
        if word in self.table.keep_plural:
            return word
        key = stem(word, "de")
        # "Küche" has the stem of "Kuchen", but one of them is no longer word.
        if (name := self.lexicon.singulars["de"].get(key)) and len(name) <= len(word):
            return name
        known = self.lexicon.surface.get(key) if self.lexicon.home == "de" else None
        if known is not None and len(known) < len(word):
            return known
        if (tail := self.german_tail(word)) and tail[0] != key:
            return word[: len(key) - len(tail[0])] + self.lexicon.german_name(tail[0])
        names = self.lexicon.singulars["de"]
        for cut in range(3, len(key) - SHORTEST_TAIL + 1):
            if name := names.get(key[cut:]):
                return word[:cut] + name
        return singular(word, "de", self.table.keep_plural)


_ORDER_SIGNS = tuple(sign for code in ("en", "de", "fr", "es") for sign in language(code).injection)


def _joined_hyphens(tokens: list[Token]) -> list[Token]:
    """Leaves out hyphens inside words; the token behind one is not `glued`, but begins where the hyphen ends."""
    kept: list[Token] = []
    for i, token in enumerate(tokens):
        is_inside = token.text == "-" and token.glued and 0 < i < len(tokens) - 1 and tokens[i + 1].glued
        if is_inside and tokens[i + 1].kind == "word" and tokens[i - 1].kind != "sign":
            continue
        if kept and token.kind == "word" and tokens[i - 1].text == "-" and tokens[i - 1] is not kept[-1]:
            kept.append(Token(token.text, token.kind, tokens[i - 1].start, token.end, False))
            continue
        kept.append(token)
    return kept


__all__ = ["Match", "Phrases", "Reading"]
