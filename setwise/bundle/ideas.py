"""Bundles for a wish that names no products: each is put together from what the earlier ones left."""

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from setwise.bundle.arrays import Floats
from setwise.bundle.assembly import assemble, labelled, proposed, rank_of
from setwise.bundle.messages import Assembly, Bundle, Candidate, PairTerms, Slot
from setwise.bundle.search import IsLate

PairsOf = Callable[[Sequence[int], list[list[Candidate]]], tuple[list[list[Candidate]], PairTerms]]
"""Positions of slots and their candidates -> those that may be chosen at all, and their pair terms."""
AlikeOf = Callable[[Sequence[Candidate]], Floats]
"""Candidates -> how like each other they are, shape (n, n)."""
LIKE_WEIGHT = 3.0
"""What full likeness to the bundle so far counts beside the best product's score."""


def assemble_ideas(
    slots: Sequence[Slot],
    candidates: Sequence[Sequence[Candidate]],
    groups: Sequence[int],
    *,
    sizes: Sequence[int],
    same_group: float,
    max_total_cents: int | None,
    min_total_cents: int | None = None,
    n_bundles: int = 3,
    pairs_of: PairsOf | None = None,
    max_per_brand: int | None = None,
    is_late: IsLate = lambda: False,
    alike_of: AlikeOf | None = None,
) -> Assembly:
    """Up to n bundles that share no product of an open slot. `groups` has -1 for slots that each bundle must have.

    An open slot is one of several copies of its group; the i-th bundle takes `sizes[i]` slots in all, of the groups of
    the best products, where a further one of a group counts `same_group` of what it would. If the first bundle does not
    fit, the slots that must be filled are tried alone, or all open ones where none must: then it is exact that nothing
    fits.

    With `alike_of` the leading products are shared out first: each bundle is the best one left and those most like it,
    as long as that keeps the limits."""
    fixed = [i for i, group in enumerate(groups) if group < 0]
    copies = {g: [i for i, group in enumerate(groups) if group == g] for g in dict.fromkeys(groups) if g >= 0}
    used: set[str] = set()
    bundles: list[Bundle] = []

    def one(chosen: Sequence[int]) -> Assembly:
        left = [[c for c in candidates[i] if slots[i].locked or c.product_id not in used] for i in chosen]
        # A slot that has nothing new keeps what it has; whether the bundle still differs is looked at below.
        left = [found or list(candidates[i]) for found, i in zip(left, chosen, strict=True)]
        possible, pairs = pairs_of(chosen, left) if pairs_of else (left, None)
        return assemble(
            [slots[i] for i in chosen],
            possible,
            max_total_cents=max_total_cents,
            min_total_cents=min_total_cents,
            n_bundles=1,
            pairs=pairs,
            max_per_brand=max_per_brand,
            is_late=is_late,
        )

    def shared_out(leading: Sequence[tuple[int, Candidate]], alike: Floats, size: int) -> Bundle | None:
        free = [at for at, (_, candidate) in enumerate(leading) if candidate.product_id not in used]
        chosen = _nearest_first([leading[at] for at in free], alike[np.ix_(free, free)], copies, size)
        if len(chosen) < size:
            return None
        positions = [position for position, _ in chosen]
        left = [[c for c in candidates[i] if c.product_id not in used] for i in positions]
        possible, pairs = pairs_of(positions, left) if pairs_of else (left, None)
        return proposed(
            [slots[i] for i in positions],
            possible,
            [candidate.product_id for _, candidate in chosen],
            max_total_cents=max_total_cents,
            min_total_cents=min_total_cents,
            pairs=pairs,
            max_per_brand=max_per_brand,
        )

    leading = _leading(candidates, copies, sum(sizes[:n_bundles])) if alike_of and not fixed else []
    alike = alike_of([candidate for _, candidate in leading]) if alike_of and leading else np.zeros((0, 0))
    while len(bundles) < n_bundles and not (bundles and is_late()):
        size = sizes[len(bundles)]
        ready = shared_out(leading, alike, size) if leading else None
        if ready is not None:
            bundles.append(ready)
            used |= _unlocked(ready)
            continue
        done = one([*fixed, *_picked(candidates, copies, used, max(size - len(fixed), 2), same_group)])
        if not done.bundles and not bundles:
            must = any(slots[i].required or slots[i].locked for i in fixed)
            done = one(fixed if must else [*fixed, *(positions[0] for positions in copies.values())])
        if not done.bundles:
            if not bundles:
                return done
            break
        bundle = done.bundles[0]
        mine = _unlocked(bundle)
        if bundles and (not mine or any(2 * len(mine & o) > min(len(mine), len(o)) for o in map(_unlocked, bundles))):
            break
        bundles.append(bundle)
        used |= mine
    return Assembly(labelled(sorted(map(_for_its_size, bundles), key=rank_of)))


def _leading(
    candidates: Sequence[Sequence[Candidate]], copies: dict[int, list[int]], count: int
) -> list[tuple[int, Candidate]]:
    """The best products of all open slots with their group, one variant of each, best first."""
    every = [(group, c) for group, at in copies.items() for c in candidates[at[0]]]
    every.sort(key=lambda one: (-one[1].score, one[1].product_id))
    return list({c.group or f"\0{c.product_id}": (group, c) for group, c in reversed(every)}.values())[::-1][:count]


def _nearest_first(
    leading: Sequence[tuple[int, Candidate]], alike: Floats, copies: dict[int, list[int]], size: int
) -> list[tuple[int, Candidate]]:
    """The first product and those that are most like it and each other, with the slot that each takes."""
    score = np.asarray([max(candidate.score, 0.0) for _, candidate in leading])
    score /= max(score.max(initial=0.0), 1e-9)
    given: Counter[int] = Counter()
    chosen: list[int] = []
    placed: list[tuple[int, Candidate]] = []
    while len(chosen) < size:
        open_ones = [
            at for at, (group, _) in enumerate(leading) if at not in chosen and given[group] < len(copies[group])
        ]
        if not open_ones:
            break
        near = alike[chosen].mean(axis=0) if chosen else np.zeros(len(leading))
        best = max(open_ones, key=lambda at: (score[at] + LIKE_WEIGHT * near[at], -at))
        group, candidate = leading[best]
        chosen.append(best)
        placed.append((copies[group][given[group]], candidate))
        given[group] += 1
    return placed


def _picked(
    candidates: Sequence[Sequence[Candidate]], copies: dict[int, list[int]], used: set[str], count: int,
    same_group: float,
) -> list[int]:  # fmt: skip
    """Positions of the slots whose products lead what is left: the best product, then the next best elsewhere."""
    left = {
        group: sorted((max(c.score, 0.0) for c in candidates[at[0]] if c.product_id not in used), reverse=True)
        for group, at in copies.items()
    }
    given: Counter[int] = Counter()
    positions: list[int] = []
    for _ in range(count):
        worth = [
            (left[group][given[group]] * same_group ** given[group], -at[0], group)
            for group, at in copies.items()
            if given[group] < min(len(at), len(left[group]))
        ]
        if not worth:
            break
        *_, group = max(worth)
        positions.append(copies[group][given[group]])
        given[group] += 1
    return positions


def _for_its_size(bundle: Bundle) -> Bundle:
    """A product's share of the score is the score, by the part `size`: a larger bundle is not better for its size."""
    share = bundle.score / len(bundle.items)
    return msgspec.structs.replace(bundle, score=share, parts=bundle.parts | {"size": share - bundle.score})


def _unlocked(bundle: Bundle) -> set[str]:
    return {item.candidate.product_id for item in bundle.items if not item.slot.locked}
