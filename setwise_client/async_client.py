"""How does a shop's server ask the service, and do something else until the answer is there? One method for each
route, with the names of the API. `SetwiseClient` is made from this one."""

import asyncio
import copy
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Self, TypeVar

import httpx
import msgspec

from setwise_client import messages as m
from setwise_client.calls import BUSY, ENDED, PASSED_ON, QUIET_S, CatalogueChange, headers_of, part
from setwise_client.problems import problem_of
from setwise_client.stream import Progress, ProgressReader

T = TypeVar("T")
Answered = type[T]


class AsyncSetwiseClient:
    """For one event loop; close it, or use it as a context. Every method raises ProblemError, and httpx's own errors
    where nothing was answered.

    A refusal with 429 or 503 is tried again after the time that its Retry-After says, at most `tries` times in all; one
    that says more than `longest_wait_s` is raised at once."""

    def __init__(
        self, url: str, key: str = "", *, timeout_s: float = 10.0, tries: int = 3, longest_wait_s: float = 5.0
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers=headers_of(key), timeout=timeout_s)
        self._tries, self._longest_wait_s = tries, longest_wait_s
        self._passed_on: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends its connections."""
        await self._http.aclose()

    def for_shopper(self, headers: Mapping[str, str]) -> Self:
        """This client for one shopper's requests: passes on those of their browser's headers that say with which kind
        of device they ask. It shares this one's connections."""
        found = copy.copy(self)
        found._passed_on = {name: value for name, value in headers.items() if name.lower() in PASSED_ON}
        return found

    async def bundles(self, request: m.BundleRequest) -> m.BundleAnswer:
        """Complete bundles for a sentence, a lock or a basket."""
        return await self._ask(m.BundleAnswer, "POST", "/v1/bundles", request)

    async def swap(self, bundle_id: str, request: m.SwapRequest) -> m.BundleOut:
        """The bundle with one slot filled anew. 404 where it is unknown or expired, 409 where nothing fits."""
        return await self._ask(m.BundleOut, "POST", f"/v1/bundles/{part(bundle_id)}/swap", request)

    async def products(self, request: m.ProductsRequest) -> m.ProductsAnswer:
        """Ranked products for a sentence, a shopper or a basket."""
        return await self._ask(m.ProductsAnswer, "POST", "/v1/products", request)

    async def search(self, q: str, k: int = 20, offset: int = 0) -> m.ProductsAnswer:
        """The short form for a search box."""
        return await self._ask(m.ProductsAnswer, "GET", "/v1/search", params={"q": q, "k": k, "offset": offset})

    async def suggestions(self, q: str = "", language: str | None = None, k: int = 8) -> m.SuggestionsAnswer:
        """Words of the catalogue for what was typed so far; without a language, in the catalogue's own."""
        params = {"q": q, "k": k} | ({"language": language} if language else {})
        return await self._ask(m.SuggestionsAnswer, "GET", "/v1/suggestions", params=params)

    async def product(self, product_id: str) -> m.ProductDetail:
        """One product as it is sold now."""
        return await self._ask(m.ProductDetail, "GET", f"/v1/products/{part(product_id)}")

    async def submit(self, request: m.BundleRequest, idempotency_key: str = "") -> m.RequestAccepted:
        """Durable when it returns. The same key again is the same request; without one, a retry of this call is."""
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return await self._ask(m.RequestAccepted, "POST", "/v1/requests", request, headers=headers)

    async def request(self, request_id: str) -> m.RequestStatus:
        """How far a submitted request is, with its answer when it is done."""
        return await self._ask(m.RequestStatus, "GET", f"/v1/requests/{part(request_id)}")

    async def follow(self, request_id: str, after: str = "") -> AsyncIterator[Progress]:
        """understood, slot, bundles, then done or failed, as they happen; goes on where a broken stream ended. `after`
        is the id of the last one that was seen."""
        path, failures = f"/v1/requests/{part(request_id)}/events", 0
        while True:
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
            try:
                async with self._http.stream("GET", path, headers=headers, timeout=QUIET_S) as reply:
                    if reply.status_code == 204:
                        return
                    if not reply.is_success:
                        raise problem_of(reply.status_code, await reply.aread(), reply.headers.get("retry-after", ""))
                    reader = ProgressReader()
                    async for line in reply.aiter_lines():
                        if (progress := reader.read(line)) is None:
                            continue
                        after, failures = progress.id, 0
                        yield progress
                        if progress.name in ENDED:
                            return
            except httpx.TransportError:
                if failures + 1 >= self._tries:
                    raise
            failures += 1
            if failures >= self._tries:
                raise TimeoutError(f"request {request_id}: its stream ended {failures} times without a word")
            await asyncio.sleep(0.2 * 2**failures)

    async def wait(self, request_id: str, timeout_s: float = 30.0) -> m.BundleAnswer:
        """The answer of a submitted request. ProblemError where it failed, TimeoutError where it takes longer."""
        ends_at, pause_s = time.monotonic() + timeout_s, 0.05
        while (found := await self.request(request_id)).status not in ENDED:
            if time.monotonic() + pause_s > ends_at:
                raise TimeoutError(f"request {request_id} is {found.status} after {timeout_s} s")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, 1.0)
        if found.answer is None:
            raise problem_of(500, msgspec.json.encode(found.problem or {}))
        return found.answer

    async def events(self, events: Sequence[Mapping[str, Any]]) -> m.EventsAnswer:
        """At most 500 events in one of the service's forms, a verdict for each. `EventSender` queues and retries."""
        return await self._ask(m.EventsAnswer, "POST", "/v1/events", list(events))

    async def changes(self, changes: Sequence[CatalogueChange]) -> m.ChangesAnswer:
        """Prices, stock and removals of at most 1,000 products, effective within two seconds."""
        return await self._ask(m.ChangesAnswer, "POST", "/v1/catalogue/changes", list(changes))

    async def rules(self, version: int | None = None) -> m.RuleSet:
        """The rules in force, or an earlier version of them."""
        return await self._ask(m.RuleSet, "GET", "/v1/rules", params={} if version is None else {"version": version})

    async def put_rules(self, rules: m.RuleSet) -> m.RulesAnswer:
        """Replaces the version that `rules.version` names; 412 where it is not in force any more."""
        return await self._ask(m.RulesAnswer, "PUT", "/v1/rules", rules, headers={"If-Match": f'"{rules.version}"'})

    async def preview_rules(self, rules: m.RuleSet, prompt: str) -> m.RulesPreview:
        """The answer by the rules in force and by these; nothing is published."""
        document = {"rules": rules.rules, "templates": rules.templates}
        return await self._ask(m.RulesPreview, "PUT", "/v1/rules", document, params={"preview": prompt})

    async def rules_history(self, limit: int = 100) -> list[m.Publication]:
        """Who published which version and when, newest first."""
        return await self._ask(list[m.Publication], "GET", "/v1/rules/history", params={"limit": limit})

    async def user(self, user_id: str) -> m.UserExport:
        """All that the service keeps of a shopper."""
        return await self._ask(m.UserExport, "GET", f"/v1/users/{part(user_id)}")

    async def forget_user(self, user_id: str, visitor_ids: Sequence[str] = ()) -> m.ErasureReceipt:
        """Forgets a shopper, and the visitor ids that are this person's, everywhere."""
        params = {"visitor_id": list(visitor_ids)}
        return await self._ask(m.ErasureReceipt, "DELETE", f"/v1/users/{part(user_id)}", params=params)

    async def erasure(self, receipt_id: str) -> m.ErasureReceipt:
        """What became of an erasure, store by store."""
        return await self._ask(m.ErasureReceipt, "GET", f"/v1/erasures/{part(receipt_id)}")

    async def _ask(
        self, kind: Answered[T], method: str, path: str, body: object = None, *,
        params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None,
    ) -> T:  # fmt: skip
        content = None if body is None else msgspec.json.encode(body)
        for left in reversed(range(self._tries)):
            sent = self._passed_on | dict(headers or {})
            reply = await self._http.request(method, path, content=content, params=params, headers=sent)
            if reply.is_success:
                return msgspec.json.decode(reply.content, type=kind)
            problem = problem_of(reply.status_code, reply.content, reply.headers.get("retry-after", ""))
            wait_s = problem.retry_after_s or 1.0
            if problem.status not in BUSY or not left or wait_s > self._longest_wait_s:
                break
            await asyncio.sleep(wait_s)
        raise problem
