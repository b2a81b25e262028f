"""A named product -> the leaf categories that hold it, best first."""

from collections.abc import Iterable

from setwise.languages import key_of, stem
from setwise.languages.tokens import words_in
from setwise.prompt.lexicon import Entry, Lexicon, Shares

MAX_CATEGORIES = 3
LEAST_SHARE = 0.15
"""A category with less of a name's uses is left out, unless the prompt speaks of it."""


def best_categories(
    lexicon: Lexicon, entry: Entry | None, name: str, code: str, near: frozenset[str], prompt: frozenset[str]
) -> list[str]:
    """At most three leaves, spelled as in the catalogue. `near`, `prompt`: stems of the clause, of all."""
    shares = dict(entry.shares) if entry is not None else {}
    if not shares and entry is not None and not entry.synonym:
        shares = _by_head(lexicon, name, code)
    elif entry is not None and entry.synonym and code != lexicon.home and not shares:
        shares = _by_head(lexicon, entry.synonym, lexicon.home)
    shares = _with_kin(lexicon, shares, name if code == lexicon.home or entry is None else entry.synonym)
    if not shares:
        return []
    words = frozenset(key for word in words_in(name) for key in (stem(word, lexicon.home),))
    scored = []
    for leaf, share in shares.items():
        of = lexicon.leaf_words.get(leaf, frozenset())
        others = [key for key in of if key not in words]
        around = lexicon.context_of.get(leaf, frozenset())
        score = (
            share
            + 0.6 * _said(others, near, lexicon)
            + 0.4 * _said(others, prompt, lexicon)
            + 0.4 * _said(around, prompt, lexicon)
        )
        score += 0.3 * sum(key in of for key in words)
        scored.append((-score, -lexicon.vocabulary.categories.get(leaf, 0), leaf))
    scored.sort()
    best = -scored[0][0]
    return [leaf for score, _, leaf in scored if -score >= LEAST_SHARE and -score >= best / 4][:MAX_CATEGORIES]


def main_leaf(entry: Entry) -> str:
    """The leaf that mostly holds what the entry names; '' where the catalogue has no such thing."""
    return max(entry.shares, key=lambda leaf: (entry.shares[leaf], leaf), default="")


def _ends_alike(left: str, right: str) -> bool:
    """'Esszimmerstuhl' and 'Stuhl': one compound ends in the other."""
    shorter, longer = sorted((left, right), key=len)
    return len(shorter) > 3 and longer.endswith(shorter)


def _said(keys: Iterable[str], stems: frozenset[str], lexicon: Lexicon) -> int:
    """How many of the keys are said; in German also as a part of a compound ('Schreibtischlampe')."""
    if lexicon.home == "de":
        return sum(key in stems or any(len(said) > 4 and key.startswith(said) for said in stems) for key in keys)
    return sum(key in stems for key in keys)


def _by_head(lexicon: Lexicon, name: str, code: str) -> Shares:
    """'Gaming chair' in a shop that knows only chairs."""
    if code != lexicon.home:
        return {}
    words = words_in(name)
    if len(words) < 2:
        return {}
    head = words[-1] if code in ("en", "de") else words[0]
    entry = lexicon.at_home.values.get(key_of(head, code))
    return dict(entry.shares) if entry is not None and entry.product else {}


def _with_kin(lexicon: Lexicon, shares: Shares, name: str) -> Shares:
    """Adds the leaves with the same head noun: 'lamp' may be a desk, floor or table lamp."""
    words, code = words_in(name), lexicon.home
    if not words:
        return shares
    head = stem(words[-1] if code in ("en", "de") else words[0], code)
    kin = list(lexicon.leaves_by_head.get(head, ()))
    if code == "de" and not kin and len(head) > 3:
        kin = [leaf for other, leaves in lexicon.leaves_by_head.items() if _ends_alike(other, head) for leaf in leaves]
    return {**dict.fromkeys(kin, 0.05 if shares else 0.3), **shares}
