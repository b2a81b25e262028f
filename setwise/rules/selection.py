"""Which rules is a product the matter of? By dictionaries, so that a thousand rules cost no more than one."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from setwise.catalogue import Product
from setwise.rules.document import Rule


@lru_cache(maxsize=20_000)
def folded(name: str) -> str:
    """How names are compared: without case and doubled spaces."""
    return " ".join(name.casefold().split())


@lru_cache(maxsize=20_000)
def _keys_of(paths: tuple[str, ...]) -> frozenset[str]:
    keys: set[str] = set()
    for path in paths:
        levels = [folded(level) for level in path.split(">")]
        keys.update(levels, (" > ".join(levels[:depth]) for depth in range(1, len(levels) + 1)))
    return frozenset(key for key in keys if key)


def category_keys(product: Product) -> frozenset[str]:
    """Each level of the product's category paths, and each path from its start, folded."""
    return _keys_of(product.product_types or (product.google_product_category,))


class Selection(msgspec.Struct, frozen=True):
    """Any-of within a field, all-of across; None = that field does not matter."""

    products: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    brands: frozenset[str] | None = None

    def holds(self, product: Product) -> bool:
        """True where the product is meant."""
        return (
            (self.products is None or product.id in self.products)
            and (self.brands is None or folded(product.brand) in self.brands)
            and (self.categories is None or not self.categories.isdisjoint(category_keys(product)))
        )


def selection_of(rule: Rule) -> Selection:
    """What the rule is about."""
    return Selection(
        None if rule.products is None else frozenset(rule.products),
        None if rule.categories is None else category_names(rule.categories),
        None if rule.brands is None else frozenset(map(folded, rule.brands)),
    )


def sides_of(rule: Rule) -> list[Selection]:
    """Every name of the rule as a selection of its own."""
    return [
        *(Selection(products=frozenset([name])) for name in rule.products or ()),
        *(Selection(categories=category_names([name])) for name in rule.categories or ()),
        *(Selection(brands=frozenset([folded(name)])) for name in rule.brands or ()),
    ]


def category_names(paths: Sequence[str]) -> frozenset[str]:
    """Categories as `category_keys` writes them."""
    return frozenset(" > ".join(folded(level) for level in path.split(">")) for path in paths)


class Matcher:
    """Finds the selections that hold for a product."""

    def __init__(self, selections: Sequence[Selection]) -> None:
        self._selections = selections
        self._by_product: dict[str, list[int]] = {}
        self._by_brand: dict[str, list[int]] = {}
        self._by_category: dict[str, list[int]] = {}
        self._of_all: list[int] = []
        self._to_check: set[int] = set()
        for number, selection in enumerate(selections):
            # One field is looked up, the one that means the fewest products; the others are checked then.
            given = [
                (names, index)
                for names, index in (
                    (selection.products, self._by_product),
                    (selection.brands, self._by_brand),
                    (selection.categories, self._by_category),
                )
                if names is not None
            ]
            for names, index in given[:1]:
                for name in names:
                    index.setdefault(name, []).append(number)
            if not given:
                self._of_all.append(number)
            elif len(given) > 1:
                self._to_check.add(number)

    def __bool__(self) -> bool:
        return bool(self._selections)

    def matching(self, product: Product) -> list[int]:
        """Positions of the selections that hold, each once, in no special order."""
        found = self._of_all
        if self._by_product and (own := self._by_product.get(product.id)):
            found = [*found, *own]
        if self._by_brand and (own := self._by_brand.get(folded(product.brand))):
            found = [*found, *own]
        if self._by_category:
            found = [*found, *{n for key in category_keys(product) for n in self._by_category.get(key, ())}]
        if self._to_check:
            return [n for n in found if n not in self._to_check or self._selections[n].holds(product)]
        return found
