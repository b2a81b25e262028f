"""What does the service take and answer? By its OpenAPI (`make clients`); money is in minor units."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec


class BudgetRead(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    min_cents: int | None
    max_cents: int | None
    currency: str
    scope: str
    approximate: bool


class BudgetWish(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    min_cents: int | None = None
    max_cents: int | None = None
    currency: str | None = None


class BundleAnswer(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
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


class BundleOut(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
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


class BundleRequest(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    prompt: str | None = None
    user_id: str | None = None
    visitor_id: str | None = None
    session_id: str | None = None
    consent: bool = True
    n_bundles: int = 3
    budget: BudgetWish | None = None
    slots: list[SlotRequest] | None = None
    filters: Filters | None = None
    lock: list[str] = []
    exclude: list[str] = []
    basket: list[str] = []
    explain: bool = False
    language: Literal["en", "de", "fr", "es"] | None = None


class CandidateShown(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    product_id: str
    title: str
    price_cents: int
    currency: str
    score: float
    parts: dict[str, float]
    features: dict[str, float]
    wishes_met: list[str]
    in_bundles: list[int]


class CatalogueHealth(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    release: str
    products: int
    sellable: int
    changed: int
    without_picture: int
    refused: Refused | None
    stale_days: float
    stale_count: int
    stale: list[StalePrice]


class ChangeResult(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    index: int
    product_id: str
    status: Literal["applied", "stale", "rejected"]
    field: str = ""
    reason: str = ""
    remedy: str = ""


class ChangesAnswer(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    applied: int
    stale: int
    rejected: int
    results: list[ChangeResult]


class ConsumerLag(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    name: str
    at: datetime
    behind: dict[str, int] | None


class Counted(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    labels: dict[str, str]
    count: float


class Degraded(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    dependency: str
    reason: str


class DemoState(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    switch: Switch
    played: Played | None


class ErasureReceipt(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    receipt_id: str
    erased_at: datetime
    state: Literal["pending", "done"]
    stores: dict[str, StoreState]


class EventResult(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    index: int
    id: str
    status: Literal["accepted", "duplicate", "rejected"]
    reason: str = ""


class EventsAnswer(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    accepted: int
    duplicates: int
    rejected: int
    results: list[EventResult]


class ExcludeRead(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    materials: list[str]
    colors: list[str]
    brands: list[str]
    styles: list[str]
    categories: list[str]
    words: list[str]


class Exploration(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    share: float
    ranks: list[int]
    propensities: list[float]


class Filters(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    brand: list[str] | None = None
    product_type: list[str] | None = None
    gender: list[str] | None = None
    color: list[str] | None = None
    material: list[str] | None = None
    size: list[str] | None = None
    price_min_cents: int | None = None
    price_max_cents: int | None = None


class Funnel(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    served: int = 0
    shown: int = 0
    clicked: int = 0
    carted: int = 0
    bought: int = 0
    revenue_cents: dict[str, int] = {}


class InfeasibleOut(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    reason: str
    cheapest_total_cents: int | None = None
    blocking: list[str] = []
    cheapest: BundleOut | None = None


class ItemOut(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
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


class LiveBusiness(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    at: datetime
    minutes: int
    total: Funnel
    by_minute: list[list[Any]]
    by_variant: dict[str, Funnel]
    by_slot: dict[str, Funnel]


class LiveFigures(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    at: datetime
    release: str
    created_at: datetime
    products: int
    kept: list[str]
    degraded_now: list[str]
    dependencies: dict[str, bool]
    answers: list[Counted]
    requests: list[Spread]
    stages: list[Spread]
    degraded: list[Counted]
    caches: list[Counted]
    events: list[Counted]
    gauges: dict[str, float | None]
    consumers: list[ConsumerLag]


class Played(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    at: datetime
    visits: int = 0
    orders: int = 0
    sold_out: int = 0
    last_prompt: str = ""
    problem: str = ""


class PlaygroundAnswer(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    answer: BundleAnswer
    searched: str
    slots: list[SlotShown]
    lost: dict[str, int]
    rules: list[str]


class PlaygroundRequest(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    request: BundleRequest
    release: str = ""
    variants: dict[str, str] = {}
    top: int = 10


class ProductDetail(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
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


class ProductOut(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    product_id: str
    score: float
    price_cents: int
    currency: str
    title: str
    link: str
    image_link: str
    reasons: list[str]


class ProductsAnswer(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    request_id: str
    served_by: str
    degraded: list[Degraded]
    understood: Understood
    products: list[ProductOut]
    timings_ms: dict[str, float]
    exploration: Exploration | None = None
    experiment: dict[str, str] = {}


class ProductsRequest(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    prompt: str | None = None
    user_id: str | None = None
    visitor_id: str | None = None
    session_id: str | None = None
    consent: bool = True
    basket: list[str] = []
    exclude: list[str] = []
    candidates: list[str] | None = None
    filters: Filters | None = None
    k: int = 20
    offset: int = 0


class Publication(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    version: int
    put_at: datetime
    put_by: str
    file_sha256: str = ""


class Refused(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    read_at: datetime
    count: int
    by_reason: dict[str, int]
    rows: list[Rejection]


class Rejection(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    row: int
    id: str
    field: str
    value: str
    reason: str
    remedy: str


class Report(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    name: str
    title: str
    text: str
    columns: list[str]
    rows: list[list[Any]]


class Reports(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    made_at: datetime
    built_at: datetime | None
    newest_at: datetime | None
    reports: list[Report]


class RequestAccepted(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    request_id: str
    status_url: str
    events_url: str


class RequestStatus(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    request_id: str
    status: Literal["queued", "running", "done", "failed"]
    answer: BundleAnswer | None = None
    problem: dict[str, Any] | None = None


class Rule(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    id: str
    kind: Literal["pin", "boost", "bury", "hide", "never_together", "always_with", "min_margin", "max_per_brand"]
    when: When | None = None
    products: list[str] | None = None
    categories: list[str] | None = None
    brands: list[str] | None = None
    value: float | str | None = None


class RuleProblem(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    field: str
    rule: str | None
    reason: str
    remedy: str


class RuleSet(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    version: int = 0
    rules: list[Rule] = []
    templates: list[Template] = []


class RulesAnswer(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    version: int
    rules: list[Rule]
    templates: list[Template]
    warnings: list[RuleProblem]


class RulesPreview(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    before: BundleAnswer
    after: BundleAnswer
    warnings: list[RuleProblem]


class SlotRead(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    name: str
    quantity: int
    required: bool
    categories: list[str]
    locked: bool


class SlotRequest(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    name: str
    quantity: int = 1
    required: bool = True


class SlotShown(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    name: str
    quantity: int
    required: bool
    is_named: bool
    ranked_by: str
    candidates: int
    best: list[CandidateShown]


class Spread(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    labels: dict[str, str]
    le_ms: list[float | None]
    counts: list[float]


class StalePrice(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    product_id: str
    title: str
    price_cents: int
    currency: str
    said_at: datetime | None


class StoreState(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    state: Literal["pending", "done", "expires"]
    at: datetime | None = None
    removed: int = 0


class Suggestion(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    text: str
    term: str
    kind: Literal["thing", "color", "material", "style", "brand"]


class SuggestionsAnswer(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    suggestions: list[Suggestion]


class SwapRequest(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    slot: str
    mode: Literal["cheaper", "similar", "different"]
    exclude: list[str] = []
    user_id: str | None = None


class Switch(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    per_minute: int = 150
    is_paused: bool = False


class Template(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    name: str
    words: list[str]
    slots: list[TemplateSlot]


class TemplateSlot(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    name: str
    quantity: int = 1
    required: bool = True


class Understood(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
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


class UnknownWord(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    word: str
    answers: int
    example: str


class UserExport(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    user_id: str
    exported_at: datetime
    stores: dict[str, Any]
    known_as: dict[str, str]


class When(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    prompt_words: list[str] | None = None
    categories: list[str] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
