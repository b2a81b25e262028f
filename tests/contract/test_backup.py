"""Both profiles: what no build can make anew is saved, destroyed, and back again row by row."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import redis
from warehouses import warehouse_settings

from online.keys import make_key
from online.keys.store import build_keys_store
from online.log import Log, build_log
from online.rules_store import Publication, build_rules_store
from online.spool import TOPIC as SPOOLED
from orchestration.backup import BackupError, create, restore
from orchestration.erasing import Eraser
from orchestration.loader import Loader
from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.sources import build_source
from orchestration.warehouse.stores import DuckWarehouse, build_warehouse
from setwise.cloud_event import CloudEvent
from setwise.erasures import ERASURE_TYPE, erasure_of
from setwise.events import Interaction, InteractionItem
from setwise.events.secret import SECRET_FILE, event_secret
from setwise.local_log import LocalLog
from setwise.log import Record
from setwise.names import CHANGES_TOPIC, ERASURES_TOPIC, INTERACTIONS_TOPIC, SPOOL_FILE, redis_keys_of
from setwise.pseudonyms import Pseudonyms
from setwise.rules import RuleSet
from setwise.settings import Settings

BROKERS = os.environ.get("SETWISE_KAFKA_BROKERS", "127.0.0.1:9092")
REDIS = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/0")
NOW = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture(params=["embedded", "servers"])
def environ(request, leave_out: Callable, require_server: Callable, tmp_path: Path) -> Iterator[dict[str, str]]:
    kind = "duckdb" if request.param == "embedded" else "postgres"
    with warehouse_settings(kind, tmp_path / "data", leave_out) as found:
        if request.param == "embedded":
            yield found
            return
        host, port = BROKERS.split(",")[0].rsplit(":", 1)
        require_server("Kafka", host, int(port))
        prefix = f"setwise-test-{uuid.uuid4().hex[:12]}"
        servers = {"SETWISE_LOG": "kafka", "SETWISE_KAFKA_BROKERS": BROKERS, "SETWISE_LOG_PREFIX": prefix}
        servers |= {"SETWISE_LOG_PARTITIONS": "2", "SETWISE_REDIS_URL": REDIS}
        yield found | servers | {"SETWISE_KEYS": "redis", "SETWISE_RULES": "redis"}
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": BROKERS})
        names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
        for deleted in admin.delete_topics(names).values() if names else ():
            deleted.result()


def ready_log(settings: Settings) -> Log:
    log = build_log(settings)
    assert getattr(log, "wait_until_ready", lambda _: True)(30)
    return log


def event(event_id: str, user: str = "u-1") -> bytes:
    data = Interaction("click", NOW, 1, user, items=[InteractionItem("p-1")], query="say \\ and \t and ü")
    return CloudEvent(event_id, "setwise.click", NOW, data, "shop").encoded()


def fill(settings: Settings) -> None:
    """Something in every store."""
    data_dir = Path(settings.storage.data_dir)
    people = Pseudonyms(event_secret("", data_dir))
    keys = build_keys_store(settings)
    keys.put(make_key("shop", ("recommend",), NOW)[0])
    keys.close()
    rules = build_rules_store(settings)
    for version in range(2):
        rules.publish(RuleSet(), version, Publication(version + 1, NOW, "operator"))
    rules.close()
    log = ready_log(settings)
    for number in range(300):
        log.append(INTERACTIONS_TOPIC, "k", event(f"e-{number}"), {"ce_id": f"e-{number}"}).result(20)
    log.append(CHANGES_TOPIC, "p-1", b'{"data": {"product_id": "p-1"}}', {}).result(20)
    forget(log, people, "r-1", "nobody")
    log.close()
    warehouse = build_warehouse(settings)
    warehouse.migrate()
    records = [Record(INTERACTIONS_TOPIC, 0, n, "k", event(f"e-{n}"), {}, NOW) for n in range(200)]
    records.append(Record(INTERACTIONS_TOPIC, 0, 200, "k", b"no event\t\\N", {}, NOW))
    warehouse.load(batch_of(INTERACTIONS_TOPIC, records, NOW), {})
    warehouse.close()
    spool = LocalLog(data_dir / SPOOL_FILE, 24)
    spool.append(SPOOLED, "k", event("e-spooled"), {}).result(20)
    spool.close()


def forget(log: Log, people: Pseudonyms, receipt_id: str, user_id: str) -> None:
    one = erasure_of(receipt_id, user_id, (), people, datetime.now(UTC))
    said = CloudEvent(receipt_id, ERASURE_TYPE, datetime.now(UTC), one)
    log.append(ERASURES_TOPIC, receipt_id, said.encoded(), said.headers()).result(20)


def content(settings: Settings) -> dict[str, str]:
    """A hash of each store's rows, whatever their order."""
    warehouse = build_warehouse(settings)
    rows = {name: warehouse.rows(f"SELECT * FROM raw.{name}") for name in ("interactions", "served", "dead_letters")}
    warehouse.close()
    keys, rules, source = build_keys_store(settings), build_rules_store(settings), build_source(settings)
    rows["keys"] = list(keys.all().items())
    rows["rules"] = [(rules.version(), rules.read(1), rules.read(2)), *rules.history()]
    ever = (datetime.fromtimestamp(0, UTC), datetime.max.replace(tzinfo=UTC))
    topics = [CHANGES_TOPIC, ERASURES_TOPIC] if settings.log.backend == "kafka" else [CHANGES_TOPIC, INTERACTIONS_TOPIC]
    for topic in topics:
        rows[topic] = [(r.key, r.value, r.headers) for records in source.between(topic, *ever) for r in records]
    for one in (keys, rules, source):
        one.close()
    spool = LocalLog(Path(settings.storage.data_dir) / SPOOL_FILE, 24)
    rows["spool"] = [(r.key, r.value) for r in spool.read(SPOOLED, 0, 100)]
    spool.close()
    assert all(found for name, found in rows.items() if name != "served"), {name: len(rows[name]) for name in rows}
    secret = (Path(settings.storage.data_dir) / SECRET_FILE).read_text()
    hashed = {name: hashlib.sha256("\n".join(sorted(map(repr, found))).encode()) for name, found in rows.items()}
    return {"secret": secret, **{name: digest.hexdigest() for name, digest in hashed.items()}}


def destroy(settings: Settings, environ: dict[str, str]) -> dict[str, str]:
    """The data folder, the schema, the keys of Redis; of Kafka there is a new one, under another prefix."""
    shutil.rmtree(settings.storage.data_dir)
    if settings.warehouse.backend == "postgres":
        with psycopg.connect(settings.warehouse.postgres_url) as connection:
            connection.execute("DROP SCHEMA raw CASCADE")
    if settings.doors.keys == "redis":
        client, prefix = redis.Redis.from_url(REDIS), redis_keys_of(settings.storage.releases)
        assert client.delete(f"{prefix}:keys", f"{prefix}:rules") == 2
        client.close()
    if settings.log.backend == "kafka":
        return environ | {"SETWISE_LOG_PREFIX": f"{settings.log.prefix}.new"}
    return environ


def test_what_was_saved_is_back_after_everything_was_destroyed(environ: dict[str, str], tmp_path: Path) -> None:
    settings, folder = Settings.from_env(environ), tmp_path / "backup"
    fill(settings)
    before = content(settings)
    create(settings, folder)
    with pytest.raises(BackupError, match="replace"):
        restore(settings, folder, False)
    new = Settings.from_env(destroy(settings, environ))
    if new.log.backend == "kafka":
        ready_log(new).close()
    restore(new, folder, False)
    assert content(new) == before
    if new.log.backend == "local":  # and what was not loaded when it was saved is loaded now
        source, warehouse = build_source(new), build_warehouse(new)
        loader = Loader(source, warehouse, Eraser(new, source, warehouse))
        while loader.turn(0.5):
            pass
        assert warehouse.rows("SELECT count(*), count(DISTINCT id) FROM raw.interactions") == [(300, 300)]
        source.close()
        warehouse.close()


def test_whoever_was_forgotten_since_the_backup_is_forgotten_again(tmp_path: Path) -> None:
    settings, folder = Settings.from_env({"SETWISE_DATA_DIR": str(tmp_path / "data")}), tmp_path / "backup"
    fill(settings)
    people = Pseudonyms(event_secret("", Path(settings.storage.data_dir)))
    mary, warehouse = people.user("mary"), DuckWarehouse(tmp_path / "data/warehouse.duckdb")
    of_mary = Record(INTERACTIONS_TOPIC, 0, 201, mary, event("e-mary", mary), {}, NOW)
    warehouse.load(batch_of(INTERACTIONS_TOPIC, [of_mary], NOW), None)
    create(settings, folder)
    log = ready_log(settings)
    forget(log, people, "r-2", "mary")
    log.close()
    restore(settings, folder, True)
    found = "SELECT count(*) FROM raw.interactions WHERE id = 'e-mary'"
    assert warehouse.rows(found) == [(1,)]
    source = build_source(settings)
    assert Eraser(settings, source, warehouse).turn() == 2
    source.close()
    assert warehouse.rows(found) == [(0,)]


def test_a_backup_that_is_not_whole_changes_nothing(tmp_path: Path) -> None:
    settings, folder = Settings.from_env({"SETWISE_DATA_DIR": str(tmp_path / "data")}), tmp_path / "backup"
    fill(settings)
    create(settings, folder)
    with pytest.raises(BackupError, match="not empty"):
        create(settings, folder)
    before = content(settings)
    (folder / "keys.db").write_bytes((folder / "keys.db").read_bytes()[:-1] + b"?")
    with pytest.raises(BackupError, match=r"keys\.db"):
        restore(settings, folder, True)
    (folder / "manifest.json").unlink()
    with pytest.raises(BackupError, match="whole"):
        restore(settings, folder, True)
    assert content(settings) == before
