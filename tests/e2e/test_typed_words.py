"""A word that no product has names a kind where later purchases are found better by it, and not where they are not."""

from pathlib import Path

import pytest

from orchestration.assets.typed_words import try_words
from orchestration.candidate import FOLDERS
from orchestration.typed_words import Typed
from setwise.catalogue import Product, leaf_category
from setwise.release import Releases
from setwise.settings import Settings
from setwise.snapshot import Snapshot
from setwise.vocabulary import read_vocabulary

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")

WORD, KIND, OTHER = "zorble", "Bookcases", "Mugs"


def test_words_are_taken_where_later_purchases_are_found_by_them_and_refused_where_not(profile, tmp_path: Path) -> None:
    releases = Releases(Settings.from_env(profile).storage.releases, tmp_path)
    live = releases.current_id()
    assert live is not None
    folder = releases.fetch(live)[1]
    parts = {part: folder / part for part in FOLDERS}
    snapshot, mined = Snapshot(folder / "snapshot"), read_vocabulary(folder / "vocabulary")
    by_kind: dict[str, list[Product]] = {}
    for product in snapshot:
        by_kind.setdefault(leaf_category(product), []).append(product)

    def typed(kind: str, number: int) -> Typed:
        product = by_kind[kind][number % len(by_kind[kind])]
        return Typed(f"u-{number}", f"a {product.color} {WORD}", product.id, kind, (WORD,))

    usual = [Typed(f"v-{n}", "a gift", one.id, leaf_category(one), ("gift",)) for n, one in enumerate(snapshot)][:120]
    earlier = [*usual, *(typed(KIND, number) for number in range(40))]
    later = range(len(earlier) // 3)
    taken = try_words(parts, mined, [*earlier, *(typed(KIND, number) for number in later)])
    assert taken.words == {WORD: {KIND: len(later)}} and taken.shown is not None
    assert taken.shown.after > taken.shown.before + 0.2
    assert taken.said.startswith(f"{WORD}; NDCG@10 of {len(later)} later purchases after them +0.")
    refused = try_words(parts, mined, [*earlier, *(typed(OTHER, number) for number in later)])
    assert not refused.words and refused.said.startswith("none, as later purchases are not found better by them")
