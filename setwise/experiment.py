"""Which variant was a unit given, and what does it change of an answer?"""

from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from setwise.ranking import WEIGHTS

Kind = Literal["user", "visitor", "request"]
Unit = Literal["user", "visitor"]
"""Whom a flag prefers to bucket where a request names both."""
Weight = Annotated[float, Meta(ge=0, le=10)]


class Parameters(Struct, frozen=True, forbid_unknown_fields=True):
    """What a variant may set of an answer; what it does not name stays as it is."""

    weights: dict[str, Weight] = {}
    """Weights of parts of the score, by the names of setwise.ranking.WEIGHTS."""
    dense_share: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Share of the meaning in what words and meaning find together; 0.5 is as it is without."""
    open_slots: Annotated[int, Meta(ge=2, le=10)] | None = None
    """Products of each bundle that answers an open wish; without it as many as the shop's own sets have."""
    explore_share: Annotated[float, Meta(ge=0, le=0.2)] | None = None
    """Share of answers in another order than the best."""
    personal: bool = True
    """Whether the shopper's past and session rank; what is in the cart is left out all the same."""
    ranker: bool = True
    """Whether the release's trained ranker adds to the score."""
    complementarity: bool = True
    """Whether it counts in a bundle how well its products go together."""

    def part_weights(self) -> dict[str, float]:
        """Weight of each part of the score that is another one than setwise.ranking says."""
        if self.dense_share is None:
            return self.weights
        mix = {"lexical": 2 * (1 - self.dense_share), "semantic": 2 * self.dense_share}
        return self.weights | {name: self.weights.get(name, WEIGHTS[name]) * by for name, by in mix.items()}


class Assignment(Struct, frozen=True):
    """The variants that one answer is made under; the default = no experiment."""

    variants: dict[str, str] = {}
    parameters: Parameters = Parameters()
    unit: str = ""
    """What was bucketed: user_id, else visitor_id, else an id of the request."""
    is_override: bool = False
    """A tester chose the variants: the answer counts in no result."""
    version: str = ""
    """Of the flags that said so."""

    @property
    def cache_key(self) -> str:
        """Equal for assignments whose answers are equal; '' where nothing is assigned."""
        return f"{self.version}{sorted(self.variants.items())}" if self.variants else ""


NO_EXPERIMENT = Assignment()


class Person(NamedTuple):
    """Whom a request names, and its own id for those who are nobody."""

    user_id: str | None
    visitor_id: str | None
    request_id: str

    def unit(self, preferred: Unit = "user") -> tuple[str, Kind]:
        """What is bucketed, and what kind of thing that is."""
        if self.visitor_id and (preferred == "visitor" or not self.user_id):
            return self.visitor_id, "visitor"
        return (self.user_id, "user") if self.user_id else (self.request_id, "request")
