"""The rules as a shop writes them, the same shape in JSON, in YAML and in the store."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Names = Annotated[list[Name], Meta(max_length=1_000)]
Path = Annotated[str, Meta(min_length=1, max_length=750)]
"""A category: one level ("Sofas") or a path from broad to narrow ("Home > Living room")."""
Paths = Annotated[list[Path], Meta(max_length=1_000)]

MAX_RULES = 1_000
MAX_TEMPLATES = 500
DEFAULT_WEIGHT = 0.5
"""What boost adds and bury takes without a value: as much as meeting every wished colour, material and style."""
MAX_WEIGHT = 10.0
PIN_WEIGHT = 10.0
"""More than all parts of a product's score together, so a pinned product leads wherever it may be sold."""

Kind = Literal["pin", "boost", "bury", "hide", "never_together", "always_with", "min_margin", "max_per_brand"]
KINDS: dict[Kind, str] = {
    "pin": "these products come first wherever they fit a slot; budget, stock and exclusions still hold",
    "boost": f"adds `value` ({DEFAULT_WEIGHT} where it is left out) to the score",
    "bury": f"takes `value` ({DEFAULT_WEIGHT} where it is left out) from the score",
    "hide": "never answered",
    "never_together": "no bundle holds products of two of the names listed",
    "always_with": "a bundle that has one of these also has the product whose id is `value`",
    "min_margin": "not answered where (price - cost) / price is known and below `value`",
    "max_per_brand": "no bundle has more than `value` products of one brand; products without a brand are not counted",
}


class When(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Any-of within a field, all-of across; a rule without `when` always holds. `starts_at <= now < ends_at`."""

    prompt_words: Names | None = None
    """Words or phrases of which the prompt has one; a phrase needs all of its words."""
    categories: Paths | None = None
    """Categories of which one is asked for: that of most of a slot's best hits."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Rule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What it is about: any of the products, brands and categories; all of these where several fields are given.

    `never_together` reads every name as a side of its own. KINDS says what `value` is."""

    id: Name
    kind: Kind
    when: When | None = None
    products: Names | None = None
    categories: Paths | None = None
    brands: Names | None = None
    value: float | Name | None = None


class TemplateSlot(Struct, frozen=True, forbid_unknown_fields=True):
    """A role that the template asks for."""

    name: Name
    quantity: Annotated[int, Meta(ge=1, le=99)] = 1
    required: bool = True


class Template(Struct, frozen=True, forbid_unknown_fields=True):
    """The slots of an occasion, a room or a set, in the merchant's words."""

    name: Name
    words: Annotated[list[Name], Meta(min_length=1, max_length=50)]
    slots: Annotated[list[TemplateSlot], Meta(min_length=1, max_length=10)]


class RuleSet(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is in force together; `version` counts from 1, 0 = nothing was ever published."""

    version: Annotated[int, Meta(ge=0)] = 0
    rules: Annotated[list[Rule], Meta(max_length=MAX_RULES)] = []
    templates: Annotated[list[Template], Meta(max_length=MAX_TEMPLATES)] = []
