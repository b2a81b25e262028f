"""The stream is killed while shoppers click: row by row what the writer's ledger says, on both profiles.

FAULTS=long kills it STREAM_KILLS times, 50 where it is not set."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from fault_servers import redis_server, wait_until

from online.hydration import build_reader
from online.live_counters import build_live_counters
from online.log import Log, build_log
from orchestration.streams.state import STATE_FILE, StreamState
from setwise.cloud_event import CloudEvent
from setwise.events import Interaction, InteractionItem, Served, ServedBundle, ServedItem
from setwise.events.served import TYPE
from setwise.live_counts import minute_key
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC, SHOPPER_SESSIONS_VIEW
from setwise.sessions import ShopperKey
from setwise.settings import Settings

LONG = os.environ.get("FAULTS") == "long"
KILLS = int(os.environ.get("STREAM_KILLS", "50")) if LONG else 2
ROOT = Path(__file__).parents[2]
BROKERS = os.environ.get("SETWISE_KAFKA_BROKERS", "127.0.0.1:9092")
REDIS_URL = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/0")
SHOPPERS = 60
KINDS = ("click", "view_item", "add_to_cart", "remove_from_cart", "purchase")


@pytest.fixture(params=["embedded", "servers"])
def environ(request, require_server: Callable, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The embedded log into SQLite, or Kafka into Redis."""
    found = {"SETWISE_DATA_DIR": str(tmp_path / "data")}
    if request.param == "embedded":
        yield found
        return
    host, port = BROKERS.split(",")[0].rsplit(":", 1)
    require_server("Kafka", host, int(port))
    address = urlsplit(REDIS_URL)
    require_server("Redis", address.hostname or "", address.port or 6379)
    prefix = f"setwise-test-{uuid.uuid4().hex[:12]}"
    kafka = {"SETWISE_LOG": "kafka", "SETWISE_KAFKA_BROKERS": BROKERS, "SETWISE_LOG_PREFIX": prefix}
    yield found | kafka | {"SETWISE_LOG_PARTITIONS": "3", "SETWISE_FEATURES": "redis", "SETWISE_REDIS_URL": REDIS_URL}
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": BROKERS})
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    for deleted in admin.delete_topics(names).values() if names else ():
        deleted.result()


class Writer(threading.Thread):
    """Appends what shoppers do until it is stopped; a tenth comes twice, some late, some marked, some unreadable."""

    def __init__(self, log: Log, run: str) -> None:
        super().__init__(daemon=True)
        self.follows = 0
        """The highest number of an answer that was acted on."""
        self._log, self._run, self._stopping, self._random = log, run, threading.Event(), random.Random(5)
        self.ledger: dict[str, list[tuple[datetime, str, str, str]]] = {}
        """Of each key: when, which event, what was done, with which product."""
        self.counts: Counter[str] = Counter()
        """What has to be counted live."""

    def run(self) -> None:
        number, started = 0, datetime.now(UTC)
        while not self._stopping.wait(0.04):
            futures = []
            for _ in range(20):
                number += 1
                times = 2 if number % 10 == 0 else 1
                if number % 5 == 0:
                    answer = self._answer(number)
                    futures += [self._log.append(SERVED_TOPIC, "a", answer, {}) for _ in range(times)]
                self.last = number
                for value, key in [self._event(number, started)] * times:
                    futures.append(self._log.append(INTERACTIONS_TOPIC, key, value, {}))
            for future in futures:
                future.result(20)

    def _answer(self, number: int) -> bytes:
        items = [ServedItem("p-1", 1, 500, 1.0, "sofa"), ServedItem("p-2", 2, 500, 1.0, "lamp")]
        bundle = ServedBundle(f"b-{number}", 1, "best match", 1_000, "USD", 1.0, items)
        self.counts["served"] += 2
        data = Served(f"r-{number}", "bundles", "", "r", "full", {}, 1, bundles=[bundle])
        return CloudEvent(f"r-{number}", TYPE, datetime.now(UTC), data).encoded()

    def _event(self, number: int, started: datetime) -> tuple[bytes, str]:
        name = f"e-{number}"
        visitor = f"v-{self._run}-{self._random.randrange(SHOPPERS)}"
        user = f"u-{visitor}" if self._random.random() < 0.3 else ""
        kind, product = self._random.choice(KINDS), f"p-{self._random.randrange(200)}"
        at = started + timedelta(milliseconds=number) - timedelta(hours=self._random.choice((0, 0, 0, 1, 30)))
        marks = [self._random.choice(("bot", "flood", "unserved"))] if number % 17 == 0 else []
        answer, counted = number + self._random.randrange(-50, 50), {"click": "clicked", "add_to_cart": "carted"}
        follows = kind in counted and answer > 0 and answer % 5 == 0  # some before the record of their answer
        data = Interaction(
            kind, at, 1, user, visitor, items=[InteractionItem(product)], marks=marks,
            order_id=name, request_id=f"r-{answer}" if follows else "", bundle_id=f"b-{answer}" if follows else "",
        )  # fmt: skip
        value = CloudEvent(name, f"setwise.{kind}", at, data, "shop").encoded()
        if number % 50 == 3:
            return value[:-9], visitor
        if not marks:
            self.counts[counted.get(kind, "")] += follows
            self.follows = max(self.follows, answer) if follows else self.follows
            for key in (user, visitor) if user else (visitor,):
                self.ledger.setdefault(key, []).append((at, name, kind, product))
        return value, user or visitor

    def stop(self) -> None:
        self._stopping.set()
        self.join()
        for number in range(self.last // 5 * 5 + 5, self.follows + 1, 5):
            self._log.append(SERVED_TOPIC, "a", self._answer(number), {}).result(20)


def remembered(doings: list[tuple[datetime, str, str, str]]) -> list[tuple[datetime, str, str, str]]:
    """Of each kind the newest 60, none older than a day before the newest."""
    newest, kept = max(doings)[0], []
    for kinds in (("click", "view_item"), ("add_to_cart", "remove_from_cart"), ("purchase",)):
        of_kind = [one for one in sorted(doings) if one[2] in kinds and one[0] >= newest - timedelta(hours=24)]
        kept += of_kind[-60:]
    return sorted(kept)


def expected_row(doings: list[tuple[datetime, str, str, str]]) -> dict[str, object]:
    last_first = remembered(doings)[::-1]
    clicked = dict.fromkeys(product for _, _, kind, product in last_first if kind in ("click", "view_item"))
    other: dict[str, str] = {}
    for _, _, kind, product in last_first:
        if kind not in ("click", "view_item"):
            other.setdefault(product, kind)
    bought = dict.fromkeys(product for _, _, kind, product in last_first if kind == "purchase")
    return {
        "last_at_s": int(last_first[0][0].timestamp()),
        "clicked_products": list(clicked)[:20],
        "cart_products": [product for product, kind in other.items() if kind == "add_to_cart"][:50],
        "bought_products": list(bought)[:50],
    }


def start(environ: dict[str, str], lines: Path, *arguments: str) -> subprocess.Popen[bytes]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_")} | environ
    with lines.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "orchestration.streams", *arguments], env=own, cwd=ROOT,
            stdout=file, stderr=file,
        )  # fmt: skip


@pytest.mark.long_on("servers")  # what the streams write to the servers is in the contract suites
def test_a_stream_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing(environ, tmp_path) -> None:
    settings, lines, run = Settings.from_env(environ), tmp_path / "lines", uuid.uuid4().hex[:8]
    log = build_log(settings)
    ready = getattr(log, "wait_until_ready", None)
    assert ready is None or ready(30)
    state = StreamState(Path(settings.storage.data_dir) / STATE_FILE)
    writer = Writer(log, run)
    writer.start()
    grew = 0
    for left in reversed(range(KILLS + 1)):
        before, process = sum(state.offsets(INTERACTIONS_TOPIC).values()), start(environ, lines)
        until = time.monotonic() + 60
        while time.monotonic() < until and sum(state.offsets(INTERACTIONS_TOPIC).values()) == before:
            time.sleep(0.02)
        time.sleep(random.random() / 4)  # somewhere in the middle of its work
        grew += sum(state.offsets(INTERACTIONS_TOPIC).values()) > before
        process.send_signal(signal.SIGKILL if left else signal.SIGTERM)
        # The last one is told to end: it does the batch at hand to its end.
        assert process.wait(60) == (-signal.SIGKILL if left else 0), lines.read_text()
    writer.stop()
    assert start(environ, lines, "--once").wait(120) == 0, lines.read_text()

    keys = list(writer.ledger)
    kept, lost, doubled = state.sessions(keys), 0, 0
    for key, doings in writer.ledger.items():
        wanted = {blake2b(f"shop\0{one[1]}".encode(), digest_size=8).digest() for one in remembered(doings)}
        found = [act.event for act in kept.get(ShopperKey(key), [])]
        lost, doubled = lost + len(wanted - set(found)), doubled + len(found) - len(wanted & set(found))
    counters, told = build_live_counters(settings), Counter[str]()
    minute = int(datetime.now(UTC).timestamp()) // 60
    for count, value in counters.read(range(minute - 31 * 60, minute + 5)).items():
        told[count.name] += value
    counters.close()
    reader = build_reader(settings, 5)
    rows = reader.read(SHOPPER_SESSIONS_VIEW, keys, datetime.now(UTC))
    wrong = [key for key, row in zip(keys, rows, strict=True) if row != expected_row(writer.ledger[key])]
    if environ.get("SETWISE_FEATURES") == "redis":
        for key in keys:
            reader.forget(SHOPPER_SESSIONS_VIEW, key)
        client = redis.Redis.from_url(REDIS_URL)
        client.delete(*(minute_key(settings.storage.releases, at) for at in range(minute - 31 * 60, minute + 5)))
        client.close()
    print(f"{KILLS} kills, {sum(map(len, writer.ledger.values())):,} acts of {len(keys)} keys: "
          f"{lost} lost, {doubled} doubled, {len(wrong)} rows wrong")  # fmt: skip
    print(f"counted live: {dict(told)}")
    del writer.counts[""]
    assert {name: told[name] for name in writer.counts} == writer.counts and min(writer.counts.values()) > 100
    assert (lost, doubled, wrong) == (0, 0, []) and grew == KILLS + 1 and len(keys) > SHOPPERS
    reader.close()
    state.close()
    log.close()


def test_a_stream_whose_store_is_away_waits_and_catches_up(leave_out, tmp_path) -> None:
    if shutil.which("redis-server") is None:
        leave_out("Redis of its own", "there is no redis-server on PATH")
    server, port = redis_server(tmp_path / "redis")
    environ = {"SETWISE_DATA_DIR": str(tmp_path / "data"), "SETWISE_FEATURES": "redis"}
    environ["SETWISE_REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    settings, lines = Settings.from_env(environ), tmp_path / "lines"
    log, reader = build_log(settings), build_reader(settings, 5)

    def click(number: int) -> None:
        now = datetime.now(UTC)
        data = Interaction("click", now, 1, "", "v-1", items=[InteractionItem(f"p-{number}")])
        event = CloudEvent(f"e-{number}", "setwise.click", now, data, "shop")
        log.append(INTERACTIONS_TOPIC, "v-1", event.encoded(), {}).result(20)

    def clicked() -> list[str]:
        (row,) = reader.read(SHOPPER_SESSIONS_VIEW, ["v-1"], datetime.now(UTC))
        return row["clicked_products"] if row else []  # type: ignore[return-value]

    stream = start(environ, lines)
    try:
        click(1)
        wait_until(lambda: "sessions: waiting for the log or a store: Conn" in lines.read_text(), 60, "a warning")
        server.start()
        wait_until(lambda: clicked() == ["p-1"], 20, "the first click")
        server.kill()
        click(2)
        wait_until(lambda: lines.read_text().count("sessions: waiting for") == 2, 20, "a second warning")
        server.start()
        took = wait_until(lambda: clicked()[:1] == ["p-2"], 20, "the second click")
        print(f"the second click is there {took:.1f} s after Redis came back")
        stream.send_signal(signal.SIGTERM)
        assert stream.wait(30) == 0, lines.read_text()
    finally:
        stream.kill()
        server.kill()
        reader.close()
        log.close()
