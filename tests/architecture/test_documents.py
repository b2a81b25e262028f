import json
import re
from pathlib import Path

import msgspec
import pytest

from benchmarks.examples.api import examples
from online.messages import BundleRequest, ProductsRequest, SwapRequest
from setwise.rules import read_rules

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_and_every_make_target_in_the_documents_exists(document) -> None:
    text = document.read_text()
    for link in re.findall(r"\]\((?!https?://)([^)#]+)\)", text):
        assert (document.parent / link).exists(), link
    targets = set(re.findall(r"^([a-z-]+(?: [a-z-]+)*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {name for line in targets for name in line.split()}
    assert set(re.findall(r"`?make ([a-z]+(?:-[a-z]+)*)`", text)) <= known


def test_the_commands_document_has_every_target_of_the_makefile() -> None:
    documented = set(re.findall(r"\| `make ([a-z-]+)` \|", (ROOT / "docs/commands.md").read_text()))
    offered = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert offered - {"help", "install"} == documented


def test_every_module_that_the_architecture_names_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for name in re.findall(r"`([a-z_]+(?:\.py|/))`", text):
        assert any(ROOT.glob(f"*/{name.rstrip('/')}")) or (ROOT / name).exists() or any(ROOT.glob(name)), name


BODIES = {"bundles": BundleRequest, "requests": BundleRequest, "swap": SwapRequest, "products": ProductsRequest}


@pytest.mark.parametrize(("request_text", "status"), list(examples((ROOT / "docs" / "api.md").read_text())))
def test_every_example_of_the_api_is_a_request_that_the_service_takes(request_text: str, status: int) -> None:
    head, _, body = request_text.partition("\n\n")
    path = head.splitlines()[0].split(" ")[1].split("?")[0]
    text = re.sub(r"(?<!\")\{cheapest\}", "1", body)
    if body.strip() and path != "/v1/rules":
        msgspec.json.decode(text, type=BODIES[path.rsplit("/", 1)[-1]])
    elif body.strip():
        checked = read_rules({"version": 0, **json.loads(text)}, lambda _: True)
        assert not checked.errors
    assert status in (200, 202, 409, 412, 422)
