"""Five days of bad data: each is refused with its reason before anything is built from it, and a usual day between them
is taken."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from built_once import files_of
from e2e_support import build, built_shop

from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.stores import opened_warehouse
from setwise.cloud_event import CloudEvent
from setwise.events import Interaction, InteractionItem
from setwise.log import Record
from setwise.names import INTERACTIONS_TOPIC
from setwise.release import Releases
from setwise.settings import Settings

Rows = list[dict]


@pytest.fixture(scope="module")
def built(shop: Path, tmp_path_factory) -> dict[str, str]:
    """A sample shop with a live release."""
    return built_shop(files_of(shop), tmp_path_factory.mktemp("bad-days"))


def rows_of(path: str) -> Rows:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def changed(environ: dict[str, str], folder: Path, name: str, change: Callable[[Rows], Rows]) -> dict[str, str]:
    """The same shop with another feed or other orders."""
    variable = "SETWISE_FEED" if name == "feed" else "SETWISE_ORDERS"
    file = folder / f"{name}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in change(rows_of(environ[variable]))))
    return environ | {variable: str(file)}


def live_of(environ: dict[str, str]) -> str | None:
    folder = Path(environ["SETWISE_DATA_DIR"])
    return Releases(str(folder / "releases"), folder / "cache").current_id()


def refused(environ: dict[str, str], live: str | None, said: str, not_begun: str = "complementarity") -> None:
    done = build(environ)
    printed = " ".join(done.stdout.split())
    assert done.returncode == 1, printed
    assert said in printed and "The live release stays" in printed, printed
    assert f"{not_begun} ..." not in printed
    assert live_of(environ) == live


def times_100(rows: Rows) -> Rows:
    return [{**row, "price": f"{float(row['price'].split()[0]) * 100:.2f} {row['price'].split()[1]}"} for row in rows]


def half_without_titles(rows: Rows) -> Rows:
    return [{**row, "title": row["title"] if number % 2 else ""} for number, row in enumerate(rows)]


def without_lines(rows: Rows) -> Rows:
    return [{**row, "items": []} for row in rows]


def all_of_one(rows: Rows) -> Rows:
    newest = max(row["timestamp"] for row in rows)
    one = rows[0]["items"][0]
    at = datetime.fromisoformat(newest.replace("Z", "+00:00"))
    more = [
        {**rows[n], "order_id": f"new-{n}", "timestamp": (at + timedelta(minutes=n + 1)).isoformat(), "items": [one]}
        for n in range(100)
    ]
    return [*rows, *more]


def clicks_of_one_bot(environ: dict[str, str]) -> None:
    records, now = [], datetime.now(UTC)
    for number in range(400):
        who = "v-bot" if number % 20 else f"v-{number}"
        data = Interaction("click", now, 1, visitor=who, items=[InteractionItem("p-1")])
        event = CloudEvent(f"e-{number}", "setwise.click", now, data, "shop")
        records.append(Record(INTERACTIONS_TOPIC, 0, number, who, event.encoded(), {}, now))
    with opened_warehouse(Settings.from_env(environ)) as warehouse:
        warehouse.load(batch_of("interactions", records, now), None)


def bad_prices(environ: dict[str, str], folder: Path) -> None:
    refused(changed(environ, folder, "feed", times_100), live_of(environ), "median factor 100", "product_embeddings")


def test_a_bad_day_is_refused_with_its_reason_and_the_live_release_stays(built, tmp_path) -> None:
    assert live_of(built) is not None
    bad_prices(built, tmp_path)


@pytest.mark.long  # a build a day; each reason has its unit tests
def test_five_bad_days_are_refused_with_their_reasons_and_a_usual_one_is_taken(built, tmp_path) -> None:
    live = live_of(built)
    assert live is not None
    bad_prices(built, tmp_path)
    refused(changed(built, tmp_path, "feed", half_without_titles), live, "were rejected (50%", "product_embeddings")
    refused(
        changed(built, tmp_path, "orders", without_lines), live, "0 orders, the live release had 800", "complementarity"
    )
    refused(changed(built, tmp_path, "orders", all_of_one), live, "100% of 100 new orders hold")
    usual = changed(built, tmp_path, "orders", lambda rows: rows[:-5])
    done = build(usual)
    assert done.returncode == 0, done.stdout + done.stderr
    after = live_of(built)
    assert after != live
    clicks_of_one_bot(built)
    refused(built, after, "95% of 400 clicks come from one of 21 people")
