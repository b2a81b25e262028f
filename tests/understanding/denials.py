"""Sentences about what must not come: how many are understood wholly, and which are not.

python -m tests.understanding.denials
"""

from pathlib import Path
from typing import NamedTuple

from setwise.prompt import Understanding, understand
from tests.understanding.score import KINDS, vocabulary_of

FILE = Path(__file__).with_name("denials.txt")
LETTERS = {"c": "categories", "w": "words", "m": "materials", "k": "colors", "b": "brands", "s": "styles"}


class Denial(NamedTuple):
    """A sentence in a shop, what is excluded, the leaf categories that are named, whether the rest is left open."""

    shop: str
    text: str
    excluded: set[tuple[str, str]]
    named: list[str]
    is_open: bool


def read_denials() -> list[Denial]:
    """All labelled sentences of denials.txt."""
    rows = []
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        shop, text, excluded, named = (part.strip() for part in line.split(" | "))
        pairs = [part.strip().partition(" ") for part in excluded.split(",") if part.strip() != "-"]
        leaves = [] if named in ("-", "+") else [leaf.strip() for leaf in named.split(",")]
        rows.append(Denial(shop, text, {(LETTERS[k], word) for k, _, word in pairs}, leaves, named == "+"))
    return rows


def excluded_by(understanding: Understanding) -> set[tuple[str, str]]:
    """(kind, name) of all that is excluded."""
    return {(kind, name) for kind in KINDS for name in getattr(understanding.exclude, kind)}


def named_by(understanding: Understanding) -> list[str]:
    """The leaf category of each named slot, in order; '' where the shop sells no such thing."""
    return [(slot.categories or [""])[0] for slot in understanding.named]


def main() -> None:
    """Lists what is not understood as labelled."""
    right, said, labelled, named = 0, 0, 0, 0
    rows = read_denials()
    for row in rows:
        got = understand(row.text, vocabulary_of(row.shop))
        excluded = excluded_by(got)
        right, said, labelled = right + len(excluded & row.excluded), said + len(excluded), labelled + len(row.excluded)
        is_named = named_by(got) == row.named and got.is_occasion == row.is_open
        named += is_named
        if excluded != row.excluded or not is_named:
            print(f"{row.shop} | {row.text}")
        if excluded != row.excluded:
            print(f"    too many {sorted(excluded - row.excluded)}, missing {sorted(row.excluded - excluded)}")
        if not is_named:
            print(f"    named {named_by(got)} {got.is_occasion}, label {row.named} {row.is_open}")
    print(f"{len(rows)} sentences: exclusions F1 {2 * right / (said + labelled):.3f}, the rest right in {named}")


if __name__ == "__main__":
    main()
