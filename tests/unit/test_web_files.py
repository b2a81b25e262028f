import re
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from online import routes_storefront, web_files
from online.problems import EXCEPTION_HANDLERS
from online.web_files import WEB


@pytest.fixture
def browser() -> Iterator[TestClient]:
    app = Litestar([*web_files.HANDLERS, *routes_storefront.HANDLERS], exception_handlers=EXCEPTION_HANDLERS)
    app.state.shop = "own"
    with TestClient(app) as client:
        yield client


def test_a_page_is_asked_for_anew_and_all_that_it_names_has_an_address_of_this_content(browser) -> None:
    page = browser.get("/")
    assert page.headers["cache-control"] == "no-cache" and 'data-shop="own"' in page.text
    named = re.findall(r'(?:href|src)="(/web/[^"]+)"', page.text)
    assert len(named) > 15 and len({link.split("/")[2] for link in named}) == 1
    for link in named:
        found = browser.get(link)
        assert found.status_code == 200 and found.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert found.content == (WEB / link.split("/", 3)[3]).read_bytes()


def test_who_has_it_already_is_told_so(browser) -> None:
    for path in ("/", "/web/setwise.js", f"/web/{web_files.web_files().version}/tokens.css"):
        first = browser.get(path)
        again = browser.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"") and first.content
        assert again.headers["cache-control"] == first.headers["cache-control"]


def test_a_page_of_before_an_upgrade_still_finds_its_files_and_they_are_not_kept(browser) -> None:
    old = browser.get("/web/0123456789abcdef/storefront/main.js")
    assert old.status_code == 200 and old.headers["cache-control"] == "no-cache"


def test_the_script_of_shops_pages_keeps_its_address(browser) -> None:
    script = browser.get("/web/setwise.js")
    assert script.content == (WEB / "setwise.js").read_bytes() and "javascript" in script.headers["content-type"]
    assert script.headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize("path", ["nothing.js", "../routes.py", "%2e%2e/routes.py", "storefront", "/etc/passwd"])
def test_only_files_of_the_web_folder_are_sent(browser, path) -> None:
    assert browser.get(f"/web/any/{path}").status_code == 404


def test_any_change_of_any_file_is_another_version(tmp_path) -> None:
    (tmp_path / "a.js").write_text("1")
    before = web_files.web_files.__wrapped__(tmp_path).version
    (tmp_path / "a.js").write_text("2")
    changed = web_files.web_files.__wrapped__(tmp_path).version
    (tmp_path / "a.js").rename(tmp_path / "b.js")
    assert len({before, changed, web_files.web_files.__wrapped__(tmp_path).version}) == 3
