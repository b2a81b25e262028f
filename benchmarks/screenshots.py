"""python -m benchmarks.screenshots: a running demo's storefront as docs/pictures has it, and how soon sets are seen."""

import argparse
import io
import shutil
import statistics
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
PROMPT = "a cosy mid-century living room under $1500, no leather"
TIMED = (
    "a desk and a table lamp under $900", "a tent and two sleeping bags", "a rug and a floor lamp",
    "a walnut desk and two black office chairs, max 1.5k", "a calm bedroom around $1200",
)  # fmt: skip
SHOWN = {
    "storefront": {"viewport": {"width": 1440, "height": 900}},
    "storefront-dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "storefront-phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
SINCE_ASKED = """performance.getEntriesByName("setwise-answer").at(-1)?.startTime
    - performance.getEntriesByName("setwise-ask").at(-1).startTime"""


def ask(page: Page, prompt: str) -> float:
    """Milliseconds from the wish to its sets, as the page itself sees it."""
    page.evaluate("performance.clearMarks()")
    page.fill("#wish", prompt)
    page.press("#wish", "Enter")
    page.wait_for_selector("#sets:not([aria-busy]) .set[data-bundle]")
    return float(page.evaluate(SINCE_ASKED))


def draw(browser: Browser, url: str, name: str) -> None:
    """One picture of 256 colours, below 200 kB."""
    context = browser.new_context(**SHOWN[name], locale="en-US", reduced_motion="reduce")
    page = context.new_page()
    page.goto(url)
    ask(page, PROMPT)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_load_state("networkidle")
    drawn = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(256)
    drawn.save(FOLDER / f"{name}.png", optimize=True)
    context.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screenshots", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000/", help="the storefront of a running `make demo`")
    url = parser.parse_args().url
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in SHOWN:
            draw(browser, url, name)
            print(f"{name}.png: {(FOLDER / f'{name}.png').stat().st_size // 1024} kB")
        page = browser.new_page()
        page.goto(url)
        ask(page, PROMPT)
        seen = [ask(page, prompt) for prompt in TIMED]
        print(f"sets are seen after {statistics.median(seen):.0f} ms (median of {len(seen)}, worst {max(seen):.0f} ms)")
        browser.close()


if __name__ == "__main__":
    main()
