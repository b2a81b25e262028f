"""What /schema says beyond what the routes themselves declare."""

from litestar import Litestar
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema

from online.problems import CONTENT_TYPE

_TEXT = Schema(type=OpenAPIType.STRING)
_PROBLEM = OpenAPIResponse(
    description="What was wrong, where, and what to do (RFC 9457); 429 and 503 come with Retry-After.",
    content={
        CONTENT_TYPE: OpenAPIMediaType(
            schema=Schema(
                type=OpenAPIType.OBJECT,
                properties={
                    **dict.fromkeys(("type", "title", "detail", "instance"), _TEXT),
                    "status": Schema(type=OpenAPIType.INTEGER),
                    "errors": Schema(type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.OBJECT)),
                },
                required=["type", "title", "status", "detail", "instance"],
            )
        )
    },
)


def document_problems(app: Litestar) -> None:
    """Every operation answers its errors in the one form that `online/problems.py` gives them."""
    for item in (app.openapi_schema.paths or {}).values():
        for method in ("get", "put", "post", "delete"):
            operation: Operation | None = getattr(item, method)
            if operation is not None and operation.responses is not None:
                operation.responses.pop("400", None)
                operation.responses["default"] = _PROBLEM
