import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from online.answer_cache import AnswerCache
from online.caches import Cache
from online.live import LiveRelease
from online.messages import (
    BundleAnswer,
    BundleOut,
    BundleRequest,
    Degraded,
    ExcludeRead,
    ItemOut,
    ProductOut,
    ProductsAnswer,
    ProductsRequest,
    Understood,
)
from setwise.catalogue import Product, Sale
from setwise.names import ProductId, ReleaseId
from setwise.release import Manifest
from setwise.rules import RuleBook, RuleSet
from setwise.rules.document import Rule, When
from setwise.snapshot import Snapshot, write_snapshot
from setwise.terms import Analyzer

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NO_RULES = RuleBook(RuleSet())
READ = Understood("en", None, [], {}, [], [], [], [], [], ExcludeRead([], [], [], [], [], []), [], [])


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Kitchen:
    """Makes answers, and counts them."""

    def __init__(self, answer: BundleAnswer | ProductsAnswer) -> None:
        self.made, self.answer = 0, answer

    async def __call__(self) -> BundleAnswer | ProductsAnswer:
        self.made += 1
        await asyncio.sleep(0.01)
        return self.answer


def release(folder: Path, products: list[Product], release_id: str = "r-1") -> LiveRelease:
    write_snapshot(products, folder)
    manifest = Manifest(ReleaseId(release_id), NOW, None, (), {}, {}, {}, "USD")
    return LiveRelease(manifest, Snapshot(folder), None, None, None, None, Analyzer())


@pytest.fixture
def live(tmp_path) -> LiveRelease:
    return release(tmp_path / "one", products())


def products(price: int = 5_000, stock: int | None = 9, sale: Sale | None = None) -> list[Product]:
    return [
        Product(ProductId("desk"), "Desk", 20_000, "USD"),
        Product(ProductId("lamp"), "Lamp", price, "USD", stock=stock, sale=sale),
        Product(ProductId("rug"), "Rug", 7_000, "USD"),
    ]


def bundles(quantity: int = 1, **changes: object) -> BundleAnswer:
    items = [
        ItemOut("desk", "desk", 1, 20_000, "Desk", "", "", 1.0, [], []),
        ItemOut("rug", "cosy", quantity, 7_000, "Rug", "", "", 1.0, [], ["lamp"]),
    ]
    one = BundleOut("b-1", "Desk, rug", "best match", 27_000, "USD", 2.0, [], [], items)
    answer = BundleAnswer("q-1", "r-1", "full", [], {}, READ, [one], None, {"encode": 4.0, "total": 9.0})
    return msgspec.structs.replace(answer, **changes)


def asked(
    cache: AnswerCache, live: LiveRelease, kitchen: Kitchen, now: datetime = NOW, book: RuleBook = NO_RULES,
    request: BundleRequest | ProductsRequest = BundleRequest(prompt="a desk"),
) -> BundleAnswer:  # fmt: skip
    async def ask() -> BundleAnswer:
        key = cache.key_of(request, live, book)
        return await (kitchen() if key is None else cache.answer(key, live, book, now, kitchen))

    return asyncio.run(ask())


def cache(clock: Clock | None = None, ttl_s: float = 60, max_bytes: int = 1_000_000) -> AnswerCache:
    return AnswerCache(ttl_s, max_bytes, allow_preorder=False, clock=clock or Clock())


def test_a_second_request_is_answered_without_computing_under_ids_of_its_own(live) -> None:
    kept, kitchen = cache(), Kitchen(bundles())
    first, second, third = (asked(kept, live, kitchen) for _ in range(3))
    assert kitchen.made == 1
    assert len({a.request_id for a in (first, second, third)}) == 3
    assert len({a.bundles[0].bundle_id for a in (first, second, third)}) == 3
    assert second.bundles[0].items == first.bundles[0].items
    assert second.timings_ms["encode"] == 0.0
    assert second.timings_ms["total"] < first.timings_ms["total"]


@pytest.mark.parametrize(
    "changed",
    [
        products(price=4_999),
        products(stock=0),
        [p for p in products() if p.id != "desk"] + [Product(ProductId("desk"), "Desk", 20_001, "USD")],
    ],
    ids=["an alternative costs less", "an alternative is sold out", "an item costs more"],
)
def test_an_answer_ends_when_a_product_in_it_changes(live, tmp_path, changed) -> None:
    kept, kitchen = cache(), Kitchen(bundles())
    asked(kept, live, kitchen)
    order = {p.id: p for p in changed}
    later = release(tmp_path / "two", [order[ProductId(i)] for i in ("desk", "lamp", "rug")])
    asked(kept, later, kitchen)
    assert kitchen.made == 2


def test_it_ends_when_a_sale_begins_although_nobody_changed_anything(tmp_path) -> None:
    on_sale = products(sale=Sale(4_000, NOW + timedelta(seconds=10), None))
    live, kept, kitchen = release(tmp_path / "sale", on_sale), cache(), Kitchen(bundles())
    for second, made in ((0, 1), (9, 1), (11, 2)):
        asked(kept, live, kitchen, NOW + timedelta(seconds=second))
        assert kitchen.made == made


def test_as_many_must_be_there_as_the_answer_holds(tmp_path) -> None:
    kept, kitchen = cache(), Kitchen(bundles(quantity=3))
    asked(kept, release(tmp_path / "a", products(stock=3)), kitchen)
    asked(kept, release(tmp_path / "b", products(stock=2)), kitchen)
    assert kitchen.made == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"served_by": "lexical"},
        {"bundles": []},
        {"degraded": [Degraded("encoder", "timeout")]},
    ],
)
def test_what_is_not_whole_is_not_kept(live, changes) -> None:
    kept, kitchen = cache(), Kitchen(bundles(**changes))
    asked(kept, live, kitchen)
    asked(kept, live, kitchen)
    assert kitchen.made == 2


@pytest.mark.parametrize("person", [{"user_id": "u"}, {"visitor_id": "v"}, {"session_id": "s"}])
def test_nothing_is_kept_of_a_person(live, person) -> None:
    assert cache().key_of(BundleRequest(prompt="a desk", **person), live, NO_RULES) is None


def test_another_request_release_or_version_of_the_rules_is_another_answer(live, tmp_path) -> None:
    kept = cache()
    other = release(tmp_path / "other", products(), "r-2")
    keys = [
        kept.key_of(BundleRequest(prompt="a desk"), live, NO_RULES),
        kept.key_of(BundleRequest(prompt="a desk", n_bundles=2), live, NO_RULES),
        kept.key_of(BundleRequest(prompt="a desk", explain=True), live, NO_RULES),
        kept.key_of(ProductsRequest(prompt="a desk"), live, NO_RULES),
        kept.key_of(BundleRequest(prompt="a desk"), other, NO_RULES),
        kept.key_of(BundleRequest(prompt="a desk"), live, RuleBook(RuleSet(version=1))),
    ]
    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_it_ends_with_its_time_and_where_a_rule_begins_to_hold(live) -> None:
    clock = Clock()
    kept, kitchen = cache(clock), Kitchen(bundles())
    asked(kept, live, kitchen)
    clock.now += 61
    asked(kept, live, kitchen)
    assert kitchen.made == 2
    soon = When(starts_at=NOW + timedelta(seconds=5))
    book = RuleBook(RuleSet(version=3, rules=[Rule(id="r", kind="boost", when=soon, products=[ProductId("rug")])]))
    asked(kept, live, kitchen, book=book)
    clock.now += 4
    asked(kept, live, kitchen, book=book)
    assert kitchen.made == 3
    clock.now += 2
    asked(kept, live, kitchen, book=book)
    assert kitchen.made == 4


def test_of_many_equal_requests_at_once_one_computes_and_each_has_ids_of_its_own(live) -> None:
    kept, kitchen = cache(), Kitchen(bundles())
    key = kept.key_of(BundleRequest(prompt="a desk"), live, NO_RULES)

    async def all_at_once() -> list[BundleAnswer]:
        return await asyncio.gather(*(kept.answer(key, live, NO_RULES, NOW, kitchen) for _ in range(20)))

    answers = asyncio.run(all_at_once())
    assert kitchen.made == 1
    assert len({answer.request_id for answer in answers}) == 20


def test_a_failure_is_told_to_all_who_waited_and_kept_for_nobody(live) -> None:
    kept = cache()
    key = kept.key_of(BundleRequest(prompt="a desk"), live, NO_RULES)

    async def fail() -> BundleAnswer:
        await asyncio.sleep(0.01)
        raise RuntimeError("no")

    async def all_at_once() -> list[object]:
        waiting = (kept.answer(key, live, NO_RULES, NOW, fail) for _ in range(3))
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert [str(error) for error in asyncio.run(all_at_once())] == ["no"] * 3
    assert asked(kept, live, Kitchen(bundles())).served_by == "full"


def test_near_its_end_an_answer_is_made_anew_by_a_reader_who_does_not_wait(live) -> None:
    clock = Clock()
    kept, kitchen = cache(clock), Kitchen(bundles())

    async def ask_often() -> None:
        key = kept.key_of(BundleRequest(prompt="a desk"), live, NO_RULES)
        await kept.answer(key, live, NO_RULES, NOW, kitchen)
        clock.now += 30
        for _ in range(200):
            await kept.answer(key, live, NO_RULES, NOW, kitchen)
        assert kitchen.made == 1
        clock.now += 29.9
        for _ in range(200):
            await kept.answer(key, live, NO_RULES, NOW, kitchen)
        await asyncio.sleep(0.03)

    asyncio.run(ask_often())
    assert kitchen.made == 2


def test_it_never_holds_more_than_its_bytes(live) -> None:
    kept, kitchen = cache(max_bytes=20_000), Kitchen(bundles())
    for number in range(50):
        asked(kept, live, kitchen, request=BundleRequest(prompt=f"desk {number}"))
    asked(kept, live, kitchen, request=BundleRequest(prompt="desk 49"))
    assert kitchen.made == 50
    asked(kept, live, kitchen, request=BundleRequest(prompt="desk 0"))
    assert kitchen.made == 51


def test_single_products_are_kept_too(live) -> None:
    found = [ProductOut("rug", 1.0, 7_000, "USD", "Rug", "", "", [])]
    kept, kitchen = cache(), Kitchen(ProductsAnswer("q-1", "full", [], READ, found, {"total": 5.0}))
    first, second = (asked(kept, live, kitchen, request=ProductsRequest(prompt="rug")) for _ in range(2))
    assert kitchen.made == 1
    assert first.products == second.products  # type: ignore[attr-defined]
    assert first.request_id != second.request_id


def test_texts_that_were_not_asked_for_longest_are_forgotten() -> None:
    texts = Cache[int]("readings", 2)
    for number, text in enumerate("abac"):
        texts.put(text, number)
    assert [texts.get(text) for text in "abc"] == [2, None, 3]
