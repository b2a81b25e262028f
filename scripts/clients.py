"""python scripts/clients.py: clients/openapi.json and setwise_client/messages.py from the service's own routes, and the
client that waits from the one that does not."""

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "clients/openapi.json"
MESSAGES = ROOT / "setwise_client/messages.py"
ASYNC_CLIENT, CLIENT = ROOT / "setwise_client/async_client.py", ROOT / "setwise_client/client.py"
HEAD = '''"""What does the service take and answer? By its OpenAPI (`make clients`); money is in minor units."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
'''
SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
WAITING = {
    r'\A"""(?s:.*?)"""': '"""How does a shop\'s server ask the service? Made of async_client.py by `make clients`."""',
    "import asyncio\n": "",
    "For one event loop;": "Safe between threads;",
    r"async (def|for|with) ": r"\1 ",
    r"\bawait ": "",
    r"asyncio\.sleep": "time.sleep",
    r"\bAsync(SetwiseClient|Iterator)": r"\1",
    r"httpx\.AsyncClient": "httpx.Client",
    r"__a(enter|exit)__": r"__\1__",
    r"\.a(close|read|iter_lines)\(": r".\1(",
}
"""What a call that waits says otherwise than one that does not."""

Schema = dict[str, Any]


def document() -> Schema:
    """The OpenAPI document, without a release and without a server."""
    from online.service import build_app
    from setwise.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        app = build_app(Settings.from_env({"SETWISE_DATA_DIR": folder}))
        return json.loads(json.dumps(app.openapi_schema.to_schema(), default=str))


def messages(openapi: Schema) -> str:
    """A struct for each schema, in the order of their names."""
    schemas = openapi["components"]["schemas"]
    return "".join([HEAD, *(_struct(name, schemas[name]) for name in sorted(schemas))])


def waiting(source: str) -> str:
    """The client that waits for each answer, out of the one that does not."""
    for pattern, said in WAITING.items():
        source = re.sub(pattern, said, source)
    return source


def _struct(name: str, schema: Schema) -> str:
    needed = set(schema.get("required", ()))
    fields = [_field(field, kind, field in needed) for field, kind in schema.get("properties", {}).items()]
    head = f"\n\nclass {name}(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):\n"
    return head + "".join(f"    {line}\n" for line in fields or ["pass"])


def _field(name: str, schema: Schema, is_needed: bool) -> str:
    kind = _kind(schema)
    if is_needed:
        return f"{name}: {kind}"
    if isinstance(default := schema.get("default"), str):
        return f"{name}: {kind} = {json.dumps(default)}"
    if default is not None:
        return f"{name}: {kind} = {default!r}"
    if "None" in kind.split(" | "):
        return f"{name}: {kind} = None"
    empty = {"list": " = []", "dict": " = {}"}.get(kind.partition("[")[0], " | None = None")
    return f"{name}: {kind}{empty}"


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        kind = f"Literal[{', '.join(json.dumps(value) for value in values if value is not None)}]"
        return f"{kind} | None" if None in values else kind
    choices = schema.get("oneOf") or schema.get("anyOf") or schema.get("allOf")
    if choices is None and isinstance(schema.get("type"), list):
        choices = [{**schema, "type": one} for one in schema["type"]]
    if choices is not None:
        return " | ".join(dict.fromkeys(map(_kind, choices)))
    if schema.get("type") == "array":
        return f"list[{_kind(schema.get('items', {}))}]"
    if schema.get("type") == "object":
        more = schema.get("additionalProperties")
        return f"dict[str, {_kind(more) if isinstance(more, dict) else 'Any'}]"
    return "datetime" if schema.get("format") == "date-time" else SIMPLE.get(str(schema.get("type")), "Any")


def main() -> int:
    """Writes all three files."""
    openapi = document()
    DOCUMENT.write_text(json.dumps(openapi, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    MESSAGES.write_text(messages(openapi))
    CLIENT.write_text(waiting(ASYNC_CLIENT.read_text()))
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
