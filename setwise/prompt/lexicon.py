"""A vocabulary and the word tables, compiled once: what each phrase can mean."""

from collections import defaultdict

import msgspec

from setwise.languages import CODES, Concept, Phrases, concepts, key_of, language
from setwise.languages.stems import singular, stem
from setwise.languages.tokens import phrase, words_in
from setwise.prompt.spelling import Speller
from setwise.vocabulary import Vocabulary

Shares = dict[str, float]
_AND = ("and", "und", "et", "y")
SOLD_HERE = 10
"""How much likelier a catalogue's word is meant by a misspelled one than a word of the tables."""
EXACT = 1.5
"""The share of a leaf category that is called just so: more than any share of uses."""


class Entry(msgspec.Struct):
    """What a phrase can mean; None and '' where it is no such thing."""

    color: str = ""
    material: str = ""
    style: str = ""
    brand: str = ""
    thing: str = ""
    product: bool = False
    shares: Shares = {}
    """Leaf category -> how much of the catalogue's use of this name it has."""
    hint: bool = False
    synonym: str = ""
    """The product's name in the catalogue's language, where the phrase is of another."""
    typed: bool = False
    """True where shoppers alone say it: no product has the word."""
    describes: bool = False
    """True of an adjective, which names no thing: `thing` is what the catalogue's language says for it."""

    def is_attribute(self) -> bool:
        return bool(self.color or self.material or self.style)


class Lexicon:
    """Everything that one vocabulary knows, for prompts in any of the languages."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.home = vocabulary.language
        self.home_words = vocabulary.words
        self.leaves_by_head: dict[str, list[str]] = defaultdict(list)
        self.leaf_words: dict[str, frozenset[str]] = {}
        self.context_of = {
            leaf: frozenset(stem(word, self.home) for word in words_in(place))
            for leaf, place in vocabulary.places.items()
        }
        for name in vocabulary.categories:
            words = words_in(name)
            self.leaf_words[name] = frozenset(stem(word, self.home) for word in words)
            if words:
                head = words[-1] if self.home in ("en", "de") else words[0]
                self.leaves_by_head[stem(head, self.home)].append(name)
        self.levels = {key_of(name, self.home): name for name in vocabulary.levels}
        self.surface: dict[str, str] = {}
        self.singulars = {code: _singulars(code) for code in CODES}
        self._home_entries: dict[str, Entry] = {}
        self._mined()
        self.tails = self._tails()
        self._by_language: dict[str, tuple[Phrases[Entry], Speller]] = {}
        self.belongs_to = {leaf: other for leaf in vocabulary.categories if (other := self._belongs_to(leaf))}
        """Leaf category -> the one whose products it is for: 'Phone cases' -> 'Smartphones'."""
        self.adjectives = {code: self._adjectives(code) for code in CODES}
        """For each language of a prompt: by the word in English, by its stem elsewhere."""

    def of(self, code: str) -> tuple[Phrases[Entry], Speller]:
        """Phrases (by stems of language `code`) and the speller for prompts of that language."""
        if code not in self._by_language:
            self._by_language[code] = self._compiled(code)
        return self._by_language[code]

    @property
    def at_home(self) -> Phrases[Entry]:
        """Phrases by stems of the catalogue's language: its own words, whatever language the prompt is in."""
        return self.of(self.home)[0]

    def _mined(self) -> None:
        """The catalogue's own names."""
        v, home = self.vocabulary, self.home
        for table, is_hint in ((v.nouns, False), (v.hints, True)):
            for name, leaves in table.items():
                entry = self._entry(key_of(name, home))
                if is_hint and entry.product:
                    continue
                entry.product, entry.hint = entry.product or not is_hint, is_hint
                total = sum(leaves.values())
                key = key_of(name, home)
                shares = {
                    leaf: n / total for leaf, n in leaves.items() if not (is_hint and self._only_describes(key, leaf))
                }
                entry.shares = {
                    k: max(shares.get(k, 0.0), entry.shares.get(k, 0.0)) for k in {**shares, **entry.shares}
                }
                for word in words_in(name):
                    self._keep_surface(word)
        for word, leaves in v.typed.items():
            entry = self._entry(key_of(word, home))
            if not (entry.product or entry.hint) and leaves:
                total = sum(leaves.values())
                entry.product = entry.typed = True
                entry.shares = {leaf: n / total for leaf, n in leaves.items()}
                # What is searched for in its place is the kind's own name.
                entry.synonym = max(leaves, key=lambda leaf: (leaves[leaf], leaf)).lower()
        for leaf in v.categories:
            known = self._home_entries.get(key_of(leaf, home))
            if known is not None and known.product:
                known.shares = {**known.shares, leaf: EXACT}
        for name in v.colors:
            self._entry(key_of(name, home)).color = name
        for name in v.materials:
            self._entry(key_of(name, home)).material = name
        for name in v.brands:
            words = [stem(w, home) for w in phrase(name).split(" ") if w]
            self._entry(" ".join(words)).brand = name
            if "&" in words[1:-1]:
                for joined in _AND:  # Typed as it is said: "fox and quill"
                    self._entry(" ".join(joined if w == "&" else w for w in words)).brand = name

    def _only_describes(self, key: str, leaf: str) -> bool:
        """'Coffee' in a shop of coffee tables: the leaf's name has the word, but its head noun is another."""
        words = [stem(word, self.home) for word in words_in(leaf)]
        head = words[-1:] if self.home in ("en", "de") else words[:1]
        return key in words and head != [key]

    def _keep_surface(self, word: str) -> None:
        key = stem(word, self.home)
        if key not in self.surface or len(word) < len(self.surface[key]):
            self.surface[key] = word

    def _entry(self, key: str) -> Entry:
        return self._home_entries.setdefault(key, Entry(shares={}))

    def _tails(self) -> dict[str, Entry]:
        """Single product words that German compounds may end in."""
        tails = {key: e for key, e in self._home_entries.items() if e.product and " " not in key and len(key) > 2}
        for concept in concepts():
            if concept.kind == "products":
                for name in concept.names["de"]:
                    key = key_of(name, "de")
                    if " " not in key and len(key) > 2 and key not in tails:
                        tails[key] = Entry(product=True, shares=self.shares_of(concept))
        return tails

    def german_name(self, key: str) -> str:
        """The singular of a German product word by its stem."""
        return self.singulars["de"].get(key) or singular(self.surface.get(key, key), "de", language("de").keep_plural)

    def shares_of(self, concept: Concept) -> Shares:
        """Where the catalogue keeps what the concept is."""
        found: Shares = {}
        for name in concept.names[self.home]:
            entry = self._home_entries.get(key_of(name, self.home))
            if entry is not None and (entry.product or entry.hint):
                for leaf, share in entry.shares.items():
                    found[leaf] = max(found.get(leaf, 0.0), share)
        return found

    def _belongs_to(self, leaf: str) -> str:
        """By the words beside the head of the leaf's name, in German those before it; '' where they are no product."""
        words = words_in(leaf)
        if self.home in ("en", "de"):
            others = words[:-1]
        else:
            others = [word for word in words[1:] if word not in language(self.home).prepositions]
        key = " ".join(stem(word, self.home) for word in others)
        if self.home == "de" and len(words) == 1:
            whole = stem(words[0], "de")
            tail = next((whole[cut:] for cut in range(3, len(whole) - 2) if whole[cut:] in self.tails), whole)
            key = stem(whole.removesuffix(tail).removesuffix("s"), "de")
        if not key:
            return ""
        entry = self.at_home.values.get(key)
        if entry is None or not (EXACT in entry.shares.values() or (entry.product and entry.synonym)):
            return ""
        other = max(entry.shares, key=lambda name: (entry.shares[name], name), default="")
        return "" if other == leaf else other

    def _adjectives(self, code: str) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for concept in concepts():
            if concept.kind == "adjectives":
                entry = Entry(thing=concept.names[self.home][0], describes=True)
                # An English adjective has one form, and shares its stem with nouns: "short", "shorts".
                names = concept.names[code]
                found = {name if code == "en" else stem(name, code): entry for name in names} | found
        return found

    def _said_here(self, concept: Concept, names: frozenset[str]) -> str:
        """The concept in the catalogue's language and, where its fields have it, in its spelling."""
        mine = concept.names[self.home]
        stems = {key_of(name, self.home): name for name in names}
        for name in mine:
            if name in names:
                return name
            if (key := key_of(name, self.home)) in stems:
                return stems[key]
        return mine[0]

    def _compiled(self, code: str) -> tuple[Phrases[Entry], Speller]:
        v = self.vocabulary
        entries: dict[str, Entry] = {}
        if code == self.home:
            entries = {
                key: msgspec.structs.replace(entry, shares=dict(entry.shares))
                for key, entry in self._home_entries.items()
            }
        spellings: dict[str, int] = {}
        for concept in concepts():
            if concept.kind == "adjectives":
                continue
            here = ""
            if concept.kind in ("colors", "materials"):
                here = self._said_here(concept, v.colors if concept.kind == "colors" else v.materials)
            elif concept.kind in ("styles", "things"):
                here = concept.names[self.home][0]
            shares = self.shares_of(concept) if concept.kind == "products" else {}
            for name in _ways_to_say(concept, code):
                self._add(entries, concept, name, code, here, shares)
                for word in words_in(name):
                    spellings[word] = spellings.get(word, 0) + 1
        table = language(code)
        known = set(table.known) | set(spellings)
        if code == self.home:
            known |= {word for word in v.words if len(word) > 2} | set(v.typed)
            for name in (*v.nouns, *v.categories, *v.brands, *v.colors, *v.materials):
                for word in words_in(name):
                    spellings[word] = spellings.get(word, 0) + SOLD_HERE
        known |= set(spellings)
        for word in (*table.occasions_words, *table.typo_words):
            spellings.setdefault(word, 1)
        return Phrases(entries.items()), Speller(spellings, known)

    def _add(
        self, entries: dict[str, Entry], concept: Concept, name: str, code: str, here: str, shares: Shares
    ) -> None:
        key = " ".join(stem(w, code) for w in phrase(name).split(" "))
        entry = entries.setdefault(key, Entry(shares={}))
        match concept.kind:
            case "colors":
                if not entry.color or key_of(entry.color, self.home) == key_of(here, self.home):
                    entry.color = here
            case "materials":
                entry.material = entry.material or here
            case "styles":
                entry.style = entry.style or here
            case "things":
                entry.thing = entry.thing or here
            case "brands":
                entry.brand = entry.brand or name
            case _:
                was_mined = entry.product and entry.shares
                entry.product, entry.hint = True, False
                entry.synonym = entry.synonym or concept.names[self.home][0]
                if not was_mined:
                    entry.shares = {
                        k: max(shares.get(k, 0.0), entry.shares.get(k, 0.0)) for k in {**shares, **entry.shares}
                    }


def _ways_to_say(concept: Concept, code: str) -> list[str]:
    """'Zapatillas de correr' are said to be 'para correr' as well."""
    names, purpose = concept.names[code], {"es": " para ", "fr": " pour "}.get(code)
    if purpose is None or concept.kind != "products":
        return names
    return [*names, *(name.replace(" de ", purpose) for name in names if " de " in name)]


def _singulars(code: str) -> dict[str, str]:
    """Stem -> how the tables write the word, for names of one word."""
    # Things are last: "drawers" may be a dresser, but one of them is a drawer.
    names = [
        n
        for kind in ("products", "things")
        for c in reversed(concepts())
        if c.kind == kind
        for n in c.names[code][::-1]
    ]
    return {stem(name, code): name for name in names if " " not in name and "-" not in name}


_COMPILED: dict[int, Lexicon] = {}
_MOST_COMPILED = 16


def lexicon_of(vocabulary: Vocabulary) -> Lexicon:
    """The compiled vocabulary, kept for the last few; a release calls this once while it loads."""
    found = _COMPILED.get(id(vocabulary))
    if found is None or found.vocabulary is not vocabulary:
        found = Lexicon(vocabulary)
        for code in CODES:
            found.of(code)
        while len(_COMPILED) >= _MOST_COMPILED:
            _COMPILED.pop(next(iter(_COMPILED)), None)
        _COMPILED[id(vocabulary)] = found
    return found


__all__ = ["Entry", "Lexicon", "lexicon_of", "singular"]
