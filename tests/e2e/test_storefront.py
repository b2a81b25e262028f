"""The storefront in a real browser: bought from on a phone and a desktop, read aloud, attacked, and offline."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import EACH_SIZE, Visit
from e2e_support import SERVER_SETTINGS, delete_topics, interactions, own_copy, records_of
from fault_servers import Service, serving
from playwright.sync_api import Page, Route, expect

from setwise.events.served import decode_served
from setwise.names import SERVED_TOPIC

# Pages know nothing of stores; the API's own suites run on both profiles.
pytestmark = pytest.mark.long_on("servers")
LIVING_ROOM = "a cosy mid-century living room under $1500, no leather"
PAYLOADS = [
    "<script>window.hit = 1</script>",
    '<img src=x onerror="window.hit = 1">',
    '"><svg onload="window.hit = 1">',
    "'-(window.hit = 1)-'",
    "javascript:window.hit=1",
    "{{constructor.constructor('window.hit=1')()}} ${window.hit=1} <%= 1 %>",
    "</textarea><iframe srcdoc='<script>parent.hit=1</script>'>",
    "\u202egnp.exe\u202c sofa \u200b\u0000 \ufeff",
    "W" * 300,
]


@pytest.fixture(scope="module")
def environ(
    profile: dict[str, str], shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:  # fmt: skip
    servers = {k: v for k, v in os.environ.items() if k in SERVER_SETTINGS}
    mine = own_copy(profile, tmp_path_factory.mktemp("storefront"))
    shutil.copytree(shop / "pictures", Path(mine["SETWISE_DATA_DIR"]) / "sample" / "pictures")
    patient = {"SETWISE_DEADLINE_MS": "5000", "SETWISE_DEADLINE_ENCODE_MS": "3000", "SETWISE_ADDRESS_PER_S": "0"}
    yield servers | mine | patient | {"SETWISE_STOREFRONT": "true", "SETWISE_EXPLORE_SHARE": "0"}
    if mine.get("SETWISE_LOG") == "kafka":
        delete_topics(mine)


@pytest.fixture(scope="module")
def service(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(environ, tmp_path_factory.mktemp("log") / "log") as one:
        yield one


@pytest.mark.parametrize("size", EACH_SIZE)
def test_a_wish_becomes_sets_that_are_changed_and_bought_and_the_purchase_arrives(
    browser, service, environ, size
) -> None:
    with Visit(browser, service, size) as visit:
        page, asked = visit.page, []
        page.on("request", lambda request: asked.append(request.url.removeprefix(visit.url)))
        page.locator("#wish").press_sequentially("a cosy so", delay=10)
        expect(page.locator("#suggestions")).to_contain_text("sofa")
        page.press("#wish", "ArrowDown")
        page.press("#wish", "Enter")
        expect(page.locator("#wish")).to_have_value("a cosy sofa")
        visit.wish(LIVING_ROOM)
        first = visit.sets()
        assert len(first) == 3 and all(one["total"] <= 150_000 for one in first)
        assert any(one.endswith("/events") and one.startswith("v1/requests/") for one in asked)
        assert "v1/bundles" not in asked, "the stream of events answers, not the fall-back"

        page.locator(".item .see").first.click()
        expect(page.get_by_role("dialog").locator(".stock")).to_be_visible()
        page.keyboard.press("Escape")
        page.locator(".item .swap").first.click()
        page.locator(".item").first.get_by_role("button", name="Different").click()
        expect(page.locator(".set-note").first).to_contain_text("instead")
        swapped = visit.sets()
        assert swapped[0]["products"][0] != first[0]["products"][0] and swapped[1:] == first[1:]

        kept = swapped[0]["products"][1]
        page.locator(f"[data-key='keep:{kept}']").first.click()
        expect(page.locator(".chip.kept")).to_have_count(1)
        visit.settled()
        assert all(kept in one["products"] for one in visit.sets())

        dropped = next(one for one in visit.sets()[0]["products"] if one != kept)
        page.locator(f"[data-key='drop:{dropped}']").first.click()
        expect(page.locator(".chip.denied")).to_have_count(2)
        visit.settled()
        assert visit.sets() and not any(dropped in one["products"] for one in visit.sets())

        slider = page.locator("#budget")
        now = int(slider.input_value())
        slider.press("ArrowRight")
        slider.press("ArrowRight")
        expect(page.locator(".chip.money")).not_to_contain_text("$1,500")
        visit.settled()
        assert int(slider.input_value()) > now
        assert all(one["total"] <= int(slider.input_value()) for one in visit.sets())

        request = page.locator(".set[data-request]").first.get_attribute("data-request")
        bought = visit.sets()[0]
        page.locator(".set-buttons .primary").first.click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator(".cart-row")).to_have_count(len(bought["products"]))
        dialog.get_by_role("button", name="Check out").click()
        dialog.get_by_role("button", name="Place the pretend order").click()
        expect(dialog.get_by_role("heading", name="Thank you!")).to_be_visible()
        expect(page.locator("#open-cart")).to_have_attribute("aria-label", "Cart, 0 items")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        visit.all_sent()
    served = [decode_served(record.value).data for record in records_of(environ, SERVED_TOPIC, 1)]
    assert {one.device for one in served if one.request_id == request} == {size}
    assert not any(one.understood["said"] for one in served if one.understood)
    events = interactions(environ, 1)
    [purchase] = [event for event in events if event.kind == "purchase" and event.request_id == request]
    carted = {item.product_id for one in events if one.kind == "add_to_cart" for item in one.items}
    assert carted >= set(bought["products"]) and {"search", "view_item"} <= {event.kind for event in events}
    assert purchase.order_id.startswith("demo-")
    assert [item.product_id for item in purchase.items] == bought["products"]
    assert {item.bundle_id for item in purchase.items} == {bought["bundle"]}
    assert sum(item.price_cents * item.quantity for item in purchase.items) == bought["total"]


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_no_page_of_the_shop_is_closed_to_who_reads_with_ears_or_keys(browser, service, theme) -> None:
    with Visit(browser, service, color_scheme=theme, reduced_motion="reduce") as visit:
        page = visit.page
        found = {"home": visit.axe()}
        page.locator("#wish").press_sequentially("so", delay=10)
        expect(page.locator("#suggestions li").first).to_be_visible()
        found["suggestions"] = visit.axe()
        visit.wish(LIVING_ROOM)
        page.locator(".item .swap").first.press("Enter")
        found["sets"] = visit.axe()
        page.locator(".item .see").first.press("Enter")
        expect(page.locator("#panel .stock")).to_be_visible()
        found["product"] = visit.axe()
        page.keyboard.press("Escape")
        expect(page.locator(".item .see").first).to_be_focused()
        page.locator(".set-buttons .primary").first.press("Enter")
        found["cart"] = visit.axe()
        page.keyboard.press("Escape")
        visit.wish("a sofa and a desk under $20")
        found["nothing"] = visit.axe()
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert [one for some in found.values() for one in some] == []


def test_what_is_asked_is_announced(browser, service) -> None:
    with Visit(browser, service) as visit:
        visit.wish("a desk and a table lamp")
        expect(visit.page.locator("#announcer")).to_contain_text("set")


def test_every_step_has_an_address_the_way_back_works_and_a_link_opens_the_same_answer(browser, service) -> None:
    with Visit(browser, service) as visit:
        page = visit.page
        visit.wish(LIVING_ROOM)
        first, first_url = visit.sets(), page.url
        visit.wish("a desk and a table lamp under $900")
        second = visit.sets()
        page.locator("#open-cart").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.go_back()
        expect(page.get_by_role("dialog")).to_be_hidden()
        assert visit.sets() == second
        page.go_back()
        expect(page.locator("#wish")).to_have_value(LIVING_ROOM)
        assert visit.sets() == first
        page.go_back()
        expect(page.locator("#examples")).to_be_visible()
        page.go_forward()
        expect(page.locator("#wish")).to_have_value(LIVING_ROOM)
        assert visit.sets() == first and page.url == first_url
        page.locator("[data-key='share:1']").click()
        link = page.evaluate("navigator.clipboard.readText()")
    for url in (first_url, re.sub(r"&r=\w+", "&r=unknown", first_url)):
        with Visit(browser, service) as other:
            if "unknown" in url:
                other.page.on(
                    "console", lambda _, other=other: other.complaints.clear()
                )  # the 404 that it asks anew by
            other.page.goto(url)
            expect(other.page.locator(".set[data-bundle]").first).to_be_visible()
            shown = other.sets()
            assert [one["products"] for one in shown] == [one["products"] for one in first]
            assert ([one["bundle"] for one in shown] == [one["bundle"] for one in first]) == ("unknown" not in url)
            if "unknown" in url:
                other.complaints.clear()  # the 404 by which it knows that it has to ask anew
    with Visit(browser, service) as other:
        other.page.goto(link)
        expect(other.page.locator(".set[data-bundle]").first).to_be_visible()
        assert [sorted(one["products"]) for one in other.sets()] == [sorted(first[1]["products"])]


def test_what_was_understood_can_be_changed_piece_by_piece(browser, service) -> None:
    with Visit(browser, service) as visit:
        page = visit.page
        visit.wish("a green sofa and two cushions under $2000, no leather")
        visit.chip("no leather").get_by_role("button").click()
        expect(visit.chip("no leather")).to_have_count(0)
        expect(page.locator("#wish")).to_have_value("a green sofa and two cushions under $2000")
        visit.chip("green").get_by_role("button").click()
        expect(page.locator("#wish")).to_have_value("a sofa and two cushions under $2000")
        visit.settled()
        visit.chip("cushion").get_by_role("button", name="One cushion fewer").click()
        expect(visit.chip("2 × cushion")).to_have_count(0)
        visit.settled()
        page.get_by_role("textbox", name="Add a product").fill("rug")
        page.get_by_role("textbox", name="Add a product").press("Enter")
        expect(visit.chip("rug")).to_have_count(1)
        visit.settled()
        assert all(len(one["products"]) == 3 for one in visit.sets())
        page.get_by_role("button", name="Remove rug").click()
        expect(visit.chip("rug")).to_have_count(0)
        page.get_by_role("button", name="Remove up to $2,000").click()
        expect(page.locator(".chip.money")).to_have_text("No limit")
        page.go_back()
        expect(page.locator(".chip.money")).to_have_text("up to $2,000")


IN_FOUR_LANGUAGES = [
    ("en-US", "a green sofa and two cushions under $2000, no leather",
     ["up to $2,000", "sofa", "2 × cushion", "green", "no leather"], "a sofa and two cushions under $2000"),
    ("de-DE", "ein grünes Sofa und zwei Kissen unter 2000 $, kein Leder",
     ["bis 2.000 $", "Sofa", "2 × Kissen", "grünes", "ohne Leder"], "ein Sofa und zwei Kissen unter 2000 $"),
    ("fr-FR", "un canapé vert et deux coussins à moins de 2000 $, sans cuir",
     ["jusqu’à 2 000 $US", "canapé", "2 × coussin", "vert", "sans cuir"],
     "un canapé et deux coussins à moins de 2000 $"),
    ("es-ES", "un sofá verde y dos cojines por menos de 2000 $, sin cuero",
     ["hasta 2000 US$", "sofá", "2 × cojín", "verde", "sin cuero"], "un sofá y dos cojines por menos de 2000 $"),
]  # fmt: skip


def titled(shown: list[str]) -> str:
    thing, other = shown[1], shown[2].removeprefix("2 × ")
    return f"{thing[0].upper()}{thing[1:]}, {other}"


@pytest.mark.parametrize(("locale", "wish", "shown", "shorter"), IN_FOUR_LANGUAGES, ids=lambda value: str(value)[:5])
def test_what_was_understood_stands_in_the_shoppers_own_words_and_is_taken_back_in_them(
    browser, service, locale, wish, shown, shorter
) -> None:
    with Visit(browser, service, locale=locale) as visit:
        visit.wish(wish)
        chips = visit.page.locator(".chip-text")
        expect(chips).to_have_count(5)
        assert [re.sub(r"\s", " ", text) for text in chips.all_inner_texts()] == shown
        title = visit.page.locator(".set h2").first.inner_text()
        assert title == ("Sofas, cushions" if locale == "en-US" else titled(shown)), title
        for text in reversed(shown[3:]):
            visit.chip(text).get_by_role("button").click()
            expect(visit.chip(text)).to_have_count(0)
        expect(visit.page.locator("#wish")).to_have_value(shorter)
        visit.settled()
        assert len(visit.sets()) == 3


def test_without_a_set_it_says_why_and_what_would_help(browser, service) -> None:
    with Visit(browser, service) as visit:
        visit.wish("a sofa and a desk under $20")
        nothing = visit.page.locator(".nothing")
        expect(nothing).to_contain_text("$20 is not enough")
        button = nothing.get_by_role("button", name=re.compile("Show sets from"))
        cheapest = button.inner_text().rpartition(" ")[2]
        button.click()
        expect(visit.page.locator(".set[data-bundle]").first).to_be_visible()
        visit.settled()
        totals = visit.page.locator(".set .total").all_inner_texts()  # what costs the same may make several
        said = f"{len(totals)} sets, from {cheapest}" if len(totals) > 1 else f"1 set, {cheapest}"
        assert set(totals) == {cheapest} and visit.page.locator("#answer-count").inner_text() == said
        visit.page.go_back()
        expect(nothing.get_by_role("button", name="Try another wish")).to_be_visible()


def test_the_cart_is_completed_with_what_goes_with_it(browser, service) -> None:
    with Visit(browser, service) as visit:
        page = visit.page
        visit.wish("a desk and a table lamp")
        carted = set(visit.sets()[0]["products"])
        page.locator(".set-buttons .primary").first.click()
        page.get_by_role("button", name="Complete my cart").click()
        expect(page.get_by_role("heading", name="Goes with your cart")).to_be_visible()
        visit.settled()
        assert visit.sets() and not any(carted & set(one["products"]) for one in visit.sets())
        assert "with=" in page.url


def test_nothing_that_is_typed_linked_or_sold_is_ever_run(browser, service) -> None:
    with Visit(browser, service) as visit:
        page = visit.page
        for payload in PAYLOADS:
            visit.wish(f"a sofa {payload}, no constructor"[:500])
            assert page.locator("#answer script, #answer iframe, #answer [onerror], #answer [onload]").count() == 0
        page.goto(
            visit.url
            + "?lock=%3Cimg%20src=x%20onerror=window.hit=1%3E&q=x&max=1e9&slots=%3Csvg%3E*x*y#product=%3Cscript%3E"
        )
        expect(page.get_by_role("dialog")).to_contain_text("no longer sold")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        visit.complaints.clear()  # nothing has such an id: 404
        hostile(page)
        visit.wish("a desk, a table lamp and a rug")
        expect(page.locator(".set[data-bundle]").nth(1)).to_be_visible()
        for payload in PAYLOADS[:4]:
            expect(page.locator(".name", has_text=payload).first).to_be_visible()
        assert page.locator("#sets script, #sets iframe, #sets [onerror], #sets [onload], #sets a").count() == 0
        assert page.evaluate("[...document.images].every((one) => /^https?:/.test(one.src))")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "a long word makes no page wider"
        page.locator(".set-buttons .primary").first.click()
        page.reload()
        expect(page.locator(".cart-row").first).to_be_visible()
        visit.settled()
        visit.complaints.clear()  # the request that was refused above is unknown: 404


def hostile(page: Page) -> None:
    """From now on each product has a payload for its title, its link and its picture."""

    def answer(route: Route) -> None:
        reply = route.fetch()
        said = reply.json()
        for number, item in enumerate(item for bundle in said["bundles"] for item in bundle["items"]):
            payload = PAYLOADS[number % len(PAYLOADS)]
            item |= {"title": payload, "link": payload, "image_link": f"javascript:{payload}", "reasons": [payload]}
        for bundle in said["bundles"]:
            bundle["title"] = bundle["label"] = PAYLOADS[1] + PAYLOADS[-1]
        route.fulfill(response=reply, body=json.dumps(said))

    page.route("**/v1/requests", lambda route: route.fulfill(status=503, body="{}"))
    page.route("**/v1/bundles", answer)


def test_a_product_without_a_picture_has_a_drawing_in_its_place(browser, service) -> None:
    with Visit(browser, service) as visit:
        visit.page.route("**/sample/*.svg", lambda route: route.fulfill(status=404))
        visit.wish(LIVING_ROOM)
        expect(visit.page.locator(".set .picture svg").first).to_be_visible()
        expect(visit.page.locator(".set .picture img")).to_have_count(0)
        visit.complaints.clear()  # each picture that is missing is one


def test_a_busy_shop_and_a_lost_network_are_said_and_the_wish_is_asked_again(browser, service) -> None:
    with Visit(browser, service) as visit:
        page = visit.page
        busy = {"status": 429, "headers": {"Retry-After": "1"}, "body": "{}"}
        for path in ("**/v1/requests", "**/v1/bundles"):
            page.route(path, lambda route: route.fulfill(**busy))
        visit.wish("a desk")
        expect(page.locator(".nothing")).to_contain_text("busy")
        page.unroute_all()
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".set[data-bundle]").first).to_be_visible()
        visit.context.set_offline(True)
        visit.wish("a lamp")
        expect(page.locator(".nothing")).to_contain_text("offline")
        visit.context.set_offline(False)
        expect(page.locator(".set[data-bundle]").first).to_be_visible()
        page.route("**/v1/requests/*/events", lambda route: route.abort())
        visit.wish("a rug")
        expect(page.locator(".set[data-bundle]").first).to_be_visible()
        visit.complaints.clear()  # what was refused and lost here


@pytest.mark.parametrize(
    ("locale", "find", "total"),
    [("de-DE", "Sets finden", r"^[\d.]+,\d\d\s\$$"), ("fr-FR", "Trouver", r"^[\d\s]+,\d\d\s\$(US)?$"),
     ("es-ES", "Buscar", r"^[\d.]+,\d\d\s(US)?\$$"), ("en-GB", "Find sets", r"^US\$[\d,]+\.\d\d$")],
)  # fmt: skip
def test_words_and_amounts_are_those_of_the_reader(browser, service, locale, find, total) -> None:
    with Visit(browser, service, locale=locale) as visit:
        expect(visit.page.get_by_role("button", name=find)).to_be_visible()
        assert visit.page.get_attribute("html", "lang") == locale[:2]
        visit.wish("a sofa, a rug and a floor lamp under $2000")
        assert re.match(total, visit.page.locator(".total").first.inner_text())


def test_who_does_not_consent_is_not_named(browser, service, environ) -> None:
    with Visit(browser, service) as visit:
        visit.page.uncheck("#consent")
        bodies = []
        visit.page.on("request", lambda request: bodies.append(request.post_data) if request.method == "POST" else None)
        visit.wish("a floor lamp")
        asked = next(json.loads(body) for body in bodies if body and "prompt" in body)
        assert asked["consent"] is False and not {"visitor_id", "session_id"} & asked.keys()
        assert visit.page.evaluate("[localStorage.setwise_visitor, sessionStorage.setwise_session]") == [None, None]


def test_there_is_no_shop_where_nobody_asked_for_one(profile: dict[str, str], tmp_path: Path) -> None:
    from e2e_support import serve

    with serve(own_copy(profile, tmp_path)) as client:
        assert client.get("/").status_code == 404
        assert client.get("/v1/suggestions", params={"q": "so"}).json()["suggestions"][0]["term"] == "sofa"
        assert client.get("/v1/suggestions", params={"q": "so", "language": "nowhere"}).status_code == 422
