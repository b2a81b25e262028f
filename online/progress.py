"""What a client is told of a request while it is on its way: understood, each slot's anchor, bundles, the end."""

from itertools import groupby

import msgspec

from online.messages import BundleAnswer
from online.pipeline import Prepared
from online.present import understood_so_far
from online.request_store import END, Progress
from online.slots import Filled
from setwise.catalogue import price_now

MAX_OPEN_SLOTS = 6
"""Of the kinds of things that an open wish is spread over, as many as a bundle may come to hold."""
BUNDLES, DONE, FAILED = "bundles", "done", "failed"
_encode = msgspec.json.Encoder().encode


class Anchor(msgspec.Struct, frozen=True):
    """The best product of a slot; the budget, which is shared among the slots, may choose another one."""

    product_id: str
    title: str
    price_cents: int
    currency: str
    link: str
    image_link: str


class SlotAnchor(msgspec.Struct, frozen=True):
    """Data of a `slot` event."""

    slot: str
    quantity: int
    product: Anchor


def progress_of(ready: Prepared) -> list[Progress]:
    """What is known before bundles are put together."""
    understood = understood_so_far(ready.context, ready.plan)
    told = [Progress("understood", "understood", _encode(understood))]
    named = [filled for filled in ready.slots if filled.group < 0]
    kinds = groupby((filled for filled in ready.slots if filled.group >= 0), key=lambda filled: filled.group)
    suggested = [next(group) for _, group in kinds][:MAX_OPEN_SLOTS]
    for filled in [*named, *suggested]:
        if len(filled.ranked.rows):
            told.append(Progress(f"slot:{filled.slot.name}", "slot", _encode(_anchor(ready, filled))))
    return told


def end_of(answer: BundleAnswer) -> list[Progress]:
    """The last two events of a request that was answered."""
    done = {"request_id": answer.request_id, "status": DONE}
    return [Progress(BUNDLES, BUNDLES, _encode(answer)), Progress(END, DONE, _encode(done))]


def failure_of(request_id: str, detail: str) -> Progress:
    """The last event of a request that cannot be answered; its data is a problem (RFC 9457)."""
    problem = {"type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": detail}
    return Progress(END, FAILED, _encode({**problem, "instance": f"/v1/requests/{request_id}"}))


def _anchor(ready: Prepared, filled: Filled) -> SlotAnchor:
    product = ready.context.live.snapshot[int(filled.ranked.rows[0])]
    price = price_now(product, ready.context.now)
    anchor = Anchor(product.id, product.title, price, product.currency, product.link, product.image_link)
    return SlotAnchor(filled.slot.name, filled.slot.quantity, anchor)
