"""Every version of the rules that was ever published: in a local file, or in Redis."""

from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from setwise.local_store import STORE_ERRORS, driver_of, open_local_store
from setwise.names import RULES_FILE, redis_keys_of
from setwise.rules import RuleSet
from setwise.settings import Settings

HISTORY = 100
_TABLES = MetaData()
_VERSIONS = Table(
    "rule_versions",
    _TABLES,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("publication", LargeBinary, nullable=False),
    Column("rules", LargeBinary, nullable=False),
)


class RulesStoreDownError(Exception):
    """The store did not answer; the text has no address in it."""


class StaleRulesError(Exception):
    """Another version was published in the meantime; `current` is its number."""

    def __init__(self, current: int) -> None:
        super().__init__(f"the current version is {current}")
        self.current = current


class Publication(msgspec.Struct, frozen=True):
    """Who published which version and when; `file_sha256` where it came from the shop's file."""

    version: int
    put_at: datetime
    put_by: str
    file_sha256: str = ""


class RulesStore(Protocol):
    """Versions count from 1 and are never changed. Every method raises RulesStoreDownError."""

    def version(self) -> int:
        """The current version, 0 before the first one. Cheap."""
        ...

    def read(self, version: int) -> RuleSet | None:
        """The rules of a version, or None where there is no such version."""
        ...

    def history(self, limit: int = HISTORY) -> list[Publication]:
        """The latest publications, newest first."""
        ...

    def publish(self, rules: RuleSet, expected: int, publication: Publication) -> RuleSet:
        """Stores the rules as version expected + 1; StaleRulesError where `expected` is not the current version."""
        ...

    def close(self) -> None: ...


def _numbered(rules: RuleSet, expected: int, publication: Publication) -> tuple[RuleSet, bytes, bytes]:
    numbered = msgspec.structs.replace(rules, version=expected + 1)
    published = msgspec.structs.replace(publication, version=expected + 1)
    return numbered, msgspec.json.encode(numbered), msgspec.json.encode(published)


class SqliteRules:
    """A file in the data folder; as many processes of one machine as like."""

    def __init__(self, path: Path) -> None:
        self._engine = open_local_store(path, _TABLES, flush="FULL")

    def version(self) -> int:
        """One look at the primary key."""
        try:
            with driver_of(self._engine) as connection:
                (version,) = connection.execute("SELECT max(version) FROM rule_versions").fetchone()
        except STORE_ERRORS as error:
            raise RulesStoreDownError(type(error).__name__) from error
        return version or 0

    def read(self, version: int) -> RuleSet | None:
        """None where there is no such version."""
        found = self._scalar(select(_VERSIONS.c.rules).where(_VERSIONS.c.version == version))
        return None if found is None else msgspec.json.decode(found, type=RuleSet)

    def history(self, limit: int = HISTORY) -> list[Publication]:
        """Newest first."""
        query = select(_VERSIONS.c.publication).order_by(_VERSIONS.c.version.desc()).limit(limit)
        try:
            with self._engine.connect() as connection:
                return [msgspec.json.decode(data, type=Publication) for data in connection.scalars(query)]
        except SQLAlchemyError as error:
            raise RulesStoreDownError(type(error).__name__) from error

    def publish(self, rules: RuleSet, expected: int, publication: Publication) -> RuleSet:
        """The primary key lets one of two writers through."""
        numbered, document, published = _numbered(rules, expected, publication)
        current = self.version()
        if current != expected:
            raise StaleRulesError(current)
        row = {"version": expected + 1, "rules": document, "publication": published}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_VERSIONS).values(row))
        except IntegrityError as error:
            raise StaleRulesError(self.version()) from error
        except SQLAlchemyError as error:
            raise RulesStoreDownError(type(error).__name__) from error
        return numbered

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def _scalar(self, query: Any) -> Any:
        try:
            with self._engine.connect() as connection:
                return connection.scalar(query)
        except SQLAlchemyError as error:
            raise RulesStoreDownError(type(error).__name__) from error


class RedisRules:
    """One hash: `current`, and under each version's number the rules; `n:publication` is who and when."""

    def __init__(self, url: str, key: str, timeout_s: float = 1.0) -> None:
        retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._client: Any = redis.Redis.from_url(
            url, socket_connect_timeout=timeout_s, socket_timeout=timeout_s, retry=retry, protocol=2
        )
        self._key = key

    def version(self) -> int:
        """One HGET."""
        return int(self._ask("hget", self._key, "current") or 0)

    def read(self, version: int) -> RuleSet | None:
        """None where there is no such version."""
        found = self._ask("hget", self._key, str(version))
        return None if found is None else msgspec.json.decode(found, type=RuleSet)

    def history(self, limit: int = HISTORY) -> list[Publication]:
        """Newest first."""
        current = self.version()
        fields = [f"{version}:publication" for version in range(current, max(current - limit, 0), -1)]
        found = self._ask("hmget", self._key, fields) if fields else []
        return [msgspec.json.decode(data, type=Publication) for data in found if data is not None]

    def publish(self, rules: RuleSet, expected: int, publication: Publication) -> RuleSet:
        """WATCH and MULTI let one of two writers through."""
        numbered, document, published = _numbered(rules, expected, publication)
        number = str(expected + 1)
        try:
            with self._client.pipeline() as pipeline:
                pipeline.watch(self._key)
                current = int(pipeline.hget(self._key, "current") or 0)
                if current != expected:
                    raise StaleRulesError(current)
                pipeline.multi()
                values = {"current": number, number: document, f"{number}:publication": published}
                pipeline.hset(self._key, mapping=values)
                pipeline.execute()
        except redis.WatchError as error:
            raise StaleRulesError(self.version()) from error
        except redis.RedisError as error:
            raise RulesStoreDownError(type(error).__name__) from error
        return numbered

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _ask(self, command: str, *arguments: Any) -> Any:
        try:
            return getattr(self._client, command)(*arguments)
        except redis.RedisError as error:
            raise RulesStoreDownError(type(error).__name__) from error


def build_rules_store(settings: Settings) -> RulesStore:
    """The implementation that the settings name."""
    if settings.rules.backend == "redis":
        return RedisRules(settings.features.redis_url, f"{redis_keys_of(settings.storage.releases)}:rules")
    return SqliteRules(Path(settings.storage.data_dir) / RULES_FILE)
