"""What a session does to candidates: a bounded preference, and nothing that is there already where there is another."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from online.candidates import Asked, Known, Ranked, rank
from online.live import LiveRelease
from online.messages import BundleRequest
from online.sessions import rows_held, session_keys, session_of, without_held
from setwise.catalogue import Product
from setwise.index import Hits, LocalIndex, build_index
from setwise.names import ProductId, ReleaseId
from setwise.pseudonyms import Pseudonyms
from setwise.ranking import PARTS, WEIGHTS
from setwise.release import Manifest
from setwise.rules import ActiveRules
from setwise.sessions import ShopperSession
from setwise.snapshot import Snapshot, write_snapshot
from setwise.terms import Analyzer

NOW = datetime.now(UTC)
SECOND = int(NOW.timestamp())
SHOP = [("Walnut desk", "Desks", "Ark"), ("Oak desk", "Desks", ""), ("Brass lamp", "Lamps", "Ark"), ("Rug", "Rugs", "")]
ALL = np.arange(len(SHOP))


@pytest.fixture
def live(tmp_path) -> LiveRelease:
    products = [
        Product(ProductId(f"p{i}"), title, 100, "USD", product_types=(kind,), brand=brand)
        for i, (title, kind, brand) in enumerate(SHOP)
    ]
    write_snapshot(products, tmp_path / "snapshot")
    vectors = np.eye(len(SHOP), 16, dtype=np.float32)
    build_index(vectors, [title for title, _, _ in SHOP], tmp_path / "index")
    manifest = Manifest(ReleaseId("r"), NOW, None, (), {}, {}, {}, "USD")
    snapshot, index = Snapshot(tmp_path / "snapshot"), LocalIndex(tmp_path / "index")
    return LiveRelease(manifest, snapshot, None, index, None, None, Analyzer())


def session(*clicked: str, cart: tuple[str, ...] = (), bought: tuple[str, ...] = (), at: int = SECOND):
    ids = (tuple(map(ProductId, products)) for products in (clicked, cart, bought))
    return ShopperSession(at, *ids)


def parts(live: LiveRelease, known: ShopperSession | None) -> dict[int, float]:
    asked = Asked(Hits(ALL, np.zeros(len(ALL)), np.zeros(len(ALL))), None)
    ranked = rank(live, ALL, asked, Known(None, ActiveRules(), session=known))
    return dict(zip(ranked.rows.tolist(), ranked.parts[:, PARTS.index("session")].tolist(), strict=True))


def test_what_was_clicked_counts_most_then_its_brand_and_its_kind_and_no_brand_is_no_brand_in_common(live) -> None:
    third = WEIGHTS["session"] / 3
    assert parts(live, session("p0")) == pytest.approx({0: 3 * third, 1: third, 2: third, 3: 0})
    assert parts(live, session("p1")) == pytest.approx({0: third, 1: 2 * third, 2: 0, 3: 0})
    assert parts(live, session("gone from the catalogue")) == dict.fromkeys(range(4), 0)
    assert parts(live, session(cart=("p0",))) == parts(live, None) == dict.fromkeys(range(4), 0)


def test_what_is_held_is_left_out_but_for_what_must_stay_and_what_the_prompt_names_in_full(live) -> None:
    known = session("p3", cart=("p0", "not there"), bought=("p2",))
    assert rows_held(live, known, "something nice", ()).tolist() == [0, 2]
    assert rows_held(live, known, "another walnut desk please", ()).tolist() == [2]
    assert rows_held(live, known, "a desk", [np.asarray([2])]).tolist() == [0]
    assert rows_held(live, None, "a desk", ()).tolist() == []


def test_where_nothing_else_is_left_it_is_offered_all_the_same() -> None:
    ranked = Ranked(np.asarray([2, 0]), np.zeros((2, len(PARTS))), np.zeros((2, 0)))
    assert without_held(ranked, np.asarray([0])).rows.tolist() == [2]
    assert without_held(ranked, np.asarray([0, 2, 3])).rows.tolist() == [2, 0]
    assert without_held(ranked, np.asarray([], dtype=np.int64)) is ranked


def test_rows_of_one_person_are_joined_the_newest_first() -> None:
    older, newer = session("a", "b", cart=("c",), at=SECOND - 60), session("b", "d", bought=("e",))
    rows = [msgspec.structs.asdict(one) for one in (older, newer)]
    assert session_of([rows[0], None, rows[1]], NOW) == session("b", "d", "a", cart=("c",), bought=("e",))
    assert session_of([None, None], NOW) is None
    assert session_of([{**rows[0], "last_at_s": SECOND - 90_000}], NOW) is None


def test_only_with_consent_and_a_secret_there_are_keys_and_they_are_those_of_events() -> None:
    names = Pseudonyms(b"secret")
    asked = BundleRequest(prompt="a desk", user_id="mary", visitor_id="v", session_id="s")
    assert session_keys(names, asked) == [names.user("mary"), names.visitor("v"), names.session("s")]
    assert session_keys(None, asked) == []
    assert session_keys(names, BundleRequest(prompt="a desk", user_id="mary", consent=False)) == []
    assert session_keys(names, BundleRequest(prompt="a desk")) == []
