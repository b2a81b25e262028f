"""python -m benchmarks.screenshots_operator: the pictures of docs/operator.md, from a running demo, by Chromium.

DEMO_KEY holds a key of scope admin: `make demo` prints one behind #key=."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Error, Page, ViewportSize, sync_playwright

from benchmarks.serving.machine import ROOT

FOLDER = ROOT / "docs/pictures"
DESKTOP, PHONE = ViewportSize(width=1280, height=960), ViewportSize(width=390, height=844)
SETTLED_MS = 2_500
LIVE_MS = 45_000
"""The plots of the live page begin when it is opened."""


def days(page: Page) -> None:
    """Business from the marts."""
    page.get_by_label("Time").select_option("30d")


def preview(page: Page) -> None:
    """A rule that is tried and not published."""
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("Kind of").last.select_option("hide")
    page.get_by_label("categories").last.fill("Sofas")
    page.get_by_role("button", name="Preview").click()


def look(page: Page) -> None:
    """One shopper of the sample shop."""
    page.get_by_label("User id").fill("u-7")
    page.get_by_role("button", name="Look").click()


def nothing(_: Page) -> None:
    """As it opens."""


PROMPT = "prompt=a+cosy+mid-century+living+room+under+%241500%2C+no+leather&user=u-7&beside=nobody"
PICTURES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "live": ("live", nothing), "business": ("business", days), "search": ("search", nothing),
    "catalogue": ("catalogue", nothing), "experiments": ("experiments", nothing), "rules": ("rules", preview),
    "playground": (f"playground?{PROMPT}", nothing), "users": ("users", look),
}  # fmt: skip


def take(url: str, key: str, folder: Path) -> None:
    """One picture of each page, and of one on a phone in the dark. Raises playwright's Error."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        desk = browser.new_context(viewport=DESKTOP).new_page()
        phone = browser.new_context(viewport=PHONE, color_scheme="dark").new_page()
        for page in (desk, phone):
            page.goto(f"{url}/operator/#key={key}")
            page.wait_for_url("**/operator/#/live")
        for name, (place, act) in PICTURES.items():
            desk.evaluate("place => { location.hash = `#/${place}` }", place)
            desk.wait_for_timeout(SETTLED_MS)
            act(desk)
            desk.wait_for_timeout(LIVE_MS if name == "live" else SETTLED_MS)
            desk.evaluate("scrollTo(0, 0)")
            desk.screenshot(path=folder / f"operator-{name}.png")
        phone.evaluate("location.hash = '#/business'")
        phone.wait_for_timeout(SETTLED_MS)
        phone.screenshot(path=folder / "operator-phone.png")
        browser.close()


def main() -> int:
    """Prints where they are."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.screenshots_operator", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the demo's service answers")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures go (default docs/pictures)")
    chosen = parser.parse_args()
    try:
        take(chosen.url, os.environ["DEMO_KEY"], chosen.folder)
    except KeyError:
        print("setwise: DEMO_KEY is not set; `make demo` prints a key behind #key=", file=sys.stderr)
        return 2
    except Error as error:
        print(f"setwise: the pages could not be taken: {error.message.splitlines()[0]}", file=sys.stderr)
        return 1
    print(chosen.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
