"""What an answer says of its choices is what decided: parts add up, and a part is what its factor brings."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from online.candidates import Asked, Known, Ranked, rank
from online.live import LiveRelease
from online.wishes import wishes_of
from setwise.index import Hits, as_shares
from setwise.prompt import understand
from setwise.ranking import PARTS
from setwise.rules import ActiveRules
from setwise.rules.document import Rule
from setwise.sessions import ShopperSession

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")


def test_items_parts_add_up_to_their_scores_and_those_to_the_bundles(client) -> None:
    body = {"prompt": "a mid-century living room under $2000", "explain": True}
    bundles = client.post("/v1/bundles", json=body).json()["bundles"]
    assert bundles
    for bundle in bundles:
        for item in bundle["items"]:
            assert item["score"] == pytest.approx(sum(item["parts"].values()))
            assert item["reasons"]
        assert bundle["parts"]["relevance"] == pytest.approx(sum(item["score"] for item in bundle["items"]))
        assert bundle["score"] == pytest.approx(sum(bundle["parts"].values()))


Ranking = tuple[LiveRelease, Asked, Known]
WITHOUT: dict[str, Callable[[LiveRelease, Asked, Known], Ranking]] = {
    "lexical": lambda live, a, k: (
        live,
        msgspec.structs.replace(a, hits=Hits(a.hits.rows, np.zeros(len(a.hits.rows)), a.hits.semantic)),
        k,
    ),
    "semantic": lambda live, a, k: (live, msgspec.structs.replace(a, vector=None), k),
    "slot_match": lambda live, a, k: (live, msgspec.structs.replace(a, name=""), k),
    "category_match": lambda live, a, k: (live, msgspec.structs.replace(a, categories=[]), k),
    "wish_match": lambda live, a, k: (live, msgspec.structs.replace(a, wishes=[]), k),
    "popularity": lambda live, a, k: (msgspec.structs.replace(live, popularity=None), a, k),
    "affinity": lambda live, a, k: (live, a, msgspec.structs.replace(k, profile=None)),
    "together": lambda live, a, k: (live, a, msgspec.structs.replace(k, anchors=[])),
    "rules": lambda live, a, k: (live, a, msgspec.structs.replace(k, active=ActiveRules())),
    "session": lambda live, a, k: (live, a, msgspec.structs.replace(k, session=None)),
}


def without(live: LiveRelease, asked: Asked, known: Known, rows: np.ndarray) -> Ranked:
    return rank(live, rows, asked, known)


@pytest.mark.parametrize("factor", WITHOUT)
def test_without_its_factor_a_score_falls_by_just_that_part(client, factor: str) -> None:
    live = client.app.state.watch.live
    # What trees make of a factor is theirs, and another part.
    live = msgspec.structs.replace(live, rankers={}, popularity=np.full(len(live.snapshot), 20.0, np.float32))
    rows = np.arange(80)
    first = live.snapshot[0]
    category = live.snapshot.meta.categories[int(live.snapshot.category[0])]
    read = understand(f"{first.color} {first.material}", live.vocabulary)
    vector = live.encoder.encode([first.title])[0]
    semantic = as_shares(live.index.similarity(vector, rows))
    hits = Hits(rows, np.linspace(0.1, 1.0, len(rows)), semantic)
    asked = Asked(hits, vector, first.title, [category], wishes_of(live, read))
    profile = {"top_brands": [first.brand], "top_categories": [category], "top_colors": [first.color]}
    active = ActiveRules([Rule("b", "boost", products=[first.id], value=0.25)])
    known = Known(profile, active, [90], ShopperSession(1, (first.id,), (), ()))
    full, less = rank(live, rows, asked, known), without(*WITHOUT[factor](live, asked, known), rows)
    before = dict(zip(full.rows.tolist(), full.parts, strict=True))
    after = dict(zip(less.rows.tolist(), less.parts, strict=True))
    at = PARTS.index(factor)
    assert before[0][at] > 0
    for row in rows.tolist():
        assert before[row].sum() - after[row].sum() == pytest.approx(before[row][at])
