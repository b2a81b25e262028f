"""The clients of shops' own servers against a service in a process of its own."""

import asyncio
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from e2e_support import ROOT, SERVER_SETTINGS, delete_topics, interactions, own_copy, records_of
from fault_servers import Service, free_port, serving
from typescript import compiled

from setwise.events.served import decode_served
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC
from setwise_client import (
    AsyncSetwiseClient,
    CatalogueChange,
    EventSender,
    Item,
    ProblemError,
    Refused,
    RefusedCallError,
    SetwiseClient,
)
from setwise_client import messages as m

# Clients know nothing of stores; the API's own suites run on both profiles.
pytestmark = pytest.mark.long_on("servers")


@pytest.fixture
def environ(profile: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    servers = {k: v for k, v in os.environ.items() if k in SERVER_SETTINGS}
    mine = servers | own_copy(profile, tmp_path)
    yield mine
    if mine.get("SETWISE_LOG") == "kafka":
        delete_topics(mine)


def sender_to(port: int, key: str = "", **more: object) -> EventSender:
    return EventSender(f"http://127.0.0.1:{port}", key, source="shop.example/server", every_s=0.1, **more)


def test_what_is_tracked_arrives_with_all_that_was_said_and_a_refused_event_is_told(environ, tmp_path) -> None:
    refused: list[Refused] = []
    with serving(environ | {"SETWISE_ANONYMOUS": ""}, tmp_path / "log") as service:
        sender = sender_to(service.port, service.admin_key, on_refused=refused.append)
        lamp = Item("p-1", 2, 12_900, slot="lamp", position=1, bundle_id="b-1")
        for _ in range(2):
            sender.track(
                "purchase", user_id="u-1", session_id="s-1", items=[lamp], currency="USD", order_id="o-1",
                event_id="e-1",
            )  # fmt: skip
        sender.track("click", user_id="u-1", consent=False, items=[Item("p-2")])
        nobody = sender.track("click", items=[Item("p-3")])
        assert sender.close() == 0
    bought, clicked = interactions(environ, 2)
    assert (bought.kind, bought.order_id, bought.currency, bool(bought.user)) == ("purchase", "o-1", "USD", True)
    [item] = bought.items
    assert (item.product_id, item.quantity, item.price_cents, item.slot, item.position, item.bundle_id) == (
        "p-1", 2, 12_900, "lamp", 1, "b-1",
    )  # fmt: skip
    assert (clicked.consent, clicked.user, [item.product_id for item in clicked.items]) == (False, "", ["p-2"])
    assert [(one.event["id"], "user_id" in one.reason) for one in refused] == [(nobody, True)]


def test_more_events_than_a_call_takes_arrive_once_though_the_service_comes_late(environ, tmp_path) -> None:
    port = free_port()
    sender = sender_to(port)
    for number in range(1_200):
        sender.track("view_item", visitor_id=f"v-{number % 50}", items=[Item(f"p-{number}")])
    assert sender.flush(0.5) == 1_200
    service = Service(environ, tmp_path / "log", port)
    try:
        service.wait_ready()
        assert sender.close(30) == 0
    finally:
        service.stop()
    assert len({record.value for record in records_of(environ, INTERACTIONS_TOPIC, 1_200)}) == 1_200


def test_a_wrong_key_is_said_at_once_and_what_waits_is_kept(environ, tmp_path) -> None:
    with serving(environ | {"SETWISE_ANONYMOUS": ""}, tmp_path / "log") as service:
        sender = sender_to(service.port, "swk_wrong_key")
        sender.track("view_item", visitor_id="v-1", items=[Item("p-1")])
        assert sender.flush() == 1
        with pytest.raises(RefusedCallError, match="401"):
            sender.track("view_item", visitor_id="v-1", items=[Item("p-1")])
        assert sender.close(1) == 1


@pytest.fixture(scope="module")
def service(profile: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all calls: none of them minds what another one did."""
    folder = tmp_path_factory.mktemp("client")
    servers = {k: v for k, v in os.environ.items() if k in SERVER_SETTINGS}
    mine = servers | own_copy(profile, folder)
    with serving(mine | {"SETWISE_ANONYMOUS": "", "SETWISE_DEADLINE_MS": "0"}, folder / "log") as started:
        yield started
    if mine.get("SETWISE_LOG") == "kafka":
        delete_topics(mine)


@pytest.fixture
def setwise(service: Service) -> Iterator[SetwiseClient]:
    with SetwiseClient(f"http://127.0.0.1:{service.port}", service.admin_key, timeout_s=60) as client:
        yield client


def test_bundles_swaps_products_and_searches_are_answered_with_their_types(setwise: SetwiseClient) -> None:
    budget = m.BudgetWish(max_cents=300_000)
    answer = setwise.bundles(m.BundleRequest(prompt="a sofa and a lamp", budget=budget, explain=True))
    assert answer.understood.budget is not None and answer.understood.budget.max_cents == 300_000
    best = answer.bundles[0]
    assert best.total_cents == sum(item.price_cents * item.quantity for item in best.items) <= 300_000
    assert best.parts and best.items[0].parts
    swapped = setwise.swap(best.bundle_id, m.SwapRequest(slot=best.items[0].slot, mode="different"))
    assert swapped.parent_bundle_id == best.bundle_id
    found = setwise.products(m.ProductsRequest(prompt="a lamp", k=3)).products
    assert len(found) == 3 and setwise.search("lamp", k=2).products[0].currency == found[0].currency
    assert setwise.product(found[0].product_id).title == found[0].title


def test_a_shoppers_device_is_passed_on_and_nothing_else_of_their_headers(
    setwise: SetwiseClient, service: Service
) -> None:
    tablet = "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
    theirs = setwise.for_shopper({"User-Agent": tablet, "Cookie": "secret", "Authorization": "Bearer theirs"})
    wish = m.BundleRequest(prompt="a desk", n_bundles=1)
    answers = {theirs.bundles(wish).request_id: "tablet", setwise.bundles(wish).request_id: ""}
    later = theirs.submit(wish)
    theirs.wait(later.request_id)
    answers[later.request_id] = "tablet"
    found: dict[str, str] = {}
    until = time.monotonic() + 30
    while not answers.keys() <= found.keys() and time.monotonic() < until:
        served = [decode_served(record.value).data for record in records_of(service.environ, SERVED_TOPIC, 1)]
        found = {one.request_id: one.device for one in served}
    assert {request_id: found.get(request_id) for request_id in answers} == answers


def test_a_submitted_request_is_followed_resumed_and_waited_for(setwise: SetwiseClient) -> None:
    wish = m.BundleRequest(prompt="a desk and a chair")
    accepted = setwise.submit(wish, "order-1")
    assert setwise.submit(wish, "order-1").request_id == accepted.request_id
    steps = list(setwise.follow(accepted.request_id))
    names = [step.name for step in steps]
    assert (names[0], names[-2:]) == ("understood", ["bundles", "done"])
    assert [step.name for step in setwise.follow(accepted.request_id, steps[0].id)] == names[1:]
    assert list(setwise.follow(accepted.request_id, steps[-1].id)) == []
    assert setwise.wait(accepted.request_id).request_id == accepted.request_id
    assert setwise.request(accepted.request_id).status == "done"


def test_events_changes_rules_and_users_go_both_ways(setwise: SetwiseClient) -> None:
    event = {
        "specversion": "1.0", "id": "e-1", "source": "shop.example", "type": "setwise.view_item",
        "data": {"visitor_id": "v-1", "items": [{"product_id": "p-1"}]},
    }  # fmt: skip
    told = setwise.events([event, event])
    assert (told.accepted, told.duplicates, told.results[1].status) == (1, 1, "duplicate")
    product_id = setwise.search("lamp", k=1).products[0].product_id
    changed = setwise.changes([CatalogueChange(product_id=product_id, stock=3), CatalogueChange(product_id="none")])
    assert (changed.applied, changed.rejected, changed.results[1].field) == (1, 1, "product_id")
    mine = m.RuleSet(version=setwise.rules().version, rules=[m.Rule(id="r-1", kind="hide", products=[product_id])])
    seen = setwise.preview_rules(mine, "a lamp")
    shown = {item.product_id for bundle in seen.after.bundles for item in bundle.items}
    assert product_id not in shown
    put = setwise.put_rules(mine)
    with pytest.raises(ProblemError) as stale:
        setwise.put_rules(mine)
    assert stale.value.status == 412 and setwise.rules(put.version).rules == mine.rules
    assert setwise.rules_history(1)[0].version == put.version
    setwise.put_rules(m.RuleSet(version=put.version))
    assert setwise.user("u-1").known_as
    receipt = setwise.forget_user("u-nobody", ["v-8", "v-9"])
    assert setwise.erasure(receipt.receipt_id).receipt_id == receipt.receipt_id


def test_what_is_wrong_is_raised_with_what_to_do(setwise: SetwiseClient, service: Service) -> None:
    with pytest.raises(ProblemError) as unknown:
        setwise.product("no/such product")
    assert unknown.value.status == 404 and unknown.value.detail
    with pytest.raises(ProblemError) as unfit:
        setwise.bundles(m.BundleRequest(prompt="x", n_bundles=99))
    assert unfit.value.status == 422 and "n_bundles" in str(unfit.value.errors)
    with SetwiseClient(f"http://127.0.0.1:{service.port}") as nobody, pytest.raises(ProblemError, match="401"):
        nobody.bundles(m.BundleRequest(prompt="x"))


@contextmanager
def refusing(times: int, retry_after: str) -> Iterator[str]:
    """A server that is busy so many times, as the service or a proxy before it says so, and then answers."""
    left = [times]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            left[0] -= 1
            self.send_response(503 if left[0] >= 0 else 200)
            self.send_header("Retry-After", retry_after)
            body = b"busy" if left[0] >= 0 else b"[]"
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_refusal_is_tried_again_after_its_time_so_many_times_and_never_for_too_long() -> None:
    with refusing(1, "1") as url, SetwiseClient(url) as client:
        began = time.monotonic()
        assert client.rules_history() == [] and time.monotonic() - began >= 1
    with refusing(5, "1") as url, SetwiseClient(url, tries=1) as client, pytest.raises(ProblemError) as once:
        client.rules_history()
    assert (once.value.status, once.value.detail, once.value.retry_after_s) == (503, "busy", 1)
    with refusing(5, "60") as url, SetwiseClient(url) as client, pytest.raises(ProblemError) as long:
        client.rules_history()
    assert long.value.retry_after_s == 60


def test_the_asynchronous_client_does_several_things_at_once_and_reads_and_refuses_as_the_other_one(
    service: Service,
) -> None:
    async def asked() -> None:
        url = f"http://127.0.0.1:{service.port}"
        async with AsyncSetwiseClient(url, service.admin_key, timeout_s=60) as setwise:
            wishes = [m.BundleRequest(prompt=f"a sofa and a lamp under ${most}") for most in (2_000, 3_000, 4_000)]
            answers = await asyncio.gather(*(setwise.bundles(wish) for wish in wishes))
            assert [one.understood.budget.max_cents for one in answers if one.understood.budget] == [
                200_000, 300_000, 400_000
            ]  # fmt: skip
            best = answers[0].bundles[0]
            swapped = await setwise.swap(best.bundle_id, m.SwapRequest(slot=best.items[0].slot, mode="different"))
            assert swapped.parent_bundle_id == best.bundle_id
            accepted = await setwise.submit(wishes[0], "order-2")
            assert (await setwise.submit(wishes[0], "order-2")).request_id == accepted.request_id
            steps = [step async for step in setwise.follow(accepted.request_id)]
            assert (steps[0].name, steps[-1].name) == ("understood", "done")
            again = [step.name async for step in setwise.follow(accepted.request_id, steps[0].id)]
            assert again == [step.name for step in steps[1:]]
            assert (await setwise.wait(accepted.request_id)).request_id == accepted.request_id
            assert "sofa" in [one.term for one in (await setwise.suggestions("a so")).suggestions]
            with pytest.raises(ProblemError) as unknown:
                await setwise.product("no/such product")
            assert unknown.value.status == 404
        with refusing(1, "1") as busy:
            async with AsyncSetwiseClient(busy) as other:
                began = time.monotonic()
                told, _ = await asyncio.gather(other.rules_history(), asyncio.sleep(0.5))
                assert told == [] and 1 <= time.monotonic() - began < 1.4, "it waits, and nothing waits for it"

    asyncio.run(asked())


def test_the_examples_of_the_guide_run(service: Service, capsys) -> None:
    waiting, at_once = re.findall(r"```python\n(.*?)```", (ROOT / "docs/clients.md").read_text(), re.DOTALL)
    for example in (waiting, at_once):
        here = example.replace("https://setwise.example", f"http://127.0.0.1:{service.port}")
        exec(here.replace("swk_...", service.admin_key), {})
        said = capsys.readouterr().out
        assert "understood\n" in said and said.endswith("done\n")
        assert "USD" in said or "sofas" in said.lower()


def test_the_typescript_client_is_answered(service: Service, leave_out) -> None:
    folder = compiled(leave_out)
    environ = os.environ | {"SETWISE_URL": f"http://127.0.0.1:{service.port}", "SETWISE_KEY": service.admin_key}
    command = [shutil.which("node") or "node", "dist/example.js"]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert int(lines[0].split()[0]) <= 150_000 and "understood" in lines and "done" in lines
    assert lines[-1].startswith("404 ")
