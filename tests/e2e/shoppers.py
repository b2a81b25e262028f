"""Made answers and shoppers whose orders' credits are known: an oracle that reads no table."""

import random
from datetime import UTC, datetime, timedelta

import msgspec

from setwise.cloud_event import CloudEvent
from setwise.events import Interaction, InteractionItem, Served, ServedBundle, ServedItem
from setwise.events.served import TYPE, Device
from setwise.log import Record
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC

START = datetime(2026, 3, 1, tzinfo=UTC)
CLICK, IMPRESSION = timedelta(days=7), timedelta(hours=24)
CURRENCIES = ("USD", "EUR")
DEVICES: tuple[Device, ...] = ("phone", "desktop", "")
HOSTILE = ("<script>alert('a sofa')</script> under $5", '=HYPERLINK("https://shop.example","a lamp")')
"""Sentences for which there was no bundle."""


class Touch(msgspec.Struct, frozen=True):
    """A click or impression of a product in a bundle."""

    kind: str
    at: datetime
    request_id: str
    bundle_id: str


class Truth(msgspec.Struct):
    """What the marts have to say, in minor units by currency."""

    revenue: dict[str, int]
    refunded: dict[str, int]
    credited: dict[str, int]
    lines: int = 0
    credited_lines: int = 0
    answers: int = 0
    bundles: int = 0


class Shoppers:
    """Deterministic: the same seed makes the same records and the same truth."""

    def __init__(self, people: int, seed: int = 7) -> None:
        self._random = random.Random(seed)
        self.served: list[Record] = []
        self.interactions: list[Record] = []
        self.truth = Truth(*(dict.fromkeys(CURRENCIES, 0) for _ in range(3)))
        for number in range(people):
            self._live(f"u-{number}" if number % 3 else "", f"v-{number}")
        for prompt in HOSTILE:
            self._serve(f"{self._random.getrandbits(128):032x}", [], START, "", "", prompt=prompt, infeasible="budget")
        for topic in (self.served, self.interactions):
            self._doubled_and_shuffled(topic)

    def _live(self, user: str, visitor: str) -> None:
        touches: dict[str, list[Touch]] = {}
        self._bought: list[tuple[str, datetime, int, int, int, str]] = []
        moment = START + timedelta(minutes=self._random.randrange(10_000))
        for _ in range(self._random.randint(1, 4)):
            moment += timedelta(hours=self._random.choice((1, 5, 30, 100)))
            request_id, currency = f"{self._random.getrandbits(128):032x}", self._random.choice(CURRENCIES)
            bundles = [self._bundle(request_id, at, currency) for at in (1, 2, 3)]
            self._serve(request_id, bundles, moment, user, visitor)
            for bundle in bundles[: self._random.randint(0, 3)]:
                self._see(bundle, request_id, moment, user, visitor, touches)
            if self._random.random() < 0.6:
                self._buy(bundles, moment, user, visitor, currency)
        # What was seen after an order was made up, but before its time, counts as well.
        for line in self._bought:
            self._account(touches.get(line[0], []), *line[1:])

    def _bundle(self, request_id: str, position: int, currency: str) -> ServedBundle:
        items = [
            ServedItem(f"p-{self._random.randrange(40)}", at, self._random.randrange(500, 90_000), 1.0, f"slot {at}")
            for at in range(1, self._random.randint(2, 4))
        ]
        items = list({item.product_id: item for item in items}.values())
        total = sum(item.price_cents for item in items)
        return ServedBundle(f"{request_id[:20]}-{position}", position, "best match", total, currency, 3.0, items)

    def _serve(
        self, request_id: str, bundles: list[ServedBundle], at: datetime, user: str, visitor: str, *, prompt: str = "",
        infeasible: str = "",
    ) -> None:  # fmt: skip
        data = Served(
            request_id, "bundles", "shop", "r-1", "full", {"total": self._random.uniform(5, 90)}, 1, user, visitor,
            bundles=bundles, prompt=prompt, infeasible=infeasible, explore_share=0.01,
            experiment=self._variants(visitor), is_test=visitor.endswith("7"),
            device=DEVICES[self.truth.answers % len(DEVICES)],
        )  # fmt: skip
        event = CloudEvent(request_id, TYPE, at, data)
        self.served.append(Record(SERVED_TOPIC, 0, len(self.served), user or visitor, event.encoded(), {}, at))
        self.truth.answers += 1
        self.truth.bundles += len(bundles)

    def _variants(self, visitor: str) -> dict[str, str]:
        """Even visitors are in treatment; some see both variants, nobodies see none."""
        if not visitor:
            return {}
        other = visitor.endswith("5") and self.truth.answers % 2
        is_treated = (int(visitor[2:]) % 2 == 0) is not bool(other)
        return {"ranking": "treatment" if is_treated else "control", "other": "x"}

    def _see(
        self, bundle: ServedBundle, request_id: str, at: datetime, user: str, visitor: str,
        touches: dict[str, list[Touch]],
    ) -> None:  # fmt: skip
        marks = ("bot",) if self._random.random() < 0.1 else ()
        self._do("impression", at, user, visitor, request_id, bundle.bundle_id, [], marks=marks)
        for item in bundle.items:
            if not marks:
                touches.setdefault(item.product_id, []).append(Touch("impression", at, request_id, bundle.bundle_id))
            if self._random.random() < 0.3:
                later = at + timedelta(minutes=self._random.randrange(1, 50))
                self._do("click", later, user, visitor, request_id, bundle.bundle_id, [(item.product_id, 1, None)])
                touches.setdefault(item.product_id, []).append(Touch("click", later, request_id, bundle.bundle_id))

    def _buy(
        self, bundles: list[ServedBundle], moment: datetime, user: str, visitor: str, currency: str
    ) -> None:  # fmt: skip
        at = moment + timedelta(hours=self._random.choice((1, 20, 23, 26, 100, 166, 170)))
        items = [
            (item.product_id, self._random.randint(1, 3), item.price_cents)
            for item in self._random.choice(bundles).items
        ]
        if self._random.random() < 0.3:
            items.append((f"p-{self._random.randrange(40)}", 1, 999))
        order = f"o-{self._random.getrandbits(40)}"
        self._do("purchase", at, user, visitor, "", "", items, currency=currency, order_id=order)
        if self._random.random() < 0.2:  # the shop's server sends it once more, under another id
            self._do("purchase", at, user, visitor, "", "", items, currency=currency, order_id=order)
        back: dict[str, int] = {}
        chance = self._random.random()
        if chance < 0.15:
            self._do("refund", at + timedelta(days=2), user, visitor, "", "", [], currency=currency, order_id=order)
            back = {product: 10_000 for product, _, _ in items}
        elif chance < 0.3:
            product = items[0][0]
            self._do(
                "refund", at + timedelta(days=3), user, visitor, "", "", [(product, 1, None)], currency=currency,
                order_id=order,
            )  # fmt: skip
            back = {product: 1}
        for product, quantity, cents in items:
            returned = min(quantity, back.get(product, 0))
            back[product] = back.get(product, 0) - returned
            self._bought.append((product, at, quantity, returned, cents, currency))

    def _account(
        self, touches: list[Touch], at: datetime, quantity: int, returned: int, cents: int, currency: str
    ) -> None:  # fmt: skip
        truth = self.truth
        truth.lines += 1
        truth.revenue[currency] += quantity * cents
        truth.refunded[currency] += returned * cents
        if any(t.at <= at <= t.at + (CLICK if t.kind == "click" else IMPRESSION) for t in touches):
            truth.credited_lines += 1
            truth.credited[currency] += (quantity - returned) * cents

    def _do(
        self, kind: str, at: datetime, user: str, visitor: str, request_id: str, bundle_id: str,
        items: list[tuple[str, int, int | None]], *, currency: str = "", order_id: str = "",
        marks: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        data = Interaction(
            kind, at, 1, user, visitor, request_id=request_id, bundle_id=bundle_id,
            items=[InteractionItem(product, quantity, cents) for product, quantity, cents in items],
            currency=currency, order_id=order_id, marks=list(marks),
        )  # fmt: skip
        number = len(self.interactions)
        event = CloudEvent(f"e-{number}", f"setwise.{kind}", at, data, "shop")
        self.interactions.append(
            Record(INTERACTIONS_TOPIC, 0, number, user or visitor, event.encoded(), {}, at + timedelta(seconds=2))
        )

    def _doubled_and_shuffled(self, records: list[Record]) -> None:
        """A tenth comes twice, and nothing in order."""
        records += [self._random.choice(records) for _ in range(len(records) // 10)]
        self._random.shuffle(records)
        for offset, record in enumerate(records):
            records[offset] = msgspec.structs.replace(record, offset=offset)
