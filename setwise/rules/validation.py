"""Is this a set of rules? Every mistake is named with its rule, its field and its remedy, all of them at once."""

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any, TypeVar

import msgspec

from setwise.names import ProductId
from setwise.rules.document import KINDS, MAX_RULES, MAX_TEMPLATES, MAX_WEIGHT, Rule, RuleSet, Template

Entry = TypeVar("Entry", Rule, Template)
Placed = list[tuple[str, Entry]]
_SELECTORS = ("products", "categories", "brands")
_SELECTORS_OF = {"pin": ("products",), "max_per_brand": ()}
"""Kinds that are about fewer than all of the selecting fields."""
_ABOUT_EVERYTHING = ("min_margin", "max_per_brand")
_WITHOUT_VALUE = ("pin", "hide", "never_together")


class RuleProblem(msgspec.Struct, frozen=True):
    """One mistake or warning: where it is ("rules[2].value"), in which rule or template, why, and what to do."""

    field: str
    rule: str | None
    reason: str
    remedy: str


class Checked(msgspec.Struct, frozen=True):
    """`rules` is None where there are errors. Warnings stop nothing."""

    rules: RuleSet | None
    errors: list[RuleProblem]
    warnings: list[RuleProblem]


def read_rules(document: object, is_known: Callable[[ProductId], bool] = lambda _: True) -> Checked:
    """Reads decoded JSON or YAML; `is_known` says which product ids the live catalogue has. Never raises."""
    if not isinstance(document, dict):
        return Checked(None, [RuleProblem("", None, "not an object", 'write {"rules": [...], "templates": [...]}')], [])
    errors: list[RuleProblem] = []
    for name in document:
        if name not in RuleSet.__struct_fields__:
            remedy = f"use only {', '.join(RuleSet.__struct_fields__)}"
            errors.append(RuleProblem(str(name), None, "an unknown field", remedy))
    version = document.get("version", 0)
    if type(version) is not int or version < 0:
        errors.append(RuleProblem("version", None, "not a whole number from 0", "leave it out, or send what GET gave"))
    rules = _read_list(document, "rules", Rule, MAX_RULES, errors)
    templates = _read_list(document, "templates", Template, MAX_TEMPLATES, errors)
    errors += _repeated("id", [(place, rule.id) for place, rule in rules])
    errors += _repeated("name", [(place, template.name) for place, template in templates])
    for place, rule in rules:
        errors += _mistakes(place, rule)
    for place, template in templates:
        errors += _repeated("slots", [(place, slot.name) for slot in template.slots])
    if errors:
        return Checked(None, errors, [])
    found = RuleSet(version, [_in_utc(rule) for _, rule in rules], [template for _, template in templates])
    return Checked(found, [], [w for place, rule in rules for w in _unknown_products(place, rule, is_known)])


def _read_list(
    document: dict[Any, Any], name: str, kind: type[Entry], most: int, errors: list[RuleProblem]
) -> Placed[Entry]:
    entries = document.get(name)
    if entries is None:
        entries = []
    if not isinstance(entries, list) or len(entries) > most:
        errors.append(RuleProblem(name, None, f"not a list of at most {most} entries", "write a list"))
        return []
    found = []
    for number, entry in enumerate(entries):
        place = f"{name}[{number}]"
        try:
            found.append((place, msgspec.convert(entry, kind)))
        except msgspec.ValidationError as error:
            label = entry.get("id") or entry.get("name") if isinstance(entry, dict) else None
            reason, _, path = str(error).partition(" - at `$")
            remedy = f"one of {', '.join(KINDS)}" if "kind" in path else "see docs/api.md for the shape"
            field = place + path.rstrip("`")
            errors.append(RuleProblem(field, label if isinstance(label, str) else None, reason, remedy))
    return found


def _repeated(field: str, named: list[tuple[str, str]]) -> Iterator[RuleProblem]:
    seen = set()
    for place, name in named:
        if name in seen:
            yield RuleProblem(f"{place}.{field}", name, f"{name!r} is there twice", "give each one its own name")
        seen.add(name)


def _mistakes(place: str, rule: Rule) -> Iterator[RuleProblem]:
    def wrong(field: str, reason: str, remedy: str) -> RuleProblem:
        return RuleProblem(f"{place}.{field}", rule.id, reason, remedy)

    allowed = _SELECTORS_OF.get(rule.kind, _SELECTORS)
    given = {name: values for name in _SELECTORS if (values := getattr(rule, name)) is not None}
    for name in given.keys() - set(allowed):
        yield wrong(name, f"{rule.kind} takes no {name}", "leave it out")
    for name in (name for name, values in given.items() if not values):
        yield wrong(name, "an empty list", "name something, or leave the field out")
    if not given and rule.kind not in _ABOUT_EVERYTHING:
        yield wrong(allowed[0], f"{rule.kind} has to say what it is about", f"give {' or '.join(allowed)}")
    if rule.kind == "never_together" and sum(map(len, given.values())) < 2:
        yield wrong(next(iter(given), "products"), "one name cannot be apart from itself", "list two names or more")
    problem = _wrong_value(rule)
    if problem:
        yield wrong("value", *problem)
    when = rule.when
    if when is not None:
        for name in ("prompt_words", "categories"):
            if getattr(when, name) == []:
                yield wrong(f"when.{name}", "an empty list never holds", "name something, or leave the field out")
        if when.starts_at and when.ends_at and _utc(when.ends_at) <= _utc(when.starts_at):
            yield wrong("when.ends_at", "it ends before it starts", "ends_at has to be later than starts_at")


def _wrong_value(rule: Rule) -> tuple[str, str] | None:
    """What is wrong with the rule's value, and the remedy."""
    value, kind = rule.value, rule.kind
    wrong: tuple[str, str] | None = None
    if kind in _WITHOUT_VALUE:
        wrong = None if value is None else (f"{kind} takes no value", "leave it out")
    elif kind == "always_with":
        wrong = None if isinstance(value, str) else ("no product is named", "give the id of the one to come along")
    elif value is None and kind in ("boost", "bury"):
        pass
    elif isinstance(value, str) or value is None:
        wrong = "not a number", "give a number"
    elif kind == "min_margin":
        wrong = None if 0 < value < 1 else (f"{value:g} is not a share", "0.15 means 15 % of the price")
    elif kind == "max_per_brand":
        is_count = 1 <= value <= 99 and value == int(value)
        wrong = None if is_count else (f"{value:g} is not a number of products", "give a whole number from 1 to 99")
    elif not 0 < value <= MAX_WEIGHT:
        wrong = f"{value:g} is no weight", f"give more than 0, at most {MAX_WEIGHT:g}"
    return wrong


def _unknown_products(place: str, rule: Rule, is_known: Callable[[ProductId], bool]) -> Iterator[RuleProblem]:
    named = [("products", product_id) for product_id in rule.products or ()]
    if isinstance(rule.value, str):
        named.append(("value", rule.value))
    for field, product_id in named:
        if not is_known(ProductId(product_id)):
            reason = f"the live catalogue has no product {product_id!r}"
            yield RuleProblem(f"{place}.{field}", rule.id, reason, "correct the id, or leave it for a later feed")


def _in_utc(rule: Rule) -> Rule:
    when = rule.when
    if when is None or not (when.starts_at or when.ends_at):
        return rule
    starts, ends = (moment and _utc(moment) for moment in (when.starts_at, when.ends_at))
    return msgspec.structs.replace(rule, when=msgspec.structs.replace(when, starts_at=starts, ends_at=ends))


def _utc(moment: datetime) -> datetime:
    """A time without a zone is UTC."""
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
