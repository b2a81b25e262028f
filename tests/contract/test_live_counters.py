"""One suite, both stores: what the stream counts is what the service reads, while more comes in and after a restart."""

import os
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from online.live_counters import CountersDownError, LiveCounters, RedisCounters, build_live_counters
from orchestration.forgotten import pseudonyms_of
from orchestration.streams.known_erasures import KnownErasures
from orchestration.streams.live_stream import LiveStream, build_teller
from orchestration.streams.live_tables import open_tables
from orchestration.warehouse.sources import LocalSource
from setwise.cloud_event import CloudEvent
from setwise.events import Interaction, InteractionItem, Served, ServedBundle, ServedItem
from setwise.events.served import TYPE
from setwise.live_counts import KEPT, LIVE_FILE, SINCE_START, CountKey, minute_key
from setwise.local_log import LOG_FILE, LocalLog
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC
from setwise.settings import Settings

REDIS_URL = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/9")
NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE = int(NOW.timestamp()) // 60
SLOTS = {"p-1": "sofa", "p-2": "lamp"}
VARIANT = '{"ranking":"treatment"}'


class Shop:
    """A log, the stream over it, and the service's reader."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.folder = settings, Path(settings.storage.data_dir)
        self.log = LocalLog(self.folder / LOG_FILE, 24)
        self.reader: LiveCounters = build_live_counters(settings)
        self._numbers = iter(range(1_000))
        self.restart()

    def restart(self) -> None:
        """A stream that remembers nothing but what is in its file."""
        source = LocalSource(self.folder / LOG_FILE, 24)
        self.stream = LiveStream(
            source,
            open_tables(self.folder / LIVE_FILE),
            build_teller(self.settings),
            KnownErasures(source, pseudonyms_of(self.settings)),
        )

    def serve(self) -> None:
        items = [ServedItem(product, at, 500, 1.0, slot) for at, (product, slot) in enumerate(SLOTS.items(), 1)]
        bundle = ServedBundle("b-1", 1, "best match", 1_000, "USD", 1.0, items)
        data = Served(
            "r-1", "bundles", "", "r", "full", {}, 1, "", "v-1", bundles=[bundle],
            experiment={"ranking": "treatment"},
        )  # fmt: skip
        self.log.append(SERVED_TOPIC, "v-1", CloudEvent("r-1", TYPE, NOW, data).encoded(), {}).result(5)

    def act(self, kind: str, *products: str, times: int = 1, **data: object) -> None:
        said = Interaction(
            kind, NOW, 1, "", "v-1", items=[InteractionItem(product, 1, 500) for product in products],
            **{"request_id": "r-1", "bundle_id": "b-1", **data},
        )  # fmt: skip
        event = CloudEvent(f"e-{next(self._numbers)}", f"setwise.{kind}", NOW, said, "shop").encoded()
        for _ in range(times):
            self.log.append(INTERACTIONS_TOPIC, "v-1", event, {}).result(5)

    def counts(self) -> dict[tuple[str, str], int]:
        while self.stream.turn(0.1):
            pass
        found = self.reader.read([MINUTE - 1, MINUTE])
        assert all(key.minute == MINUTE and key.variant == VARIANT for key in found)
        return {(key.name, key.slot): value for key, value in found.items() if value}


@pytest.fixture(params=["sqlite", "redis"])
def shop(request, require_server: Callable[[str, str, int], None], tmp_path: Path) -> Iterator[Shop]:
    environ = {"SETWISE_DATA_DIR": str(tmp_path), "SETWISE_FEATURES": request.param, "SETWISE_REDIS_URL": REDIS_URL}
    environ["SETWISE_RELEASES_URL"] = f"{tmp_path}/{uuid.uuid4().hex}"
    if request.param == "redis":
        address = urlsplit(REDIS_URL)
        require_server("Redis", address.hostname or "", address.port or 6379)
    made = Shop(Settings.from_env(environ))
    yield made
    made.reader.close()
    made.log.close()
    if request.param == "redis":
        client = redis.Redis.from_url(REDIS_URL)
        for minute in (MINUTE, SINCE_START):
            client.delete(minute_key(made.settings.storage.releases, minute))
        client.close()


def test_before_anything_happened_there_is_nothing_to_count(shop: Shop) -> None:
    assert shop.reader.read([MINUTE]) == {} and shop.reader.read([]) == {}
    assert shop.counts() == {}


def test_what_is_served_shown_clicked_carted_and_bought_is_counted_once_by_slot_and_variant(shop: Shop) -> None:
    shop.act("click", "p-1", times=2)  # before the answer's own record, and a second time
    assert shop.counts() == {}
    shop.serve()
    shop.serve()
    shop.act("impression")
    shop.act("add_to_cart", "p-2")
    shop.act("click", "p-2", marks=["bot"])
    shop.act("click", "p-2", request_id="", bundle_id="")
    expected = {
        ("served", "sofa"): 1, ("served", "lamp"): 1, ("shown", "sofa"): 1, ("shown", "lamp"): 1,
        ("clicked", "sofa"): 1, ("carted", "lamp"): 1,
    }  # fmt: skip
    assert shop.counts() == expected
    shop.restart()
    shop.act("purchase", "p-1", "p-2", order_id="o-1", currency="USD", request_id="", bundle_id="", times=2)
    bought = {("bought", "sofa"): 1, ("bought", "lamp"): 1, ("revenue_cents", "sofa"): 500}
    assert shop.counts() == expected | bought | {("revenue_cents", "lamp"): 500}
    shop.act("refund", "p-1", order_id="o-1", request_id="", bundle_id="", times=2)
    shop.restart()
    assert shop.counts() == expected | {("bought", "lamp"): 1, ("revenue_cents", "lamp"): 500}
    ever = shop.reader.read([SINCE_START])
    assert ever == {CountKey(SINCE_START, VARIANT, "", "revenue_cents", "USD"): 1_000}, "a refund makes no counter fall"


def test_a_click_that_comes_after_the_purchase_is_credited_still(shop: Shop) -> None:
    shop.serve()
    shop.act("purchase", "p-1", order_id="o-1", currency="EUR", request_id="", bundle_id="")
    assert ("bought", "sofa") not in shop.counts()
    shop.act("click", "p-1")
    assert shop.counts()["bought", "sofa"] == 1
    assert CountKey(MINUTE, VARIANT, "sofa", "revenue_cents", "EUR") in shop.reader.read([MINUTE])


def test_two_streams_by_mistake_count_each_event_once(shop: Shop) -> None:
    first = shop.stream
    shop.restart()
    shop.serve()
    for stream in (first, shop.stream, first):
        stream.turn(0.1)
    for turns in range(6):
        shop.act("click", "p-1")
        (first if turns % 2 else shop.stream).turn(0.1)
    while first.turn(0.1):
        pass
    assert shop.counts() == {("served", "sofa"): 1, ("served", "lamp"): 1, ("clicked", "sofa"): 6}


def test_what_was_not_told_before_a_crash_is_told_after_it_and_minutes_end(shop: Shop) -> None:
    if shop.settings.features.backend != "redis":
        shop.serve()
        assert shop.counts()
        return
    shop.serve()
    shop.stream._teller = None  # dies before it tells
    assert shop.counts() == {}
    shop.restart()
    assert shop.counts() == {("served", "sofa"): 1, ("served", "lamp"): 1}
    client = redis.Redis.from_url(REDIS_URL)
    left = client.ttl(minute_key(shop.settings.storage.releases, MINUTE))
    assert 0 < left <= (KEPT + timedelta(minutes=1)).total_seconds()
    client.close()


def test_a_store_that_does_not_answer_says_so() -> None:
    down = RedisCounters("redis://127.0.0.1:1/0", "somewhere")
    with pytest.raises(CountersDownError, match="ConnectionError"):
        down.read([MINUTE])
    down.close()
