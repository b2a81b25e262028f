"""The explored share of answers: after the cache, so that each reader of a shared answer has a draw of their own."""

from typing import TypeVar

import msgspec

from online.messages import BundleAnswer, BundleRequest, ProductsAnswer, ProductsRequest
from setwise.experiment import Assignment
from setwise.exploration import explored_list, explored_order, more_for_list

Answer = TypeVar("Answer", BundleAnswer, ProductsAnswer)
Asked = BundleRequest | ProductsRequest


class Explorer(msgspec.Struct, frozen=True):
    """Changes the order of what was answered, and nothing that is in a bundle: budget, stock and rules hold as before.

    Not explored are further pages, `candidates` (the caller wants their order) and people who gave no consent."""

    share: float = 0.0

    def under(self, assignment: Assignment) -> "Explorer":
        """With the share that an experiment's variant says."""
        share = assignment.parameters.explore_share
        return self if share is None else Explorer(share)

    def widened(self, asked: Asked) -> Asked:
        """The request that also finds the products that may come in from behind the last one."""
        more = more_for_list(asked.k) if isinstance(asked, ProductsRequest) and self._share_of(asked) else 0
        return (
            msgspec.structs.replace(asked, k=asked.k + more) if isinstance(asked, ProductsRequest) and more else asked
        )

    def explored(self, asked: Asked, answer: Answer) -> Answer:
        """The answer in its drawn order, with the probabilities of that; of a list, what was asked for. The same id has
        the same order."""
        share = self._share_of(asked)
        if isinstance(answer, BundleAnswer):
            if not share or not answer.bundles:
                return answer
            drawn = explored_order(answer.request_id, len(answer.bundles), share)
            bundles = [answer.bundles[rank - 1] for rank in drawn.ranks]
            return msgspec.structs.replace(answer, bundles=bundles, exploration=drawn)
        if not share or not answer.products or not isinstance(asked, ProductsRequest):
            return answer
        known = len(answer.products)
        listed = explored_list(answer.request_id, min(asked.k, known), known, share)
        products = [answer.products[rank - 1] for rank in listed.ranks]
        return msgspec.structs.replace(answer, products=products, exploration=listed)

    def _share_of(self, asked: Asked) -> float:
        is_whole = not isinstance(asked, ProductsRequest) or (asked.candidates is None and asked.offset == 0)
        return self.share if is_whole and asked.consent else 0.0
