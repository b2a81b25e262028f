"""A real browser, and somebody in it at the storefront who notices every complaint."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fault_servers import Service
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

expect.set_options(timeout=30_000)
# Chromium's own errands, which no test needs.
QUIET = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
)
SIZES = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "user_agent": PHONE},
    "desktop": {"viewport": {"width": 1440, "height": 900}},
}
EACH_SIZE = ["phone", pytest.param("desktop", marks=pytest.mark.long)]
WATCH = """
window.violations = []; window.shifts = 0
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  violations.push(`${violatedDirective} ${blockedURI}`))
new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) shifts += one.value })
  .observe({ type: "layout-shift", buffered: true })
"""


@contextmanager
def chromium(leave_out: Callable[[str, str], None]) -> Iterator[Browser]:
    """The Chromium on PATH; a suite is left out where there is none."""
    path = shutil.which("chromium")
    if path is None:
        leave_out("Chromium", "there is none on PATH; `make services` installs it")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=QUIET)


class Visit:
    """Somebody at the shop; at the end nothing may have been complained about."""

    def __init__(self, browser: Browser, service: Service, size: str = "desktop", **more: Any) -> None:
        self.url = f"http://127.0.0.1:{service.port}/"
        self.context: BrowserContext = browser.new_context(
            **SIZES[size], **({"locale": "en-US", "permissions": ["clipboard-read", "clipboard-write"]} | more)
        )
        self.context.add_init_script(WATCH)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def __enter__(self) -> "Visit":
        self.page.goto(self.url)
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is None:
            self.check()
        self.context.close()

    def check(self) -> None:
        assert self.complaints == []
        assert self.page.evaluate("violations") == []
        assert self.page.evaluate("window.hit") is None
        assert self.page.evaluate("shifts") < 0.1

    def wish(self, text: str) -> None:
        self.page.fill("#wish", text)
        self.page.press("#wish", "Enter")
        self.settled()

    def settled(self) -> None:
        expect(self.page.locator("#sets[aria-busy]")).to_have_count(0)

    def sets(self) -> list[dict[str, Any]]:
        """What is shown: each set's bundle, products and total in cents."""
        return [
            {
                "bundle": one.get_attribute("data-bundle"),
                "products": [i.get_attribute("data-product") for i in one.locator("[data-product]").all()],
                "total": round(float(re.sub(r"[^\d.]", "", one.locator(".total").inner_text())) * 100),
            }
            for one in self.page.locator(".set[data-bundle]").all()
        ]

    def all_sent(self) -> None:
        """What was done has arrived."""
        for _ in range(400):
            if self.page.evaluate("sessionStorage.setwise_queue") == "[]":
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("events wait for ever")

    def chip(self, text: str) -> Locator:
        return self.page.locator(".chip", has_text=text)

    def axe(self) -> list[str]:
        found = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]
