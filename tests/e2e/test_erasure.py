"""Somebody is forgotten: in no store of either profile is a trace of them, and nothing brings them back."""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from builds import dbt
from e2e_support import ROOT, SERVER_SETTINGS, build, delete_topics, own_copy, serve
from litestar.testing import TestClient
from loading import load
from request_ledger import settings_of
from warehouses import warehouse_settings

from online.log import build_log
from orchestration.kept_rows import ORDERS_FILE, read_kept
from orchestration.warehouse.stores import Warehouse, build_warehouse
from setwise.cloud_event import CloudEvent
from setwise.erasures import ERASURE_TYPE, erasure_of
from setwise.events.secret import event_secret
from setwise.names import DEAD_LETTER, ERASURES_TOPIC, INTERACTIONS_TOPIC, REQUESTS_TOPIC, redis_keys_of
from setwise.orders import Order
from setwise.pseudonyms import Pseudonyms
from setwise.settings import Settings

RUN = uuid.uuid4().hex[:8]
MARY, BOB, COOKIE = f"mary-{RUN}@example.com", f"bob-{RUN}@example.com", f"cookie-of-mary-{RUN}"
PROMPT = "a cosy sofa for the zanzibar hideout under $1500"
LATER = "a lamp for the xylophone cellar under $900"
QUERY = "quilted hammock"


@pytest.fixture
def environ(profile, tmp_path: Path, leave_out: Callable, shop: Path) -> Iterator[dict[str, str]]:
    """A shop of this profile in which Mary and Bob have bought before, with a warehouse of its own."""
    names = {"u-1": MARY, "u-2": BOB}
    orders = [json.loads(line) for line in (shop / "orders.jsonl").read_text().splitlines()]
    for order in orders:
        order["user_id"] = names.get(order.get("user_id"), order.get("user_id"))
    assert {MARY, BOB} <= {order["user_id"] for order in orders}
    mine = own_copy(profile, tmp_path) | {"SETWISE_ORDERS": str(tmp_path / "orders.jsonl")}
    (tmp_path / "orders.jsonl").write_text("".join(json.dumps(order) + "\n" for order in orders))
    kind = "postgres" if "SETWISE_LOG_PREFIX" in mine else "duckdb"
    with warehouse_settings(kind, Path(mine["SETWISE_DATA_DIR"]), leave_out) as warehouse:
        yield mine | warehouse
    if kind == "postgres":
        delete_topics(mine)


def stream(environ: dict[str, str]) -> None:
    """What shoppers did into sessions and counters, in a process of its own."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_") or k in SERVER_SETTINGS} | environ
    command = [sys.executable, "-m", "orchestration.streams", "--once"]
    done = subprocess.run(
        command, env=own | {"PYTHONWARNINGS": "ignore"}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def exported_sessions(client: TestClient) -> Any:
    return client.get(f"/v1/users/{MARY}").json()["stores"]["shopper_sessions"]


def event(kind: str, event_id: str, at: datetime | None = None, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": event_id, "source": "shop.example/web", "type": f"setwise.{kind}",
        "time": (at or datetime.now(UTC)).isoformat(), "data": data,
    }  # fmt: skip


def live(client: TestClient, who: str, visitor: str, number: int) -> None:
    """What a shopper leaves behind: answers, a swap, an asynchronous request, events."""
    named = {"user_id": who, "visitor_id": visitor}
    answer = client.post("/v1/bundles", json={"prompt": PROMPT if who == MARY else "a sofa", **named}).json()
    bundle = answer["bundles"][0]
    swap = {"slot": bundle["items"][0]["slot"], "mode": "different", "user_id": who}
    client.post(f"/v1/bundles/{bundle['bundle_id']}/swap", json=swap)
    client.post("/v1/products", json={"prompt": LATER if who == MARY else "a lamp", **named})
    client.post("/v1/bundles", json={"prompt": PROMPT if who == MARY else "a desk", "visitor_id": visitor})
    later = client.post("/v1/requests", json={"prompt": LATER if who == MARY else "a lamp", **named}).json()
    until = time.monotonic() + 30
    while client.get(later["status_url"]).json()["status"] != "done":
        assert time.monotonic() < until
        time.sleep(0.05)
    product = bundle["items"][0]["product_id"]
    follows = {"request_id": answer["request_id"], "bundle_id": bundle["bundle_id"], "product_id": product}
    sold = {"items": [{"product_id": product, "quantity": 1, "price_cents": 500}], "order_id": f"o-{number}"}
    sent = [
        event("impression", f"i-{number}", request_id=answer["request_id"], bundle_id=bundle["bundle_id"], **named),
        event("click", f"c-{number}", **follows, **named),
        event("purchase", f"p-{number}", **sold, currency="USD", **named),
        event("search", f"s-{number}", query=QUERY if who == MARY else "chair", **named),
        event("search", f"a-{number}", query=QUERY if who == MARY else "chair", visitor_id=visitor),
    ]
    assert client.post("/v1/events", json=sent).json()["accepted"] == len(sent)


def leave_letters(settings: Settings, key: str) -> None:
    """A request that could not be answered, and an event that cannot be read."""
    log = build_log(settings)
    assert getattr(log, "wait_until_ready", lambda _: True)(30)
    now = datetime.now(UTC)
    asked = json.dumps({"data": {"body": {"prompt": LATER, "user_id": MARY}}})
    dead = CloudEvent("d-1", "setwise.dead-letter", now, {"event": asked, "reason": "it ended its worker", "time": now})
    log.append(REQUESTS_TOPIC + DEAD_LETTER, "k", dead.encoded(), dead.headers()).result(20)
    log.append(INTERACTIONS_TOPIC, key, f'{{"user": "{key}", "query": "{QUERY}'.encode(), {}).result(20)
    log.close()


def traces(settings: Settings, words: list[str]) -> list[str]:
    """Where any of the words stands: files of the data folder, tables of a warehouse, keys and values of Redis."""
    wanted = re.compile("|".join(map(re.escape, words)).encode())
    # In a process of its own: who reads and closes a SQLite file loses the locks that his connections hold on it.
    asked = ["grep", "-rlaF", *(f"-e{word}" for word in words), settings.storage.data_dir]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
    if settings.warehouse.backend == "postgres":
        warehouse = build_warehouse(settings)
        places = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN (?, ?, ?)"
        for schema, table in warehouse.rows(places, ["raw", "staging", "marts"]):
            for (row,) in warehouse.rows(f'SELECT cast(t AS text) FROM "{schema}"."{table}" AS t'):
                found += [f"{schema}.{table}: {hit[0]!r}"] if (hit := wanted.search(row.encode())) else []
        warehouse.close()
    if settings.features.backend == "redis":
        client = redis.Redis.from_url(settings.features.redis_url)
        read = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"stream": client.xrange,
            b"zset": lambda key: client.zrange(key, 0, -1),
        }
        mine = redis_keys_of(settings.storage.releases).encode()
        for key in client.scan_iter(count=1_000):  # what other shops have is not looked at; Feast's keys are all shops'
            if key.startswith(mine) or not key.startswith(b"setwise:"):
                value = repr(read.get(client.type(key), lambda _: b"")(key)).encode()
                found += [f"redis {key!r}: {hit[0]!r}"] if (hit := wanted.search(key + value)) else []
        client.close()
    return found


def rows_of(warehouse: Warehouse, key: str) -> dict[str, int]:
    """Rows of one person by table."""
    asked = {
        "raw.served": "data ->> 'user' = ?",
        "raw.interactions": "data ->> 'user' = ?",
        "marts.fct_orders": "user_key = ?",
        "marts.dim_users": "person_key = ?",
        "staging.int_touches": "user_key = ?",
    }
    return {
        table: int(warehouse.rows(f"SELECT count(*) FROM {table} WHERE {where}", [key])[0][0])
        for table, where in asked.items()
    }


def words_of(people: Pseudonyms) -> list[str]:
    """What would tell of Mary wherever it stood."""
    return [MARY, COOKIE, people.user(MARY), people.visitor(COOKIE), "zanzibar", "xylophone", QUERY]


def live_and_write(client: TestClient, environ: dict[str, str], mary: str) -> None:
    """Mary and Bob leave behind what they can, and it is written wherever it is kept."""
    settings = settings_of(environ)
    live(client, MARY, COOKIE, 1)
    live(client, BOB, "cookie-of-bob", 2)
    leave_letters(settings, mary)
    time.sleep(0.5)  # what was answered is written ten times a second
    load(settings, 60)
    stream(environ)
    assert exported_sessions(client)


def forget(client: TestClient) -> dict[str, Any]:
    """The receipt of an erasure that has only begun."""
    told = client.delete(f"/v1/users/{MARY}", params={"visitor_id": [COOKIE, "another-one"]}).json()
    assert told["state"] == "pending" and told["stores"]["raw_tables"] == {"state": "pending"}
    assert told["stores"]["bundles"]["removed"] >= 2
    gone = {"shopper_profiles": None, "shopper_sessions": None, "bundles": []}
    assert client.get(f"/v1/users/{MARY}").json()["stores"] == gone
    return dict(told)


def until_forgotten(client: TestClient, settings: Settings, receipt: dict[str, Any]) -> dict[str, Any]:
    """What the receipt says once the loader has done its part."""
    began = time.monotonic()
    while (told := client.get(f"/v1/erasures/{receipt['receipt_id']}").json())["state"] != "done":
        assert time.monotonic() - began < 60, told
        load(settings, 60)
    print(f"forgotten everywhere after {time.monotonic() - began:.1f} s: {told['stores']}")
    assert told["stores"]["raw_tables"]["removed"] >= 9
    assert told["stores"]["streams"]["removed"] > 0 and told["stores"]["shopper_sessions"]["removed"] > 0
    assert told["stores"]["log"]["state"] == ("expires" if settings.log.backend == "kafka" else "done")
    return dict(told)


def test_of_whoever_is_forgotten_no_store_keeps_a_trace(environ: dict[str, str]) -> None:
    settings = settings_of(environ)
    people = Pseudonyms(event_secret("", Path(environ["SETWISE_DATA_DIR"])))
    with serve(environ) as client:
        live_and_write(client, environ, people.user(MARY))
        assert traces(settings, words_of(people))
        until_forgotten(client, settings, forget(client))
        assert traces(settings, words_of(people)) == []
        assert exported_sessions(client) is None and client.get(f"/v1/users/{BOB}").json()["stores"]["shopper_sessions"]


@pytest.mark.long  # two builds, and the marts
def test_whoever_is_forgotten_is_in_no_store_and_comes_back_with_nothing(environ, tmp_path: Path) -> None:
    settings = settings_of(environ)
    data_dir = Path(environ["SETWISE_DATA_DIR"])
    done = build(environ)
    assert done.returncode == 0, done.stdout + done.stderr
    people = Pseudonyms(event_secret("", data_dir))
    mary, bob = people.user(MARY), people.user(BOB)
    words = words_of(people)
    with serve(environ) as client:
        live_and_write(client, environ, mary)
        exported = client.get(f"/v1/users/{MARY}").json()
        assert exported["stores"]["shopper_profiles"] and len(exported["stores"]["bundles"]) >= 2
        assert exported["known_as"]["user"] == mary
        assert dbt(settings, os.environ, "run", "--quiet") == 0
        warehouse = build_warehouse(settings)
        before = rows_of(warehouse, mary)
        kept = rows_of(warehouse, bob)
        assert all(before.values()) and all(kept.values()), (before, kept)
        assert traces(settings, words)

        receipt = forget(client)
        assert receipt["stores"]["shopper_profiles"]["removed"] == 1
        told = until_forgotten(client, settings, receipt)
        assert told["stores"]["marts"]["removed"] > 0 and told["stores"]["history"]["removed"] > 0
        assert not any(rows_of(warehouse, mary).values()) and rows_of(warehouse, bob) == kept
        assert traces(settings, words) == []
        # A stream that reads the whole log again brings nobody back: Kafka has the records still.
        for left in data_dir.glob("streams.db*"), data_dir.glob("live.db*"):
            for file in left:
                file.unlink()
        stream(environ)
        assert traces(settings, words) == [] and not exported_sessions(client)
        assert client.get("/v1/erasures/none-of-this-id").status_code == 404

        # Whatever comes late of what was before is not taken; who comes back is somebody new.
        time.sleep(max(0.0, (datetime.fromisoformat(told["erased_at"]) - datetime.now(UTC)).total_seconds()))
        before_it = datetime.fromisoformat(told["erased_at"]) - timedelta(minutes=1)
        back = [
            event("search", "s-3", before_it, query="old", user_id=MARY),
            event("search", "s-4", query="new", user_id=MARY),
        ]
        assert client.post("/v1/events", json=back).json()["accepted"] == 2
        load(settings, 60)
        found = "SELECT data ->> 'query' FROM raw.interactions WHERE data ->> 'user' = ?"
        assert warehouse.rows(found, [mary]) == [("new",)]
        warehouse.close()

    again = build(environ)
    assert again.returncode == 0, again.stdout + again.stderr
    newest = max((data_dir / "artefacts/orders").glob(f"*/{ORDERS_FILE}"), key=lambda path: path.stat().st_mtime)
    buyers = {order.user_id for order in read_kept(newest, Order)}
    assert BOB in buyers and MARY not in buyers
    with serve(environ) as client:
        assert client.get(f"/v1/users/{MARY}").json()["stores"]["shopper_profiles"] is None
        assert client.get(f"/v1/users/{BOB}").json()["stores"]["shopper_profiles"]
    assert traces(settings, [MARY, COOKIE]) == []


def test_a_warehouse_that_is_filled_anew_knows_nobody_who_was_forgotten(environ, tmp_path: Path) -> None:
    """Kafka keeps records by their age alone: whoever reads them honours erasures."""
    settings = settings_of(environ)
    with serve(environ) as client:
        client.post("/v1/events", json=event("search", "s-1", query=QUERY, user_id=MARY))
        client.post("/v1/events", json=event("search", "s-2", query="chair", user_id=BOB))
        leave_letters(settings, Pseudonyms(event_secret("", Path(environ["SETWISE_DATA_DIR"]))).user(MARY))
        assert client.delete(f"/v1/users/{MARY}").status_code == 200
    load(settings, 60)
    warehouse = build_warehouse(settings)
    assert warehouse.rows("SELECT data ->> 'query' FROM raw.interactions") == [("chair",)]
    assert warehouse.rows("SELECT count(*) FROM raw.dead_letters") == [(0,)]
    warehouse.close()


def test_a_request_of_somebody_who_was_forgotten_meanwhile_is_not_answered(environ, tmp_path: Path) -> None:
    settings = settings_of(environ)
    with serve(environ | {"SETWISE_REQUESTS_THREADS": "0"}) as client:
        accepted = [client.post("/v1/requests", json={"prompt": PROMPT, "user_id": who}) for who in (MARY, BOB)]
        asked = [reply.json()["status_url"] for reply in accepted]
        assert client.delete(f"/v1/users/{MARY}").status_code == 200
    until = time.monotonic() + 60
    with serve(environ) as client:
        while {(told := [client.get(one).json() for one in asked])[n]["status"] for n in (0, 1)} != {"failed", "done"}:
            assert time.monotonic() < until, told
            time.sleep(0.1)
        assert "forgotten" in told[0]["problem"]["detail"] and told[1]["answer"]["bundles"]
        assert len(client.get(f"/v1/users/{BOB}").json()["stores"]["bundles"]) >= 1
        assert client.get(f"/v1/users/{MARY}").json()["stores"]["bundles"] == []
    load(settings, 60)
    warehouse = build_warehouse(settings)
    people = Pseudonyms(event_secret("", Path(environ["SETWISE_DATA_DIR"])))
    assert warehouse.rows("SELECT data ->> 'user' FROM raw.served") == [(people.user(BOB),)]
    warehouse.close()


def test_a_service_that_was_killed_before_it_cleared_its_stores_does_so_when_it_is_back(environ) -> None:
    settings = settings_of(environ)
    with serve(environ) as client:
        for who in (MARY, BOB):
            assert client.post("/v1/bundles", json={"prompt": PROMPT, "user_id": who}).json()["bundles"]
    log, now = build_log(settings), datetime.now(UTC)
    assert getattr(log, "wait_until_ready", lambda _: True)(30)
    people = Pseudonyms(event_secret("", Path(environ["SETWISE_DATA_DIR"])))
    said = CloudEvent("r-1", ERASURE_TYPE, now, erasure_of("r-1", MARY, (), people, now))
    log.append(ERASURES_TOPIC, "r-1", said.encoded(), said.headers()).result(20)
    log.close()
    until = time.monotonic() + 60
    with serve(environ) as client:
        while client.get("/v1/erasures/r-1").json().get("stores", {}).get("bundles", {}).get("removed") is None:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert client.get(f"/v1/users/{MARY}").json()["stores"]["bundles"] == []
        assert client.get(f"/v1/users/{BOB}").json()["stores"]["bundles"]
        load(settings, 60)
        while (told := client.get("/v1/erasures/r-1").json())["state"] != "done":
            assert time.monotonic() < until, told
            time.sleep(0.1)
        assert client.get(f"/v1/users/{MARY}").json()["stores"]["shopper_profiles"] is None
