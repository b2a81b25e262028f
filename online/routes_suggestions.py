"""GET /v1/suggestions: words of the live catalogue for what is being typed."""

import asyncio
from typing import Annotated, Literal

from litestar import Response, get
from litestar.params import Parameter

from online.doors import RECOMMEND
from online.messages import SuggestionsAnswer
from online.routes import Any_Request, live_of
from setwise.vocabulary.suggesting import MOST

CACHED = "private, max-age=300"
"""The words of a release are the same for five minutes at least, as far as a search box goes."""


@get("/v1/suggestions", opt=RECOMMEND, summary="Words of the catalogue for a search box")
async def suggestions(
    request: Any_Request,
    q: Annotated[str, Parameter(max_length=512, description="what was typed so far")] = "",
    language: Annotated[Literal["en", "de", "fr", "es"] | None, Parameter(description="that it is typed in")] = None,
    k: Annotated[int, Parameter(ge=1, le=MOST)] = MOST,
) -> Response[SuggestionsAnswer]:
    """The last words completed to something that this catalogue knows, or what it has most of where nothing was typed;
    without a language, in the catalogue's own."""
    live = live_of(request)
    code = language or live.vocabulary.language
    if code not in live.suggesters:
        await asyncio.get_running_loop().run_in_executor(request.app.state.stores, live.suggester, code)
    return Response(SuggestionsAnswer(live.suggester(code).suggest(q, k)), headers={"Cache-Control": CACHED})


HANDLERS = (suggestions,)
