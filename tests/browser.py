"""A headless Chromium for tests of pages, and a watch over what a page does besides.

async with chromium() as browser:
    page, watch = await opened(browser, "http://127.0.0.1:9200/")
    ...
    assert watch.complaints == []
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_S = 60.0  # an element may take so long to be there: the machine may be busy


@dataclass  # without slots: playwright notes something on the owner of what it is to call
class Watch:
    """What went wrong on a page, and whom it called: `complaints` are lines for people."""

    origin: str
    complaints: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Listen to a page from now on."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", self._called)
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def _said(self, line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            self.complaints.append(f"{line.type}: {line.text}")

    def _called(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and f"{url.scheme}://{url.netloc}" != self.origin:
            self.complaints.append(f"request: {request.url}")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The Chromium of this machine. Raises AssertionError where there is none."""
    program = shutil.which("chromium")
    assert program is not None, "Chromium is missing: sudo apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            args=list(ARGUMENTS),
            headless=True,
            timeout=3 * PATIENCE_S * 1000,
        )
        try:
            yield browser
        finally:
            await browser.close()


async def opened(browser: Browser, url: str, **options: Any) -> tuple[Page, Watch]:
    """A page of its own cookies and storage; `options` are those of playwright's new_context."""
    options = {"viewport": {"width": 1280, "height": 900}, "timezone_id": "Europe/Berlin"} | options
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE_S * 1000)
    page = await context.new_page()
    parts = urlsplit(url)
    watch = Watch(f"{parts.scheme}://{parts.netloc}")
    watch.follow(page)
    await page.goto(url)
    return page, watch


async def barriers(page: Page) -> list[str]:
    """What keeps people out, as axe-core finds it: the rule, and where."""
    found = (await Axe().run(page)).response["violations"]
    return [f"{rule['id']}: {one['html'][:200]}" for rule in found for one in rule["nodes"]]


async def too_wide(page: Page) -> list[str]:
    """What sticks out to the right of the window, and makes all of the page scroll sideways."""
    found: list[str] = await page.evaluate(
        """() => {
            const room = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= room) return [];
            return [...document.querySelectorAll("body *")]
                .filter((one) => one.getBoundingClientRect().right > room + 1)
                .map((one) => `${one.tagName}.${one.className}`).slice(0, 9);
        }"""
    )
    return found
