"""What words mean in English, German, French and Spanish: tables read once, for prompts and catalogues."""

import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from setwise.languages.patterns import expanded
from setwise.languages.stems import fold, stem
from setwise.languages.tokens import phrase, words_in

CODES = ("en", "de", "fr", "es")
FOLDER = Path(__file__).parent
V = TypeVar("V")


class Phrases(Generic[V]):
    """Phrases of one or more words, the longest of which is found first."""

    def __init__(self, entries: Iterable[tuple[str, V]] = ()) -> None:
        self.values: dict[str, V] = {}
        self._longest: dict[str, int] = {}
        for text, value in entries:
            self.add(text, value)

    def add(self, text: str, value: V) -> None:
        """Adds or replaces a phrase whose words are parted by spaces."""
        words = text.split(" ")
        self.values[text] = value
        self._longest[words[0]] = max(self._longest.get(words[0], 0), len(words))

    def at(self, words: list[str], start: int, stop: int | None = None) -> tuple[int, V] | None:
        """(number of words, value) of the longest phrase that begins at `start`, or None."""
        most = self._longest.get(words[start])
        if most is None:
            return None
        end = len(words) if stop is None else stop
        for n in range(min(most, end - start), 0, -1):
            key = words[start] if n == 1 else " ".join(words[start : start + n])
            if key in self.values:
                return n, self.values[key]
        return None


LEAST_TAIL = 5
"""Letters above which an occasion may end a German compound: 'Sommerwanderung', but no 'Fest' in 'Manifest'."""


class Language:
    """One language's grammar words; attributes are sets of words, or Phrases with what they stand for."""

    def __init__(self, code: str) -> None:
        table = tomllib.loads((FOLDER / f"{code}.toml").read_text(encoding="utf-8"))
        self.code = code
        self.detect = _set(table["detect"])
        numbers, money, out, many, words = (table[k] for k in ("numbers", "money", "exclusion", "quantity", "words"))
        self.units: dict[str, int] = numbers["units"]
        self.scales: dict[str, int] = numbers["scales"]
        self.number_joins = frozenset(numbers["joins"])
        self.one_before_scale = frozenset(numbers["one_before_scale"])
        self.begins_number = self.units.keys() | self.scales.keys() | self.one_before_scale
        """German ones of more than six letters besides, which are written in one word."""
        self.half = _phrases(numbers["half"])
        self.currencies = Phrases((phrase(k), v) for k, v in money["currencies"].items())
        self.minor: dict[str, str] = money["minor"]
        """Hundredths of a currency: 'cents' of any, '' in the table; 'pence' of one."""
        self.cents_joins = frozenset([*words["and_signs"].split(), *words["together"].split()])
        self.amounts = Phrases((phrase(k), v) for k, v in money["amounts"].items())
        self.before = Phrases((phrase(p), kind) for kind in ("max", "around", "min") for p in expanded(money[kind]))
        self.after = Phrases(
            (phrase(p), kind)
            for kind in ("each", "total", "after_max", "after_min", "after_around")
            for p in expanded(money[kind])
        )
        self.each = _phrases(money["each"])
        self.between = _phrases(money["between"])
        self.to = _phrases(money["to"])
        self.not_money = _set(money["not_money"])
        self.spent = frozenset(money["spent"].split())
        self.earned = frozenset(money["earned"].split())
        self.clause_joins = frozenset(money["clause_joins"].split())
        self.weights = frozenset(money["weights"].split())
        """Currencies that are weights as well: 'pounds', 'livres'."""
        self.measures = self.not_money | self.weights
        self.weighing = frozenset(money["weighing"].split())
        self.halves = _phrases(money["halves"])
        self.collective = Phrases((phrase(k), v) for k, v in money["collective"].items())
        """Numbers that are only about right: 'une centaine', 'a couple of hundred'."""
        self.begins_amount = frozenset(text.split(" ")[0] for p in (self.halves, self.collective) for text in p.values)
        self.begins_money = self.begins_amount | {text.split(" ")[0] for text in self.amounts.values}
        self.choosing_verbs = frozenset(out.get("choosing_verbs", "").split())
        """French verbs that, denied, say what must not come; any other ('ne craint pas') says nothing of it."""
        crossed = [*_pairs(out["negated"], out["negated_verbs"]), *_pairs(out["any"], out["but"])]
        self.no = _phrases(_typed([*out["start"], *crossed]))
        self.contents = frozenset(phrase(p) for p in out["contents"])
        """Negations that, right behind a product's name, speak of what must not be in it."""
        self.owned = _phrases(out["owned"])
        self.owned_after = _phrases(out["owned_after"])
        self.already = frozenset(out["already"].split())
        """Words that make a possession of any 'have'; without one, it has to be a clause of its own."""
        self.enough = frozenset(out["enough"].split())
        self.there = _phrases(out["there"])
        self.openers = frozenset(out["openers"].split())
        self.have = frozenset(out["have"].split())
        self.no_after = _phrases(_typed(out["after"]))
        self.free = frozenset(out["suffix"])
        self.list_or = _phrases(out["or"])
        self.no_articles = frozenset(out["article"])
        self.fine = _phrases(out["fine"])
        self.traps = _phrases(_typed(out["traps"]))
        self.either_way = _phrases(_typed(out["either_way"]))
        """What stands behind them is neither wished nor denied: 'doesn't have to be', 'pas forcément'."""
        self.says_nothing = frozenset(out["says_nothing"].split())
        """Words that, denied, name nothing that could be kept out: 'problems', 'expensive'."""
        self.pairs = _phrases(many["pair"])
        self.dozens = Phrases((phrase(k), v) for k, v in many["dozen"].items())
        self.people = _phrases(many["people"])
        self.for_people = _phrases(many["for_people"])
        self.we_are = _phrases(many["we_are"])
        """A number behind these counts people, whatever follows: 'we are two students'."""
        self.party = Phrases((phrase(k), v) for k, v in many["party"].items())
        """How many come, in one phrase: 'zu sechst'."""
        of_people = (*self.for_people.values, *self.we_are.values, *self.party.values)
        self.begins_people = frozenset(text.split(" ")[0] for text in of_people)
        self.sold_as_pair = _stems(many["sold_as_pair"], code)
        self.seated = _stems(many["seated"], code)
        self.containers = _set(many["container"])
        self.counted_in_a_name = _set(many["counted_in_a_name"])
        self.separators = _phrases(words["separators"])
        self.alternatives = _phrases(words["alternatives"])
        self.prepositions = _set(words["prepositions"])
        self.determiners = _set(words["determiners"])
        self.verbs = frozenset(words["verbs"].split())
        self.together = frozenset(words["together"].split())
        self.purpose = frozenset(words["purpose"].split())
        self.possessive = frozenset(words["possessive"].split())
        self.former = frozenset(words["former"].split())
        """'The old lamp', 'our last sofa': what is replaced is there, or was."""
        self.definite = frozenset(words["definite"].split())
        self.also = frozenset(words["also"].split())
        self.its = frozenset(words["its"].split())
        """Possessives of a product that was named before: 'a phone and its case'."""
        self.goes_with = _phrases(words["goes_with"])
        self.named_before = frozenset(words["named_before"].split())
        """Pronouns of a product that was named before: 'what goes with it?'."""
        self.relative = frozenset(words["relative"].split())
        self.and_signs = frozenset(words["and_signs"].split())
        self.fillers = _set(words["fillers"])
        self.requests = _phrases(words["requests"])
        self.grammar = self.fillers | self.prepositions | self.determiners | self.verbs
        self.articles = self.no_articles | self.determiners | self.possessive
        of_requests = frozenset(word for text in self.requests.values for word in text.split(" "))
        self.praise = self.fillers - of_requests - self.prepositions - self.verbs
        """Words that only describe: 'small', 'good', 'schön'."""
        self.occasions = _stems(words["occasions"], code)
        self.occasions_words = frozenset(w for w in _set(words["occasions"]) if len(w) > 4)
        longer = sorted(word for word in self.occasions_words if len(word) > LEAST_TAIL) if code == "de" else []
        self.occasion_tails = (*words["occasion_tails"], *longer)
        self.typo_words = frozenset(w for w in (*self.before.values, *self.prepositions) if " " not in w and len(w) > 3)
        """Words of grammar that may be misspelled: 'whit' is 'with' before it is 'white'."""
        self.occasion_heads = _stems(words["occasion_heads"], code)
        self.strong = _phrases(words.get("strong", []))
        self.activities = _set(words["activities"])
        self.doing = frozenset(words["doing"].split())
        """What is done with or beside a product: 'to read in'; of French and Spanish any infinitive."""
        self.vague = _stems(words["vague"], code)
        self.vary = _phrases(words["vary"])
        self.genders = Phrases(
            [(phrase(p), "unisex") for p in words["unisex"]]
            + [(phrase(p), "female") for k in ("girl", "female") for p in words[k]]
            + [(phrase(p), "male") for k in ("boy", "male") for p in words[k]]
        )
        self.ages = Phrases((phrase(p), k) for k in ("kids", "toddler", "infant", "newborn", "adult") for p in words[k])
        self.keep_plural = _set(words["keep_plural"])
        self.letter_sizes = _set(words["sizes"])
        self.size_words = Phrases((phrase(k), v) for k, v in words["size_words"].items())
        self.size_before = frozenset(words["size_before"])
        self.purpose_of = frozenset(words["purpose_of"].split())
        self.places = frozenset(words["places"].split())
        """Prepositions of place: what stands behind them is there already."""
        self.half_a = _phrases(words["half_a"])
        self.size_limits = _phrases(words["size_limits"])
        self.injection = list(words["injection"])
        self.common = _set(words["common"])
        amounts = self.amounts.values
        every = [
            self.detect,
            self.activities,
            self.fillers,
            self.common,
            self.prepositions,
            self.determiners,
            self.not_money,
            self.containers,
            self.spent,
            self.earned,
            self.weighing,
            self.choosing_verbs,
            self.doing,
        ]
        tables: list[Phrases[bool] | Phrases[str]] = [
            self.size_limits,
            self.before,
            self.after,
            self.no,
            self.traps,
            self.either_way,
            self.owned,
            self.owned_after,
            self.no_after,
            self.there,
            self.fine,
            self.goes_with,
            self.currencies,
            self.genders,
            self.ages,
            self.requests,
        ]
        self.known = frozenset().union(
            *every, *(text.split(" ") for text in amounts), self.units, self.scales, self.minor,
            *(text.split(" ") for table in tables for text in table.values),
            _set(words["occasions"]), _set(many["sold_as_pair"]), _set(many["seated"]),
        )  # fmt: skip
        """Words that are spelled correctly."""


def _set(text: str) -> frozenset[str]:
    return frozenset(word for part in text.split() for word in phrase(part).split(" ")) | frozenset(text.split())


def _stems(text: str, code: str) -> frozenset[str]:
    return frozenset(stem(word, code) for word in _set(text))


def _pairs(firsts: list[str], seconds: list[str]) -> list[str]:
    return [f"{first} {second}" for first in firsts for second in seconds]


def _typed(texts: list[str]) -> list[str]:
    """The phrases, and again as they are typed in a hurry: "doesn't" and 'doesnt'."""
    texts = expanded(texts)
    return [*texts, *(text.replace("n't", "nt") for text in texts if "n't" in text)]


def _phrases(texts: list[str]) -> Phrases[bool]:
    return Phrases((phrase(text), True) for text in expanded(texts))


@lru_cache(maxsize=len(CODES))
def language(code: str) -> Language:
    """The tables of 'en', 'de', 'fr' or 'es'."""
    return Language(code)


class Concept:
    """One thing with its names in each language; the first is the one that is answered with."""

    __slots__ = ("kind", "names")

    def __init__(self, kind: str, names: dict[str, list[str]]) -> None:
        self.kind, self.names = kind, names


@lru_cache(maxsize=1)
def concepts() -> list[Concept]:
    """The whole table: kinds are colors, materials, styles, products, things, brands and adjectives."""
    found: list[Concept] = []
    kind = ""
    for line in (FOLDER / "concepts.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind = line.strip("[] ")
        elif line.strip() and not line.startswith("#"):
            cells = [[name.strip() for name in cell.split(",")] for cell in line.split("|")]
            cells = cells * len(CODES) if len(cells) == 1 else cells
            found.append(Concept(kind, dict(zip(CODES, cells, strict=True))))
    return found


@lru_cache(maxsize=1)
def _concept_words() -> dict[str, frozenset[str]]:
    return {
        code: frozenset(
            form
            for concept in concepts()
            for name in concept.names[code]
            for word in words_in(name)
            for form in (word, stem(word, code))
        )
        for code in CODES
    }


_SPELLING: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "de": (frozenset("äöüß"), ("frei", "freie", "freies", "freier", "freien", "ung", "keit")),
    "fr": (frozenset("çœèêàù"), ("eaux", "euse")),
    "es": (frozenset("ñ¿¡óáú"), ("ción",)),
}
"""Letters and endings that only one of the languages has."""


DISTINCTIVE = 1.6
"""A grammar word of one language alone ('mindestens') says more than one that two share ('was')."""


@lru_cache(maxsize=4_096)
def _speakers(word: str) -> int:
    return sum(word in language(code).detect for code in CODES)


@lru_cache(maxsize=16_384)
def _said_for(word: str, is_home: bool) -> tuple[tuple[float, float], ...]:
    """What a word and its spelling say for each of CODES; `is_home`: the catalogue has it."""
    table, found = _concept_words(), []
    for code in CODES:
        known, names = language(code), table[code]
        if word in known.detect:
            says = DISTINCTIVE if _speakers(word) == 1 else 1.0
        elif word in names and not is_home and sum(word in of for of in table.values()) == 1:
            says = 1.0
        elif word in names or stem(word, code) in names:
            says = 0.6
        else:
            says = 0.4 if word in known.known else 0.0
        letters, endings = _SPELLING.get(code, (frozenset(), ()))
        found.append((says, 1.0 if letters.intersection(word) or word.endswith(endings) else 0.0))
    return tuple(found)


def guess_language(words: list[str], home: str, home_words: frozenset[str] | set[str] = frozenset()) -> str:
    """The language most words belong to; where nothing speaks for another, the catalogue's (`home`)."""
    at_home = [word in home_words for word in words]
    said = [_said_for(word, is_home) for word, is_home in zip(words, at_home, strict=True)]
    scores = {
        code: sum([one[at][0] for one in said]) + sum([one[at][1] for one in said]) for at, code in enumerate(CODES)
    }
    scores[home] += 0.3 + 0.4 * sum(at_home)
    scores["en"] += 0.1
    return max(CODES, key=lambda code: scores[code])


@lru_cache(maxsize=16_384)  # names of categories and kinds come again with every prompt
def key_of(text: str, code: str) -> str:
    """A phrase's stems, parted by spaces."""
    return " ".join(stem(word, code) for word in words_in(text))


__all__ = [
    "CODES",
    "Concept",
    "Language",
    "Phrases",
    "concepts",
    "fold",
    "guess_language",
    "key_of",
    "language",
    "stem",
]
