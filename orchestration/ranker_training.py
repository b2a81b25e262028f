"""Trees on top of the weighted sum: from feature rows with gains to a ranker's files, and what it is worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.ranker import CARD_FILE, MODEL_FILE, Ranker, RankerCard
from setwise.ranking import BASKET, FEATURES, LIST, SEARCH, SHOPPER, weighted_parts

if TYPE_CHECKING:
    import lightgbm
    import onnx

MOST_GAIN = 31
LEAST_LISTS = 200
"""Of one kind that were clicked in: with fewer, orders and sets are asked instead."""
MANY_QUESTIONS = 200
"""Of those that have a time, from so many on the latest quarter judges trees that learned from the rest. Others judge
each other by folds, so that all of them count: fewer, titles of sets and judged queries."""
FOLDS = 5


class Recipe(msgspec.Struct, frozen=True):
    """How the trees of one kind of request are grown; the same for all shops."""

    scale: float
    """A difference of this in the weighted sum is one unit of the trees: how sure the sum is taken to be of itself."""
    trees: int
    leaves: int
    least: int
    """Rows in a leaf."""
    monotone: bool = False
    """More of what speaks for a product never takes from its score."""
    without: tuple[str, ...] = ()
    """Features that these trees do not see."""
    least_questions: int = MANY_QUESTIONS
    """Of different baskets, in which something that was meant is among the candidates; with fewer the prior stays."""
    scale_of_many: float | None = None
    """In place of `scale` for MANY_QUESTIONS of the shop's own."""

    def of(self, questions: int) -> "Recipe":
        """The recipe for so many questions of one shop."""
        if self.scale_of_many is None or questions < MANY_QUESTIONS:
            return self
        return msgspec.structs.replace(self, scale=self.scale_of_many)

    @property
    def features(self) -> list[str]:
        """Those that they see."""
        return [name for name in FEATURES if name not in self.without]


RECIPES = {
    SEARCH: Recipe(0.05, 60, 8, 50, monotone=True, least_questions=40, scale_of_many=0.4),
    LIST: Recipe(1.0, 40, 4, 20, monotone=True, without=("words", "text_length", "price_tier"), least_questions=40),
    BASKET: Recipe(0.1, 60, 8, 200),
    SHOPPER: Recipe(0.25, 60, 8, 200),
}
"""Chosen by cross-validation: search and list on chorus, the others on orders. A scale of .1 for search was better
there (+.014 for +.009 of NDCG@10), and worse than nothing on another shop's intents (-.007): small steps carry over.
Many questions of a shop itself bear larger ones: on 1,131 titles of the public past, with trees of 400 others each,
recall@10 was .175 with .05, .179 with .2 and .187 with .4 (.178 with the sum alone)."""
RISING = frozenset(
    "lexical semantic slot_match wish_match cosine bm25 title_match title_whole phrase head_match number_match "
    "kind_said kind_share near_best".split()
)
FALLING = frozenset(("lexical_rank", "semantic_rank"))
PARAMETERS: dict[str, Any] = {
    "objective": "lambdarank",
    "metric": "ndcg",
    "eval_at": [10],
    "label_gain": list(range(MOST_GAIN + 1)),
    "lambdarank_truncation_level": 20,
    "learning_rate": 0.1,
    "lambda_l2": 10.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "bagging_by_query": True,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
DEPTH = 10
DRAWS = 2_000
"""Of a bootstrap."""
Units = NDArray[np.int64] | Sequence[str]
"""What was in one basket, or bought by one person, has one number or name."""
NO_DIFFERENCE = 1e-5
PATIENCE = 15
"""Trees in a row that held-out questions gain nothing from, after which no more are grown."""


class Questions(msgspec.Struct, frozen=True):
    """Rows of all questions, one question after the other: `features` (rows, features), `gains` (rows,) whole numbers,
    `counts` (questions,), `ideal` (questions,): the best DCG@10 of all that was meant, found or not."""

    features: NDArray[np.float32]
    gains: NDArray[np.int64]
    counts: NDArray[np.int64]
    ideal: NDArray[np.float64]
    units: NDArray[np.int64]
    """(questions,): questions of one basket have one number, as they say much the same."""

    def only(self, chosen: NDArray[np.int64]) -> "Questions":
        """These questions, in the order given."""
        ends = np.cumsum(self.counts)
        rows = np.concatenate([np.empty(0, np.int64), *(np.arange(ends[q] - self.counts[q], ends[q]) for q in chosen)])
        return Questions(
            self.features[rows], self.gains[rows], self.counts[chosen], self.ideal[chosen], self.units[chosen]
        )  # fmt: skip

    def sums(self) -> NDArray[np.float64]:
        """The weighted sum of each row, as a release without a ranker scores it."""
        return weighted_parts(self.features.astype(np.float64)).sum(axis=1)

    def __len__(self) -> int:
        return len(self.counts)


def joined(parts: Sequence[Questions]) -> Questions:
    """All questions of these; those of two parts are of different baskets."""
    first = np.cumsum([0, *(part.units.max(initial=-1) + 1 for part in parts)])
    parts = [msgspec.structs.replace(part, units=part.units + at) for part, at in zip(parts, first[:-1], strict=True)]
    return Questions(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Questions.__struct_fields__)
    )  # fmt: skip


def save(questions: Questions, kinds: NDArray[np.int64], path: Path) -> None:
    """One file; `kinds` are places in setwise.ranking.KINDS."""
    np.savez(path, kinds=kinds, **{name: getattr(questions, name) for name in questions.__struct_fields__})


def load(path: Path) -> tuple[Questions, NDArray[np.int64]]:
    """What `save` wrote."""
    with np.load(path) as found:
        return Questions(*(found[name] for name in Questions.__struct_fields__)), found["kinds"]


def discounted(gains: NDArray[np.float64]) -> float:
    """DCG@10 of gains in ranked order, linear."""
    top = gains[:DEPTH]
    return float((top / np.log2(np.arange(len(top)) + 2)).sum())


def ideal_of(gains: Sequence[float]) -> float:
    """DCG@10 of the best order."""
    return discounted(np.sort(np.asarray(gains, dtype=np.float64))[::-1])


def ndcg_of(questions: Questions, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """NDCG@10 of each question under these scores; ties in the order given."""
    found, start = np.zeros(len(questions)), 0
    for at, (count, ideal) in enumerate(zip(questions.counts, questions.ideal, strict=True)):
        part = slice(start, start + count)
        order = np.argsort(-scores[part], kind="stable")
        found[at] = discounted(questions.gains[part][order].astype(np.float64)) / ideal if ideal > 0 else 0.0
        start += count
    return found


def fit(
    train: Questions, recipe: Recipe, *, seed: int = 0, held_out: Questions | None = None
) -> "lightgbm.Booster":  # fmt: skip
    """Boosted trees; no more of them than `held_out` questions gain from. The same data give the same trees."""
    import lightgbm

    names = recipe.features
    at = [FEATURES.index(name) for name in names]

    def dataset(questions: Questions, reference: "lightgbm.Dataset | None" = None) -> "lightgbm.Dataset":
        return lightgbm.Dataset(
            questions.features[:, at], questions.gains, group=questions.counts,
            init_score=questions.sums() / recipe.scale,
            feature_name=names, reference=reference, free_raw_data=False,
        )  # fmt: skip

    mine = dataset(train)
    watched = [dataset(held_out, mine)] if held_out is not None and len(held_out) else []
    shape = {"num_leaves": recipe.leaves, "min_data_in_leaf": recipe.least}
    if recipe.monotone:
        shape["monotone_constraints"] = [(name in RISING) - (name in FALLING) for name in names]
    stop = [lightgbm.early_stopping(PATIENCE, verbose=False)] if watched else []
    return lightgbm.train({**PARAMETERS, **shape, "seed": seed}, mine, recipe.trees, watched, callbacks=stop)


def learned_by(booster: "lightgbm.Booster", recipe: Recipe, questions: Questions) -> NDArray[np.float64]:
    """The part `learned` of each row."""
    at = [FEATURES.index(name) for name in booster.feature_name()]
    return np.asarray(booster.predict(questions.features[:, at], num_threads=1)) * recipe.scale


def learned_by_folds(questions: Questions, recipe: Recipe, seed: int = 0) -> NDArray[np.float64]:
    """The part `learned` of each row, by trees that never saw a question of its basket."""
    units, of_unit = np.unique(questions.units, return_inverse=True)
    fold_of = (np.random.default_rng(seed).permutation(len(units)) % FOLDS)[of_unit]
    learned, of = np.zeros(len(questions.gains)), np.repeat(np.arange(len(questions)), questions.counts)
    for fold in range(FOLDS):
        rest, mine = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        trees = fit(questions.only(rest), recipe, seed=seed)
        learned[np.isin(of, mine)] = learned_by(trees, recipe, questions.only(mine))
    return learned


def write_ranker(
    booster: "lightgbm.Booster", recipe: Recipe, folder: Path, feature_service: str, trained_on: str,
    metrics: dict[str, float],
) -> None:  # fmt: skip
    """Writes the trees as ONNX beside their card."""
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    names = booster.feature_name()
    rows = [("rows", FloatTensorType([None, len(names)]))]
    # Without a name of its own the graph has a random one, and the same trees would be another file.
    model = convert_lightgbm(_in_single_precision(booster), name="ranker", initial_types=rows, zipmap=False)
    # Trees of one leaf read nothing, and a file reads at least one column.
    read = np.flatnonzero(booster.feature_importance("split")).tolist() or [0]
    _keep_columns(model, read)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(model.SerializeToString())
    card = RankerCard(tuple(names[at] for at in read), recipe.scale, feature_service, trained_on, metrics)
    (folder / CARD_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(card)))


def _keep_columns(model: "onnx.ModelProto", read: Sequence[int]) -> None:
    """Leaves out the columns that no split reads: what is not read is not filled while somebody waits."""
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = len(read)
    for attribute in (one for node in model.graph.node for one in node.attribute if one.name == "nodes_featureids"):
        # Leaves have a number too, which means nothing.
        attribute.ints[:] = [read.index(old) if old in read else 0 for old in attribute.ints]


def _in_single_precision(booster: "lightgbm.Booster") -> "lightgbm.Booster":
    """The same trees, whose thresholds are the largest single-precision numbers below theirs: rounded to the nearest,
    some would let other rows pass."""
    import lightgbm

    def below(threshold: str) -> str:
        exact = float(threshold)
        nearest = np.float32(exact)
        return repr(float(nearest if float(nearest) <= exact else np.nextafter(nearest, np.float32(-np.inf))))

    lines = booster.model_to_string().splitlines()
    for at, line in enumerate(lines):
        name, _, values = line.partition("=")
        if name == "threshold":
            lines[at] = f"threshold={' '.join(map(below, values.split()))}"
        if name == "tree_sizes":  # in bytes, which are others now; without them the text is read all the same
            lines[at] = ""
    return lightgbm.Booster(model_str="\n".join(lines))


def parity(
    booster: "lightgbm.Booster", recipe: Recipe, folder: Path, questions: Questions
) -> tuple[float, bool]:  # fmt: skip
    """Largest difference between the trees' scores and the ONNX file's, and whether all orders are the same."""
    ours = Ranker(folder).score(questions.features.astype(np.float64)).astype(np.float64)
    theirs, start, is_same = learned_by(booster, recipe, questions), 0, True
    for count in questions.counts:
        part = slice(start, start + count)
        # In the file's order the trees' scores must fall, but for what single precision does not tell apart.
        in_order = theirs[part][np.argsort(-ours[part], kind="stable")]
        is_same &= bool((np.diff(in_order) <= NO_DIFFERENCE).all())
        start += count
    return float(np.abs(ours - theirs).max(initial=0.0)), is_same


def bootstrap(differences: NDArray[np.float64], units: Units | None = None) -> tuple[float, float, float]:
    """Mean of paired differences, and its 95 % interval; those of one unit are drawn together."""
    if not len(differences):
        return 0.0, 0.0, 0.0
    low, high = np.quantile(_drawn_means(differences, units), (0.025, 0.975))
    return float(differences.mean()), float(low), float(high)


def sure_above(differences: NDArray[np.float64], units: Units | None = None) -> float:
    """The share of bootstrap means of paired differences that are above 0; those of one unit are drawn together."""
    return float((_drawn_means(differences, units) > 0).mean()) if len(differences) else 0.0


def _drawn_means(differences: NDArray[np.float64], units: Units | None) -> NDArray[np.float64]:
    of = np.arange(len(differences)) if units is None else np.unique(units, return_inverse=True)[1]
    sums, counts = np.bincount(of, differences), np.bincount(of)
    drawn = np.random.default_rng(0).choice(len(sums), (DRAWS, len(sums)))
    means: NDArray[np.float64] = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return means


def importances(booster: "lightgbm.Booster") -> dict[str, float]:
    """Each feature's share of what all splits gained."""
    gains = booster.feature_importance("gain")
    total = max(float(gains.sum()), 1e-9)
    found = {name: float(gain) / total for name, gain in zip(booster.feature_name(), gains, strict=True)}
    return dict(sorted(found.items(), key=lambda item: -item[1]))
