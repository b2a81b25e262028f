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


Act = Callable[[Stage], None]
Fault = tuple[Act, Act, set[str], set[str]]


def _faults(name: str, rungs: set[str], named: set[str]) -> dict[str, Fault]:
    """The four ways in which one server fails: what breaks it, what mends it, the rung of answers, who is named."""

    def set_on_proxy(field: str, value: object) -> Act:
        return lambda stage: setattr(getattr(stage, f"{name}_proxy"), field, value)

    def send(number: int) -> Act:
        return lambda stage: getattr(stage, name).send(number)

    ways: dict[str, tuple[Act, Act]] = {
        "is down": (lambda stage: getattr(stage, name).kill(), lambda stage: getattr(stage, name).start()),
        "is frozen": (send(signal.SIGSTOP), send(signal.SIGCONT)),
        "is slow": (set_on_proxy("delay_s", 1.5), set_on_proxy("delay_s", 0.0)),
        "answers rubbish": (set_on_proxy("is_wrong", True), set_on_proxy("is_wrong", False)),
    }
    return {f"{name.capitalize()} {way}": (*acts, rungs, named) for way, acts in ways.items()}


def _kill_all(stage: Stage) -> None:
    for server in (stage.redis, stage.weaviate, stage.kafka):
        server.kill()


def _start_all(stage: Stage) -> None:
    for server in (stage.redis, stage.weaviate, stage.kafka):
        server.start()


FAULTS = (
    _faults("redis", {"no_profile"}, {"redis", "rules"})
    | _faults("weaviate", {"local_index"}, {"weaviate"})
    | _faults("kafka", {"full"}, {"changes"})
    | {"all are down": (_kill_all, _start_all, {"local_index"}, {"redis", "rules", "weaviate", "changes"})}
)
