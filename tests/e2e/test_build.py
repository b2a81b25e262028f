"""What a build does with good, bad and changed feeds; every one runs the real job."""

import json
from pathlib import Path

import pytest
from e2e_support import build, build_by_command, serve

from orchestration.warehouse.stores import FILE, DuckWarehouse
from setwise.release import Releases

ROWS = [
    {
        "id": f"p{i}",
        "title": f"{color.title()} {kind}",
        "price": f"{10 + i}.00 EUR",
        "availability": "in_stock",
        "product_type": f"Home > {kind}",
        "color": color,
        "link": f"https://shop.example/p{i}",
    }
    for i, (color, kind) in enumerate(
        (c, k) for c in ("red", "blue", "green", "white") for k in ("Lamp", "Chair", "Desk")
    )
]


def environ_of(folder: Path, text: str, name: str = "feed.jsonl") -> dict[str, str]:
    (folder / name).write_text(text)
    return {"SETWISE_DATA_DIR": str(folder / "var"), "SETWISE_FEED": str(folder / name)}


def lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def tsv(rows: list[dict]) -> str:
    return "\t".join(rows[0]) + "\r\n" + "".join("\t".join(row.values()) + "\r\n" for row in rows)


def rss(rows: list[dict]) -> str:
    items = "".join(
        "<item>" + "".join(f"<g:{k}>{v.replace('>', '&gt;')}</g:{k}>" for k, v in row.items()) + "</item>"
        for row in rows
    )
    return f'<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>{items}</channel></rss>'


def jsonld(rows: list[dict]) -> str:
    return json.dumps(
        [
            {
                "@context": "https://schema.org",
                "@type": "Product",
                "sku": row["id"],
                "name": row["title"],
                "color": row["color"],
                "offers": {
                    "price": row["price"].split()[0],
                    "priceCurrency": "EUR",
                    "availability": "https://schema.org/InStock",
                },
            }
            for row in rows
        ]
    )


def titles_answered(environ: dict[str, str]) -> set[str]:
    with serve(environ) as client:
        answer = client.post("/v1/bundles", json={"prompt": "a red lamp and a blue chair under 40 euros"}).json()
    return {item["title"] for item in answer["bundles"][0]["items"]}


@pytest.fixture(scope="module")
def live_shop(tmp_path_factory) -> Path:
    """A folder with a live release of a feed of tabs; the tests below go on from where the one before left it."""
    folder = tmp_path_factory.mktemp("live")
    done = build(environ_of(folder, tsv(ROWS), "feed.tsv"))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_a_feed_of_tabs_becomes_answers(live_shop) -> None:
    assert titles_answered(environ_of(live_shop, tsv(ROWS), "feed.tsv")) == {"Red Lamp", "Blue Chair"}


# From a feed's rows on every form is the same build; the readers of the forms have tests of their own.
@pytest.mark.long
@pytest.mark.parametrize(("form", "name"), [(rss, "feed.xml"), (jsonld, "feed.json")])
def test_every_other_form_of_feed_becomes_answers(tmp_path, form, name) -> None:
    environ = environ_of(tmp_path, form(ROWS), name)
    done = build(environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert titles_answered(environ) == {"Red Lamp", "Blue Chair"}


@pytest.mark.parametrize(
    ("text", "said", "how"),
    [
        ("", "is empty: export the feed again", build_by_command),
        (lines([{**row, "price": "cheap"} for row in ROWS]), "12 rows of the feed were rejected", build),
    ],
)
def test_a_feed_that_cannot_be_used_is_one_clear_sentence_and_the_live_release_stays(
    live_shop, text, said, how
) -> None:
    releases = Releases(str(live_shop / "var/releases"), live_shop / "cache")
    live = releases.current_id()
    assert live is not None
    failed = how(environ_of(live_shop, text, "bad.jsonl"))
    assert failed.returncode == 1
    assert said in " ".join(failed.stdout.split())
    assert "Traceback" not in failed.stdout + failed.stderr
    assert releases.current_id() == live


def test_a_second_build_computes_nothing_and_a_changed_row_is_the_only_one_embedded_again(live_shop) -> None:
    assert "reused False" not in build(environ_of(live_shop, tsv(ROWS), "feed.tsv")).stdout
    changed = build(environ_of(live_shop, tsv([{**ROWS[0], "title": "Violet Lamp"}, *ROWS[1:]]), "feed.tsv"))
    assert "embedded 1, kept 11" in changed.stdout, changed.stdout


def test_rows_that_were_not_taken_are_said_and_reported(live_shop) -> None:
    report = live_shop / "var/reports/rejections.jsonl"
    bad = lines([*ROWS, {**ROWS[0], "id": "bad", "price": "free"}])
    done = build(environ_of(live_shop, bad))
    assert "row 13: price 'free': this is not an amount with a currency code; write it as" in " ".join(
        done.stdout.split()
    )
    assert [json.loads(line)["id"] for line in report.read_text().splitlines()] == ["bad"]


@pytest.mark.long
def test_the_report_of_rows_is_that_of_the_feed_that_was_read_last(live_shop) -> None:
    report = live_shop / "var/reports/rejections.jsonl"
    bad = lines([*ROWS, {**ROWS[0], "id": "bad", "price": "free"}])
    for text, refused in ((bad, 1), (lines(ROWS), 0), (bad, 1)):
        done = build(environ_of(live_shop, text))
        assert done.returncode == 0 and len(report.read_text().splitlines()) == refused
    assert "reused True, feed_written_at" in done.stdout


def test_odd_feeds_are_taken_as_they_are(tmp_path) -> None:
    odd = [
        {**ROWS[0], "id": "long", "title": "lamp " * 20_000},
        {**ROWS[1], "id": "emoji", "title": "🛋️ كنبة زرقاء"},
        {**ROWS[2], "id": "usd", "price": "12.00 USD"},
        {**ROWS[3], "title": "Second row of the same id"},
    ]
    environ = environ_of(tmp_path, lines([*ROWS, *odd]))
    orders = [
        {
            "order_id": "1",
            "timestamp": "2026-01-01",
            "items": [{"product_id": "gone", "quantity": 1, "unit_price": "1.00"}],
        }
    ]
    (tmp_path / "orders.jsonl").write_text(lines(orders))
    done = build({**environ, "SETWISE_ORDERS": str(tmp_path / "orders.jsonl")})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "duplicates 1" in done.stdout
    assert "products_that_the_feed_lacks 1" in done.stdout
    with serve(environ) as client:
        both = client.post("/v1/bundles", json={"prompt": "lamp and desk"}).json()
        dollars = client.post("/v1/bundles", json={"prompt": "desk under 20 dollars"}).json()
    assert {bundle["currency"] for bundle in both["bundles"]} == {"EUR"}
    assert {item["product_id"] for b in dollars["bundles"] for item in b["items"]} == {"usd"}


@pytest.mark.long  # how rows come into a warehouse, test_history sees too
def test_a_build_puts_its_orders_and_products_into_the_warehouse_and_a_new_file_in_their_place(live_shop) -> None:
    orders = [
        {"order_id": f"o{n}", "user_id": "u-1", "timestamp": "2026-01-05T10:00:00Z",
         "items": [{"product_id": "p0", "quantity": 2, "unit_price": 9.99},
                   {"product_id": "p1", "quantity": -1, "unit_price": 5}]}
        for n in range(3)
    ]  # fmt: skip
    file = live_shop / "orders.jsonl"
    environ = environ_of(live_shop, lines(ROWS)) | {"SETWISE_ORDERS": str(file)}
    warehouse = DuckWarehouse(live_shop / "var" / FILE)
    for count in (3, 2):
        file.write_text(lines(orders[:count]))
        done = build(environ)
        assert done.returncode == 0, done.stdout + done.stderr
        found = warehouse.rows("SELECT count(*), sum(quantity * price_cents), count(DISTINCT user_key) FROM raw.orders")
        assert [(lines, int(cents), people) for lines, cents, people in found] == [
            (2 * count, count * (2 * 999 - 500), 1)
        ]
    assert warehouse.rows("SELECT count(*) FROM raw.products WHERE is_in_feed") == [(len(ROWS),)]
    assert not warehouse.rows("SELECT 1 FROM raw.orders WHERE user_key = 'u-1'")
