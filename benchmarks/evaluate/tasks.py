"""What is measured on which set: the queries, the metrics, and the baseline's run file that ours is compared with."""

from collections.abc import Iterator

import msgspec


class Asking(msgspec.Struct, frozen=True):
    """One run file: every query of one file of a set, asked in one way."""

    shop: str
    queries: str = "queries"
    """Name of the queries' file: queries or completion."""
    pool: bool = False
    """Ranks only the judged products or the listed candidates."""
    bundles: bool = False
    """Asks /v1/bundles for five bundles instead of /v1/products for a list."""
    anonymous: bool = False
    """Leaves the shopper out."""
    day_0: bool = False
    """Asks the shop as it was on its first day: without orders and sets."""

    @property
    def name(self) -> str:
        """Name of the run file."""
        flags = {"pool": self.pool, "bundles": self.bundles, "anonymous": self.anonymous, "day-0": self.day_0}
        return "-".join([self.shop, self.queries, *(name for name, is_set in flags.items() if is_set)])


class Measure(msgspec.Struct, frozen=True):
    """One line of the report: a run scored by one metric on one subset, beside a baseline."""

    asking: Asking
    metric: str
    baseline: str
    subset: str = ""
    against: Asking | None = None
    """A run of our own in place of a baseline's file."""

    @property
    def baseline_file(self) -> str:
        """Name of the baseline's run file within its set."""
        return f"{self.asking.queries}-{self.baseline}{'.pool' * self.asking.pool}.jsonl.gz"


POOLED = "bundlerec-pooled"
"""Both bundlerec sets as one: 175 questions a set are few."""
BUNDLEREC = ("bundlerec-electronic", "bundlerec-clothing")
SHOPS = ("chorus", *BUNDLEREC, "uci")


def askings(shop: str) -> list[Asking]:
    """What is asked of one shop."""
    if shop == "chorus":
        return [Asking(shop), Asking(shop, pool=True)]
    if shop == "uci":
        return [Asking(shop), Asking(shop, anonymous=True)]
    return [
        Asking(shop),
        Asking(shop, bundles=True),
        Asking(shop, "completion"),
        Asking(shop, "completion", pool=True),
    ]


def measures(shop: str) -> Iterator[Measure]:
    """The report's lines of one shop, or of the pooled two."""
    if shop == "chorus":
        full, pool = askings(shop)
        yield from (Measure(full, metric, "hybrid") for metric in ("NDCG@10", "Recall@50"))
        yield Measure(pool, "NDCG@10", "cosine")
    elif shop == "uci":
        known, anonymous = askings(shop)
        for subset, baseline in (("p1", "personal-frequency"), ("p2", "neighbours"), ("p3", "co-occurrence")):
            yield Measure(known, "Recall@10", baseline, subset)
            yield Measure(known, "Recall@10", "anonymous", subset, anonymous)
    else:
        for subset in ("", "unseen"):
            for asking in askings(shop):
                metrics = ("best_Jaccard", "coverage") if asking.bundles else ("Recall@10",)
                baseline = "bundles-slices" if asking.bundles else "hybrid"
                yield from (Measure(asking, metric, baseline, subset) for metric in metrics)


def day_0_measures(shop: str) -> Iterator[Measure]:
    """The same lines beside the shop's own first day. What a shopper buys next is nobody's question then."""
    for measure in measures(shop):
        if measure.against is None and measure.subset not in ("p1", "p2"):
            against = msgspec.structs.replace(measure.asking, day_0=True)
            yield msgspec.structs.replace(measure, baseline="day 0", against=against)
