"""Who was forgotten: named by nobody who lacks the secret, found in whatever a record holds, up to a moment."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from setwise.cloud_event import CloudEvent
from setwise.erasures import (
    DONE_TYPE,
    ERASURE_TYPE,
    UNDER_WAY,
    Done,
    Erasure,
    Erasures,
    StoreState,
    erasure_of,
    read_record,
    secret_of,
)
from setwise.log import Record
from setwise.pseudonyms import Pseudonyms

PEOPLE = Pseudonyms(b"secret")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MARY = erasure_of("r-1", "mary", ["cookie"], PEOPLE, NOW)


def record(value: bytes, at: datetime = NOW, **headers: str) -> Record:
    return Record("served", 0, 0, "k", value, headers, at)


def said(**data: object) -> bytes:
    return msgspec.json.encode({"time": NOW, "data": data})


def test_an_erasure_names_nobody_and_is_read_as_it_was_written() -> None:
    event = CloudEvent("r-1", ERASURE_TYPE, NOW, MARY)
    written = event.encoded()
    assert b"mary" not in written and PEOPLE.user("mary").encode() not in written and b"cookie" not in written
    assert read_record(record(written, **event.headers())) == MARY
    done = Done("r-1", "tables", {"log": StoreState("done", NOW, 3)})
    told = CloudEvent("r-1.tables", DONE_TYPE, NOW, done)
    assert read_record(record(told.encoded(), **told.headers())) == done


def test_a_person_is_known_by_user_and_visitor_id_up_to_the_moment() -> None:
    erasures = Erasures(PEOPLE, [MARY])
    assert erasures.cover("mary") and erasures.cover(None, "mary") and erasures.cover("bob", "cookie")
    assert not erasures.cover("bob", "cake") and not erasures.cover("cookie") and not erasures.cover(None)
    assert erasures.cover("mary", at=NOW + UNDER_WAY) and not erasures.cover("mary", at=NOW + 2 * UNDER_WAY)


@pytest.mark.parametrize(
    "value",
    [
        said(user=PEOPLE.user("mary")),
        said(user=PEOPLE.user("bob"), visitor=PEOPLE.visitor("cookie")),
        b"no json at all, but " + PEOPLE.user("mary").encode(),
        said(body={"prompt": "a sofa", "user_id": "mary"}),
        said(event=said(body={"visitor_id": "cookie"}).decode()),
        said(event=msgspec.json.encode({"user_id": "mary"}).decode()[:-1]),
        said(body={"user_id": "mary"})[:-3],
    ],
)
def test_a_record_of_a_person_is_found_whatever_its_form(value: bytes) -> None:
    assert Erasures(PEOPLE, [MARY]).covering_record(record(value)) == "r-1"


@pytest.mark.parametrize("value", [b"", b"\xff", said(user=PEOPLE.user("bob")), said(body={"user_id": ["mary"]})])
def test_a_record_of_nobody_or_of_somebody_else_is_left_alone(value: bytes) -> None:
    assert not Erasures(PEOPLE, [MARY]).cover_record(record(value))


def test_an_id_with_quotes_in_a_letter_is_found_too() -> None:
    name = 'ma"ry\\ü'
    erasures = Erasures(PEOPLE, [erasure_of("r", name, (), PEOPLE, NOW)])
    assert erasures.cover_record(record(said(event=said(body={"user_id": name}).decode())))


def test_what_came_late_belongs_to_the_time_at_which_it_happened() -> None:
    later = NOW + timedelta(hours=1)
    erasures = Erasures(PEOPLE, [MARY])
    assert erasures.cover_record(record(said(user=PEOPLE.user("mary")), later))
    new = msgspec.json.encode({"time": later, "data": {"user": PEOPLE.user("mary")}})
    assert not erasures.cover_record(record(new, later))
    assert erasures.cover_record(record(new, NOW))  # a clock that was ahead


def test_of_two_erasures_of_a_person_the_later_one_holds_and_another_secret_is_noticed() -> None:
    later = erasure_of("r-2", "mary", (), PEOPLE, NOW + timedelta(days=1))
    for order in ([MARY, later], [later, MARY]):
        erasures = Erasures(PEOPLE, order)
        assert erasures.covering("mary", at=NOW + timedelta(hours=5)) == "r-2"
        assert erasures.covering(None, "cookie", at=NOW) == "r-1"
    assert len(Erasures(PEOPLE, [MARY, later]).since(NOW + timedelta(hours=1))) == 2
    assert Erasures(PEOPLE).fingerprint() == "" != Erasures(PEOPLE, [MARY]).fingerprint()
    assert Erasures(PEOPLE, [MARY]).fingerprint() != Erasures(PEOPLE, [MARY, later]).fingerprint()
    assert MARY.secret == secret_of(PEOPLE) != secret_of(Pseudonyms(b"another"))
    assert isinstance(MARY, Erasure)
