"""What orders of answers are worth by what was clicked and bought, estimated from answers that were explored."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
import numpy as np

from orchestration.warehouse.rows import naive
from orchestration.warehouse.stores import Warehouse
from setwise.counterfactual import Estimate, Logged, Method, as_explored, as_ranked, codes_of, estimate, heaviest_weight

PLACES = (
    "SELECT answer_id, thing_id, position, place_by_score, explore_share, propensity, clicks, products_bought "
    "FROM marts.fct_places WHERE kind = ? AND served_at >= ? AND served_at < ? ORDER BY answer_id, position"
)
REWARDS = ("click", "purchase")
METHODS: tuple[Method, ...] = ("ips", "snips")


class Places(msgspec.Struct, frozen=True):
    """Places of explored answers as arrays of one length, and the answer and thing of each."""

    answers: list[str]
    things: list[str]
    position: np.ndarray
    rank: np.ndarray
    share: np.ndarray
    propensity: np.ndarray
    rewards: dict[str, np.ndarray]

    def logged(self, reward: str) -> Logged:
        """For one kind of reward, 1 or 0 a place."""
        return Logged(codes_of(self.answers), self.propensity, self.rewards[reward])

    def only(self, which: np.ndarray) -> "Places":
        """Those of a mask."""
        at = np.flatnonzero(which)
        return Places(
            [self.answers[n] for n in at], [self.things[n] for n in at], self.position[at], self.rank[at],
            self.share[at], self.propensity[at], {name: values[at] for name, values in self.rewards.items()},
        )  # fmt: skip


class PolicyValue(msgspec.Struct, frozen=True):
    """One policy, one reward, one estimator; no estimate where nothing logged says anything of it."""

    policy: str
    reward: str
    method: Method
    estimate: Estimate | None


Policy = Callable[[Places], np.ndarray]
POLICIES: Mapping[str, Policy] = {
    "best first": lambda places: as_ranked(places.rank, places.position),
    "every answer explored": lambda places: as_explored(
        places.logged("click"), places.rank, places.position, places.share
    ),
}
"""What is served without exploring, and what exploring costs."""


def read_places(warehouse: Warehouse, kind: str, since: datetime, until: datetime) -> Places:
    """Explored answers of that time, `kind` = bundle or product. Raises WarehouseDownError."""
    rows = warehouse.rows(PLACES, [kind, naive(since), naive(until)])
    columns = list(zip(*rows, strict=True)) if rows else [()] * 8
    numbers = [np.asarray(column, dtype=np.float64) for column in columns[2:]]
    position, rank, share, propensity, clicks, bought = numbers
    rewards = {"click": np.minimum(clicks, 1.0), "purchase": np.minimum(bought, 1.0)}
    whole = np.int64
    return Places(
        list(columns[0]), list(columns[1]), position.astype(whole), rank.astype(whole), share, propensity, rewards
    )


def policy_values(places: Places, policies: Mapping[str, Policy] = POLICIES) -> list[PolicyValue]:
    """Every policy by every reward and estimator; of any other order than the served one the heaviest weight counts
    that might have been drawn."""
    found = []
    for name, policy in policies.items():
        for reward in REWARDS:
            logged = places.logged(reward)
            target = policy(places)
            is_other = bool((target[places.rank != places.position] > 0).any())
            heaviest = heaviest_weight(logged, target) if is_other else 0.0
            found += [
                PolicyValue(name, reward, method, estimate(logged, target, method, heaviest)) for method in METHODS
            ]
    return found
