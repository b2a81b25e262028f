"""What a ranker learns from is what is served, nothing of it comes from the future, and answers do without it."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from online.messages import ProductsRequest
from online.pipeline import rank_products
from online.probe import GivenFeatures
from orchestration.point_in_time import profiles_then
from setwise.names import RANKER_SERVICE, SHOPPER_PROFILES_VIEW, UserId
from setwise.profiles import ShopperProfile
from setwise.ranking import FEATURES, KINDS, PARTS
from setwise.release import Releases
from setwise.settings import Settings

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")

BODIES = [
    {"prompt": "walnut coffee table"},
    {"prompt": "a lamp under $90 for reading"},
    {"prompt": "rug", "candidates": "first"},
    {"basket": "first"},
    {"prompt": "something that goes with it", "basket": "first"},
    {"user_id": "shopper"},
]


@pytest.fixture(scope="module")
def bodies(client, shop) -> list[dict]:
    ids = [str(product_id) for product_id in client.app.state.watch.live.snapshot.ids]
    shopper = json.loads((shop / "orders.jsonl").read_text().splitlines()[0])["user_id"]
    lists = {"candidates": ids[:40], "basket": ids[3:6]}
    return [
        {key: lists.get(key, shopper if key == "user_id" else value) for key, value in body.items()} for body in BODIES
    ]


def test_rows_to_learn_from_are_the_rows_that_are_served(client, profile, bodies, tmp_path) -> None:
    live, dependencies = client.app.state.watch.live, client.app.state.dependencies
    settings = Settings.from_env(profile)
    now = datetime.now(UTC)
    shopper = bodies[-1]["user_id"]
    stored = dependencies.features.read(SHOPPER_PROFILES_VIEW, [shopper], now)[0]
    known = {SHOPPER_PROFILES_VIEW: stored}
    lines = [{"request": body, "known": known if "user_id" in body else {}} for body in bodies]
    (tmp_path / "asked.jsonl").write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines))
    _, folder = Releases(settings.storage.releases, tmp_path / "cache").fetch(live.manifest.release_id)
    command = [
        sys.executable,
        "-m",
        "online.training_rows",
        str(folder),
        str(tmp_path / "asked.jsonl"),
        str(tmp_path / "out.npz"),
    ]
    subprocess.run(command, check=True, env=os.environ | profile)
    with np.load(tmp_path / "out.npz") as found:
        rows, features, counts, kinds = (found[name] for name in ("rows", "features", "counts", "kinds"))
    ends, learning = np.cumsum(counts), msgspec.structs.replace(dependencies, to_learn_from=True)
    assert {KINDS[kind] for kind in kinds.tolist()} == set(KINDS)
    for at, body in enumerate(bodies):
        served = rank_products(msgspec.convert(body, ProductsRequest), live, learning, now)[2]
        plain = rank_products(msgspec.convert(body, ProductsRequest), live, dependencies, now)[2]
        # What no tree reads is filled only to be learned from, and changes no score.
        assert plain.features is None
        assert plain.rows.tolist() == served.rows.tolist() and np.array_equal(plain.parts, served.parts)
        part = slice(ends[at] - counts[at], ends[at])
        order, place = np.argsort(served.rows), np.argsort(rows[part])
        assert served.kind == KINDS[kinds[at]]
        assert served.rows[order].tolist() == rows[part][place].tolist()
        off = np.abs(served.features[order] - features[part][place]).max(axis=0)
        unlike = {name for name, by in zip(FEATURES, off.tolist(), strict=True) if by > 1e-6}
        # Rows to learn from come from the release's own index; Weaviate weighs words in its own way.
        assert unlike <= ({"lexical", "bm25", "lexical_rank"} if dependencies.retriever.is_remote else set())


def test_a_score_has_a_learned_part_and_is_the_sum_without_a_ranker_that_fails(client, bodies) -> None:
    live, dependencies = client.app.state.watch.live, client.app.state.dependencies
    asked, now = msgspec.convert(bodies[0], ProductsRequest), datetime.now(UTC)
    assert live.rankers.keys() >= {"search", "list"}
    assert live.manifest.feature_service == RANKER_SERVICE == live.rankers["search"].card.feature_service
    with_trees = rank_products(asked, live, dependencies, now)[2]
    learned = with_trees.parts[:, PARTS.index("learned")]
    assert np.ptp(learned) > 0
    assert with_trees.scores == pytest.approx(with_trees.parts.sum(axis=1))

    class Broken:
        card = live.rankers["search"].card

        def score(self, rows):
            raise RuntimeError("no such node")

    broken = msgspec.structs.replace(live, rankers={"search": Broken()})
    without = rank_products(asked, broken, dependencies, now)[2]
    assert not without.parts[:, PARTS.index("learned")].any()
    assert sorted(without.rows.tolist()) == sorted(with_trees.rows.tolist())


def profile_of(product: str) -> ShopperProfile:
    return ShopperProfile(1, 0.5, (), (), (), (product,), ())


def test_a_profile_from_the_future_is_never_learned_from(tmp_path) -> None:
    then, shopper = datetime(2026, 3, 1, tzinfo=UTC), UserId("u")
    settings = Settings.from_env({"SETWISE_DATA_DIR": str(tmp_path)})
    planted = [(then, {shopper: profile_of("before")}), (then + timedelta(days=2), {shopper: profile_of("the leak")})]
    asked = [(shopper, then), (UserId("nobody"), then), (shopper, then + timedelta(days=3))]
    at_the_time, unknown, later = profiles_then(settings, planted, asked)
    assert at_the_time["recent_products"] == ["before"]
    assert unknown is None
    assert later["recent_products"] == ["the leak"]


def test_a_given_profile_is_that_of_the_request_at_hand_alone() -> None:
    reader = GivenFeatures()
    reader.known = {SHOPPER_PROFILES_VIEW: {"top_brands": ["Ark"]}}
    found = reader.read_views([(SHOPPER_PROFILES_VIEW, ["u"]), ("shopper_sessions", ["s"])], datetime.now(UTC))
    assert found == [[{"top_brands": ["Ark"]}], [None]]
