import json
from collections import Counter
from pathlib import Path

from orchestration.sample_shop import generate
from orchestration.sample_shop.words import CONVERSION, PAIRS


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(tmp_path / name, products=60, shoppers=20, orders=50, seed=seed)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert (tmp_path / "a/feed.jsonl").read_bytes() != (tmp_path / "c/feed.jsonl").read_bytes()


def test_a_second_call_writes_nothing(tmp_path) -> None:
    generate(tmp_path / "shop", products=20, shoppers=5, orders=10)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "shop").rglob("*")}
    generate(tmp_path / "shop", products=20, shoppers=5, orders=10)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "shop").rglob("*")} == before


def test_planted_pairs_are_bought_together_far_more_often_than_by_chance(tmp_path) -> None:
    generate(tmp_path / "shop", products=400, shoppers=200, orders=4_000)
    leaf = {row["id"]: row["product_type"].rsplit(" > ", 1)[-1] for row in rows(tmp_path / "shop/feed.jsonl")}
    baskets = [{leaf[i["product_id"]] for i in order["items"]} for order in rows(tmp_path / "shop/orders.jsonl")]
    count = Counter(name for basket in baskets for name in basket)
    for left, right in PAIRS.items():
        together = sum(left in basket and right in basket for basket in baskets)
        assert together * len(baskets) / (count[left] * count[right]) > 2


def test_the_treatment_buys_more_often(tmp_path) -> None:
    generate(tmp_path / "shop", products=100, shoppers=300, orders=20_000)
    sessions = rows(tmp_path / "shop/sessions.jsonl")
    for variant, planted in CONVERSION.items():
        own = [s for s in sessions if s["experiment"]["variant"] == variant]
        share = sum(s["events"][-1]["type"] == "purchase" for s in own) / len(own)
        assert abs(share - planted) < 0.01


def test_sets_hold_products_that_the_feed_has(tmp_path) -> None:
    generate(tmp_path / "shop", products=600, shoppers=20, orders=20)
    known = {row["id"] for row in rows(tmp_path / "shop/feed.jsonl")}
    sets = rows(tmp_path / "shop/sets.jsonl")
    assert len(sets) == 60
    assert all(set(made["product_ids"]) <= known for made in sets)
