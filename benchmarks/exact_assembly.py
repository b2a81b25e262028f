"""The optimum of an assembly by other means: CP-SAT on any small one, plain enumeration on large ones without extras.

Both read the messages, not the arrays of the code they check.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from ortools.sat.python import cp_model

from setwise.bundle import Candidate, PairTerms, Slot
from setwise.bundle.problem import Problem

SCALE = 1_000_000
"""CP-SAT wants integers: each value is rounded to a millionth, so a sum of few is right to a hundred-thousandth."""


def exact_value(
    slots: Sequence[Slot],
    candidates: Sequence[Sequence[Candidate]],
    pairs: PairTerms | None,
    *,
    most: int | None = None,
    least: int = 0,
    max_per_brand: int | None = None,
    earlier: Sequence[set[str]] = (),
    cheapest: bool = False,
) -> float | None:
    """The best objective (or the least total, where `cheapest`) of all choices that keep the rules; None: none does."""
    model = cp_model.CpModel()
    take = [[model.new_bool_var("") for _ in found] for found in candidates]
    filled = [sum(row) for row in take]
    for slot, row in zip(slots, take, strict=True):
        (model.add_exactly_one if slot.required or slot.locked else model.add_at_most_one)(row)
    rows = zip(slots, candidates, take, strict=True)
    chosen = [(s, c, v) for s, found, row in rows for c, v in zip(found, row, strict=True)]
    model.add(sum(v for _, _, v in chosen) >= 1)
    total = sum(c.price_cents * s.quantity * v for s, c, v in chosen)
    if most is not None:
        model.add(total <= most)
    model.add(total >= least)
    once, brands = defaultdict(list), defaultdict(list)
    for s, c, v in chosen:
        once[c.group or ("", c.product_id)].append(v)
        if c.brand:
            brands[c.brand].append((s.locked, v))
    for variables in once.values():
        model.add_at_most_one(variables)
    for of_brand in brands.values() if max_per_brand is not None else ():
        locked = sum(is_locked for is_locked, _ in of_brand)
        model.add(sum(v for _, v in of_brand) <= max(max_per_brand, locked))
    values = [round(c.score * SCALE) * v for _, c, v in chosen]
    share = 1 / max(len(slots) - 1, 1)
    for (i, j), block in (pairs.fit if pairs else {}).items():
        for a, b in np.ndindex(block.shape):
            if block[a, b] == -np.inf:
                model.add_bool_or(~take[i][a], ~take[j][b])
            elif weight := round(float(block[a, b]) * share * SCALE):
                both = model.new_bool_var("")
                model.add_bool_or(~take[i][a], ~take[j][b], both)
                model.add_implication(both, take[i][a])
                model.add_implication(both, take[j][b])
                values.append(weight * both)
    for (i, j), needed in (pairs.needs if pairs else {}).items():
        for a in np.flatnonzero(needed):
            model.add(filled[j] >= take[i][a])
    unlocked = [(c, v) for s, c, v in chosen if not s.locked]
    for theirs in earlier:
        shared = sum(v for c, v in unlocked if c.product_id in theirs)
        model.add(2 * shared <= len(theirs))
        model.add(2 * shared <= sum(v for _, v in unlocked))
        model.add(sum(v for _, v in unlocked) >= 1)
    if cheapest:
        model.minimize(total)
    else:
        model.maximize(sum(values))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return None
    assert status == cp_model.OPTIMAL, solver.status_name(status)
    return round(solver.objective_value) if cheapest else solver.objective_value / SCALE


def enumerated_value(scores: list[np.ndarray], prices: list[np.ndarray], fit: dict[tuple[int, int], np.ndarray],
                     most: int) -> float:  # fmt: skip
    """The best objective of five required slots: every choice of the first two with all choices of the other three.

    Leaves out first twos whose scores and best pair terms, summed, cannot beat the best so far.
    """
    u, p, w = scores, prices, {pair: block / 4 for pair, block in fit.items()}
    last = w[2, 3][:, :, None] + w[2, 4][:, None, :] + w[3, 4][None, :, :]
    cost = p[2][:, None, None] + p[3][None, :, None] + p[4][None, None, :]
    best, best_last = -np.inf, float(last.max())
    first = [(float(u[0][a] + u[1][b] + w[0, 1][a, b]), a, b) for a in range(len(u[0])) for b in range(len(u[1]))]
    for value, a, b in sorted(first, reverse=True):
        rows = [u[k] + w[0, k][a] + w[1, k][b] for k in (2, 3, 4)]
        if value + sum(float(row.max()) for row in rows) + best_last <= best:
            continue
        values = last + rows[0][:, None, None] + rows[1][None, :, None] + rows[2][None, None, :]
        values[cost > most - p[0][a] - p[1][b]] = -np.inf
        best = max(best, value + float(values.max()))
    return best


def times_said(candidates: Sequence[Sequence[Candidate]], problem: Problem, earlier: list[set[str]]) -> np.ndarray:
    """How many earlier bundles have each option's product; 0 for what is locked or left empty."""
    is_open = problem.filled & problem.unlocked
    places = zip(problem.slot.tolist(), problem.candidate.tolist(), is_open.tolist(), strict=True)
    said = [sum(candidates[i][k].product_id in one for one in earlier) if is_open else 0 for i, k, is_open in places]
    return np.asarray(said, dtype=float)
