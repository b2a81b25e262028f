"""What the shop's own past taught is in the release, and answers are weighed by it."""

import msgspec
import numpy as np
import pytest

from online.candidates import Asked, Known, rank
from setwise.completion import FEATURES, WEIGHTS, look_up
from setwise.index import Hits
from setwise.learned import Learned
from setwise.ranking import FEATURES as RANKED
from setwise.rules import ActiveRules

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")


def test_a_build_tries_weights_on_what_it_held_out_and_never_keeps_worse_ones(client) -> None:
    learned = client.app.state.watch.live.learned
    assert learned.figures["unsaid_choices"] >= 50
    for name, weights in (("unsaid", learned.unsaid), ("said", learned.said), ("pairs", learned.fit)):
        if weights:
            assert learned.figures[f"{name}_own"] > learned.figures[f"{name}_shipped"]
    assert set(learned.unsaid) in (set(), set(FEATURES))


def test_what_sells_again_counts_as_far_as_the_past_showed(client) -> None:
    live = client.app.state.watch.live
    rows = np.arange(60)
    asked = Asked(Hits(rows, np.ones(60), np.ones(60)), None)
    parts = {
        told: rank(msgspec.structs.replace(live, learned=Learned(resale=told)), rows, asked, Known(None, ActiveRules()))
        for told in (0.0, 0.5)
    }
    at = RANKED.index("resale")
    assert not parts[0.0].parts[:, at].any()
    assert parts[0.5].parts[:, at] == pytest.approx(0.5 * live.complementarity.resale(parts[0.5].rows))


def test_a_cart_is_completed_by_the_weights_of_the_release(client) -> None:
    live = client.app.state.watch.live
    given = np.asarray([0])
    titles = [live.analyzer.terms(live.snapshot[0].title)]
    asked = Asked(Hits(given, np.ones(1), np.ones(1)), None, given=look_up(live.index, given, titles, [], None))
    rows, known = np.arange(1, 60), Known(None, ActiveRules())
    best = {}
    for feature in ("alike_meaning", "kinds"):
        weights = dict.fromkeys(WEIGHTS, 0.0) | {feature: 1.0}
        learned = msgspec.structs.replace(live, learned=Learned(unsaid=weights), popularity=None)
        best[feature] = int(rank(learned, rows, asked, known).rows[0])
    vectors = live.index.vectors(np.arange(60))
    assert best["alike_meaning"] == 1 + int((vectors[1:] @ vectors[0]).argmax())
    lifts = live.complementarity.kind_lift(given, rows)[0]
    assert lifts[best["kinds"] - 1] == lifts.max()
