"""Every setting, one frozen struct per concern; the text under a field is its documentation."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self, get_args

import msgspec

MOST_EXPLORED = 0.2


class SettingsError(ValueError):
    """A setting that cannot be read; names the variable and what it accepts."""


def listed(text: str) -> list[str]:
    """The items of a setting that is a list, separated by commas or spaces."""
    return text.replace(",", " ").split()


class Storage(msgspec.Struct, frozen=True):
    """Where things are kept."""

    data_dir: str = "var"
    """Folder for everything Setwise writes: artefacts, feature store, server data, logs."""
    releases_url: str = ""
    """fsspec address of the releases (a folder or a bucket); empty = `releases` in the data folder."""
    dagster_postgres_url: str = ""
    """postgresql:// address for Dagster's run history; empty = SQLite under the data folder."""

    @property
    def releases(self) -> str:
        """fsspec address of the releases."""
        return self.releases_url or str(Path(self.data_dir).absolute() / "releases")


class Catalogue(msgspec.Struct, frozen=True):
    """What the merchant brings."""

    feed: str = ""
    """Product feed: a path, plain or .gz. Empty = the sample shop."""
    orders: str = ""
    """Orders, JSON Lines or CSV, plain or .gz. May be empty."""
    sets: str = ""
    """Merchant-made sets, JSON Lines, plain or .gz. May be empty."""
    judgements: str = ""
    """Judged queries (query, product_id, grade), JSON Lines or CSV, plain or .gz. May be empty."""
    feed_mode: Literal["full", "delta"] = "full"
    """full: products that the feed no longer has are gone. delta: the feed only adds and changes."""
    currency: str = ""
    """Currency of prices that come without one (Shopify); empty = such rows are rejected."""
    max_rejected_share: float = 0.2
    """A feed with a larger share of rejected rows stops the build; the live release stays."""
    allow_preorder: bool = False
    """Whether preorder and backorder products may be answered."""
    sample_products: int = 3_000
    """Size of the sample shop: products."""
    sample_shoppers: int = 2_000
    """Size of the sample shop: shoppers."""
    sample_orders: int = 20_000
    """Size of the sample shop: orders, and as many sessions."""


class Models(msgspec.Struct, frozen=True):
    """Which models a release is built with."""

    encoder: str = "all-MiniLM-L6-v2"
    """A local folder in sentence-transformers form, or a model's name: packaged, else from the model hub."""


class Vectors(msgspec.Struct, frozen=True):
    """The vector store."""

    backend: Literal["in-process", "weaviate"] = "in-process"
    """in-process: usearch and tantivy from the release's files. weaviate: a server."""
    weaviate_host: str = "127.0.0.1"
    """Weaviate's host name."""
    weaviate_http_port: int = 8080
    """Weaviate's HTTP port."""
    weaviate_grpc_port: int = 50051
    """Weaviate's gRPC port."""
    weaviate_api_key: str = ""
    """Weaviate's API key; empty = anonymous."""
    weaviate_secure: bool = False
    """Whether to talk TLS to Weaviate."""


class Features(msgspec.Struct, frozen=True):
    """Feast's online store."""

    backend: Literal["sqlite", "redis"] = "sqlite"
    """sqlite: a file in the data folder. redis: a server."""
    redis_url: str = "redis://127.0.0.1:6379/0"
    """Redis address, for everything that is set to redis."""
    max_age_s: int = 31 * 86_400
    """Feature values older than this many seconds count as missing."""


class Rules(msgspec.Struct, frozen=True):
    """Merchandising rules."""

    backend: Literal["sqlite", "redis"] = "sqlite"
    """Where rules and their history are kept. sqlite: a file in the data folder. redis: a server."""
    file: str = ""
    """Rules and templates as YAML, published whenever the file has changed. Empty = only PUT /v1/rules."""


class Flags(msgspec.Struct, frozen=True):
    """Experiments."""

    file: str = "experiments/flags.json"
    """Flags in flagd's form, watched while serving; none where there is no such file. Empty = no experiments."""


class Bundles(msgspec.Struct, frozen=True):
    """Answered bundles, kept so that they can be swapped."""

    backend: Literal["sqlite", "redis"] = "sqlite"
    """Where answered bundles are kept. sqlite: a file in the data folder. redis: a server."""
    ttl_s: int = 3_600
    """A bundle can be swapped for so many seconds after its answer."""
    max_mb: int = 256
    """Beyond this size the oldest bundles are forgotten earlier; one takes about half a kilobyte."""


class Requests(msgspec.Struct, frozen=True):
    """Asynchronous requests."""

    backend: Literal["sqlite", "redis"] = "sqlite"
    """Where their progress and answers are kept. sqlite: a file in the data folder. redis: a server."""
    ttl_s: int = 3_600
    """A request and its answer are forgotten after so many seconds; one that waited longer is not answered."""
    threads: int = 1
    """Threads of each serving process that answer asynchronous requests; 0 = only `python -m online.worker` does."""
    attempts: int = 5
    """A request that ended its worker so many times goes to the dead letters."""
    streams: int = 500
    """Event streams that one process keeps open at once; one more is refused with 503."""
    metrics_port: int = 0
    """Port of 127.0.0.1 where `python -m online.worker` shows its /metrics, each worker its own; 0 = nowhere."""


class Log(msgspec.Struct, frozen=True):
    """The durable log of requests, events and catalogue changes."""

    backend: Literal["local", "kafka"] = "local"
    """local: a file in the data folder. kafka: a server."""
    prefix: str = "setwise"
    """What the names of topics start with: setwise.requests, setwise.results and so on."""
    partitions: int = 6
    """Partitions of a topic that is made anew (Kafka)."""
    replication: int = 1
    """Copies of each partition of a topic that is made anew (Kafka); three on a cluster."""
    retention_h: int = 7 * 24
    """A record is kept for so many hours; the last catalogue change of each product for ever."""
    kafka_brokers: str = "127.0.0.1:9092"
    """Kafka's brokers, host:port separated by commas."""
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to talk to Kafka."""
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    """SASL mechanism, where kafka_security says SASL."""
    kafka_user: str = ""
    """SASL user name."""
    kafka_password: str = ""
    """SASL password."""
    kafka_ca_file: str = ""
    """Certificates that Kafka's own is checked against; empty = those of the system."""


class Events(msgspec.Struct, frozen=True):
    """What shoppers do, as shops send it."""

    seen: Literal["sqlite", "redis"] = "sqlite"
    """Where it is kept for a day which events came. sqlite: a file in the data folder. redis: a server."""
    secret: str = ""
    """What pseudonyms and request ids are made with, the same in all processes; empty = a file in the data folder."""
    flood_per_min: int = 300
    """Events a minute of one user or visitor; those above are kept with the mark `flood`."""
    spool_mb: int = 256
    """What the log does not take waits in the data folder up to this size."""
    features_share: float = 0.05
    """Share of what is answered to known shoppers whose records say what each product was ranked by."""


class Warehouse(msgspec.Struct, frozen=True):
    """Where analysts ask what was answered and what shoppers did."""

    backend: Literal["duckdb", "postgres"] = "duckdb"
    """duckdb: a file in the data folder. postgres: a server."""
    postgres_url: str = ""
    """The warehouse's database, for postgres."""
    prompts_days: int = 30
    """What shoppers wrote is kept so many days in the tables; the rest of the rows stays."""
    analyst_role: str = "setwise_analyst"
    """Role of PostgreSQL that `python -m orchestration.marts` lets read the marts and nothing else; empty = none."""

    def __post_init__(self) -> None:
        if self.backend == "postgres" and not self.postgres_url:
            raise SettingsError("SETWISE_WAREHOUSE=postgres needs SETWISE_WAREHOUSE_POSTGRES_URL")


class Deadlines(msgspec.Struct, frozen=True):
    """How long an answer may take and may wait for what it depends on, in milliseconds."""

    ms: int = 150
    """Deadline of an answer: what is not there in time is answered without. 0 = none, and no stage has a time-out."""
    encode_ms: int = 60
    """Longest wait for the encoder; after it the words alone are looked for (`lexical`)."""
    retrieve_ms: int = 100
    """Longest wait for Weaviate; after it the release's own index answers (`local_index`)."""
    features_ms: int = 15
    """Longest wait for a shopper's features; after it the answer is `no_profile`."""


class Caching(msgspec.Struct, frozen=True):
    """Whole answers of requests that name no person."""

    backend: Literal["local", "redis"] = "local"
    """local: each process keeps its own answers. redis: and finds those of the others on a server."""
    ttl_s: float = 60.0
    """An answer is given again for so many seconds, as long as no price or stock in it changes. 0 = never."""
    max_mb: int = 64
    """Beyond this size the answers that nobody asked for longest are forgotten."""


class Service(msgspec.Struct, frozen=True):
    """The HTTP service."""

    host: str = "127.0.0.1"
    """Address to listen on. Loopback by default."""
    port: int = 8000
    """Port of the API."""
    storefront: bool = False
    """Whether `/` is a shop to try: a page whose browser asks without a key, as far as SETWISE_ANONYMOUS lets it."""
    dagster_port: int = 3000
    """Port of Dagster's pages, under `make demo` and `make dagster`."""
    workers: int = 1
    """Serving processes on one port; a dead one is replaced, SIGHUP replaces all, one after the other."""
    threads: int = 2
    """Answers computed at once in one process."""
    queue_ms: int = 30
    """A request that would wait longer for a thread, by what answers take at the moment, is refused with 503."""
    drain_s: float = 1.0
    """How long `/health/ready` says `draining` after SIGTERM before the process stops listening."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged."""
    explore_share: float = 0.01
    """Share of answers in another order than the best, at most 0.2: other orders are judged by them. 0 = none."""

    def __post_init__(self) -> None:
        if not 0 <= self.explore_share <= MOST_EXPLORED:
            raise SettingsError(f"SETWISE_EXPLORE_SHARE={self.explore_share} is not accepted: expected 0 to 0.2")


class Doors(msgspec.Struct, frozen=True):
    """Who may come in, and how often."""

    anonymous: str = ""
    """Scopes of requests without a key, separated by commas: recommend, events. Empty = every request needs a key."""
    keys: Literal["sqlite", "redis"] = "sqlite"
    """Where API keys and the counts of rate limits are kept. sqlite: files in the data folder. redis: a server."""
    key_per_s: float = 200
    """Requests a second that one key may send in the long run; 0 = any number."""
    key_burst: int = 400
    """Requests that one key may send at once."""
    address_per_s: float = 200
    """Requests a second that one address may send without a valid key; 0 = any number."""
    address_burst: int = 400
    """Requests that one address may send at once without a valid key."""
    trusted_proxies: str = ""
    """Addresses of proxies whose X-Forwarded-For is believed, separated by commas."""
    cors_origins: str = ""
    """Origins whose pages may call the API from a browser, separated by commas; empty = none."""
    hsts: bool = False
    """Whether to tell browsers to use HTTPS only; for a service behind TLS."""

    def __post_init__(self) -> None:
        unknown = set(listed(self.anonymous)) - {"recommend", "events"}
        if unknown:
            raise SettingsError(f"SETWISE_ANONYMOUS: {unknown.pop()!r} cannot be open; expected recommend or events")


class Seeing(msgspec.Struct, frozen=True):
    """What operators see of a running service, beside its metrics."""

    log_format: Literal["auto", "json", "human"] = "auto"
    """auto: sentences on a terminal, else JSON lines."""
    cpu_hour_price: float = 0.04
    """What one core costs for an hour, in dollars; setwise_cost_dollars_total is the CPU that was used times this."""
    traces_url: str = ""
    """Where spans go by OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces; empty = none are made."""
    traces_share: float = 0.05
    """Share of the requests that become spans; a caller whose traceparent says sampled or not is followed."""


# The environment variable of a field is SETWISE_<prefix>_<FIELD>, or SETWISE_<FIELD> where the prefix is empty.
_PREFIXES = {
    "storage": "", "catalogue": "", "models": "", "vectors": "VECTORS", "features": "FEATURES", "rules": "RULES",
    "flags": "FLAGS",
    "bundles": "BUNDLES", "requests": "REQUESTS", "log": "LOG", "events": "EVENTS", "warehouse": "WAREHOUSE",
    "deadlines": "DEADLINE", "caching": "CACHE", "service": "", "doors": "", "seeing": "",
}  # fmt: skip


class Settings(msgspec.Struct, frozen=True):
    """All settings of a process; built once, where the process starts."""

    storage: Storage = Storage()
    catalogue: Catalogue = Catalogue()
    models: Models = Models()
    vectors: Vectors = Vectors()
    features: Features = Features()
    rules: Rules = Rules()
    flags: Flags = Flags()
    bundles: Bundles = Bundles()
    requests: Requests = Requests()
    log: Log = Log()
    events: Events = Events()
    warehouse: Warehouse = Warehouse()
    deadlines: Deadlines = Deadlines()
    caching: Caching = Caching()
    service: Service = Service()
    doors: Doors = Doors()
    seeing: Seeing = Seeing()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Reads SETWISE_*; raises SettingsError for a value that does not fit or a name that no setting has."""
        known = set(variables())
        unknown = sorted(name for name in environ if name.startswith("SETWISE_") and name not in known | _NOT_SETTINGS)
        if unknown:
            raise SettingsError(f"{unknown[0]} is not a setting; .env.example lists them all")
        concerns = {}
        for concern in _fields(cls):
            values = {}
            for field in _fields(concern.type):
                name = variable_of(concern.name, field.name)
                if environ.get(name, "") != "":
                    values[field.name] = _convert(name, environ[name], field.type)
            concerns[concern.name] = concern.type(**values)
        return cls(**concerns)


# Read by the test-suite and by scripts, never by Setwise itself.
_NOT_SETTINGS = {"SETWISE_REQUIRE_SERVICES", "SETWISE_SHARED"}


def variable_of(concern: str, field: str) -> str:
    """The environment variable of a field."""
    prefix = _PREFIXES[concern]
    # A field that already starts with its server's name keeps it: SETWISE_WEAVIATE_HOST, SETWISE_KAFKA_BROKERS.
    if prefix and not field.startswith(("weaviate", "redis", "kafka")):
        return f"SETWISE_{prefix}" if field == "backend" else f"SETWISE_{prefix}_{field.upper()}"
    return f"SETWISE_{field.upper()}"


def variables() -> Iterator[str]:
    """Every environment variable that is a setting."""
    for concern in _fields(Settings):
        for field in _fields(concern.type):
            yield variable_of(concern.name, field.name)


@lru_cache
def _fields(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Resolved once: a build reads its settings 170 times."""
    return msgspec.structs.fields(struct)


def _convert(variable: str, text: str, kind: type) -> object:
    try:
        return msgspec.convert(text.strip(), kind, strict=False)
    except msgspec.ValidationError as error:
        choices = " or ".join(map(str, get_args(kind))) or kind.__name__
        raise SettingsError(f"{variable}={text!r} is not accepted: expected {choices}") from error
