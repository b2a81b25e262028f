"""The operator's pages in a real browser, over a shop, and once the demo's shoppers have used it."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from builds import marts
from e2e_support import delete_topics, own_copy
from fault_servers import Service, serving
from loading import load
from playwright.sync_api import Browser, Page, expect
from test_erasure import settings_of, stream
from warehouses import warehouse_settings

from demo.player import SHELF_FILE, Player
from demo.shelf import Shelf
from orchestration.warehouse.stores import build_warehouse
from setwise.demo_player import Played, read_switch, write_played
from setwise.names import EXPERIMENTS_FILE, REJECTIONS_FILE
from setwise.release import CURRENT, MANIFEST
from setwise.whole_file import write_whole
from setwise_client.events import EventSender

# Pages know nothing of stores; what the warehouses hand over is the same in test_marts.
pytestmark = pytest.mark.long_on("servers")
VISITS = 14
HOSTILE = (
    "<img src=x onerror=window.hit=1> sofa", "<script>window.hit=1</script> lamp", "=cmd|' /C calc'!A0 rug",
    "{{constructor.constructor('window.hit=1')()}} bed",
)  # fmt: skip
OLDER = "r-older"
EXPERIMENTS = {
    "made_at": "2026-11-20T10:00:00Z",
    "experiments": [{
        "flag": "ranking<img src=x onerror=window.hit=1>", "days": 4, "srm_p": 0.42, "planned_units": 20_000,
        "left_out": {"in two variants": 3, "machines": 0},
        "words": "treatment earns 3.1 % more per visitor (0.9 to 5.4), keep going 4 days",
        "variants": [
            {"name": "control", "units": 510, "conversion": 0.06, "revenue_per_unit": {"USD": 512.5}},
            {"name": "treatment", "units": 498, "conversion": 0.072, "revenue_per_unit": {"USD": 530.0}},
        ],
        "metrics": [{"metric": "conversion", "control": 0.06, "treatment": 0.072, "relative": 0.2, "low": 0.01,
                     "high": 0.4, "verdict": "better"}],
        "segments": [
            {"segment": "device phone", "variant": "treatment", "units": 640, "relative": 0.25, "low": -0.02,
             "high": 0.6, "p": 0.21, "verdict": "open"},
            {"segment": "language de", "variant": "treatment", "units": 300, "relative": None, "low": None,
             "high": None, "p": 1.0, "verdict": "open"},
        ],
    }],
}  # fmt: skip
REJECTED = {
    "row": 7, "id": "p-7", "field": "price", "value": "free", "reason": "it is no amount", "remedy": "write 9.90 USD"
}  # fmt: skip
PAGES = {
    "live": "Readers of the log", "business": "From served to bought", "search": "Top prompts",
    "catalogue": "Rows of the feed that were not taken", "experiments": "device phone",
    "rules": "Try, then publish", "playground?prompt=a+sofa+under+%24900": "Time of each stage", "users": "User id",
}  # fmt: skip

OF_MARTS = ("business", "search")


class Operator:
    """A service over a shop that was visited, its key, and what its marts hold."""

    def __init__(self, service: Service, environ: dict[str, str]) -> None:
        self.service, self.environ, self.key = service, environ, service.admin_key
        self.data_dir, self.url = Path(environ["SETWISE_DATA_DIR"]), f"http://127.0.0.1:{service.port}"
        self.http = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=30)

    def close(self) -> None:
        self.http.close()

    def report(self, name: str) -> list[dict[str, Any]]:
        reports = self.http.get("/v1/operator/reports").json()["reports"]
        [found] = [one for one in reports if one["name"] == name]
        return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def keep_an_older_release(data_dir: Path) -> None:
    """The same files under another name, as a build before the live one would have left them."""
    releases = data_dir / "releases"
    current = (releases / CURRENT).read_text().strip()
    shutil.copytree(releases / current, releases / OLDER, copy_function=os.link)
    manifest = json.loads((releases / OLDER / MANIFEST).read_text())
    (releases / OLDER / MANIFEST).unlink()
    (releases / OLDER / MANIFEST).write_text(
        json.dumps(manifest | {"release_id": OLDER, "created_at": "2026-01-01T00:00:00Z"})
    )


@pytest.fixture(scope="module")
def environ(
    profile: dict[str, str], leave_out: Callable[[str, str], None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    mine = own_copy(profile, tmp_path_factory.mktemp("operator")) | {
        "SETWISE_ADDRESS_PER_S": "0", "SETWISE_KEY_PER_S": "0"
    }  # fmt: skip
    is_on_servers = mine.get("SETWISE_LOG") == "kafka"
    kind = "postgres" if is_on_servers else "duckdb"
    with warehouse_settings(kind, Path(mine["SETWISE_DATA_DIR"]), leave_out) as warehouse:
        yield mine | warehouse
    if is_on_servers:
        delete_topics(mine)


@pytest.fixture(scope="module")
def operator(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    data_dir = Path(environ["SETWISE_DATA_DIR"])
    keep_an_older_release(data_dir)
    write_whole(data_dir / EXPERIMENTS_FILE, json.dumps(EXPERIMENTS).encode())
    write_whole(data_dir / REJECTIONS_FILE, json.dumps(REJECTED).encode() + b"\n")
    log = tmp_path_factory.mktemp("log") / "log"
    with serving(environ, log) as service, closing(Operator(service, environ)) as one:
        yield one


@pytest.fixture(scope="module")
def visited(operator: Operator) -> Operator:
    """The same after the demo's shoppers came, and what they did is in the marts."""
    events = EventSender(operator.url, operator.key, source="demo")
    player = Player(operator.http, events, Shelf(operator.http, operator.data_dir / SHELF_FILE), 60, seed=4)
    for _ in range(VISITS):
        player.visit()
    assert events.close(20) == 0
    for prompt in HOSTILE:
        operator.http.post("/v1/bundles", json={"prompt": prompt, "visitor_id": "v-1"}).raise_for_status()
    settings = settings_of(operator.environ)
    operator.http.get("/v1/operator/live").raise_for_status()
    load(settings)
    stream(operator.environ)
    assert marts(settings, os.environ, "run", "--quiet") == 0
    return operator


class Window:
    """A page of the browser, what its console said, and what the policy stopped."""

    def __init__(self, page: Page, operator: Operator) -> None:
        self.page, self.operator, self.said = page, operator, list[str]()
        page.on("console", lambda message: self.said.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.add_init_script(
            "window.stopped = []; addEventListener('securitypolicyviolation', e => stopped.push(e.violatedDirective))"
        )

    def open(self, name: str) -> None:
        if "/operator" not in self.page.url:
            self.page.goto(f"{self.operator.url}/operator/#key={self.operator.key}")
            self.page.wait_for_url("**/operator/#/live")
        self.page.evaluate(f"location.hash = '#/{name}'")

    def has(self, text: str) -> None:
        expect(self.page.get_by_text(text, exact=False).first).to_be_visible(timeout=20_000)

    def download(self, table: str) -> str:
        """The CSV file of a table."""
        with self.page.expect_download() as waited:
            self.page.get_by_role("group", name=table).locator("..").get_by_role("button", name="CSV").click()
        return Path(waited.value.path()).read_text()

    def check(self) -> None:
        """Nothing was said, nothing was stopped, nothing ran that was data, and everybody can use it."""
        assert self.page.evaluate("[window.stopped, window.hit]") == [[], None]
        assert self.said == []
        expect(self.page.get_by_text(re.compile("^(null|undefined|NaN)$"))).to_have_count(0)
        found = Axe().run(self.page)
        assert found.violations_count == 0, found.generate_report()


@pytest.fixture
def window(browser: Browser, operator: Operator) -> Iterator[Window]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Window(context.new_page(), operator)
    context.close()


@pytest.mark.long
@pytest.mark.parametrize("look", ["desktop", "phone in the dark"])
def test_every_page_shows_real_data_to_everybody_and_runs_none_of_it(browser, visited, look) -> None:
    is_phone = look != "desktop"
    context = browser.new_context(
        viewport={"width": 390, "height": 800} if is_phone else {"width": 1280, "height": 900},
        color_scheme="dark" if is_phone else "light",
    )
    see(Window(context.new_page(), visited), PAGES)
    context.close()


def see(window: Window, pages: dict[str, str]) -> None:
    for name, text in pages.items():
        window.open(name)
        window.has(text)
        expect(window.page.locator("main")).not_to_contain_text("Asking …")
        window.check()
        overflow = window.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, (name, overflow)


def test_every_page_that_asks_no_mart_shows_its_data_to_everybody_and_runs_none_of_it(window) -> None:
    see(window, {name: text for name, text in PAGES.items() if name not in OF_MARTS})


def test_without_a_key_nothing_is_shown_and_a_wrong_one_is_refused_with_a_word(browser, operator) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{operator.url}/operator/")
    expect(page.get_by_label("Key")).to_be_focused()
    page.get_by_label("Key").fill("swk_wrong_key")
    page.get_by_label("Key").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not valid")
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
    page.get_by_label("Key").fill(operator.key)
    page.get_by_label("Key").press("Enter")
    expect(page.get_by_text("Answers a second").first).to_be_visible()
    page.get_by_role("button", name="Forget the key").click()
    expect(page.get_by_label("Key")).to_be_visible()
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
    context.close()


def test_pages_allow_nothing_inline_and_the_data_is_the_admins_alone(operator) -> None:
    policy = httpx.get(f"{operator.url}/operator/").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for path in ("live", "business", "reports", "words", "catalogue", "experiments", "demo"):
        assert httpx.get(f"{operator.url}/v1/operator/{path}").status_code == 401
    assert httpx.put(f"{operator.url}/v1/operator/demo", json={}).status_code == 401
    assert httpx.post(f"{operator.url}/v1/operator/playground", json={}).status_code == 401


@pytest.mark.long
def test_business_shows_what_the_marts_hold_and_the_streams_count(visited, window, operator) -> None:
    warehouse = build_warehouse(settings_of(operator.environ))
    ((served, shown, clicked, bought, cents),) = warehouse.rows(
        "SELECT count(*), count(CASE WHEN impressions > 0 THEN 1 END), count(CASE WHEN clicks > 0 THEN 1 END), "
        "count(CASE WHEN products_bought > 0 THEN 1 END), sum(revenue_cents) FROM marts.fct_bundle_outcomes"
    )
    sold = warehouse.rows(
        "SELECT sum(revenue_cents - refunded_cents) FROM marts.fct_orders "
        "WHERE credited_by IS NOT NULL AND NOT is_machine"
    )
    warehouse.close()
    daily = operator.report("funnel_daily")
    steps = [sum(row[step] for row in daily) for step in ("served", "shown", "clicked", "bought", "revenue_cents")]
    assert steps == [served, shown, clicked, bought, int(cents)] and served > VISITS and bought > 0
    assert sum(row["credited_cents"] for row in operator.report("category_daily")) == int(sold[0][0]) == int(cents)
    assert sum(row["revenue_cents"] for row in operator.report("slot_daily")) == int(cents)
    live = operator.http.get("/v1/operator/business", params={"minutes": 1_440}).json()["total"]
    assert live["revenue_cents"] == {"USD": int(cents)}

    window.open("business")
    window.has("From served to bought")
    window.page.get_by_label("Time").select_option("30d")
    window.has("when the marts were made")
    rows = window.page.get_by_role("group", name="From served to bought").get_by_role("row").all_inner_texts()
    assert [row.split("\t")[1] for row in rows[1:]][:3] == [f"{served:,}", f"{shown:,}", f"{clicked:,}"]
    window.has(f"USD {int(cents) / 100:,.2f}")
    lines = window.download("Revenue by slot").splitlines()
    assert lines[0] == "slot,lines,revenue_cents,currency" and len(lines) > 1


@pytest.mark.long
def test_what_shoppers_wrote_is_text_and_a_download_holds_no_formula(visited, window, operator) -> None:
    window.open("search")
    for prompt in HOSTILE:
        window.has(prompt)
    assert f"'{HOSTILE[2]}" in window.download("Top prompts")
    unknown = {one["word"] for one in operator.http.get("/v1/operator/words").json()}
    assert "constructor" in unknown and not {"sofa", "rug", "bed", "lamp"} & unknown
    assert not {"und", "et", "ein", "une", "two", "dos"} & unknown, "words between words are no words to look for"
    window.check()


def test_rules_are_tried_then_published_brought_back_and_a_stale_page_is_told_so(window, operator) -> None:
    page = window.page
    window.open("rules")
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("Kind of").select_option("hide")
    page.get_by_label("categories").fill("Sofas")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("region", name="After")).to_be_visible()
    assert operator.http.get("/v1/rules").json()["version"] == 0
    page.get_by_role("button", name="Publish", exact=True).click()
    window.has("Version 1 is in force.")
    theirs = {"rules": [{"id": "theirs", "kind": "boost", "brands": ["Reed Works"]}]}
    operator.http.put("/v1/rules", json=theirs, headers={"If-Match": '"1"'}).raise_for_status()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("the rules are at version 2")
    assert [text for text in window.said if "412" not in text] == []
    window.said.clear()
    page.get_by_role("button", name="Drop mine, and load theirs").click()
    expect(page.get_by_label("id", exact=True)).to_have_value("theirs")
    page.get_by_role("button", name="Edit as JSON").click()
    page.get_by_label("The whole document").fill('{"rules": [], "templates": []}')
    page.get_by_role("button", name="Publish", exact=True).click()
    window.has("Version 3 is in force.")
    page.get_by_role("button", name="Edit in a form").click()
    page.get_by_role("button", name="Open version 2").click()
    window.has("Version 3 stays in force until you publish.")
    expect(page.get_by_label("id", exact=True)).to_have_value("theirs")
    page.get_by_role("button", name="Publish", exact=True).click()
    window.has("Version 4 is in force.")
    assert operator.http.get("/v1/rules").json()["rules"] == operator.http.get("/v1/rules?version=2").json()["rules"]
    assert window.download("Versions").splitlines()[0] == "version,put_at,put_by"
    window.check()


def test_the_playground_shows_stages_candidates_and_two_releases_side_by_side(window, operator) -> None:
    asked = {"request": {"prompt": "a sofa and a lamp under $1500", "user_id": "u-1"}, "top": 5}
    told = operator.http.post("/v1/operator/playground", json=asked).json()
    sofa, lamp = told["slots"]
    assert (sofa["name"], lamp["name"]) == ("sofa", "lamp") and len(sofa["best"]) >= 5
    for one in (*sofa["best"], *lamp["best"]):
        assert one["score"] == pytest.approx(sum(one["parts"].values()), abs=0.002)
    chosen = {item["product_id"] for bundle in told["answer"]["bundles"] for item in bundle["items"]}
    assert chosen == {one["product_id"] for slot in told["slots"] for one in slot["best"] if one["in_bundles"]}
    other = operator.http.post("/v1/operator/playground", json=asked | {"release": OLDER}).json()
    assert other["answer"]["release"] == OLDER
    assert [slot["candidates"] for slot in other["slots"]] == [sofa["candidates"], lamp["candidates"]]
    assert operator.http.post("/v1/operator/playground", json=asked | {"release": "r-none"}).status_code == 404
    assert operator.http.get("/v1/operator/variants").json() == {"ranking": ["control", "treatment"]}
    treated = operator.http.post("/v1/operator/playground", json=asked | {"variants": {"ranking": "treatment"}}).json()
    assert treated["answer"]["experiment"] == {"ranking": "treatment"}
    wrong = operator.http.post("/v1/operator/playground", json=asked | {"variants": {"ranking": "none"}})
    assert wrong.status_code == 422
    assert operator.http.post("/v1/operator/playground", json={"request": {}}).status_code == 422

    before = operator.http.get("/v1/operator/live").json()["answers"]
    window.open("playground")
    window.page.get_by_label("Prompt").fill("a sofa under $900")
    window.page.get_by_label("Beside it").last.select_option(OLDER)
    window.page.get_by_role("button", name="Ask").click()
    expect(window.page.get_by_role("region", name=f"release {OLDER}")).to_contain_text("assemble", timeout=30_000)
    expect(window.page.locator("main")).to_contain_text(re.compile(r"\w+ [\d.]+ [+−] \w+ [\d.]+"))
    expect(window.page.locator("main")).not_to_contain_text(re.compile(r"\+ \w+ [-−]"))
    assert operator.http.get("/v1/operator/live").json()["answers"] == before, "what is tried is no answer to a shopper"
    window.check()


def test_a_shopper_is_shown_explained_and_forgotten_with_a_receipt(window, operator) -> None:
    page = window.page
    window.open("users")
    page.get_by_label("User id").fill("u-2")
    page.get_by_role("button", name="Look").click()
    button = page.get_by_role("button", name="Forget everywhere")
    expect(button).to_be_disabled()
    page.get_by_label("Type the id again").fill("u-2")
    button.click()
    window.has("Forgotten. Receipt")
    assert operator.http.get("/v1/users/u-2").json()["stores"]["shopper_profiles"] is None
    window.check()


def test_the_demos_shoppers_are_paused_and_paced_by_the_switch(window, operator) -> None:
    assert operator.http.get("/v1/operator/demo").json()["played"] is None
    # So that it counts as alive for as long as this test takes.
    write_played(operator.data_dir, Played(datetime.now(UTC) + timedelta(minutes=10), 12, 3, 1, HOSTILE[0]))
    window.open("live")
    window.has(f"12 visits, 3 orders, 1 products bought out; the last wish: {HOSTILE[0]}")
    window.page.get_by_role("button", name="Pause").click()
    expect(window.page.get_by_role("button", name="Let them go on")).to_be_visible()
    assert read_switch(operator.data_dir).is_paused
    refused = operator.http.put("/v1/operator/demo", json={"per_minute": 10_000})
    assert refused.status_code == 422
    window.check()
