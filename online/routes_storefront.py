"""GET /: the storefront, a shop to try that uses nothing but the public API."""

from functools import cache
from pathlib import Path

from litestar import Response, get

from online.doors import OPEN

WEB = Path(__file__).parent / "web"
PAGE = WEB / "storefront" / "index.html"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
"""No word of a prompt or a product can become a script: there is no inline code, and no text is ever read as HTML."""


@get("/", opt=OPEN | {"policy": POLICY}, media_type="text/html", include_in_schema=False)
async def storefront() -> Response[bytes]:
    """The page; whatever it shows comes from /v1."""
    return Response(_page(), media_type="text/html", headers={"Cache-Control": "no-cache"})


@cache
def _page() -> bytes:
    return PAGE.read_bytes()


HANDLERS = (storefront,)
