"""The documents as a site: no link leads nowhere, every guide is in the navigation, nothing comes from other hosts."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


class Loads(HTMLParser):
    """What a browser fetches by itself, and where the navigation leads."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.navigation: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in LOADING and found.get(LOADING[tag]) and found.get("rel") not in ("canonical", "prev", "next"):
            self.fetched.append(str(found[LOADING[tag]]))
        if tag == "a" and "md-nav__link" in (found.get("class") or ""):
            self.navigation.append(str(found.get("href")))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    # Without --quiet, which keeps warnings from --strict.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environ = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environ, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def read(page: Path) -> Loads:
    loads = Loads()
    loads.feed(page.read_text())
    return loads


def test_every_document_is_a_page_and_the_navigation_has_each_guide(site: Path) -> None:
    documents = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    assert all((site / path).with_suffix(".html").is_file() for path in documents)
    linked = {link.partition("#")[0] for link in read(site / "index.html").navigation}
    guides = {str(path.with_suffix(".html")) for path in documents if path.parent == Path()}
    assert guides <= linked, guides - linked
    assert {"architecture.html", "adr/index.html", "changelog.html"} <= linked


def test_pages_fetch_nothing_from_other_hosts(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    fetched = {link for page in pages for link in read(page).fetched}
    assert len(pages) > 30 and any(link.endswith(".css") for link in fetched)
    assert {link for link in fetched if re.match(r"(\w+:)?//", link)} == set()
    for sheet in site.rglob("*.css"):
        assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^)\"']+", sheet.read_text()) == [], sheet


def test_examples_are_code_and_links_into_the_repository_are_paths(site: Path) -> None:
    api = (site / "api.html").read_text()
    assert "```" not in re.sub(r"<code.*?</code>", "", api, flags=re.DOTALL)
    assert "<code>tests/unit/test_bundle.py</code>" in (site / "index.html").read_text()
