"""One suite, both online stores: what the stream writes is what Feast and the service's reader read, with the profile
in one go."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import redis

from online.hydration import ONLINE_FILE, FeatureReader, FeatureStoreDownError, RedisFeatures, SqliteFeatures
from online.sessions import session_of
from orchestration.feature_store import apply, materialise, open_store, write_parquet
from orchestration.streams.session_rows import KEPT, SessionRows, SessionStoreDownError
from setwise.names import PRODUCT_STATS_VIEW, SHOPPER_PROFILES_VIEW, SHOPPER_SESSIONS_VIEW, ProductId, UserId
from setwise.profiles import ShopperProfile
from setwise.sessions import WINDOW, ShopperKey, ShopperSession
from setwise.settings import Features, Settings, Storage
from setwise.views import VIEWS

PROJECT = f"setwise_test_sessions_{os.getpid()}"
REDIS_URL = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/9")
MAX_AGE_S = 31 * 86_400
NOW = datetime.now(UTC)
SECOND = int(NOW.timestamp())
PROFILE = ShopperProfile(1, 0.5, ("Sofas",), ("Article",), (), (ProductId("p-1"),), ())


def session(*clicked: str, cart: tuple[str, ...] = (), bought: tuple[str, ...] = (), at: int = SECOND):
    ids = (tuple(map(ProductId, products)) for products in (clicked, cart, bought))
    return ShopperSession(at, *ids)


def settings_of(backend: str, folder: Path, require_server: Callable[[str, str, int], None]) -> Settings:
    if backend == "redis":
        address = urlsplit(REDIS_URL)
        require_server("Redis", address.hostname or "", address.port or 6379)
    features = Features(backend=backend, redis_url=REDIS_URL, max_age_s=MAX_AGE_S)
    return Settings(storage=Storage(data_dir=str(folder)), features=features)


def reader_of(settings: Settings) -> FeatureReader:
    if settings.features.backend == "redis":
        return RedisFeatures(settings.features.redis_url, PROJECT, MAX_AGE_S, 2, 2)
    return SqliteFeatures(Path(settings.storage.data_dir) / ONLINE_FILE, PROJECT, MAX_AGE_S)


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def settings(request, tmp_path_factory, require_server) -> Iterator[Settings]:
    yield settings_of(request.param, tmp_path_factory.mktemp("sessions"), require_server)
    if request.param == "redis":
        client = redis.Redis.from_url(REDIS_URL)
        for key in client.scan_iter(f"*{PROJECT}", count=1000):
            client.delete(key)
        client.close()


@pytest.fixture(scope="module")
def rows(settings: Settings) -> SessionRows:
    """Registers the view by itself: no build has been there."""
    made = SessionRows(settings, PROJECT)
    made.write({ShopperKey("v-0"): session("p-9")})
    return made


@pytest.fixture
def reader(settings: Settings, rows: SessionRows) -> Iterator[FeatureReader]:
    made = reader_of(settings)
    yield made
    made.close()


def test_a_row_is_read_as_it_was_written_and_as_feast_answers_it(settings, rows, reader) -> None:
    written = {
        ShopperKey("u-1"): session("p-1", "зонт-☂", cart=("p-2",), bought=("p-3", "p-4")),
        ShopperKey("v-1"): session("p-5"),
    }
    rows.write(written)
    found = reader.read(SHOPPER_SESSIONS_VIEW, ["v-1", "u-1", "s-none"], NOW)
    assert found[2] is None
    assert msgspec.convert(found[0], ShopperSession) == written[ShopperKey("v-1")]
    assert msgspec.convert(found[1], ShopperSession) == written[ShopperKey("u-1")]
    names = VIEWS[SHOPPER_SESSIONS_VIEW].features
    answer = (
        open_store(settings, PROJECT)
        .get_online_features([f"{SHOPPER_SESSIONS_VIEW}:{name}" for name in names], [{"shopper_key": "u-1"}])
        .to_dict()
    )
    assert found[1] == {name: answer[name][0] for name in names}


def test_the_later_row_replaces_the_earlier_one_at_once_and_one_written_twice_is_there_once(rows, reader) -> None:
    for clicked in (("p-1",), ("p-2", "p-1"), ("p-2", "p-1")):
        rows.write({ShopperKey("v-2"): session(*clicked)})
        (found,) = reader.read(SHOPPER_SESSIONS_VIEW, ["v-2"], NOW)
        assert found is not None and found["clicked_products"] == list(clicked)


def test_profile_and_sessions_come_in_one_read_and_sessions_do_not_make_old_features_look_new(
    settings, rows, reader
) -> None:
    store = open_store(settings, PROJECT)
    apply(store, settings)
    write_parquet(settings, PRODUCT_STATS_VIEW, [])
    write_parquet(settings, SHOPPER_PROFILES_VIEW, [(NOW - timedelta(days=2), {UserId("mary"): PROFILE})])
    assert materialise(store, NOW) == {PRODUCT_STATS_VIEW: 0, SHOPPER_PROFILES_VIEW: 1}
    rows.write({ShopperKey("u-3"): session("p-1"), ShopperKey("v-3"): session("p-2", at=SECOND - 60)})
    asked = [(SHOPPER_PROFILES_VIEW, ["mary"]), (SHOPPER_SESSIONS_VIEW, ["u-3", "v-3", "s-3"])]
    profiles, sessions = reader.read_views(asked, NOW)
    assert profiles[0] is not None and profiles[0]["top_brands"] == ["Article"]
    assert session_of(sessions, NOW) == session("p-1", "p-2")
    assert reader.newest is not None and reader.newest < NOW - timedelta(days=1)


def test_what_was_done_a_day_ago_is_no_session_any_more(rows, reader) -> None:
    rows.write({ShopperKey("v-4"): session("p-1")})
    found = reader.read(SHOPPER_SESSIONS_VIEW, ["v-4"], NOW)
    assert session_of(found, NOW + WINDOW - timedelta(seconds=2)) is not None
    assert session_of(found, NOW + WINDOW + timedelta(seconds=2)) is None


def test_a_forgotten_shopper_has_no_row(rows, reader) -> None:
    rows.write({ShopperKey("u-5"): session("p-1")})
    assert reader.forget(SHOPPER_SESSIONS_VIEW, "u-5")
    assert reader.read(SHOPPER_SESSIONS_VIEW, ["u-5"], NOW) == [None]
    assert not reader.forget(SHOPPER_SESSIONS_VIEW, "u-5")
    assert rows.missing([ShopperKey("u-5"), ShopperKey("v-0")]) == {"u-5"} and rows.missing([]) == set()


def test_a_store_that_does_not_answer_says_so(tmp_path: Path) -> None:
    features = Features(backend="redis", redis_url="redis://127.0.0.1:1/0")
    down = SessionRows(Settings(storage=Storage(data_dir=str(tmp_path)), features=features), PROJECT)
    with pytest.raises(SessionStoreDownError, match="ConnectionError"):
        down.write({ShopperKey("v-1"): session("p-1")})
    with pytest.raises(SessionStoreDownError, match="ConnectionError"):
        down.missing([ShopperKey("v-1")])


def test_old_rows_leave_the_store(settings, rows, reader) -> None:
    rows.write({ShopperKey("v-6"): session("p-1")})
    if settings.features.backend == "redis":
        client = redis.Redis.from_url(REDIS_URL)
        (key,) = client.scan_iter(f"*v-6{PROJECT}", count=1000)
        assert 0 < client.ttl(key) <= KEPT.total_seconds()
        client.close()
        return
    rows.forget(NOW - timedelta(minutes=1))
    assert reader.read(SHOPPER_SESSIONS_VIEW, ["v-6"], NOW) != [None]
    time.sleep(1.1)
    rows.forget(datetime.now(UTC))
    assert reader.read(SHOPPER_SESSIONS_VIEW, ["v-6"], NOW) == [None]


def test_a_store_without_the_view_answers_profiles_and_no_sessions(tmp_path: Path) -> None:
    settings = Settings(storage=Storage(data_dir=str(tmp_path)))
    absent = reader_of(settings)
    assert absent.read_views([(SHOPPER_SESSIONS_VIEW, ["v-1"])], NOW) == [[None]]
    with pytest.raises(FeatureStoreDownError, match="never filled"):
        absent.read_views([(SHOPPER_PROFILES_VIEW, ["mary"]), (SHOPPER_SESSIONS_VIEW, ["v-1"])], NOW)
    absent.close()
    for view in (PRODUCT_STATS_VIEW, SHOPPER_PROFILES_VIEW):
        write_parquet(settings, view, [(NOW, {UserId("mary"): PROFILE})] if view == SHOPPER_PROFILES_VIEW else [])
    store = open_store(settings, PROJECT)
    apply(store, settings)
    materialise(store, NOW)
    with sqlite3.connect(tmp_path / ONLINE_FILE) as older:
        older.execute(f'DROP TABLE "{PROJECT}_{SHOPPER_SESSIONS_VIEW}"')
    older.close()
    reader = reader_of(settings)
    profiles, sessions = reader.read_views(
        [(SHOPPER_PROFILES_VIEW, ["mary"]), (SHOPPER_SESSIONS_VIEW, ["v-1", "s-1"])], NOW
    )
    assert profiles[0] is not None and sessions == [None, None]
    assert not reader.forget(SHOPPER_SESSIONS_VIEW, "v-1")
    reader.close()
