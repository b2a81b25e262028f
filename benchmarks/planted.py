"""python -m benchmarks.planted: how much of what was planted in the sample shop is found, against chance.

Asks the live release and the feature store of a build of the sample shop (SETWISE_DATA_DIR, else var)."""

import argparse
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from scipy.stats import spearmanr

from benchmarks.evaluate.asking import open_data
from benchmarks.evaluate.report import as_table, write_into
from benchmarks.evaluate.shops import ROOT
from online.gather import Dependencies
from online.hydration import FeatureRow
from online.live import LiveRelease
from online.messages import ProductsRequest
from online.pipeline import recommend_products
from orchestration.sample_shop.words import BRANDS, CATEGORIES, COLORS, STYLES
from setwise.catalogue import Product, leaf_category
from setwise.complementarity import Complementarity
from setwise.names import SHOPPER_PROFILES_VIEW, ProductId
from setwise.profiles import tier_third
from setwise.settings import Settings

LISTED = 20
"""Products of the list that a shopper sees who says nothing."""
PARTNERS = 5
MARK = "python -m benchmarks.planted"
HEAD = ("planted", "measured", "n", "found", "by chance")

Truth = Mapping[str, Any]


class Figure(msgspec.Struct, frozen=True):
    """One thing that was planted: what is measured of it on `count` shoppers or pairs, and what chance would give."""

    planted: str
    measured: str
    count: int
    found: float
    chance: float


def profiles_of(dependencies: Dependencies, truth: Truth, now: datetime) -> list[tuple[Truth, FeatureRow]]:
    """The planted shoppers who bought, with their rows of the feature store."""
    people = truth["shoppers"]
    rows = dependencies.features.read(SHOPPER_PROFILES_VIEW, [one["user_id"] for one in people], now)
    return [(one, row) for one, row in zip(people, rows, strict=True) if row is not None]


def tastes(known: Sequence[tuple[Truth, FeatureRow]]) -> Iterator[Figure]:
    """What profiles say of the categories, colours and price tiers that shoppers were given."""
    count = len(known)
    for planted, field, size, words in (
        ("categories", "top_categories", 3, CATEGORIES),
        ("colors", "top_colors", 2, COLORS),
    ):
        shares = [len(set(one[planted]) & set(row[field][:size])) / size for one, row in known]
        first = [bool(row[field]) and row[field][0] in one[planted] for one, row in known]
        said = planted.replace("colors", "colours")
        yield Figure(
            f"{size} {said}", f"share of them among the profile's first {size}", count, mean(shares), size / len(words)
        )
        yield Figure(f"{size} {said}", "the profile's first one is one of them", count, mean(first), size / len(words))
    tiers = np.asarray([one["tier"] for one, _ in known])
    priced = [
        (third, row["tier_weights"])
        for third, (_, row) in zip(tier_third(tiers), known, strict=True)
        if row["tier_weights"]
    ]
    hits = [int(np.argmax(weights)) == third for third, weights in priced]
    yield Figure("price tier", "its third is the profile's heaviest", len(hits), mean(hits), 1 / 3)
    means = [row["mean_price_tier"] for _, row in known]
    yield Figure(
        "price tier", "rank correlation with the profile's mean tier", count, float(spearmanr(tiers, means)[0]), 0.0
    )
    branded = [(one["tier"], BRANDS.index(row["top_brands"][0])) for one, row in known if row["top_brands"]]
    ranks = float(spearmanr(*zip(*branded, strict=True))[0])
    yield Figure("price tier", "rank correlation with the tier of the profile's first brand", len(branded), ranks, 0.0)


def answers(
    live: LiveRelease, dependencies: Dependencies, known: Sequence[tuple[Truth, FeatureRow]], now: datetime
) -> Iterator[Figure]:  # fmt: skip
    """What shoppers are shown who say nothing, against the whole catalogue."""
    shown = []
    for one, _ in known:
        asked = ProductsRequest(user_id=one["user_id"], k=LISTED)
        listed = recommend_products(asked, live, dependencies, now).products
        rows = live.snapshot.rows_of(ProductId(item.product_id) for item in listed)
        shown.append((one, [live.snapshot[row] for row in rows]))
    every = [taste_of(product) for product in live.snapshot]
    for place, (planted, words) in enumerate((("categories", CATEGORIES), ("colors", COLORS), ("style", STYLES))):
        wanted = [{one[planted]} if planted == "style" else set(one[planted]) for one, _ in shown]
        found = [
            mean([taste_of(p)[place] in like for p in products])
            for like, (_, products) in zip(wanted, shown, strict=True)
        ]
        share = {word: mean([taste[place] == word for taste in every]) for word in words}  # type: ignore[attr-defined]
        chance = mean([sum(share[word] for word in like) for like in wanted])
        said = planted.replace("colors", "colours")
        yield Figure(
            said, f"share of the first {LISTED} products for who says nothing", len(shown), mean(found), chance
        )


def pairs(together: Complementarity, truth: Truth) -> Iterator[Figure]:
    """Which kinds are found to go together, which products, and in which direction."""
    codes = {name: code for code, name in enumerate(together.meta.groups)}
    planted = {codes[left]: codes[right] for left, right in truth["pairs"].items() if left in codes and right in codes}
    for limit in (1, 3):
        hits = [right in dict(together.category_partners([left], limit)) for left, right in planted.items()]
        said = f"recall@{limit}: the right kind is among the left's first {limit}"
        yield Figure("pairs of kinds", said, len(hits), mean(hits), limit / (len(codes) - 1))
    strongest = {
        (min(code, other), max(code, other)): lift
        for code in codes.values()
        for other, lift in together.category_partners([code], len(codes))
    }
    best = sorted(strongest, key=lambda pair: -strongest[pair])[: len(planted)]
    both = {(min(pair), max(pair)) for pair in planted.items()}
    yield Figure(
        "pairs of kinds", f"precision@{len(best)}: of the shop's strongest pairs", len(best),
        mean([pair in both for pair in best]), len(both) / (len(codes) * (len(codes) - 1) / 2),
    )  # fmt: skip
    of_kind, shares, chances, forth = together.groups, [], [], []
    for left, right in planted.items():
        ours, theirs = np.flatnonzero(of_kind == left), np.flatnonzero(of_kind == right)
        found = [together.partners(ours[[at]], PARTNERS)[0] for at in range(len(ours))]
        shares += [mean(of_kind[rows] == right) for rows in found if len(rows)]
        chances += [len(theirs) / (len(of_kind) - 1) for rows in found if len(rows)]
        forth.append(together.strengths(ours, theirs).sum() > together.strengths(theirs, ours).sum())
    said = f"share of the right kind among a product's first {PARTNERS} partners"
    yield Figure("pairs of products", said, len(shares), mean(shares), mean(chances))
    yield Figure("order of a pair", "the left leads to the right more than back", len(forth), mean(forth), 0.5)


def measured(live: LiveRelease, dependencies: Dependencies, truth: Truth, now: datetime) -> list[Figure]:
    """All figures of one release."""
    known = profiles_of(dependencies, truth, now)
    return [*tastes(known), *answers(live, dependencies, known, now), *pairs(live.complementarity, truth)]


def taste_of(product: Product) -> tuple[str, str, str]:
    """Category, colour and style as the generator named them."""
    return leaf_category(product), product.color, product.custom_labels[0]


def mean(values: Sequence[float] | np.ndarray) -> float:
    """0 of nothing."""
    return float(np.mean(values)) if len(values) else 0.0


def main() -> None:
    """Prints the table, and puts it into a document between its marks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted", description=__doc__)
    parser.add_argument("--document", type=Path, default=ROOT / "docs/quality.md", help="(%(default)s)")
    chosen = parser.parse_args()
    settings = Settings.from_env(os.environ)
    truth = json.loads((Path(settings.storage.data_dir) / "sample/truth.json").read_text())
    opened = open_data(settings)
    figures = measured(*opened, truth, datetime.now(UTC))
    rows = [[f.planted, f.measured, str(f.count), f"{f.found:.3f}", f"{f.chance:.3f}"] for f in figures]
    sizes = f"{len(opened[0].snapshot):,} products and {len(truth['shoppers']):,} shoppers"
    text = f"{as_table(HEAD, rows)}\n\nThe sample shop of {sizes}, from its fixed seed."
    print(text)
    write_into(chosen.document, MARK, text)


if __name__ == "__main__":
    main()
