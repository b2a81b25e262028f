"""The order in which a release would show what earlier ones showed, asked of the service's own code."""

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np

from orchestration.measures import Answer
from orchestration.policy_values import Places, PolicyValue, policy_values
from orchestration.trial import run_module
from orchestration.warehouse.rows import naive
from orchestration.warehouse.stores import Warehouse
from setwise.counterfactual import as_ranked

LIVE_ORDER = "as the live release would"
# The newest thousand: asking them again takes some ten seconds.
PROMPTS = (
    "SELECT answer_id, prompt FROM marts.fct_served WHERE prompt <> '' AND products > 1 AND served_at >= ? "
    "AND served_at < ? ORDER BY served_at DESC, answer_id LIMIT 1000"
)


def prompts_of(warehouse: Warehouse, since: datetime, until: datetime) -> dict[str, str]:
    """Sentences of the newest lists, by answer; those that were emptied are left out. Raises WarehouseDownError."""
    return dict(warehouse.rows(PROMPTS, [naive(since), naive(until)]))


def live_order_values(places: Places, prompts: Mapping[str, str], release: Path) -> list[PolicyValue]:
    """What this release's order of the same products is worth. People are pseudonyms in what was recorded: it is asked
    as nobody. Answers with a product that is no longer sold are left out. Raises TrialFailedError."""
    shown: dict[str, list[str]] = {}
    for answer, thing in zip(places.answers, places.things, strict=True):
        if answer in prompts:
            shown.setdefault(answer, []).append(thing)
    ranks = {
        (answer.id, product): rank
        for answer in _asked(shown, prompts, release)
        if len(answer.products) == len(shown[answer.id])
        for rank, product in enumerate(answer.products, 1)
    }
    known = [pair in ranks for pair in zip(places.answers, places.things, strict=True)]
    some = places.only(np.asarray(known, dtype=bool))
    order = np.asarray([ranks[pair] for pair in zip(some.answers, some.things, strict=True)], dtype=np.int64)
    return policy_values(some, {LIVE_ORDER: lambda _: as_ranked(order, some.position)})


def _asked(shown: Mapping[str, list[str]], prompts: Mapping[str, str], release: Path) -> list[Answer]:
    if not shown:
        return []
    with tempfile.TemporaryDirectory() as folder:
        asked, answers = Path(folder) / "asked.jsonl", Path(folder) / "answers.jsonl"
        lines = [
            {"id": answer, "products": {"prompt": prompts[answer], "candidates": products, "k": len(products)}}
            for answer, products in shown.items()
        ]
        asked.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        run_module("online.replay", release, asked, answers)
        return [msgspec.json.decode(line, type=Answer) for line in answers.read_bytes().splitlines()]
