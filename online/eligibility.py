"""Which retrieved rows may be answered at all, and which rule took the others away."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.live import LiveRelease
from online.messages import Filters
from setwise.catalogue import Product, product_text
from setwise.names import ProductId
from setwise.vocabulary import words_of


class Rules(msgspec.Struct, frozen=True):
    """What holds for every item of one answer."""

    now: datetime
    currency: str
    excluded_rows: frozenset[int]
    excluded_words: list[list[str]]
    """Each excluded name as the terms that a product's text must not hold all of."""
    filters: Filters
    allow_preorder: bool = False


def make_rules(
    live: LiveRelease, now: datetime, currency: str, gone: list[str], names: list[str], filters: Filters | None,
    allow_preorder: bool,
) -> Rules:  # fmt: skip
    """`gone` are product ids that must not be answered, `names` words that no product may have."""
    rows = frozenset(live.snapshot.rows_of(ProductId(i) for i in gone))
    words = [terms for name in names if (terms := live.analyzer.terms(name))]
    return Rules(now, currency, rows, words, filters or Filters(), allow_preorder)


def eligible(
    live: LiveRelease, rows: NDArray[np.int64], quantity: int, rules: Rules
) -> tuple[NDArray[np.int64], Counter[str]]:
    """The rows that may be answered, in the order given, and how many each kind of rule took away."""
    lost: Counter[str] = Counter()
    snapshot = live.snapshot

    def keep(rows: NDArray[np.int64], mask: NDArray[np.bool_], reason: str) -> NDArray[np.int64]:
        lost[reason] += int(len(rows) - mask.sum())
        return rows[mask]

    code = snapshot.meta.currencies.index(rules.currency) if rules.currency in snapshot.meta.currencies else -1
    rows = keep(rows, snapshot.currency[rows] == code, "currency")
    rows = keep(rows, snapshot.sellable(rows, rules.now, quantity, rules.allow_preorder), "stock")
    if rules.excluded_rows:
        rows = keep(rows, np.asarray([row not in rules.excluded_rows for row in rows.tolist()], dtype=bool), "excluded")
    low, high = rules.filters.price_min_cents, rules.filters.price_max_cents
    if low is not None or high is not None:
        prices = snapshot.prices_now(rows, rules.now)
        rows = keep(rows, (prices >= (low or 0)) & (prices <= (high if high is not None else prices)), "filters")
    for reason, passes in _product_rules(live, rules):
        mask = np.asarray([passes(snapshot[row]) for row in rows.tolist()], dtype=bool)
        rows = keep(rows, mask, reason)
    return rows, +lost


def _product_rules(live: LiveRelease, rules: Rules) -> list[tuple[str, Callable[[Product], bool]]]:
    """The rules that need the product itself; none of them when nothing of the kind was asked."""
    found: list[tuple[str, Callable[[Product], bool]]] = []
    if rules.excluded_words:

        def is_free_of(product: Product) -> bool:
            terms = set(live.analyzer.terms(f"{product_text(product)} {' '.join(product.product_types)}"))
            return not any(terms.issuperset(words) for words in rules.excluded_words)

        found.append(("excluded", is_free_of))
    filters = rules.filters
    for wished, value_of in (
        (filters.brand, lambda p: [p.brand]),
        (filters.gender, lambda p: [p.gender]),
        (filters.color, lambda p: [p.color, *words_of(p.color)]),
        (filters.material, lambda p: [p.material, *words_of(p.material)]),
        (filters.size, lambda p: [p.size]),
    ):
        if wished is not None:
            names = {name.lower() for name in wished}
            found.append(("filters", lambda p, n=names, v=value_of: not n.isdisjoint(x.lower() for x in v(p))))  # type: ignore[misc]
    if filters.product_type is not None:
        paths = [path.lower() for path in filters.product_type]
        found.append(("filters", lambda p: any(t.lower().startswith(path) for t in p.product_types for path in paths)))
    return found
