"""Both clients know the API as it is: what was made from the OpenAPI is made from this one."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from typescript import SOURCE, compiled

from scripts import clients
from setwise_client import CatalogueChange

ROOT = Path(__file__).parents[2]
METHODS = re.compile(r'"(GET|POST|PUT|DELETE)", f?"(/v1[^"]*)"')


@pytest.fixture(scope="module")
def openapi() -> dict:
    return clients.document()


def test_the_document_and_the_structs_of_the_client_are_those_of_the_service(openapi: dict) -> None:
    assert json.loads(clients.DOCUMENT.read_text()) == openapi, "make clients makes it anew"
    assert clients.MESSAGES.read_text() == clients.messages(openapi), "make clients makes it anew"


def test_the_client_that_waits_is_the_other_one_without_its_awaits() -> None:
    made = clients.waiting(clients.ASYNC_CLIENT.read_text())
    assert clients.CLIENT.read_text() == made, "make clients makes it anew"
    assert not re.search(r"async |await|asyncio", made)


def test_every_call_of_the_client_is_a_route_and_a_change_has_its_fields(openapi: dict) -> None:
    offered = {(method.upper(), path) for path, item in openapi["paths"].items() for method in item}
    source = (ROOT / "setwise_client/client.py").read_text()
    called = {(method, re.sub(r"\{part\((\w+)\)\}", r"{\1}", path)) for method, path in METHODS.findall(source)}
    assert len(called) >= 15 and called <= offered, called - offered
    body = openapi["paths"]["/v1/catalogue/changes"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {field.name for field in msgspec.structs.fields(CatalogueChange)} == set(body["items"]["properties"])
    assert body["items"]["required"] == ["product_id"]


def test_every_method_of_the_client_is_in_its_guide() -> None:
    from setwise_client import AsyncSetwiseClient, SetwiseClient

    table = re.findall(r"^\| (`.*?) \|", (ROOT / "docs/clients.md").read_text(), re.MULTILINE)
    documented = set(re.findall(r"`(\w+)`", " ".join(table)))
    methods = {name for name in vars(SetwiseClient) if not name.startswith("_")}
    assert methods - {"close"} == documented
    assert methods == {name for name in vars(AsyncSetwiseClient) if not name.startswith("_")}


@pytest.mark.long  # that it compiles and is answered, test_client sees too
def test_the_types_of_the_typescript_client_are_made_from_this_document_and_compile(leave_out) -> None:
    folder = compiled(leave_out)
    assert (folder / "src/schema.ts").read_text() == (SOURCE / "src/schema.ts").read_text(), "make clients"
    assert (folder / "dist/index.d.ts").is_file()
    example = (SOURCE / "src/example.ts").read_text().partition("\n")[2]
    assert f"```ts\n{example}```" in (ROOT / "docs/clients.md").read_text()
