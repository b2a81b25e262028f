"""Who gets which variant: sticky, even, each flag by itself; and which flag files are refused."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2, chi2_contingency

from online.exploring import Explorer
from setwise.experiment import NO_EXPERIMENT, Assignment, Parameters, Person
from setwise.flags import NO_FLAGS, Flags, FlagsError, read_flags
from setwise.index import Hits
from setwise.ranking import FEATURES, PARTS, WEIGHTS, weighted_parts

ROOT = Path(__file__).parents[2]
UNITS = [f"u-{number}" for number in range(4_000)]


def flag(split: list[Any] | None = None, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "state": "ENABLED",
        "variants": {"control": {}, "treatment": {"weights": {"popularity": 0.4}}, "third": {}},
        "defaultVariant": "control",
        "targeting": {"fractional": split or [["control", 50], ["treatment", 50]]},
    }
    return made | changes


def flags(**named: dict[str, Any]) -> Flags:
    return read_flags(json.dumps({"flags": named}).encode())


def user(user_id: str) -> Person:
    return Person(user_id, None, "r")


def treated(found: Flags, name: str = "ranking", variant: str = "treatment") -> set[str]:
    return {unit for unit in UNITS if found.assign(user(unit)).variants[name] == variant}


def test_a_unit_has_the_same_variant_again_in_another_process_and_after_the_file_was_read_anew() -> None:
    first, second = flags(ranking=flag()), flags(ranking=flag())
    assert treated(first) == treated(second) == treated(first)
    # What this version of the evaluator says: a library that buckets otherwise would mix up running experiments.
    assert [first.assign(user(f"u-{n}")).variants["ranking"][0] for n in range(12)] == list("tccctccctcct")


def test_ramping_up_keeps_everybody_in_treatment_who_was_there() -> None:
    shares = (1, 5, 20, 50, 90)
    grown = [treated(flags(ranking=flag([["control", 100 - share], ["treatment", share]]))) for share in shares]
    for earlier, later, share in zip(grown[:-1], grown[1:], shares[1:], strict=True):
        assert earlier < later and len(later) == pytest.approx(len(UNITS) * share / 100, rel=0.15)


def test_two_treatments_grow_on_both_sides_of_the_control() -> None:
    def split(share: int) -> Flags:
        return flags(ranking=flag([["third", share], ["control", 100 - 2 * share], ["treatment", share]]))

    for variant in ("treatment", "third"):
        assert treated(split(10), variant=variant) < treated(split(30), variant=variant)


def test_buckets_are_even_and_those_of_two_flags_have_nothing_to_do_with_each_other() -> None:
    other = flag(variants={"a": {"ranker": False}, "b": {}, "c": {}}, defaultVariant="a")
    other["targeting"] = {"fractional": [["a", 1], ["b", 1], ["c", 1]]}
    both = flags(ranking=flag(), learned=other)
    pairs = Counter(tuple(both.assign(user(unit)).variants.values()) for unit in UNITS)
    table = np.asarray([[pairs[one, two] for two in "abc"] for one in ("control", "treatment")])
    expected = len(UNITS) / 6
    assert chi2.sf(((table - expected) ** 2 / expected).sum(), 5) > 0.001
    assert chi2_contingency(table).pvalue > 0.001


def test_the_kill_switch_is_a_state_or_a_weight_of_nothing() -> None:
    assert flags(ranking=flag(state="DISABLED")).assign(user("u-1")) == NO_EXPERIMENT
    assert not flags(ranking=flag(state="DISABLED")).is_on and not NO_FLAGS.is_on
    assert treated(flags(ranking=flag([["control", 100], ["treatment", 0]]))) == set()


def test_a_rule_may_leave_out_kinds_of_units_and_then_nothing_is_assigned() -> None:
    known = {"if": [{"==": [{"var": "kind"}, "request"]}, None, {"fractional": [["control", 1], ["treatment", 1]]}]}
    found = flags(ranking=flag(targeting=known, defaultVariant=None))
    assert found.assign(Person(None, None, "x")) == NO_EXPERIMENT
    assert found.assign(user("x")).variants.keys() == {"ranking"}
    assert found.flags["ranking"].shares == {"control": 0.5, "treatment": 0.5}


def test_the_unit_is_the_user_else_the_visitor_else_the_request() -> None:
    assert Person("u", "v", "r").unit() == ("u", "user")
    assert Person(None, "v", "r").unit() == ("v", "visitor")
    assert Person("", None, "r").unit() == ("r", "request")


def test_a_flag_of_visitors_keeps_its_variant_when_a_visitor_signs_in_and_one_of_users_on_every_device() -> None:
    of_visitors = flags(ranking=flag(metadata={"unit": "visitor"}))
    of_users = flags(ranking=flag())
    for number in range(200):
        before, after = Person(None, f"v-{number}", "r"), Person(f"u-{number}", f"v-{number}", "s")
        assert of_visitors.assign(before).variants == of_visitors.assign(after).variants
        other_device = Person(f"u-{number}", f"w-{number}", "t")
        assert of_users.assign(after).variants == of_users.assign(other_device).variants
    assert of_visitors.assign(user("u-1")).variants == of_users.assign(user("u-1")).variants, "who has no visitor id"
    with pytest.raises(FlagsError, match="unit"):
        flags(ranking=flag(metadata={"unit": "household"}))


def test_what_two_flags_set_is_put_together_and_answers_of_other_variants_are_other_answers() -> None:
    slots = flag(variants={"more": {"open_slots": 5}}, defaultVariant="more", targeting={})
    both = flags(slots=slots, ranking=flag([["treatment", 1]]))
    found = both.assign(user("u-1"))
    assert found.parameters == Parameters({"popularity": 0.4}, open_slots=5)
    keys = {both.chosen({"ranking": one}).cache_key for one in ("control", "treatment")}
    changed = flags(
        slots=slots, ranking=flag([["treatment", 1]], variants={"treatment": {"ranker": False}, "control": {}})
    )
    assert len(keys | {found.cache_key, changed.assign(user("u-1")).cache_key, NO_EXPERIMENT.cache_key}) == 5


def test_a_tester_may_choose_what_is_off_and_is_marked() -> None:
    off = flags(ranking=flag(state="DISABLED"))
    found = off.chosen({"ranking": "treatment", "gone": "x"})
    assert found.variants == {"ranking": "treatment"} and found.is_override
    assert found.parameters.weights == {"popularity": 0.4}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "flagd's form"),
        ("[]", "flagd's form"),
        ('{"flags": {"a": {"state": "ON", "variants": {"x": {}}}}}', "state"),
        (flag(variants={}, defaultVariant=None, targeting={}), "no variants"),
        (flag(defaultVariant="gone"), "gone"),
        (flag([["control", 50], ["gone", 50]]), "gone"),
        (flag([["control", 0.5], ["treatment", 0.5]]), "whole number"),
        (flag([["control", -1], ["treatment", 50]]), "whole number"),
        (flag([["control", 0], ["treatment", 0]]), "more than 0"),
        (flag(variants={"control": {"weights": {"beauty": 1}}}, targeting={}), "beauty"),
        (flag(variants={"control": {"weights": {"semantic": -1}}}, targeting={}), "weights"),
        (flag(variants={"control": {"wieghts": {}}}, targeting={}), "wieghts"),
        (flag(variants={"control": {"open_slots": 99}}, targeting={}), "open_slots"),
        (flag(targeting={"fractionall": [["control", 1]]}), "targeting"),
        (flag(targeting={"if": [True, "gone"]}), "gone"),
        (flag(state="DISABLED", targeting={"if": [True, "gone"]}), "gone"),
        (flag(metadata={"started_at": "yesterday"}), "started_at"),
        (flag(metadata={"started_at": "2026-01-31T00:00:00"}), "time zone"),
    ],
)  # fmt: skip
def test_a_file_with_a_mistake_is_refused_with_a_word_on_where_it_is(text: Any, said: str) -> None:
    body = text if isinstance(text, str) else json.dumps({"flags": {"ranking": text}})
    with pytest.raises(FlagsError, match=said):
        read_flags(body.encode())


def test_two_flags_that_are_on_may_not_set_the_same_thing() -> None:
    mix = flag(variants={"words": {"dense_share": 0.2}, "control": {"weights": {"lexical": 1.0}}}, targeting={})
    other = flag(variants={"control": {}, "loud": {"weights": {"semantic": 2.0}}}, targeting={})
    with pytest.raises(FlagsError, match=r"both set weights\.semantic"):
        flags(mix=mix, other=other)
    assert flags(mix=mix, other=other | {"state": "DISABLED"}).is_on


def test_the_document_and_the_file_that_is_shipped_are_what_is_read() -> None:
    text = (ROOT / "docs" / "experiments.md").read_text()
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    shown = read_flags(example.encode()).flags["ranking"]
    assert shown.shares == {"control": 0.9, "treatment": 0.1} and shown.planned_units == 24_000 and shown.started_at
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == list(Parameters.__struct_fields__)
    assert not read_flags((ROOT / "experiments" / "flags.json").read_bytes()).is_on


def test_parameters_that_name_nothing_change_nothing() -> None:
    rows = np.random.default_rng(1).random((5, len(FEATURES)))
    plain = weighted_parts(rows)
    assert np.array_equal(weighted_parts(rows, None, Parameters().part_weights()), plain)
    half = weighted_parts(rows, None, Parameters(dense_share=0.5).part_weights())
    assert np.array_equal(half, plain)
    words = weighted_parts(rows, None, Parameters({"popularity": 0.3}, dense_share=0.0).part_weights())
    of = {name: words[:, PARTS.index(name)] for name in ("lexical", "semantic", "popularity")}
    assert np.allclose(of["lexical"], 2 * plain[:, PARTS.index("lexical")]) and not of["semantic"].any()
    assert np.allclose(of["popularity"], plain[:, PARTS.index("popularity")] * 0.3 / WEIGHTS["popularity"])


def test_hits_in_the_mix_that_they_had_are_in_their_order() -> None:
    hits = Hits(np.asarray([3, 1, 2]), np.asarray([1.0, 0.2, 0.0]), np.asarray([0.5, 1.0, 0.9]))
    assert hits.mixed(0.5).rows.tolist() == [3, 1, 2]
    assert hits.mixed(1.0).rows.tolist() == [1, 2, 3] and hits.mixed(0.0).rows.tolist() == [3, 1, 2]
    assert hits.mixed(1.0).semantic.tolist() == [1.0, 0.9, 0.5]


def test_a_variant_says_how_much_is_explored() -> None:
    service = Explorer(0.01)
    assert service.under(NO_EXPERIMENT) is service
    assert service.under(Assignment({"a": "b"}, Parameters(explore_share=0.2))).share == 0.2
