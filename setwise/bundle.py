"""Assembly: one product per slot, never over the budget, never the same product or item group twice."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import msgspec

from setwise.names import ProductId

BEAM = 48
BEST_KEPT = 30
CHEAPEST_KEPT = 8
PRICE_LEANING = 0.8
"""How much of an item's score the cheapest choice may outweigh in 'best value', and the dearest in 'step up'."""

PairFit = Callable[["Candidate", "Candidate"], float]


class Slot(msgspec.Struct, frozen=True):
    """A role to fill, `quantity` times the same product. A locked slot has exactly one candidate."""

    name: str
    quantity: int = 1
    required: bool = True
    locked: bool = False


class Candidate(msgspec.Struct, frozen=True):
    """A product that may fill a slot; `price_cents` is for one piece, products of one `group` are variants."""

    product_id: ProductId
    row: int
    price_cents: int
    score: float
    group: str = ""


class Item(msgspec.Struct, frozen=True):
    """A filled slot, and up to five other products that would fit in its place."""

    slot: Slot
    candidate: Candidate
    alternatives: tuple[ProductId, ...] = ()


class Bundle(msgspec.Struct, frozen=True):
    """`score` is the sum of `parts`; `open_slots` are optional slots that stayed empty."""

    items: tuple[Item, ...]
    total_cents: int
    score: float
    parts: dict[str, float]
    label: str
    open_slots: tuple[str, ...] = ()
    is_below_min: bool = False


class Infeasible(msgspec.Struct, frozen=True):
    """Why nothing fits: budget, conflict (locked products exclude each other) or nothing_found."""

    reason: str
    cheapest_total_cents: int | None = None
    blocking: tuple[str, ...] = ()
    cheapest: Bundle | None = None


class Assembly(msgspec.Struct, frozen=True):
    """Either bundles, best first, or why there are none."""

    bundles: list[Bundle]
    infeasible: Infeasible | None = None


_Choice = tuple[Candidate | None, ...]


def assemble(
    slots: Sequence[Slot],
    candidates: Sequence[Sequence[Candidate]],
    *,
    max_total_cents: int | None,
    min_total_cents: int | None = None,
    n_bundles: int = 3,
    pair_fit: PairFit | None = None,
) -> Assembly:
    """Up to n bundles; feasibility is exact: a budget of cheapest_total_cents gives a bundle, one less gives none."""
    # Required slots first, those with the least choice before the others: a dead end shows early.
    order = sorted(range(len(slots)), key=lambda i: (not slots[i].required, len(candidates[i]), i))
    search = _Search([slots[i] for i in order], [list(candidates[i]) for i in order], pair_fit)
    empty = tuple(slot.name for slot, found in zip(slots, candidates, strict=True) if slot.required and not found)
    if empty:
        return Assembly([], Infeasible("nothing_found", None, empty))
    cheapest = search.cheapest()
    if cheapest is None:
        locked = tuple(slot.name for slot in slots if slot.locked)
        return Assembly([], Infeasible("conflict" if locked else "nothing_found", None, locked))
    least = search.total(cheapest)
    if max_total_cents is not None and least > max_total_cents:
        bundle = search.bundle(cheapest, None, "cheapest", min_total_cents)
        return Assembly([], Infeasible("budget", least, search.blocking(cheapest, max_total_cents), bundle))
    chosen = search.several(cheapest, max_total_cents, min_total_cents, n_bundles)
    bundles = [search.bundle(choice, max_total_cents, "", min_total_cents) for choice in chosen]
    return Assembly(_labelled(sorted(bundles, key=_rank)))


def _rank(bundle: Bundle) -> tuple[bool, float, int, tuple[str, ...]]:
    return bundle.is_below_min, -bundle.score, bundle.total_cents, tuple(i.candidate.product_id for i in bundle.items)


def _labelled(bundles: list[Bundle]) -> list[Bundle]:
    """The first is the best match; the cheapest and the dearest of the others are named so if they really are."""
    labels = ["best match"] + ["alternative"] * (len(bundles) - 1)
    others = range(1, len(bundles))
    if others:
        cheapest = min(others, key=lambda i: bundles[i].total_cents)
        if bundles[cheapest].total_cents < bundles[0].total_cents:
            labels[cheapest] = "best value"
        dearest = max(others, key=lambda i: bundles[i].total_cents)
        if bundles[dearest].total_cents > bundles[0].total_cents:
            labels[dearest] = "step up"
    return [msgspec.structs.replace(bundle, label=label) for bundle, label in zip(bundles, labels, strict=True)]


class _State(msgspec.Struct, frozen=True):
    choice: _Choice
    used: frozenset[str]
    total: int
    objective: float
    shared: tuple[int, ...]


class _Search:
    """One assembly's search; slots are in the order in which they are filled."""

    def __init__(self, slots: list[Slot], candidates: list[list[Candidate]], pair_fit: PairFit | None) -> None:
        self.slots = slots
        self.candidates = candidates
        self.pair_fit = pair_fit
        self.cut = [_cut(found) for found in candidates]
        floor = [
            min((c.price_cents for c in found), default=0) * slot.quantity if slot.required else 0
            for slot, found in zip(slots, candidates, strict=True)
        ]
        # What the slots from position i on cost at least.
        self.floor_from = [sum(floor[i:]) for i in range(len(slots) + 1)]

    def total(self, choice: _Choice) -> int:
        """Minor units of all chosen pieces."""
        return sum(c.price_cents * slot.quantity for c, slot in zip(choice, self.slots, strict=True) if c)

    def cheapest(self) -> _Choice | None:
        """The exact cheapest way to fill the required slots, or one optional slot where none is required."""
        needed = [i for i, slot in enumerate(self.slots) if slot.required]
        if not needed:
            options = [(c.price_cents * self.slots[i].quantity, c.product_id, i, c) for i in range(len(self.slots))
                       for c in self.candidates[i]]  # fmt: skip
            if not options:
                return None
            _, _, position, candidate = min(options, key=lambda option: option[:3])
            return tuple(candidate if i == position else None for i in range(len(self.slots)))
        # With n slots the n cheapest groups of each are enough: a dearer choice can be exchanged for one of them that
        # the other n - 1 slots leave free.
        short = [_cheapest_of_groups(self.candidates[i], len(needed)) for i in needed]
        best: list[tuple[int, list[Candidate]]] = []

        def descend(depth: int, total: int, used: frozenset[str], path: list[Candidate]) -> None:
            if best and total + self.floor_from[depth] >= best[0][0]:
                return
            if depth == len(needed):
                best[:] = [(total, list(path))]
                return
            for candidate in short[depth]:
                if not used & _keys(candidate):
                    price = candidate.price_cents * self.slots[depth].quantity
                    descend(depth + 1, total + price, used | _keys(candidate), [*path, candidate])

        descend(0, 0, frozenset(), [])
        if not best:
            return None
        return (*best[0][1], *[None] * (len(self.slots) - len(needed)))

    def blocking(self, cheapest: _Choice, budget: int) -> tuple[str, ...]:
        """The dearest of the cheapest: slots without which the rest would fit."""
        over = self.total(cheapest) - budget
        priced = [(c.price_cents * s.quantity, s.name) for c, s in zip(cheapest, self.slots, strict=True) if c]
        enough = sorted(name for price, name in priced if price >= over)
        return tuple(enough) if enough else (max(priced)[1],)

    def several(self, cheapest: _Choice, most: int | None, least: int | None, count: int) -> list[_Choice]:
        """Different choices: the best one, one that leans to a low price, one to a high one, then the next best."""
        found: list[_Choice] = []
        for leaning in [0.0, -PRICE_LEANING, PRICE_LEANING, *[0.0] * max(count - 3, 0)][:count]:
            choice = self._beam(leaning, most, least, found) or (self._beam(leaning, most, None, found))
            if choice is None and not found:
                choice = cheapest
            if choice is None:
                break
            found.append(choice)
            if not any(c and not s.locked for c, s in zip(choice, self.slots, strict=True)):
                break  # all of it is locked: there is no second one
        return found

    def _beam(self, leaning: float, most: int | None, least: int | None, earlier: list[_Choice]) -> _Choice | None:
        states = [_State((), frozenset(), 0, 0.0, (0,) * len(earlier))]
        n_pairs = max(len(self.slots) - 1, 1)
        for position, slot in enumerate(self.slots):
            grown: dict[tuple[frozenset[str], int], _State] = {}
            options: list[Candidate | None] = [*self.cut[position]]
            if not slot.required:
                options.append(None)
            tilt = _tilt(self.cut[position], leaning)
            for state in states:
                for option in options:
                    total = state.total + (option.price_cents * slot.quantity if option else 0)
                    if most is not None and total + self.floor_from[position + 1] > most:
                        continue
                    if option is None:
                        grown.setdefault((state.used, total), _grow(state, None, total, 0.0, state.shared))
                        continue
                    keys = _keys(option)
                    if state.used & keys:
                        continue
                    shared = state.shared if slot.locked else self._counted(state.shared, option, earlier)
                    gain = option.score + tilt(option.price_cents)
                    if self.pair_fit:
                        gain += sum(self.pair_fit(option, other) for other in state.choice if other) / n_pairs
                    new = _grow(state, option, total, gain, shared, keys)
                    known = grown.get((new.used, total))
                    if known is None or new.objective > known.objective:
                        grown[new.used, total] = new
            states = (
                sorted(grown.values(), key=_by_objective)[:BEAM] + sorted(grown.values(), key=_by_price)[:CHEAPEST_KEPT]
            )
        for state in sorted(states, key=_by_objective):
            if not any(state.choice) or (least is not None and state.total < least):
                continue
            if self._is_different(state, earlier):
                return state.choice
        return None

    def _counted(self, shared: tuple[int, ...], option: Candidate, earlier: list[_Choice]) -> tuple[int, ...]:
        return tuple(n + (option.product_id in self._unlocked(other)) for n, other in zip(shared, earlier, strict=True))

    def _unlocked(self, choice: _Choice) -> set[str]:
        return {c.product_id for c, s in zip(choice, self.slots, strict=True) if c and not s.locked}

    def _is_different(self, state: _State, earlier: list[_Choice]) -> bool:
        mine = self._unlocked(state.choice)
        return all(
            2 * len(mine & theirs) <= min(len(mine), len(theirs)) and mine
            for theirs in (self._unlocked(choice) for choice in earlier)
        )

    def bundle(self, choice: _Choice, most: int | None, label: str, least: int | None) -> Bundle:
        """The choice as it is answered, in the order of the slots given."""
        filled = [(slot, c, found) for slot, c, found in zip(self.slots, choice, self.candidates, strict=True) if c]
        total = self.total(choice)
        used = frozenset(key for _, c, _ in filled for key in _keys(c))
        items = tuple(
            Item(slot, c, tuple(_alternatives(slot, c, found, used, total, most))) for slot, c, found in filled
        )
        relevance = sum(c.score for _, c, _ in filled)
        parts = {"relevance": relevance}
        if self.pair_fit:
            pairs = combinations([c for _, c, _ in filled], 2)
            parts["fit"] = sum(self.pair_fit(b, a) for a, b in pairs) / max(len(self.slots) - 1, 1)
        open_slots = tuple(slot.name for slot, c in zip(self.slots, choice, strict=True) if c is None)
        below = least is not None and total < least
        return Bundle(items, total, sum(parts.values()), parts, label, open_slots, below)


def _grow(
    state: _State, option: Candidate | None, total: int, gain: float, shared: tuple[int, ...],
    keys: frozenset[str] = frozenset(),
) -> _State:  # fmt: skip
    return _State((*state.choice, option), state.used | keys, total, state.objective + gain, shared)


def _by_objective(state: _State) -> tuple[int, float, int, list[str]]:
    # A choice that repeats much of an earlier bundle goes last: it will be refused at the end.
    return sum(state.shared), -state.objective, state.total, [c.product_id if c else "" for c in state.choice]


def _by_price(state: _State) -> tuple[int, int, float]:
    return sum(state.shared), state.total, -state.objective


def _keys(candidate: Candidate) -> frozenset[str]:
    return frozenset(
        (f"p:{candidate.product_id}", f"g:{candidate.group}" if candidate.group else f"p:{candidate.product_id}")
    )


def _cut(found: list[Candidate]) -> list[Candidate]:
    best = sorted(found, key=lambda c: (-c.score, c.product_id))[:BEST_KEPT]
    cheap = sorted(found, key=lambda c: (c.price_cents, c.product_id))[:CHEAPEST_KEPT]
    return list({c.product_id: c for c in [*best, *cheap]}.values())


def _cheapest_of_groups(found: list[Candidate], count: int) -> list[Candidate]:
    kept: dict[str, Candidate] = {}
    for candidate in sorted(found, key=lambda c: (c.price_cents, c.product_id)):
        kept.setdefault(candidate.group or candidate.product_id, candidate)
        if len(kept) == count:
            break
    return list(kept.values())


def _tilt(found: list[Candidate], leaning: float) -> Callable[[int], float]:
    """Adds up to `leaning` to the dearest of a slot (or takes it, where negative)."""
    prices = [c.price_cents for c in found]
    low, high = (min(prices), max(prices)) if prices else (0, 0)
    if not leaning or low == high:
        return lambda price: 0.0
    return lambda price: leaning * (price - low) / (high - low)


def _alternatives(
    slot: Slot, chosen: Candidate, found: list[Candidate], used: frozenset[str], total: int, most: int | None
) -> Iterator[ProductId]:
    if slot.locked:
        return
    count = 0
    others = used - _keys(chosen)
    for candidate in sorted(found, key=lambda c: (-c.score, c.product_id)):
        swapped = total + (candidate.price_cents - chosen.price_cents) * slot.quantity
        if candidate.product_id == chosen.product_id or others & _keys(candidate):
            continue
        if most is None or swapped <= most:
            yield candidate.product_id
            count += 1
            if count == 5:
                return
