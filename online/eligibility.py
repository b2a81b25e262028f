"""Which retrieved rows may be answered at all, and which rule took the others away."""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.live import LiveRelease
from online.messages import Filters
from setwise.audience import GENDERS
from setwise.catalogue import Product, product_text
from setwise.languages.contents import what_holds
from setwise.names import ProductId
from setwise.prompt import Exclusions
from setwise.rows import among
from setwise.snapshot import Snapshot
from setwise.terms import Codes, codes_of, denials_in
from setwise.vocabulary import words_of


class Rules(msgspec.Struct, frozen=True):
    """What holds for every item of one answer."""

    now: datetime
    currency: str
    excluded_rows: frozenset[int]
    excluded_names: list[Codes]
    """Each excluded name as the terms that a product's text must not have all of."""
    excluded_categories: frozenset[int]
    held: list[tuple[str, list[Codes]]]
    """An excluded name, and the terms of what holds it: beer holds alcohol, unless it says that it is free of it."""
    filters: Filters
    allow_preorder: bool = False
    gender: str = ""
    """male or female: what is known to be for the other one is not answered."""


def make_rules(
    live: LiveRelease, now: datetime, currency: str, gone: list[str], exclude: Exclusions, filters: Filters | None,
    allow_preorder: bool, gender: str = "", wished: Collection[str] = (),
) -> Rules:  # fmt: skip
    """`gone` are product ids that must not be answered, `exclude` what no product may be or have; `wished` = words of
    named products that are no longer what the words say alone ("oat milk")."""
    rows = frozenset(live.snapshot.rows_of(ProductId(i) for i in gone))
    categories: set[int] = set()
    names = [name for name in exclude.all_words() if name not in exclude.categories]
    for name in exclude.categories:
        found = _categories_named(live, name)
        categories |= found
        # "No rugs" leaves out rugs, not what is described as lying well on one.
        names += [] if found else [name]
    held = [(name, [other for other in what_holds(name) if other not in wished]) for name in names]
    codes = [codes_of(terms) for name in names if (terms := live.analyzer.terms(name))]
    of_holders = [(name, [codes_of(live.analyzer.terms(other)) for other in others]) for name, others in held if others]
    return Rules(
        now, currency, rows, codes, frozenset(categories), of_holders, filters or Filters(), allow_preorder, gender
    )


def _categories_named(live: LiveRelease, name: str) -> set[int]:
    """Codes of the leaf categories whose name ends in these terms."""
    terms = live.analyzer.terms(name)
    leaves = live.category_terms
    return {code for code, leaf in enumerate(leaves) if terms and leaf[-len(terms) :] == terms}


REASONS = ("", "currency", "stock", "filters", "excluded")
"""What may take a row away; '' where nothing does."""


def eligible(
    live: LiveRelease, rows: NDArray[np.int64], quantity: int, rules: Rules
) -> tuple[NDArray[np.int64], Counter[str]]:
    """The rows that may be answered, in the order given, and how many each kind of rule took away."""
    refused = refusals(live, rows, np.full(len(rows), quantity), rules)
    return rows[refused == 0], Counter(REASONS[code] for code in refused[refused > 0].tolist())


def refusals(
    live: LiveRelease, rows: NDArray[np.int64], quantities: NDArray[np.int64], rules: Rules
) -> NDArray[np.int8]:  # fmt: skip
    """What takes each row away first, as a place in REASONS; 0 where it may be answered. `quantities`: pieces that are
    wanted of each row."""
    snapshot, found = live.snapshot, np.zeros(len(rows), np.int8)
    at = np.arange(len(rows))

    def keep(mask: NDArray[np.bool_], reason: str) -> None:
        nonlocal at, rows
        if not mask.all():
            found[at[~mask]] = REASONS.index(reason)
            at, rows = at[mask], rows[mask]

    code = snapshot.meta.currencies.index(rules.currency) if rules.currency in snapshot.meta.currencies else -1
    keep(snapshot.currency[rows] == code, "currency")
    keep(snapshot.sellable(rows, rules.now, quantities[at], rules.allow_preorder), "stock")
    if rules.gender in GENDERS[1:]:
        keep(may_be_for(live, rows, rules.gender), "filters")
    if rules.excluded_rows:
        keep(~among(rows, np.fromiter(rules.excluded_rows, np.int64, len(rules.excluded_rows))), "excluded")
    if rules.excluded_categories:
        keep(~snapshot.among(snapshot.category[rows], rules.excluded_categories), "excluded")
    if rules.excluded_names:
        keep(~np.any(snapshot.texts.has_all(rows, rules.excluded_names), axis=1), "excluded")
    for name, holders in rules.held:
        keep(free_of(snapshot, rows, name, holders), "excluded")
    low, high = rules.filters.price_min_cents, rules.filters.price_max_cents
    if low is not None or high is not None:
        prices = snapshot.prices_now(rows, rules.now)
        keep((prices >= (low or 0)) & (prices <= (high if high is not None else prices)), "filters")
    for passes in _filters(rules.filters):
        keep(np.asarray([passes(snapshot[row]) for row in rows.tolist()], dtype=bool), "filters")
    return found


def free_of(snapshot: Snapshot, rows: NDArray[np.int64], name: str, holders: list[Codes]) -> NDArray[np.bool_]:
    """True for rows that are nothing that holds `name`, or that say themselves to be free of it."""
    mask: NDArray[np.bool_] = ~np.any(snapshot.texts.has_all(rows, holders), axis=1)
    for at in np.flatnonzero(~mask):
        product = snapshot[int(rows[at])]
        mask[at] = name in denials_in(f"{product_text(product)} {' '.join(product.product_types)}")
    return mask


def may_be_for(live: LiveRelease, rows: NDArray[np.int64], gender: str) -> NDArray[np.bool_]:
    """True for rows that are not known to be for the other gender; for all of them where none was said."""
    genders = live.snapshot.gender[rows]
    code = GENDERS.index(gender) if gender in GENDERS else 0
    mask: NDArray[np.bool_] = (genders == 0) | (genders == code) | (code == 0)
    return mask


def _filters(filters: Filters) -> list[Callable[[Product], bool]]:
    """The filters that need the product itself; none of them when nothing of the kind was asked."""
    found: list[Callable[[Product], bool]] = []
    for wished, value_of in (
        (filters.brand, lambda p: [p.brand]),
        (filters.gender, lambda p: [p.gender]),
        (filters.color, lambda p: [p.color, *words_of(p.color)]),
        (filters.material, lambda p: [p.material, *words_of(p.material)]),
        (filters.size, lambda p: [p.size]),
    ):
        if wished is not None:
            names = {name.lower() for name in wished}
            found.append(lambda p, n=names, v=value_of: not n.isdisjoint(x.lower() for x in v(p)))  # type: ignore[misc]
    if filters.product_type is not None:
        paths = [path.lower() for path in filters.product_type]
        found.append(lambda p: any(t.lower().startswith(path) for t in p.product_types for path in paths))
    return found
