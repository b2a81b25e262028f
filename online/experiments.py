"""Which variants is this request answered under?"""

from datetime import UTC, datetime

from online.bundle_store import KeptBundle
from online.flags_watch import FlagsWatch
from online.messages import BundleRequest, ProductsRequest
from setwise.experiment import NO_EXPERIMENT, Assignment, Person
from setwise.overrides import Overrides
from setwise.request_ids import RequestIds


class Experiments:
    """Who gave no consent takes part in no experiment: nothing that they do could be counted."""

    def __init__(self, watch: FlagsWatch, overrides: Overrides, request_ids: RequestIds) -> None:
        self.watch = watch
        self._overrides, self._request_ids = overrides, request_ids

    def start(self) -> None:
        """Reads the flags and watches them."""
        self.watch.start()

    def stop(self) -> None:
        """Ends the watch."""
        self.watch.stop()

    def chosen(self, token: str) -> dict[str, str]:
        """The variants that a tester's token says. Raises OverrideError."""
        return self._overrides.read(token, datetime.now(UTC))

    def assign(
        self, asked: BundleRequest | ProductsRequest, token: str = "", request_id: str = "",
        chosen: dict[str, str] | None = None,
    ) -> Assignment:  # fmt: skip
        """By the flags of this moment, or as a tester chose. `request_id` = the unit where nobody is named, a new one
        where it is ''. Raises OverrideError."""
        flags = self.watch.flags
        if token or chosen:
            return flags.chosen(chosen or self.chosen(token), request_id)
        if not flags.is_on or not asked.consent:
            return NO_EXPERIMENT
        return flags.assign(Person(asked.user_id, asked.visitor_id, request_id or self._request_ids.new()))

    def of_swap(self, kept: KeptBundle, token: str = "") -> Assignment:
        """The unit of the answer that the bundle comes from: a swap changes nobody's variant."""
        return self.assign(kept.request, token, kept.unit or kept.request_id)

    def past(self, variants: dict[str, str], is_override: bool) -> Assignment:
        """That of an answer which was given already, as far as the flags still know it."""
        known = self.watch.flags.chosen(variants)
        return Assignment(variants, known.parameters, is_override=is_override)
