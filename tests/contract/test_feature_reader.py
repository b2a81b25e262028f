"""One suite, both online stores: what the reader answers is what Feast answers, value by value.

FAULTS=long compares 10,000 entities instead of 350."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import redis
import yaml

from online.feast_format import decode_value
from online.hydration import ONLINE_FILE, FeatureReader, FeatureStoreDownError, RedisFeatures, SqliteFeatures
from orchestration.feature_store import apply, materialise, open_store, redis_connection, write_parquet
from setwise.names import FEAST_PROJECT, PRODUCT_STATS_VIEW, SHOPPER_PROFILES_VIEW, ProductId, UserId
from setwise.profiles import ShopperProfile
from setwise.settings import Features, Settings, SettingsError, Storage
from setwise.statistics import ProductStats
from setwise.views import VIEWS

ROOT = Path(__file__).parents[2]
PROJECT = f"setwise_test_{os.getpid()}"
REDIS_URL = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/9")
NOW = datetime.now(timezone.utc)
DAY = timedelta(days=1)
MAX_AGE_S = 31 * 86_400
NUMBERED, PEOPLE = (8_997, 1_000) if os.environ.get("FAULTS") == "long" else (297, 50)
OLD = [ProductId(f"old-{number}") for number in range(5)]
PRODUCTS = {
    ProductId(key): ProductStats(
        number,
        number * 2**33,
        number / 7,
        number % 11 / 10,
        tuple(ProductId(f"p-{number + other}") for other in range(number % 21)),
    )
    for number, key in enumerate(
        [*(f"p-{number}" for number in range(NUMBERED)), "зонт-☂", "a b/c:d\n'\"*?[", "x" * 64]
    )
}
SHOPPERS = {
    UserId(f"u-{number}"): ShopperProfile(
        number,
        number / PEOPLE,
        ("Möbel", "Sofas & Co")[: number % 3],
        ("", "IKEA")[: number % 3],
        (),
        tuple(ProductId(f"p-{other}") for other in range(number % 20)),
        (ProductId("зонт-☂"),),
        bought_products=tuple(ProductId(f"p-{other}") for other in range(number % 5)),
        bought_weights=tuple(number / (3 + other) for other in range(number % 5)),
        bought_orders=tuple(range(number % 5)),
        rhythm_days=(0.0,) * (number % 5),
        days_since_order=number / 3,
    )
    for number in range(PEOPLE)
}
NO_SUCH = ["", "p-99999", "p-1 ", "ü" * 40]


class Shop(msgspec.Struct):
    """A filled store: Feast's own access to it, and ours."""

    settings: Settings
    feast: Any
    reader: FeatureReader
    first_run: dict[str, int]
    second_run: dict[str, int]


def reader_of(settings: Settings) -> FeatureReader:
    if settings.features.backend == "redis":
        # A shared machine may be slow; the timeouts have a test of their own.
        return RedisFeatures(settings.features.redis_url, PROJECT, MAX_AGE_S, 2, 2)
    return SqliteFeatures(Path(settings.storage.data_dir) / ONLINE_FILE, PROJECT, MAX_AGE_S)


def forget_own_keys() -> None:
    client = redis.Redis.from_url(REDIS_URL)
    for key in client.scan_iter(f"*{PROJECT}", count=1000):
        client.delete(key)
    client.close()


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def shop(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    require_server: Callable[[str, str, int], None],
) -> Iterator[Shop]:
    if request.param == "redis":
        address = urlsplit(REDIS_URL)
        require_server("Redis", address.hostname or "", address.port or 6379)
    features = Features(backend=request.param, redis_url=REDIS_URL, max_age_s=MAX_AGE_S)
    settings = Settings(storage=Storage(data_dir=str(tmp_path_factory.mktemp("shop"))), features=features)
    old = {key: ProductStats(1, 2, 3.0, 0.5, (ProductId("p-1"),)) for key in OLD}
    stale = {ProductId("p-7"): ProductStats(0, 0, 0.0, 0.0, ())}
    write_parquet(settings, PRODUCT_STATS_VIEW, [(NOW, PRODUCTS), (NOW - 20 * DAY, old | stale)])
    write_parquet(settings, SHOPPER_PROFILES_VIEW, [(NOW, SHOPPERS)])
    store = open_store(settings, PROJECT)
    apply(store, settings)
    first = materialise(store, NOW)
    apply(store, settings)
    second = materialise(store, NOW + timedelta(seconds=1))
    reader = reader_of(settings)
    yield Shop(settings, store, reader, first, second)
    reader.close()
    if request.param == "redis":
        forget_own_keys()


def asked_of_feast(shop: Shop, view: str, keys: list[str]) -> list[dict[str, Any] | None]:
    answer = shop.feast.get_online_features(
        [f"{view}:{feature}" for feature in VIEWS[view].features], [{VIEWS[view].entity_key: key} for key in keys]
    ).to_dict()
    rows = [{name: answer[name][place] for name in VIEWS[view].features} for place in range(len(keys))]
    return [row if any(value is not None for value in row.values()) else None for row in rows]


@pytest.mark.parametrize(
    ("view", "known"), [(PRODUCT_STATS_VIEW, [*PRODUCTS, *OLD]), (SHOPPER_PROFILES_VIEW, SHOPPERS)]
)
def test_every_value_is_what_feast_answers(shop: Shop, view: str, known: Any) -> None:
    keys = [*known, *NO_SUCH, *list(known)[:3]]
    rows = shop.reader.read(view, keys, NOW)
    expected = asked_of_feast(shop, view, keys)
    assert len(rows) == len(keys)
    for key, row, other in zip(keys, rows, expected, strict=True):
        assert row == other, key
        assert row is None or {name: type(value) for name, value in row.items()} == {
            name: type(value) for name, value in (other or {}).items()
        }


def test_values_are_those_that_were_written(shop: Shop) -> None:
    rows = shop.reader.read(PRODUCT_STATS_VIEW, list(PRODUCTS), NOW)
    for row, stats in zip(rows, PRODUCTS.values(), strict=True):
        assert row is not None
        assert row["orders_30d"] == stats.orders_30d
        assert row["orders_365d"] == stats.orders_365d
        assert row["popularity"] == pytest.approx(stats.popularity, rel=1e-6)
        assert row["co_bought"] == list(stats.co_bought)
    (profile,) = shop.reader.read(SHOPPER_PROFILES_VIEW, ["u-2"], NOW)
    assert profile is not None
    assert (profile["top_categories"], profile["top_brands"]) == (["Möbel", "Sofas & Co"], ["", "IKEA"])
    assert (profile["top_colors"], profile["usual_products"]) == ([], ["зонт-☂"])
    assert (profile["bought_products"], profile["bought_orders"]) == (["p-0", "p-1"], [0, 1])
    assert profile["bought_weights"] == pytest.approx([2 / 3, 2 / 4])


def test_keys_that_do_not_exist_have_no_row(shop: Shop) -> None:
    assert shop.reader.read(PRODUCT_STATS_VIEW, NO_SUCH, NOW) == [None] * len(NO_SUCH)
    assert shop.reader.read(PRODUCT_STATS_VIEW, [], NOW) == []


def test_rows_older_than_the_maximal_age_count_as_missing(shop: Shop) -> None:
    # Feast goes on answering them; we do not.
    keys = [*OLD, "p-7"]
    edge = NOW - 20 * DAY + timedelta(seconds=MAX_AGE_S)
    assert all(shop.reader.read(PRODUCT_STATS_VIEW, keys, edge - timedelta(seconds=2)))
    late = shop.reader.read(PRODUCT_STATS_VIEW, keys, edge + timedelta(seconds=2))
    assert late[:-1] == [None] * len(OLD)
    assert late[-1] is not None
    assert shop.reader.read(PRODUCT_STATS_VIEW, keys, NOW + 32 * DAY) == [None] * len(keys)


def test_only_the_features_asked_for(shop: Shop) -> None:
    rows = shop.reader.read(PRODUCT_STATS_VIEW, ["p-3", "p-99999"], NOW, ["orders_30d", "not_there"])
    assert rows == [{"orders_30d": 3, "not_there": None}, None]


def test_a_second_run_with_nothing_new_writes_nothing(shop: Shop) -> None:
    assert shop.first_run == {PRODUCT_STATS_VIEW: len(PRODUCTS) + len(OLD), SHOPPER_PROFILES_VIEW: len(SHOPPERS)}
    assert shop.second_run == {PRODUCT_STATS_VIEW: 0, SHOPPER_PROFILES_VIEW: 0}


def test_threads_read_at_once(shop: Shop) -> None:
    expected = shop.reader.read(PRODUCT_STATS_VIEW, list(PRODUCTS), NOW)
    answers: list[bool] = []

    def read() -> None:
        answers.extend(shop.reader.read(PRODUCT_STATS_VIEW, list(PRODUCTS), NOW) == expected for _ in range(5))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 20


def test_newer_rows_replace_older_ones_and_a_lost_store_is_filled_again(shop: Shop) -> None:
    # The last test of this module: it changes what the store holds.
    later = NOW + timedelta(hours=1)
    changed = {ProductId("p-3"): ProductStats(99, 99, 1.0, 0.0, ())}
    write_parquet(shop.settings, PRODUCT_STATS_VIEW, [(NOW, PRODUCTS), (later, changed)])
    assert materialise(shop.feast, later) == {PRODUCT_STATS_VIEW: 1, SHOPPER_PROFILES_VIEW: 0}
    rows = shop.reader.read(PRODUCT_STATS_VIEW, ["p-3", "p-4"], later)
    assert [row and row["orders_30d"] for row in rows] == [99, 4]
    if shop.settings.features.backend == "redis":
        forget_own_keys()
    else:
        with sqlite3.connect(Path(shop.settings.storage.data_dir) / ONLINE_FILE) as connection:
            for view in VIEWS:
                connection.execute(f'DELETE FROM "{PROJECT}_{view}"')
        connection.close()
    assert shop.reader.read(PRODUCT_STATS_VIEW, ["p-3"], later) == [None]
    refilled = materialise(shop.feast, later + timedelta(seconds=1))
    assert refilled == {PRODUCT_STATS_VIEW: len(PRODUCTS), SHOPPER_PROFILES_VIEW: len(SHOPPERS)}
    rows = shop.reader.read(PRODUCT_STATS_VIEW, ["p-3", "p-4"], later)
    assert [row and row["orders_30d"] for row in rows] == [99, 4]


def test_ages_hold_away_from_greenwich(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        settings = Settings(storage=Storage(data_dir=str(tmp_path)))
        write_parquet(settings, PRODUCT_STATS_VIEW, [(NOW, PRODUCTS)])
        write_parquet(settings, SHOPPER_PROFILES_VIEW, [])
        store = open_store(settings, PROJECT)
        apply(store, settings)
        assert materialise(store, NOW) == {PRODUCT_STATS_VIEW: len(PRODUCTS), SHOPPER_PROFILES_VIEW: 0}
        reader = reader_of(settings)
        edge = NOW + timedelta(seconds=MAX_AGE_S)
        assert reader.read(PRODUCT_STATS_VIEW, ["p-1"], edge - timedelta(seconds=2)) != [None]
        assert reader.read(PRODUCT_STATS_VIEW, ["p-1"], edge + timedelta(seconds=2)) == [None]
        reader.close()
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_store_that_is_not_there_says_so(tmp_path: Path) -> None:
    absent = SqliteFeatures(tmp_path / "absent.db", PROJECT, MAX_AGE_S)
    sqlite3.connect(tmp_path / "empty.db").close()
    empty = SqliteFeatures(tmp_path / "empty.db", PROJECT, MAX_AGE_S)
    (tmp_path / "rubbish.db").write_bytes(b"rubbish" * 500)
    rubbish = SqliteFeatures(tmp_path / "rubbish.db", PROJECT, MAX_AGE_S)
    for reader, reason in ((absent, "never filled"), (empty, "never filled"), (rubbish, "not a database")):
        with pytest.raises(FeatureStoreDownError, match=reason):
            reader.read(PRODUCT_STATS_VIEW, ["p-1"], NOW)
        reader.close()
    refused = RedisFeatures("redis://127.0.0.1:1/0", PROJECT, MAX_AGE_S)
    with pytest.raises(FeatureStoreDownError, match="unreachable"):
        refused.read(PRODUCT_STATS_VIEW, ["p-1"], NOW)
    refused.close()


def test_a_redis_that_does_not_answer_is_given_up_after_the_timeout() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        reader = RedisFeatures(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", PROJECT, MAX_AGE_S)
        start = time.perf_counter()
        with pytest.raises(FeatureStoreDownError, match="timeout"):
            reader.read(PRODUCT_STATS_VIEW, ["p-1"], NOW)
        assert time.perf_counter() - start < 1
        reader.close()


def test_values_of_every_kind_decode_as_feast_decodes_them() -> None:
    from feast.protos.feast.types.Value_pb2 import Null, Value
    from feast.type_map import feast_value_type_to_python_type

    kinds: dict[str, Any] = {
        "bytes": b"\0\xff", "string": "ü", "int32": -5, "int64": -(2**62), "double": 0.1, "float": 0.5, "bool": True,
        "unix_timestamp": 1_700_000_000,
    }  # fmt: skip
    values = [Value(**{f"{kind}_val": value}) for kind, value in kinds.items()]
    for kind, value in kinds.items():
        listed = Value()
        getattr(listed, f"{kind}_list_val").val.extend([value, value])
        values.append(listed)
    values += [Value(), Value(int64_val=0), Value(string_val="")]
    for value in values:
        assert decode_value(value.SerializeToString()) == feast_value_type_to_python_type(value), value
    # Feast itself gives 0 for an explicit null here and None when it reads a store; a missing value is None.
    assert decode_value(Value(null_val=Null.NULL).SerializeToString()) is None
    assert decode_value(None) is None


def test_redis_address_in_feasts_form() -> None:
    assert redis_connection("redis://127.0.0.1:6390/9") == "127.0.0.1:6390,db=9"
    assert redis_connection("rediss://me:a%40b@host") == "host:6379,db=0,username=me,password=a@b,ssl=true"
    for refused in ("http://host", "redis://[::1]:6379", "redis://:a,b@host"):
        with pytest.raises(SettingsError, match="SETWISE_REDIS_URL"):
            redis_connection(refused)


def test_both_descriptions_name_the_project_that_the_reader_reads() -> None:
    for backend in ("sqlite", "redis"):
        described = yaml.safe_load((ROOT / f"feature_repo/feature_store.{backend}.yaml").read_text())
        assert described["project"] == FEAST_PROJECT
        assert described["registry"]["serve_features_while_materializing"] is True
    sqlite_path = yaml.safe_load((ROOT / "feature_repo/feature_store.sqlite.yaml").read_text())["online_store"]["path"]
    assert sqlite_path == "${SETWISE_DATA_DIR}/" + ONLINE_FILE


def test_the_reader_does_not_load_feast() -> None:
    code = "import sys, online.hydration; print({'feast', 'pandas', 'dagster', 'feature_repo'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
