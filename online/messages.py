"""What comes in and goes out over HTTP, as docs/api.md and /schema show it."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from setwise.exploration import Exploration
from setwise.rules import Rule, RuleProblem, Template
from setwise.swap import Mode
from setwise.vocabulary.suggesting import Suggestion

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Cents = Annotated[int, Meta(ge=0, le=10**15)]
Prompt = Annotated[str, Meta(max_length=512)]


class BudgetWish(Struct, frozen=True, forbid_unknown_fields=True):
    """Minor units; `currency` = the catalogue's main one where it is left out."""

    min_cents: Cents | None = None
    max_cents: Cents | None = None
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None


class SlotRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A role to fill, in the client's words."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: Annotated[int, Meta(ge=1, le=99)] = 1
    required: bool = True


class Filters(Struct, frozen=True, forbid_unknown_fields=True):
    """Any-of within a field, all-of across; they hold for every item."""

    brand: Annotated[list[str], Meta(max_length=50)] | None = None
    product_type: Annotated[list[str], Meta(max_length=50)] | None = None
    gender: Annotated[list[str], Meta(max_length=10)] | None = None
    color: Annotated[list[str], Meta(max_length=50)] | None = None
    material: Annotated[list[str], Meta(max_length=50)] | None = None
    size: Annotated[list[str], Meta(max_length=50)] | None = None
    price_min_cents: Cents | None = None
    price_max_cents: Cents | None = None


class BundleRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/bundles; one of prompt, lock, basket at least."""

    prompt: Prompt | None = None
    user_id: Id | None = None
    visitor_id: Id | None = None
    session_id: Id | None = None
    consent: bool = True
    n_bundles: Annotated[int, Meta(ge=1, le=10)] = 3
    budget: BudgetWish | None = None
    slots: Annotated[list[SlotRequest], Meta(max_length=10)] | None = None
    filters: Filters | None = None
    lock: Annotated[list[Id], Meta(max_length=10)] = []
    exclude: Annotated[list[Id], Meta(max_length=2_000)] = []
    basket: Annotated[list[Id], Meta(max_length=200)] = []
    explain: bool = False
    language: Annotated[
        Literal["en", "de", "fr", "es"] | None,
        Meta(description="whose words `understood.said` has where there is no prompt, which says it itself"),
    ] = None


class SwapRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/bundles/{bundle_id}/swap; `exclude` are products that must not come in."""

    slot: Annotated[str, Meta(min_length=1, max_length=64)]
    mode: Mode
    exclude: Annotated[list[Id], Meta(max_length=2_000)] = []
    user_id: Id | None = None


class ProductsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/products; one of prompt, user_id, basket at least, or candidates."""

    prompt: Prompt | None = None
    user_id: Id | None = None
    visitor_id: Id | None = None
    session_id: Id | None = None
    consent: bool = True
    basket: Annotated[list[Id], Meta(max_length=200)] = []
    exclude: Annotated[list[Id], Meta(max_length=2_000)] = []
    candidates: Annotated[list[Id], Meta(max_length=1_000)] | None = None
    filters: Filters | None = None
    k: Annotated[int, Meta(ge=1, le=1_000)] = 20
    offset: Annotated[int, Meta(ge=0, le=1_000)] = 0


class Degraded(Struct, frozen=True):
    """A dependency that was answered without, and why."""

    dependency: str
    reason: str


class BudgetRead(Struct, frozen=True):
    """The budget that holds for this answer."""

    min_cents: int | None
    max_cents: int | None
    currency: str
    scope: str
    approximate: bool


class SlotRead(Struct, frozen=True):
    """A slot of this answer."""

    name: str
    quantity: int
    required: bool
    categories: list[str]
    locked: bool


class ExcludeRead(Struct, frozen=True):
    """What no item may be."""

    materials: list[str]
    colors: list[str]
    brands: list[str]
    styles: list[str]
    categories: list[str]
    words: list[str]


class Understood(Struct, frozen=True):
    """What was read out of prompt and fields."""

    language: str
    budget: BudgetRead | None
    slots: list[SlotRead]
    quantities: dict[str, int]
    colors: list[str]
    materials: list[str]
    styles: list[str]
    brands: list[str]
    sizes: list[str]
    exclude: ExcludeRead
    conflicts: list[str]
    relaxed: list[str]
    said: dict[str, str] = {}
    """A word of the catalogue in this answer -> the shopper's own for it, or its name in the shopper's language, where
    that is another one; in lower case ("leather": "leder")."""


class ItemOut(Struct, frozen=True, omit_defaults=True):
    """One product of a bundle; money in minor units of the bundle's currency."""

    product_id: str
    slot: str
    quantity: int
    price_cents: int
    title: str
    link: str
    image_link: str
    score: float
    reasons: list[str]
    alternatives: list[str]
    parts: dict[str, float] | None = None


class BundleOut(Struct, frozen=True, omit_defaults=True):
    """Products that fill the slots together."""

    bundle_id: str
    title: str
    label: str
    total_cents: int
    currency: str
    score: float
    reasons: list[str]
    open_slots: list[str]
    items: list[ItemOut]
    parts: dict[str, float] | None = None
    parent_bundle_id: str | None = None


class InfeasibleOut(Struct, frozen=True):
    """Why there is no bundle, and what would help: no total where none would, or where `degraded` says that the encoder
    or the index was late, as not all products were seen then."""

    reason: str
    cheapest_total_cents: int | None = None
    blocking: list[str] = []
    cheapest: BundleOut | None = None


class BundleAnswer(Struct, frozen=True):
    """Answer of POST /v1/bundles."""

    request_id: str
    release: str
    served_by: str
    degraded: list[Degraded]
    experiment: dict[str, str]
    understood: Understood
    bundles: list[BundleOut]
    infeasible: InfeasibleOut | None
    timings_ms: dict[str, float]
    exploration: Exploration | None = None
    """How likely this order of the bundles was; null where it is the only one that could be given."""


class ProductOut(Struct, frozen=True):
    """One ranked product."""

    product_id: str
    score: float
    price_cents: int
    currency: str
    title: str
    link: str
    image_link: str
    reasons: list[str]


class ProductsAnswer(Struct, frozen=True):
    """Answer of POST /v1/products and GET /v1/search."""

    request_id: str
    served_by: str
    degraded: list[Degraded]
    understood: Understood
    products: list[ProductOut]
    timings_ms: dict[str, float]
    exploration: Exploration | None = None
    """How likely this list was; null where it is the only one that could be given."""
    experiment: dict[str, str] = {}
    """The variant of each experiment that the answer was given under, by flag."""


class ProductDetail(Struct, frozen=True):
    """One product as it is sold now."""

    product_id: str
    title: str
    description: str
    price_cents: int
    currency: str
    is_sellable: bool
    availability: str
    brand: str
    color: str
    material: str
    size: str
    categories: list[str]
    link: str
    image_link: str
    item_group_id: str
    stock: int | None
    rating: float | None


class SuggestionsAnswer(Struct, frozen=True):
    """Answer of GET /v1/suggestions, best first."""

    suggestions: list[Suggestion]


class RulesAnswer(Struct, frozen=True):
    """What was published; the warnings stopped nothing."""

    version: int
    rules: list[Rule]
    templates: list[Template]
    warnings: list[RuleProblem]


class RulesPreview(Struct, frozen=True):
    """The answer to a prompt by the rules in force, and by those that were sent."""

    before: BundleAnswer
    after: BundleAnswer
    warnings: list[RuleProblem]


class RequestAccepted(Struct, frozen=True):
    """Answer of POST /v1/requests: it is durable, and where to look for it."""

    request_id: str
    status_url: str
    events_url: str


class RequestStatus(Struct, frozen=True, omit_defaults=True):
    """How far an asynchronous request is; `answer` when it is done, `problem` when it has failed."""

    request_id: str
    status: Literal["queued", "running", "done", "failed"]
    answer: BundleAnswer | None = None
    problem: dict[str, Any] | None = None


class Problem(Struct, frozen=True):
    """RFC 9457: what was wrong, where, and what to do."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, Any]] = field(default_factory=list)
