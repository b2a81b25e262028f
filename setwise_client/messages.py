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


class Degraded(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    dependency: str
    reason: str


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


class StoreState(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    state: Literal["pending", "done", "expires"]
    at: datetime | None = None
    removed: int = 0


class SwapRequest(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    slot: str
    mode: Literal["cheaper", "similar", "different"]
    exclude: list[str] = []
    user_id: str | None = None


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
