"""A made shop from one seed, with known truths in it: a fixture and a demo, never evidence of quality."""

import json
import os
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.sample_shop.pictures import draw
from orchestration.sample_shop.words import (
    BRANDS,
    CATEGORIES,
    COLORS,
    CONVERSION,
    NAMES,
    PAIR_SHARE,
    PAIRS,
    STYLES,
)  # fmt: skip

TODAY = datetime(2026, 11, 1, tzinfo=UTC)
"""The shop's last day: fixed, so that the same seed gives the same bytes on any day."""
DAYS = 540
MARKER = "complete.json"
FLAG = "bundle-ranking"


def generate(
    folder: Path,
    *,
    products: int = 3_000,
    shoppers: int = 2_000,
    orders: int = 20_000,
    seed: int = 7,
    picture_base_url: str = "http://127.0.0.1:8000/sample",
) -> dict[str, Any]:
    """Writes feed, orders, sessions, sets, truth and pictures; the same parameters a second time write nothing."""
    parameters = [products, shoppers, orders, seed, picture_base_url]
    marker = folder / MARKER
    if marker.exists() and json.loads(marker.read_text()) == parameters:
        return json.loads((folder / "truth.json").read_text())
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "pictures").mkdir(parents=True)
    rng = random.Random(seed)
    feed = _products(rng, products, picture_base_url)
    for row in feed:
        drawing = draw(CATEGORIES[_leaf(row)][5], COLORS[row["color"]], row["title"])
        (temporary / "pictures" / f"{row['id']}.svg").write_text(drawing)
    people = _shoppers(rng, shoppers)
    bought = _orders(rng, feed, people, orders)
    truth = {
        "pairs": PAIRS,
        "pair_share": PAIR_SHARE,
        "experiment": {"flag": FLAG, "conversion": CONVERSION},
        "shoppers": people,
    }
    _write(temporary / "feed.jsonl", [{k: v for k, v in row.items() if not k.startswith("_")} for row in feed])
    _write(temporary / "orders.jsonl", bought)
    _write(temporary / "sessions.jsonl", _sessions(rng, feed, people, orders))
    _write(temporary / "sets.jsonl", _sets(rng, feed))
    (temporary / "truth.json").write_text(json.dumps(truth))
    (temporary / MARKER).write_text(json.dumps(parameters))
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)
    return truth


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _leaf(row: dict[str, Any]) -> str:
    return str(row["product_type"]).rsplit(" > ", 1)[-1]


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _products(rng: random.Random, count: int, base_url: str) -> list[dict[str, Any]]:
    leaves, styles, colors = list(CATEGORIES), list(STYLES), list(COLORS)
    rows: list[dict[str, Any]] = []
    while len(rows) < count:
        leaf = leaves[len(rows) % len(leaves)] if len(rows) < len(leaves) else rng.choice(leaves)
        above, low, high, nouns, materials, _, use = CATEGORIES[leaf]
        brand_at, style, material = rng.randrange(len(BRANDS)), rng.choice(styles), rng.choice(materials)
        tier = brand_at / (len(BRANDS) - 1)
        noun, name = rng.choice(nouns), rng.choice(NAMES)
        detail, feel = STYLES[style]
        base = int(100 * (low + (high - low) * (0.15 + 0.55 * tier + 0.3 * rng.random())))
        variants = rng.sample(colors, rng.choice((1, 1, 1, 2, 3)))
        group = f"g-{len(rows) + 1}"
        for color in variants[: count - len(rows)]:
            number = len(rows) + 1
            cents = base // 500 * 500 + 499 if base > 2_000 else base
            row: dict[str, Any] = {
                "id": f"p-{number}",
                "title": f"{name} {style.title()} {noun} in {color.title()} {material.title()}",
                "description": f"{noun} by {BRANDS[brand_at]} in {color} {material}, {style}: {detail}, {feel}. Made for {use}.",
                "link": f"{base_url.removesuffix('/sample')}/v1/products/p-{number}",
                "image_link": f"{base_url}/p-{number}.svg",
                "availability": "out_of_stock" if rng.random() < 0.06 else "in_stock",
                "price": f"{_money(cents)} USD",
                # Dearer brands earn more: from 38 to 50 cents of a dollar.
                "cost_of_goods_sold": f"{_money(cents * (62 - int(12 * tier)) // 100)} USD",
                "brand": BRANDS[brand_at],
                "product_type": f"{above} > {leaf}",
                "color": color,
                "material": material,
                "condition": "new",
                "quantity": rng.randint(1, 60),
                "rating": round(rng.uniform(3.2, 5.0), 1),
                "custom_label_0": style,
                "_style": style,
                "_tier": tier,
                "_cents": cents,
            }
            if len(variants) > 1:
                row["item_group_id"] = group
            if rng.random() < 0.10:
                row["sale_price"] = f"{_money(cents * rng.choice((70, 80, 90)) // 100)} USD"
                row["sale_price_effective_date"] = "2026-10-01T00:00Z/2027-12-31T00:00Z"
            if rng.random() < 0.01:
                row["expiration_date"] = "2026-10-15T00:00:00Z"
            rows.append(row)
    return rows


def _shoppers(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Each likes one style, two colours, three categories, one price tier; the variant is sticky."""
    return [
        {
            "user_id": f"u-{number}",
            "style": rng.choice(list(STYLES)),
            "colors": rng.sample(list(COLORS), 2),
            "categories": rng.sample(list(CATEGORIES), 3),
            "tier": round(rng.random(), 2),
            "variant": rng.choice(("control", "treatment")),
        }
        for number in range(1, count + 1)
    ]


def _by_leaf(feed: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in feed:
        grouped.setdefault(_leaf(row), []).append(row)
    return grouped


def _choose(rng: random.Random, rows: list[dict[str, Any]], person: dict[str, Any]) -> dict[str, Any]:
    """One of eight at random, the one nearest to the shopper's taste."""
    some = [rng.choice(rows) for _ in range(8)]
    return max(
        some,
        key=lambda r: (
            2 * (r["_style"] == person["style"]) + (r["color"] in person["colors"]) - abs(r["_tier"] - person["tier"])
        ),
    )


def _orders(
    rng: random.Random, feed: list[dict[str, Any]], people: list[dict[str, Any]], count: int
) -> list[dict[str, Any]]:
    grouped, rows = _by_leaf(feed), []
    for number in range(1, count + 1):
        person = rng.choice(people)
        leaf = rng.choice(person["categories"]) if rng.random() < 0.7 else rng.choice(list(CATEGORIES))
        leaves = [leaf] if leaf in grouped else [rng.choice(list(grouped))]
        if rng.random() < PAIR_SHARE and PAIRS.get(leaves[0]) in grouped:
            leaves.append(PAIRS[leaves[0]])
        if rng.random() < 0.2:
            leaves.append(rng.choice(list(grouped)))
        chosen = {row["id"]: row for row in (_choose(rng, grouped[leaf], person) for leaf in leaves)}
        moment = TODAY - timedelta(days=rng.random() * DAYS)
        returned = rng.random() < 0.02
        rows.append(
            {
                "order_id": f"o-{number}",
                "user_id": person["user_id"],
                "timestamp": moment.isoformat(timespec="seconds"),
                "currency": "USD",
                "items": [
                    {
                        "product_id": product_id,
                        "quantity": -1 if returned else (4 if _leaf(row) == "Dining chairs" else 1),
                        "unit_price": _money(row["_cents"]),
                    }
                    for product_id, row in chosen.items()
                ],
            }
        )
    return sorted(rows, key=lambda row: (row["timestamp"], row["order_id"]))


def _sessions(
    rng: random.Random, feed: list[dict[str, Any]], people: list[dict[str, Any]], count: int
) -> list[dict[str, Any]]:
    grouped, rows = _by_leaf(feed), []
    for number in range(1, count + 1):
        person = rng.choice(people)
        moment = TODAY - timedelta(days=rng.random() * 30)
        seen = [_choose(rng, grouped[rng.choice(list(grouped))], person)["id"] for _ in range(rng.randint(1, 5))]
        kinds = ["view_item"] * len(seen)
        if rng.random() < CONVERSION[person["variant"]]:
            seen, kinds = [*seen, seen[-1], seen[-1]], [*kinds, "add_to_cart", "purchase"]
        rows.append(
            {
                "session_id": f"s-{number}",
                "user_id": person["user_id"],
                "started_at": moment.isoformat(timespec="seconds"),
                "experiment": {"flag": FLAG, "variant": person["variant"]},
                "events": [
                    {"type": kind, "product_id": product_id, "time": (moment + timedelta(minutes=i)).isoformat()}
                    for i, (kind, product_id) in enumerate(zip(kinds, seen, strict=True))
                ],
            }
        )
    return rows


def _sets(rng: random.Random, feed: list[dict[str, Any]], count: int = 60) -> list[dict[str, Any]]:
    """Three to five products of one style from categories of one room."""
    rooms: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in feed:
        rooms.setdefault((row["_style"], row["product_type"].rsplit(" > ", 1)[0]), []).append(row)
    places = sorted(key for key, rows in rooms.items() if len({_leaf(row) for row in rows}) >= 3)
    sets = []
    for number in range(1, count + 1 if places else 1):
        style, room = rng.choice(places)
        by_leaf = _by_leaf(rooms[style, room])
        leaves = rng.sample(sorted(by_leaf), min(len(by_leaf), rng.randint(3, 5)))
        title = f"{style.title()} {room.rsplit(' > ', 1)[-1].lower()}"
        ids = [rng.choice(by_leaf[leaf])["id"] for leaf in leaves]
        sets.append({"set_id": f"set-{number}", "title": title, "product_ids": ids})
    return sets
