from datetime import UTC, datetime, timedelta

from setwise.point_in_time import Leak, leaks

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


def row(name: str, **ages: timedelta | None) -> tuple[str, datetime, dict[str, datetime | None]]:
    return name, MOMENT, {feature: None if age is None else MOMENT - age for feature, age in ages.items()}


def test_features_that_were_known_before_their_row_are_no_leak() -> None:
    assert not leaks([row("a", popularity=timedelta(days=1), affinity=timedelta(microseconds=1), session=None)])


def test_a_planted_look_into_the_future_is_found_with_its_row_and_feature() -> None:
    planted = row("b", popularity=timedelta(days=1), affinity=-timedelta(hours=2))
    assert leaks([row("a", popularity=timedelta(days=1)), planted]) == [
        Leak("b", "affinity", MOMENT, MOMENT + timedelta(hours=2))
    ]


def test_what_happened_in_the_same_moment_may_be_the_label() -> None:
    (found,) = leaks([row("a", popularity=timedelta(0))])
    assert str(found).startswith("popularity of row a is of 2026-03-01")


def test_of_many_leaks_the_first_are_named() -> None:
    assert len(leaks((row(str(n), popularity=-timedelta(1)) for n in range(100)), limit=5)) == 5
