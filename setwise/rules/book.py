"""A set of rules made ready: which of them hold now, and what they mean for products, pairs and a bundle."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from setwise.catalogue import Product
from setwise.names import ProductId
from setwise.rules.document import DEFAULT_WEIGHT, PIN_WEIGHT, Rule, RuleSet, Template
from setwise.rules.selection import Matcher, category_names, selection_of, sides_of
from setwise.vocabulary import words_of

Terms = Callable[[str], Sequence[str]]
Side = tuple[int, int]
"""Number of a never_together rule, and of the name in it that a product answers to."""
_SIGNS = {"pin": 1.0, "boost": 1.0, "bury": -1.0}


class RuleBook:
    """Built once per version. `terms` makes comparable terms of prompts and of the rules' words (stems, say)."""

    def __init__(self, rules: RuleSet, terms: Terms = words_of) -> None:
        self.rules = rules
        self._terms = terms
        self._words = [_phrases(rule.when.prompt_words if rule.when else None, terms) for rule in rules.rules]
        self._categories = [
            category_names(rule.when.categories) if rule.when and rule.when.categories is not None else None
            for rule in rules.rules
        ]
        self._templates = [(template, _phrases(template.words, terms) or []) for template in rules.templates]
        self._active = lru_cache(maxsize=64)(self._of)

    @property
    def version(self) -> int:
        """The version of the rules."""
        return self.rules.version

    @property
    def asks_for_categories(self) -> bool:
        """True where some rule holds only for certain categories: others need not find out which are asked for."""
        return any(names is not None for names in self._categories)

    def holds_until(self, now: datetime) -> datetime | None:
        """The next moment at which a rule begins or ends to hold; None where time changes nothing any more."""
        moments = (
            moment for rule in self.rules.rules if rule.when for moment in (rule.when.starts_at, rule.when.ends_at)
        )
        return min((moment for moment in moments if moment is not None and moment > now), default=None)

    def active(self, now: datetime, prompt: str, categories: Iterable[str] = ()) -> "ActiveRules":
        """The rules that hold at `now` for this prompt, where these categories (`category_keys`) are asked for."""
        said = frozenset(self._terms(prompt)) if any(self._words) else frozenset()
        asked = frozenset(categories)
        return self._active(
            tuple(
                position
                for position, rule in enumerate(self.rules.rules)
                if rule.when is None or self._holds(position, rule, now, said, asked)
            )
        )

    def template_for(self, prompt: str) -> Template | None:
        """The template with the most of its words in the prompt: all, or more than half of them and at least two.

        Ties: the one of which the larger share was said, then the one that stands first."""
        said = frozenset(self._terms(prompt)) if self._templates else frozenset()
        best: tuple[tuple[int, float], Template] | None = None
        for template, phrases in self._templates:
            hits = sum(phrase <= said for phrase in phrases)
            is_meant = hits == len(phrases) or (hits >= 2 and 2 * hits > len(phrases))
            quality = (hits, hits / max(len(phrases), 1))
            if phrases and is_meant and (best is None or quality > best[0]):
                best = quality, template
        return best[1] if best else None

    def _holds(
        self, position: int, rule: Rule, now: datetime, said: frozenset[str], asked: frozenset[str]
    ) -> bool:  # fmt: skip
        when, phrases, categories = rule.when, self._words[position], self._categories[position]
        assert when is not None
        return (
            (when.starts_at is None or when.starts_at <= now)
            and (when.ends_at is None or now < when.ends_at)
            and (phrases is None or any(phrase <= said for phrase in phrases))
            and (categories is None or not categories.isdisjoint(asked))
        )

    def _of(self, positions: tuple[int, ...]) -> "ActiveRules":
        return ActiveRules([self.rules.rules[position] for position in positions])


def _phrases(words: Iterable[str] | None, terms: Terms) -> list[frozenset[str]] | None:
    if words is None:
        return None
    return [phrase for word in words if (phrase := frozenset(terms(word)))]


class ActiveRules:
    """What the rules of one answer mean. Without rules every method returns at once."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = rules
        self._hide, _ = _matcher(rules, "hide")
        self._margin, floors = _matcher(rules, "min_margin")
        self._floors = [float(rule.value or 0) for rule in floors]
        self._weight, self._weighted = _matcher(rules, *_SIGNS)
        self._companion, companions = _matcher(rules, "always_with")
        self._companions = [ProductId(str(rule.value)) for rule in companions]
        sides = [
            (number, side)
            for number, rule in enumerate(rule for rule in rules if rule.kind == "never_together")
            for side in sides_of(rule)
        ]
        self._side = Matcher([side for _, side in sides])
        self._rule_of_side = [number for number, _ in sides]
        caps = [int(rule.value or 0) for rule in rules if rule.kind == "max_per_brand"]
        self.max_per_brand: int | None = min(caps, default=None)
        """At most so many products of one brand in a bundle; the smallest of the caps that hold."""
        self.pinned: tuple[ProductId, ...] = tuple(
            dict.fromkeys(ProductId(i) for rule in rules if rule.kind == "pin" for i in rule.products or ())
        )
        """Products to lead wherever they fit a slot, also where retrieval did not find them."""

    @property
    def restricts_products(self) -> bool:
        """True where `may_be_answered` could refuse something."""
        return bool(self._hide or self._margin)

    @property
    def weighs_products(self) -> bool:
        """True where `score_adjustment` could add or take something."""
        return bool(self._weight)

    @property
    def restricts_pairs(self) -> bool:
        """True where never_together or always_with could forbid something."""
        return bool(self._side or self._companion)

    @property
    def has_companions(self) -> bool:
        """True where `companions` could name one."""
        return bool(self._companion)

    def may_be_answered(self, product: Product, price_cents: int) -> bool:
        """False where it is hidden, or where its known margin at this price is below a floor."""
        if self._hide.matching(product):
            return False
        if not self._margin or product.cost_cents is None:
            return True
        floor = max((self._floors[number] for number in self._margin.matching(product)), default=0.0)
        return price_cents - product.cost_cents >= floor * price_cents or floor == 0.0

    def score_adjustment(
        self, products: Sequence[Product], fits: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.float64], list[tuple[str, ...]]]:
        """What pin, boost and bury add to each product's score, shape (n,), and the ids of the rules that do.

        `fits` = which products suit the slot, shape (n,): a pin lifts no others. None = all of them."""
        added = np.zeros(len(products))
        ids: list[tuple[str, ...]] = [()] * len(products)
        if self._weight:
            for position, product in enumerate(products):
                numbers = self._weight.matching(product)
                if not numbers:
                    continue
                found = [self._weighted[number] for number in numbers]
                if fits is not None and not fits[position]:
                    found = [rule for rule in found if rule.kind != "pin"]
                added[position] = sum(_weight_of(rule) for rule in found)
                ids[position] = tuple(sorted(rule.id for rule in found))
        return added, ids

    def sides(self, products: Sequence[Product]) -> dict[int, list[Side]]:
        """Position -> what never_together says of the product: two sides of one rule are never in one bundle."""
        if not self._side:
            return {}
        found = ((position, self._side.matching(product)) for position, product in enumerate(products))
        return {position: [(self._rule_of_side[n], n) for n in numbers] for position, numbers in found if numbers}

    def companions(self, product: Product) -> frozenset[ProductId]:
        """The products that a bundle with this one must have too (always_with); itself left out."""
        found = self._companion.matching(product) if self._companion else ()
        return frozenset(self._companions[number] for number in found) - {product.id}


def _matcher(rules: Sequence[Rule], *kinds: str) -> tuple[Matcher, list[Rule]]:
    chosen = [rule for rule in rules if rule.kind in kinds]
    return Matcher([selection_of(rule) for rule in chosen]), chosen


def _weight_of(rule: Rule) -> float:
    if rule.kind == "pin":
        return PIN_WEIGHT
    return _SIGNS[rule.kind] * (DEFAULT_WEIGHT if rule.value is None else float(rule.value))
