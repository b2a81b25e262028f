"""The script of a shop's pages in a real browser, on a page of another origin than the service's."""

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support import ROOT, SERVER_SETTINGS, delete_topics, interactions, own_copy, records_of
from fault_servers import Service, serving
from playwright.sync_api import Browser, Page

from setwise.events import decode_interaction
from setwise.names import INTERACTIONS_TOPIC

# A page knows nothing of stores; that events arrive on servers is in test_events.
pytestmark = pytest.mark.long_on("servers")
SCRIPT = ROOT / "online/web/setwise.js"
PAGE = """<!doctype html><title>shop</title>
<script src="http://127.0.0.1:{service}/web/setwise.js" {attributes}></script>
<section data-request="{request}" data-bundle="b-1">
  <article data-product="p-1" data-slot="sofa" data-position="1"><a id="one" href="#one">sofa</a>
    <button id="cart" data-event="add_to_cart">add</button></article>
</section>
<div style="height: 4000px"></div>
<article id="below" data-product="p-2" data-position="2">lamp</article>"""


class Site:
    """A web server of one page, which a test may change."""

    def __init__(self) -> None:
        self.page = ""
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = (site.page if self.path == "/" else "<title>elsewhere</title>").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def site() -> Iterator[Site]:
    one = Site()
    yield one
    one.close()


@pytest.fixture
def environ(profile: dict[str, str], tmp_path: Path, site: Site) -> Iterator[dict[str, str]]:
    servers = {k: v for k, v in os.environ.items() if k in SERVER_SETTINGS}
    mine = servers | own_copy(profile, tmp_path) | {"SETWISE_CORS_ORIGINS": site.url.rstrip("/")}
    yield mine
    if mine.get("SETWISE_LOG") == "kafka":
        delete_topics(mine)


@pytest.fixture
def service(environ: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    with serving(environ, tmp_path / "log") as one:
        yield one


def shown(site: Site, service: Service, attributes: str = "") -> str:
    site.page = PAGE.format(service=service.port, attributes=attributes, request="r-1")
    return site.url


def kinds(environ: dict[str, str], count: int) -> list[str]:
    return [event.kind for event in interactions(environ, count)]


def test_the_script_is_below_3_kb_and_asks_nothing_of_others() -> None:
    text = SCRIPT.read_text()
    assert len(text.encode()) < 3_000
    assert "http" not in text and "import" not in text and "eval" not in text


def test_what_is_seen_for_a_second_what_is_clicked_and_what_is_bought_arrives_once(
    page, site, service, environ
) -> None:
    page.goto(shown(site, service, 'data-source="shop.example/web" data-user="person-7"'))
    page.wait_for_timeout(1_600)
    page.click("#one")
    page.click("#cart")
    page.evaluate("""setwise.track("purchase", {order_id: "o-1", currency: "USD",
        items: [{product_id: "p-1", quantity: 2, price_cents: 12900}]})""")
    page.wait_for_function("sessionStorage.setwise_queue === '[]'")
    seen, clicked, carted, bought = events = interactions(environ, 4)
    assert [event.kind for event in events] == ["impression", "click", "add_to_cart", "purchase"]
    assert (seen.request_id, seen.bundle_id, seen.items) == ("r-1", "b-1", [])
    for event in (clicked, carted):
        [item] = event.items
        assert (event.bundle_id, item.product_id, item.slot, item.position) == ("b-1", "p-1", "sofa", 1)
    assert [(item.product_id, item.quantity, item.price_cents) for item in bought.items] == [("p-1", 2, 12_900)]
    assert len({(event.user, event.visitor, event.session) for event in events}) == 1
    assert seen.user and seen.visitor and seen.session and "person-7" not in seen.user
    page.locator("#below").scroll_into_view_if_needed()
    page.wait_for_timeout(1_600)
    page.wait_for_function("sessionStorage.setwise_queue === '[]'")
    last = interactions(environ, 5)[-1]
    assert (last.kind, last.items[0].product_id, last.items[0].position) == ("impression", "p-2", 2)


def test_a_click_that_leaves_the_page_arrives_and_counts_once_where_the_next_page_sends_it_again(
    page, site, service, environ
) -> None:
    url = shown(site, service)
    page.goto(url)
    # The page goes at once: nothing but what is sent on leaving can be on its way.
    page.evaluate("document.querySelector('#one').click(); location.href = '/elsewhere'")
    page.wait_for_url("**/elsewhere")
    assert kinds(environ, 1) == ["click"]
    page.goto(url)
    page.wait_for_function("sessionStorage.setwise_queue === '[]'")
    assert kinds(environ, 1).count("click") == 1


def test_without_consent_nobody_is_named_and_nothing_is_kept_in_the_browser(page, site, service, environ) -> None:
    page.goto(shown(site, service))
    page.click("#cart")
    page.wait_for_function("sessionStorage.setwise_queue === '[]'")
    page.evaluate("setwise.consent = false")
    page.click("#one")
    page.wait_for_timeout(1_000)
    named, unnamed = [event for event in interactions(environ, 2) if event.kind != "impression"]
    assert (named.consent, unnamed.consent) == (True, False)
    assert named.visitor and not (unnamed.visitor or unnamed.session or unnamed.user)
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_what_was_done_while_the_service_was_away_arrives_when_it_is_back(
    page, site, service, environ, tmp_path
) -> None:
    page.goto(shown(site, service))
    service.stop()
    page.click("#one")
    page.wait_for_timeout(1_000)
    waiting = page.evaluate("JSON.parse(sessionStorage.setwise_queue).map(one => one.type)")
    assert "setwise.click" in waiting
    again = Service(environ, tmp_path / "again.log", service.port)
    try:
        again.wait_ready()
        page.wait_for_function("sessionStorage.setwise_queue === '[]'", timeout=30_000)
        assert "click" in kinds(environ, 1)
    finally:
        again.stop()


def test_a_page_with_a_key_sends_it_also_when_it_is_left(page, site, environ, tmp_path) -> None:
    closed = environ | {"SETWISE_ANONYMOUS": ""}
    with serving(closed, tmp_path / "log") as service:
        page.goto(shown(site, service, f'data-key="{service.admin_key}"'))
        page.evaluate("document.querySelector('#one').click(); location.href = '/elsewhere'")
        page.wait_for_url("**/elsewhere")
        # Where its own send was under way already the log has it twice, and the tables count its id once.
        records = records_of(closed, INTERACTIONS_TOPIC, 1)
        sent = {record.headers["ce_id"]: decode_interaction(record.value).data.kind for record in records}
        assert list(sent.values()) == ["click"]
