"""What a shop's own past says about weights: learned on sets and baskets that were held out, else as shipped."""

from pathlib import Path

import msgspec

LEARNED_FILE = "learned.json"


class Learned(msgspec.Struct, frozen=True):
    """`completion`: weights of setwise.completion, with an intent (`said`) and without; empty = those that are shipped.
    `fit`: shares of how well two products go together that nobody bought together, likewise.
    `resale`: what a log odd of selling (again) counts beside words and meaning, each of weight 1; 0 = nothing.
    `wishes`: how often the shipped weight a typed attribute of a kind counts, 0..2; a missing kind: once."""

    said: dict[str, float] = {}
    unsaid: dict[str, float] = {}
    fit: dict[str, float] = {}
    resale: float = 0.0
    wishes: dict[str, float] = {}
    figures: dict[str, float] = {}
    """How many choices were looked at, and mean reciprocal ranks on those that the weights were not fitted on."""


def read_learned(folder: Path) -> Learned:
    """What a release learned; the shipped weights where it was built without. Raises ValidationError if damaged."""
    path = folder / LEARNED_FILE
    return msgspec.json.decode(path.read_bytes(), type=Learned) if path.exists() else Learned()
