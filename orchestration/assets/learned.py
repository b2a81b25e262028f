"""What the shop's own past says about weights."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import msgspec
import numpy as np

from orchestration import choices, past_choices
from orchestration.artefacts import Artefact, result
from orchestration.assets.embeddings import VECTORS_FILE
from orchestration.assets.encoder import SERVING
from orchestration.assets.history import SETS_FILE
from orchestration.held_baskets import Basket, hold_out
from orchestration.kept_rows import ORDERS_FILE, read_kept
from orchestration.resources import Workplace
from setwise import complementarity, completion
from setwise.complementarity import build_complementarity
from setwise.learned import LEARNED_FILE, Learned, read_learned
from setwise.orders import MerchantSet, Order
from setwise.release import now_utc
from setwise.snapshot import Snapshot

MIN_BASKETS = 50
"""Baskets that must be held out: of fewer nothing is learned."""
SUM_TOLERANCE = 1e-6


@dg.asset(group_name="features", kinds={"numpy"})
def learned(
    workplace: Workplace, products: Artefact, encoder: Artefact, product_embeddings: Artefact, product_index: Artefact,
    orders: Artefact, merchant_sets: Artefact,
) -> dg.MaterializeResult[Artefact]:  # fmt: skip
    """Weights of completing a basket and of selling again, fitted on the newest quarter of orders and sets. Those that
    are shipped stay where the shop's own are not better on baskets that they were not fitted on."""

    def build(folder: Path) -> dict[str, object]:
        with tempfile.TemporaryDirectory() as earlier:
            found = learn(Path(earlier))
        (folder / LEARNED_FILE).write_bytes(msgspec.json.encode(found))
        return {"said": bool(found.said), "unsaid": bool(found.unsaid), "resale": found.resale, **found.figures}

    def learn(earlier: Path) -> Learned:
        sets = list(read_kept(merchant_sets.path / SETS_FILE, MerchantSet))
        held = hold_out(lambda: read_kept(orders.path / ORDERS_FILE, Order), sets)
        if len(held.baskets) < MIN_BASKETS:
            return Learned()
        newest = max((order.ordered_at for order in held.orders()), default=now_utc())
        vectors = np.load(product_embeddings.path / VECTORS_FILE, mmap_mode="r")
        build_complementarity(Snapshot(products.path), vectors, held.orders(), held.sets, newest, earlier)
        shop = past_choices.Shop.open(products.path, product_index.path, earlier, encoder.path / SERVING)
        return learned_from(shop, held.baskets)

    inputs = ["4", products.key, encoder.key, product_embeddings.key, product_index.key, orders.key, merchant_sets.key]
    return result(workplace.artefacts.make("learned", inputs, build))


@dg.asset_check(asset=learned, blocking=True)
def weights_are_finite(learned: Artefact) -> dg.AssetCheckResult:
    """Every weight is a number, and the shares of a fit add up to 1."""
    found = read_learned(learned.path)
    weights = [*found.said.values(), *found.unsaid.values(), *found.fit.values(), found.resale]
    is_whole = not found.fit or abs(sum(found.fit.values()) - 1.0) < SUM_TOLERANCE
    return dg.AssetCheckResult(passed=bool(np.isfinite(weights).all()) and is_whole)


def learned_from(shop: past_choices.Shop, baskets: Sequence[Basket]) -> Learned:
    """What baskets say that the shop's complementarity does not know."""
    figures: dict[str, float] = {}
    weights: dict[bool, dict[str, float]] = {}
    shipped = np.asarray([completion.WEIGHTS[name] for name in completion.FEATURES])
    for is_said in (True, False):
        made = past_choices.completions(shop, [one for one in baskets if bool(one.title) == is_said])
        fitted = _tried(made, shipped, "said" if is_said else "unsaid", figures)
        weights[is_said] = {} if fitted is None else dict(zip(completion.FEATURES, fitted.tolist(), strict=True))
    shares = np.asarray([complementarity.WEIGHTS[name] for name in past_choices.FIT])
    fitted = _tried(past_choices.pairs(shop, baskets), shares, "pairs", figures)
    fit = {} if fitted is None else _as_shares(fitted)
    fitted = _tried(past_choices.intents(shop, baskets), np.asarray([1.0, 0.0]), "intents", figures)
    resale = 0.0 if fitted is None or fitted[0] <= 0 else float(fitted[1] / fitted[0])
    return Learned(weights[True], weights[False], fit, resale, figures=figures)


def _as_shares(fitted: np.ndarray) -> dict[str, float]:
    """Shares of 1; what tells against a pair counts nothing, as a fit is 0..1."""
    kept = np.maximum(fitted, 0.0)
    return dict(zip(past_choices.FIT, (kept / kept.sum()).tolist(), strict=True)) if kept.any() else {}


def _tried(
    made: choices.Choices, prior: np.ndarray, name: str, figures: dict[str, float]
) -> np.ndarray | None:  # fmt: skip
    if len(np.unique(made.units)) < MIN_BASKETS:
        return None
    fitted, before, after = choices.learn(made, prior)
    figures |= {
        f"{name}_choices": float(len(made.units)),
        f"{name}_shipped": round(before, 4),
        f"{name}_own": round(after, 4),
    }
    return fitted
