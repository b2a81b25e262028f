"""The sentence -> Understanding. No model, no I/O: a vocabulary, word tables and rules, about a millisecond."""

from setwise.prompt.attributes import AttributeReader
from setwise.prompt.budget import Budget, read_budget
from setwise.prompt.categories import main_leaf
from setwise.prompt.exclusions import ExclusionReader
from setwise.prompt.lexicon import lexicon_of
from setwise.prompt.reading import Reading
from setwise.prompt.said import said_of, usual_names
from setwise.prompt.sizes import SizeReader
from setwise.prompt.slots import SlotReader
from setwise.prompt.understanding import ATTRIBUTES, Exclusions, SlotWish, Understanding
from setwise.vocabulary import Vocabulary

MAX_CHARS = 2_000
"""More than any limit on prompts lets through; it bounds the time of a reading."""


def understand(prompt: str, vocabulary: Vocabulary) -> Understanding:
    """Reads the whole prompt; never fails, whatever was typed."""
    reading = Reading(prompt[:MAX_CHARS], lexicon_of(vocabulary))
    budget, conflicts, taken = read_budget(
        reading.tokens, reading.words, [reading.table], vocabulary.currency, vocabulary.sizes
    )
    for i, is_money in enumerate(taken):
        if is_money:
            reading.state[i] = "money"
    sizes = SizeReader(reading)
    said_sizes = sizes.read()
    reading.sizes = sizes.sizes
    reading.find_matches()
    excluded = ExclusionReader(reading).read()
    attributes = AttributeReader(reading)
    named, is_occasion = SlotReader(reading, attributes).read()
    wished = {kind: attributes.of(kind) for kind in ("colors", "materials", "styles", "brands")}
    for kind, names in wished.items():
        out = set(getattr(excluded, kind))
        conflicts += [f"{kind}: {name} is both wished and excluded; excluded holds" for name in names if name in out]
    out = {*excluded.categories, *excluded.words}
    conflicts += [f"{s.name} is both wished and excluded; excluded holds" for s in named if s.name in out]
    return Understanding(
        text=attributes.sentence(),
        budget=budget,
        named=named,
        is_occasion=is_occasion,
        **wished,
        sizes=said_sizes,
        exclude=excluded,
        owned=list(dict.fromkeys(leaf for entry in reading.owned if (leaf := main_leaf(entry)))),
        conflicts=conflicts,
        language=reading.code,
        gender=_first(reading, "genders"),
        age_group=_first(reading, "ages"),
        said=said_of(reading, [*(name for names in wished.values() for name in names), *excluded.all_words()]),
    )


def _first(reading: Reading, table: str) -> str:
    """The first word of the table that is no part of an exclusion."""
    phrases = getattr(reading.table, table)
    for i in range(len(reading.words)):
        if reading.state[i] != "out" and (hit := phrases.at(reading.words, i)):
            return str(hit[1])
    return ""


__all__ = ["ATTRIBUTES", "Budget", "Exclusions", "SlotWish", "Understanding", "lexicon_of", "understand", "usual_names"]
