"""Products -> Vocabulary, in one pass and without any knowledge of what the shop sells."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from setwise.catalogue import Product, leaf_category
from setwise.languages import Language, concepts, guess_language, key_of, language, stem
from setwise.languages.tokens import Token, normalised, tokens_of
from setwise.vocabulary import Vocabulary, joined_pairs

MAX_NAMES = 20_000
MAX_TITLES = 100_000
MAX_NOUN_WORDS = 3
_RARE = 2_000
"""A word must end one title in this many to be a noun: once in a small shop, ten times among 20,000 products."""
_LEAF_PARTS = re.compile(r"\s*(?:[,/&]|\band\b|\bund\b|\bet\b|\by\b)\s*")
_OF = ("de", "d'", "du", "à", "en")
_ENDS_A_NAME = frozenset("- – — , ( ) [ ] / : | ; . ~ +".split())


def mine(products: Iterable[Product]) -> Vocabulary:
    """Reads the catalogue once; the rarest names are dropped beyond 20,000 of a kind."""
    return _Miner().mine(products)


def title_lead(words: Sequence[str]) -> str | None:
    """What a title is recognised by: its first three words of letters only, or both of two."""
    letters = [word for word in words if word.isalpha()][:3]
    return " ".join(letters) if len(letters) >= 2 else None


class _Miner:
    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.places: dict[str, str] = {}
        self.rows: list[tuple[list[Token], str]] = []

    def mine(self, products: Iterable[Product]) -> Vocabulary:
        counts, sample = self.counts, list[str]()
        for product in products:
            tokens = tokens_of(normalised(product.title))
            words = [token.text for token in tokens if token.kind == "word"]
            leaf = leaf_category(product)
            self.rows.append((tokens, leaf))
            if len(sample) < 20_000:
                sample += words
                sample += [
                    token.text for token in tokens_of(normalised(product.description[:200])) if token.kind == "word"
                ]
            counts["currency"][product.currency] += 1
            counts["categories"][leaf] += 1
            self.places.setdefault(leaf, _level_above(product))
            counts["levels"].update(normalised(level) for level in _levels(product)[:-1])
            brand = normalised(product.brand)
            counts["brands"][brand] += 1
            counts["foreign words"].update(word for word in set(words) if word not in brand)
            for kind, value in (("colors", product.color), ("materials", product.material)):
                counts[kind].update(part.strip() for part in re.split(r"[/,;|]", normalised(value)))
            counts["sizes"][normalised(product.size)] += 1
            counts["joined"].update(joined_pairs(product.title))
            counts["words"].update(set(words))
            # With the codes and hyphenated words of a title, and without them: both are typed.
            for typed in (words, normalised(product.title).split(" ")):
                if lead := title_lead(typed):
                    counts["titles"][lead] += 1
        self.code = guess_language(sample, "en")
        nouns, hints = self._nouns()
        currencies = counts["currency"]
        return Vocabulary(
            currency=min(currencies, key=lambda code: (-currencies[code], code)) if currencies else "",
            currencies=frozenset(currencies),
            language=self.code,
            brands=_names(counts["brands"]),
            colors=_names(counts["colors"]),
            materials=_names(counts["materials"]),
            sizes=_names(counts["sizes"]),
            categories={name: counts["categories"][name] for name in sorted(_names(counts["categories"]))},
            places={leaf: self.places[leaf] for leaf in sorted(_names(counts["categories"])) if self.places[leaf]},
            levels=_names(counts["levels"]),
            nouns=nouns,
            hints=hints,
            ordinary=self._ordinary(),
            joined=_names(counts["joined"]),
            titles=_names(counts["titles"], MAX_TITLES),
            words=_names(counts["words"]),
        )

    def _ordinary(self) -> frozenset[str]:
        words = self.counts["foreign words"]
        return frozenset(b for b in _names(self.counts["brands"]) if " " not in b and words[b] > 0)

    def _nouns(self) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
        """Nouns from leaf categories and from the heads of titles; hints from the words before them."""
        attributes = self._attributes()
        nouns: dict[str, Counter[str]] = defaultdict(Counter)
        hints: dict[str, Counter[str]] = defaultdict(Counter)
        for tokens, leaf in self.rows:
            leaf_stems = {stem(t.text, self.code) for t in tokens_of(normalised(leaf)) if t.kind == "word"}
            for number, run in enumerate(_runs(tokens, language(self.code).prepositions)):
                for noun, before in self._heads(run, leaf_stems, attributes, number > 0):
                    nouns[noun][leaf] += 1
                    for hint in before:
                        hints[hint][leaf] += 1
        for leaf, count in self.counts["categories"].items():
            for part in [leaf, *_LEAF_PARTS.split(leaf)]:
                words = [t.text for t in tokens_of(normalised(part)) if t.kind == "word"]
                if words and not self._is_no_noun(words):
                    nouns[" ".join(words)][leaf] += count + 1
        least = 1 + len(self.rows) // _RARE
        kept = {noun: of for noun, of in nouns.items() if of.total() >= least or any(of[leaf] > 1 for leaf in of)}
        rest = {hint: of for hint, of in hints.items() if hint not in kept and _belongs(of, least)}
        return _tables(kept), _tables(rest)

    def _attributes(self) -> frozenset[str]:
        """Stems of colours, materials and styles; none where no product has such a field: 'green tea' is a name."""
        has_fields = any(name for kind in ("colors", "materials") for name in self.counts[kind])
        if not has_fields:
            return frozenset()
        mined = [name for kind in ("colors", "materials") for name in self.counts[kind] if name]
        known = [n for c in concepts() if c.kind in ("colors", "materials", "styles") for n in c.names[self.code]]
        return frozenset(key_of(name, self.code) for name in [*mined, *known])

    def _units(self) -> frozenset[str]:
        return language(self.code).not_money - language(self.code).containers

    def _is_no_noun(self, words: list[str]) -> bool:
        """'Women', 'Casual' and 'Accessories' sort a shop and name no thing."""
        head = words[-1] if self.code in ("en", "de") else words[0]
        table = language(self.code)
        key = stem(head, self.code)
        if (
            key in table.occasion_heads
            or head in table.fillers
            or table.genders.at([head], 0)
            or table.ages.at([head], 0)
        ):
            return True
        phrase = key_of(" ".join(words), self.code)
        return any(
            phrase == key_of(n, self.code)
            for c in concepts()
            if c.kind in ("styles", "colors")
            for n in c.names[self.code]
        )

    def _heads(
        self, run: list[str], leaf_stems: set[str], attributes: frozenset[str], is_later: bool
    ) -> Iterable[tuple[str, list[str]]]:
        """The nouns of one run of a title, each with the hints around it."""
        stems = [stem(word, self.code) for word in run]
        related = [i for i, key in enumerate(stems) if key in leaf_stems or self._ends_in(key, leaf_stems)]
        first_is_head = self.code in ("fr", "es")
        places = {related[0] if first_is_head else related[-1]} if related else set()
        if not is_later:
            places.add(0 if first_is_head else len(run) - 1)
        for place in sorted(places):
            if stems[place] in attributes or len(run[place]) < 2 or run[place] in self._units():
                continue
            yield run[place], self._hints(run, stems, place, attributes)
            for n in range(2, MAX_NOUN_WORDS + 1):
                lo, hi = (place, place + n) if first_is_head else (place + 1 - n, place + 1)
                others = [*stems[lo:place], *stems[place + 1 : hi]]
                if lo < 0 or hi > len(run) or any(key in attributes for key in others):
                    break
                if any(_is_person(word, language(self.code)) for word in run[lo:hi]):
                    break
                if run[hi - 1] in _OF:
                    continue
                yield " ".join(run[lo:hi]), []

    def _ends_in(self, key: str, leaf_stems: set[str]) -> bool:
        return self.code == "de" and any(len(end) > 3 and key.endswith(end) for end in leaf_stems)

    def _hints(self, run: list[str], stems: list[str], place: int, attributes: frozenset[str]) -> list[str]:
        near = (
            range(max(0, place - 2), place) if self.code in ("en", "de") else range(place + 1, min(len(run), place + 3))
        )
        is_person = [_is_person(word, language(self.code)) for word in run]
        words = [run[i] for i in near if stems[i] not in attributes and len(run[i]) > 2 and not is_person[i]]
        return [*words, " ".join(words)] if len(words) > 1 else words


def _is_person(word: str, table: Language) -> bool:
    return table.genders.at([word], 0) is not None or table.ages.at([word], 0) is not None


def _levels(product: Product) -> list[str]:
    return [level.strip() for level in product.product_types[0].split(" > ")] if product.product_types else []


def _level_above(product: Product) -> str:
    levels = _levels(product)
    return levels[-2] if len(levels) > 1 else ""


def _runs(tokens: list[Token], prepositions: frozenset[str]) -> list[list[str]]:
    """The parts of a title that name something: cut at commas, brackets and prepositions, numbers left out."""
    runs: list[list[str]] = [[]]
    is_open = True
    for token in tokens:
        if token.text in _ENDS_A_NAME and not (token.text == "-" and token.glued):
            runs.append([])
            is_open = True
        elif token.kind == "word" and token.text in prepositions and runs[-1]:
            # "Aceite de oliva" is one name; what stands behind any other preposition says with what or for whom.
            is_open = token.text in _OF
            if is_open:
                runs[-1].append(token.text)
        elif token.kind == "word" and is_open:
            runs[-1].append(token.text)
    return [run for run in runs[:2] if run]


def _belongs(of: Counter[str], least: int) -> bool:
    """True if most products with this word are of one kind."""
    return of.total() >= least and max(of.values()) >= 0.6 * of.total()


def _tables(found: dict[str, Counter[str]]) -> dict[str, dict[str, int]]:
    ranked = sorted(found.items(), key=lambda entry: (-entry[1].total(), entry[0]))[:MAX_NAMES]
    return {name: {leaf: n for leaf, n in sorted(of.items(), key=_rank)[:5] if leaf} for name, of in sorted(ranked)}


def _names(counts: Counter[str], most: int = MAX_NAMES) -> frozenset[str]:
    return frozenset(name for name, _ in sorted(counts.items(), key=_rank)[:most] if name)


def _rank(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]
