"""What each fault of a server does to the answers, how it is made and mended, and what a valid answer is."""

import signal
from collections.abc import Callable

from fault_load import Reply, ask_now
from fault_servers import Service, Stage

MOST = 300_000
PROMPTS = ("a desk and an office chair", "a cosy living room, no leather", "a rug and a lamp")


def ask(service: Service, number: int) -> Reply:
    body = {"prompt": PROMPTS[number % len(PROMPTS)], "user_id": f"u-{number}", "budget": {"max_cents": MOST}}
    return ask_now(service.port, "/v1/bundles", body)


def is_valid(reply: Reply, stock: dict[str, dict[str, object]]) -> bool:
    bundles = reply.body.get("bundles", [])
    items = [item for bundle in bundles for item in bundle["items"]]
    return (
        reply.status == 200
        and bool(bundles)
        and all(bundle["total_cents"] <= MOST for bundle in bundles)
        and all(b["total_cents"] == sum(i["price_cents"] * i["quantity"] for i in b["items"]) for b in bundles)
        and all(stock[item["product_id"]]["availability"] == "in_stock" for item in items)
    )  # fmt: skip


def is_full(service: Service) -> bool:
    answer = ask(service, 0).body
    return answer.get("served_by") == "full" and answer["degraded"] == []


def degraded(service: Service) -> set[str]:
    ready = ask_now(service.port, "/health/ready")
    assert ready.status == 200
    return set(ready.body["degraded"])


FAULTS: dict[str, tuple[Callable[[Stage], None], Callable[[Stage], None], set[str], set[str]]] = {
    "Redis is down": (lambda s: s.redis.kill(), lambda s: s.redis.start(), {"no_profile"}, {"redis", "rules"}),
    "Redis is frozen": (
        lambda s: s.redis.send(signal.SIGSTOP), lambda s: s.redis.send(signal.SIGCONT), {"no_profile"},
        {"redis", "rules"},
    ),
    "Redis is slow": (
        lambda s: setattr(s.redis_proxy, "delay_s", 1.5), lambda s: setattr(s.redis_proxy, "delay_s", 0.0),
        {"no_profile"}, {"redis", "rules"},
    ),
    "Redis answers rubbish": (
        lambda s: setattr(s.redis_proxy, "is_wrong", True), lambda s: setattr(s.redis_proxy, "is_wrong", False),
        {"no_profile"}, {"redis", "rules"},
    ),
    "Weaviate is down": (lambda s: s.weaviate.kill(), lambda s: s.weaviate.start(), {"local_index"}, {"weaviate"}),
    "Weaviate is frozen": (
        lambda s: s.weaviate.send(signal.SIGSTOP), lambda s: s.weaviate.send(signal.SIGCONT), {"local_index"},
        {"weaviate"},
    ),
    "Weaviate is slow": (
        lambda s: setattr(s.weaviate_proxy, "delay_s", 1.5), lambda s: setattr(s.weaviate_proxy, "delay_s", 0.0),
        {"local_index"}, {"weaviate"},
    ),
    "Weaviate answers rubbish": (
        lambda s: setattr(s.weaviate_proxy, "is_wrong", True), lambda s: setattr(s.weaviate_proxy, "is_wrong", False),
        {"local_index"}, {"weaviate"},
    ),
    "Kafka is down": (lambda s: s.kafka.kill(), lambda s: s.kafka.start(), {"full"}, {"changes"}),
    "Kafka is frozen": (
        lambda s: s.kafka.send(signal.SIGSTOP), lambda s: s.kafka.send(signal.SIGCONT), {"full"}, {"changes"},
    ),
    "Kafka is slow": (
        lambda s: setattr(s.kafka_proxy, "delay_s", 1.5), lambda s: setattr(s.kafka_proxy, "delay_s", 0.0),
        {"full"}, {"changes"},
    ),
    "Kafka answers rubbish": (
        lambda s: setattr(s.kafka_proxy, "is_wrong", True), lambda s: setattr(s.kafka_proxy, "is_wrong", False),
        {"full"}, {"changes"},
    ),
    "all are down": (
        lambda s: [server.kill() for server in (s.redis, s.weaviate, s.kafka)],  # type: ignore[func-returns-value]
        lambda s: [server.start() for server in (s.redis, s.weaviate, s.kafka)],  # type: ignore[func-returns-value]
        {"local_index"}, {"redis", "rules", "weaviate", "changes"},
    ),
}  # fmt: skip
