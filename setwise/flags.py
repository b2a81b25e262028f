"""Flags in flagd's form: read, checked, and evaluated for a unit without I/O."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from setwise.experiment import NO_EXPERIMENT, Assignment, Kind, Parameters, Person, Unit
from setwise.ranking import WEIGHTS

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
PROBES = 64
"""Made-up units that each flag is evaluated for before it is taken."""


class FlagsError(ValueError):
    """A flag file that is not taken; says which flag, what is wrong and what is accepted."""


class _Flag(Struct, frozen=True, forbid_unknown_fields=True):
    state: Literal["ENABLED", "DISABLED"]
    variants: dict[str, dict[str, Any]]
    default_variant: str | None = field(name="defaultVariant", default=None)
    targeting: dict[str, Any] = {}
    metadata: dict[str, str | int | float | bool] = {}


class _Plan(Struct, frozen=True):
    """What of a flag's metadata is ours; flagd allows any other."""

    started_at: datetime | None = None
    planned_units: Annotated[int, Meta(ge=100)] | None = None
    metric: Literal["revenue", "conversion"] = "revenue"
    unit: Unit = "user"


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    flags: dict[str, _Flag]
    schema: str = field(name="$schema", default="")
    metadata: dict[str, str | int | float | bool] = {}


class Flag(Struct, frozen=True):
    """A flag as results read it: `shares` = those of its variants, empty where there is not one split for all units;
    `started_at` = from when on what was answered counts."""

    is_enabled: bool
    variants: dict[str, Parameters]
    control: str
    shares: dict[str, float] = {}
    started_at: datetime | None = None
    planned_units: int | None = None
    """How many units of all variants it is to end with."""
    metric: Literal["revenue", "conversion"] = "revenue"
    """What decides."""
    unit: Unit = "user"
    """Who keeps a variant: a user on all devices, or a visitor whether signed in or not."""


class Flags:
    """One state of the flag file. Safe to call from several threads."""

    def __init__(self, flags: Mapping[str, Flag], raw: Mapping[str, _Flag], core: FlagdCore, version: str) -> None:
        self.flags, self.version = flags, version
        self._raw, self._core = raw, core
        self._enabled = tuple(name for name, flag in flags.items() if flag.is_enabled)
        self._merged: dict[tuple[tuple[str, str], ...], Parameters] = {}

    @property
    def is_on(self) -> bool:
        """Whether any flag is enabled."""
        return bool(self._enabled)

    def assign(self, person: Person) -> Assignment:
        """The same unit has the same variants as long as the weights are the same; some 50 us a flag that is on."""
        variants = {}
        for name in self._enabled:
            unit, kind = person.unit(self.flags[name].unit)
            try:
                variant = self._core.resolve_object_value(name, {}, EvaluationContext(unit, {"kind": kind})).variant
            except Exception:  # noqa: S112 - tried before it was taken; whom it fails for is not in the experiment
                continue
            if variant is not None:
                variants[name] = str(variant)
        if not variants:
            return NO_EXPERIMENT
        return Assignment(variants, self._parameters(variants), person.unit()[0], version=self.version)

    def chosen(self, variants: Mapping[str, str], unit: str = "") -> Assignment:
        """The variants that a tester chose, of flags that are off too; those that the file lacks are left out."""
        known = {name: one for name, one in variants.items() if name in self.flags and one in self.flags[name].variants}
        return Assignment(known, self._parameters(known), unit, is_override=True, version=self.version)

    def _parameters(self, variants: Mapping[str, str]) -> Parameters:
        key = tuple(variants.items())
        if key not in self._merged:
            merged: dict[str, Any] = {}
            for name, variant in key:
                said = self._raw[name].variants[variant]
                merged |= said | {"weights": merged.get("weights", {}) | said.get("weights", {})}
            self._merged[key] = msgspec.convert(merged, Parameters)
        return self._merged[key]


NO_FLAGS = Flags({}, {}, FlagdCore(), "")


def read_flags(text: bytes) -> Flags:
    """The flags of a file. Raises FlagsError."""
    try:
        read = msgspec.json.decode(text, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FlagsError(f"{error}; flagd's form is expected, see docs/experiments.md") from error
    flags = {name: _checked(name, flag) for name, flag in read.flags.items()}
    _require_apart(read.flags)
    # Those that are off too: else a mistake in them shows when they are switched on.
    all_on = _evaluator({name: msgspec.structs.replace(flag, state="ENABLED") for name, flag in read.flags.items()})
    for name in flags:
        _try(name, all_on)
    return Flags(flags, read.flags, _evaluator(read.flags), hashlib.sha256(text).hexdigest()[:16])


def _evaluator(flags: Mapping[str, _Flag]) -> FlagdCore:
    core = FlagdCore()
    core.set_flags(msgspec.json.encode({"flags": flags}).decode())  # as text: it changes what it is given
    return core


def _checked(name: str, flag: _Flag) -> Flag:
    if not NAME.fullmatch(name):
        raise FlagsError(f"flag {name!r}: a name has 1 to 64 letters, digits, '-', '_' or '.'")
    variants = {}
    for variant, said in flag.variants.items():
        if not NAME.fullmatch(variant):
            raise FlagsError(f"flag {name!r}: variant {variant!r}: a name has 1 to 64 letters, digits, '-', '_' or '.'")
        try:
            variants[variant] = msgspec.convert(said, Parameters)
        except msgspec.ValidationError as error:
            raise FlagsError(f"flag {name!r}, variant {variant!r}: {error}") from error
        if unknown := variants[variant].weights.keys() - WEIGHTS.keys():
            known = ", ".join(WEIGHTS)
            raise FlagsError(f"flag {name!r}, variant {variant!r}: no weight is called {unknown.pop()!r}; {known}")
    if not variants:
        raise FlagsError(f"flag {name!r} has no variants")
    if flag.default_variant is not None and flag.default_variant not in variants:
        raise FlagsError(f"flag {name!r}: defaultVariant {flag.default_variant!r} is none of its variants")
    splits = [_shares(name, split, variants) for split in _splits(flag.targeting)]
    control = flag.default_variant if flag.default_variant is not None else next(iter(variants))
    same = splits[0] if splits and all(split == splits[0] for split in splits) else {}
    plan = _plan(name, flag)
    return Flag(
        flag.state == "ENABLED", variants, control, same, plan.started_at, plan.planned_units, plan.metric, plan.unit
    )


def _splits(rule: object) -> Iterator[list[Any]]:
    """The arguments of each `fractional` in a rule."""
    if isinstance(rule, dict):
        for operator, arguments in rule.items():
            if operator == "fractional":
                yield arguments if isinstance(arguments, list) else [arguments]
            else:
                yield from _splits(arguments)
    elif isinstance(rule, list):
        for part in rule:
            yield from _splits(part)


def _shares(name: str, split: list[Any], variants: Mapping[str, Parameters]) -> dict[str, float]:
    weights: dict[str, int] = {}
    for at, part in enumerate(split):
        if at == 0 and isinstance(part, dict):
            continue  # what is bucketed by
        match part:
            case [str(variant)] if variant in variants:
                weights[variant] = weights.get(variant, 0) + 1
            case [str(variant), int(weight)] if variant in variants and not isinstance(weight, bool) and weight >= 0:
                weights[variant] = weights.get(variant, 0) + weight
            case _:
                said = msgspec.json.encode(part).decode()
                raise FlagsError(
                    f'flag {name!r}: fractional has {said}; ["variant of the flag", whole number] is expected'
                )
    if not 0 < sum(weights.values()) < 2**31:
        raise FlagsError(f"flag {name!r}: the weights of fractional must add up to more than 0 and fewer than 2^31")
    return {variant: weight / sum(weights.values()) for variant, weight in weights.items()}


def _plan(name: str, flag: _Flag) -> _Plan:
    try:
        plan = msgspec.convert(flag.metadata, _Plan)
    except msgspec.ValidationError as error:
        raise FlagsError(f"flag {name!r}: metadata: {error}") from error
    if plan.started_at is not None and plan.started_at.tzinfo is None:
        raise FlagsError(f"flag {name!r}: metadata.started_at needs a time zone, such as 2026-01-31T00:00:00Z")
    return plan


def _require_apart(flags: Mapping[str, _Flag]) -> None:
    """Two flags that set the same thing would answer for each other."""
    owner: dict[str, str] = {}
    for name, flag in flags.items():
        if flag.state != "ENABLED":
            continue
        said = {key for variant in flag.variants.values() for key in variant if key != "weights"}
        said |= {f"weights.{part}" for variant in flag.variants.values() for part in variant.get("weights", {})}
        if "dense_share" in said:
            said |= {"weights.lexical", "weights.semantic"}
        for key in sorted(said):
            if owner.setdefault(key, name) != name:
                raise FlagsError(f"flags {owner[key]!r} and {name!r} both set {key}; switch one of them off")


def _try(name: str, core: FlagdCore) -> None:
    kinds: tuple[Kind, ...] = ("user", "visitor", "request")
    for number in range(PROBES):
        context = EvaluationContext(f"probe-{number}", {"kind": kinds[number % 3]})
        try:
            core.resolve_object_value(name, {}, context)
        except Exception as error:  # whatever a rule makes the evaluator raise
            raise FlagsError(
                f"flag {name!r}: its targeting cannot be evaluated: {error or type(error).__name__}"
            ) from error
