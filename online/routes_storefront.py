"""GET /: the storefront, a shop to try that uses nothing but the public API."""

from typing import Literal

from litestar import Response, get

from online.doors import OPEN
from online.routes import Any_Request
from online.web_files import ANEW, sent, web_files

Shop = Literal["", "sample", "own"]
"""What the storefront sells: nothing as there is none, the sample shop's products, or an operator's."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
"""No word of a prompt or a product can become a script: there is no inline code, and no text is ever read as HTML."""


@get("/", opt=OPEN | {"policy": POLICY}, media_type="text/html", include_in_schema=False)
async def storefront(request: Any_Request) -> Response[bytes]:
    """The page; whatever it shows comes from /v1."""
    shop: Shop = request.app.state.shop
    page = web_files().page("storefront/index.html").replace(b'data-shop="sample"', f'data-shop="{shop}"'.encode())
    return sent(request, page, "text/html", ANEW)


HANDLERS = (storefront,)
