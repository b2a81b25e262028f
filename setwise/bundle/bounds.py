"""Upper bounds: pair terms moved into unary ones, and limits priced by multipliers.

Moving ("reparametrisation") keeps every choice's value and leaves pair terms that are never positive, so the best unary
term of each slot, summed, bounds every choice. Pricing takes multiplier x (use - limit) off a choice's value, which is
never positive where the choice keeps the limit. Together they are a Lagrangian relaxation.
"""

import numpy as np

from setwise.bundle.arrays import Floats, Ints

GRID = np.concatenate(([0.0], 4.0 ** np.arange(-4, 4)))
PARTS = np.arange(13) / 12


def best_of_slots(unary: Floats, starts: Ints) -> Floats:
    """The largest unary term of each slot, shape (n,)."""
    best: Floats = np.maximum.reduceat(unary, starts[:-1])
    return best


def moved_once(fit: Floats, starts: Ints) -> Floats:
    """Half of the best pair term of each option with each slot, shape (n, T)."""
    half: Floats = np.maximum.reduceat(fit, starts[:-1], axis=0)
    half *= 0.5
    return half


def moved(unary: Floats, fit: Floats, slot: Ints, starts: Ints) -> tuple[Floats, Floats]:
    """Unary terms and pair terms <= 0 with the same value of every choice; another round never raises the bound."""
    n = len(starts) - 1
    if n == 1:
        return unary, fit
    part = unary / (n - 1)
    rest = fit + part
    rest += part[:, None]
    half = moved_once(rest, starts)
    half[slot, np.arange(len(unary))] = 0.0
    gathered = half.sum(axis=0)
    half[half == -np.inf] = 0.0  # such an option fits with nothing of a slot: its unary term says so
    by_slot = half[slot]
    rest -= by_slot
    rest -= by_slot.T
    rest[slot[:, None] == slot] = 0.0
    return gathered, rest


def multiplier(unary: Floats, starts: Ints, use: Floats, limit: float) -> float:
    """The price of one unit of use that makes the bound least, nearly; 0 where that is to ignore the limit."""
    width, span = float(np.ptp(use)), float(unary.max() - unary[unary > -np.inf].min())
    if not width or not span:
        return 0.0
    prices = GRID * (span / width)
    for refined in (False, True):
        values = unary - prices[:, None] * use
        bounds = np.maximum.reduceat(values, starts[:-1], axis=1).sum(axis=1) + prices * limit
        at = int(bounds.argmin())
        if at == 0 or refined:
            break
        low, high = prices[at - 1], prices[min(at + 1, len(prices) - 1)]
        prices = low + (high - low) * PARTS
    return float(prices[at])
