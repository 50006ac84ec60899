"""Opening a page from disk in headless Chromium, cut off from the network and watched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, Route, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESK = (1280, 900)
PHONE = (390, 844)


def executable() -> str | None:
    """The Chromium of this machine, None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def running() -> Iterator[Browser]:
    """A headless browser, closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Seen:
    """What a page asked of the network, and what it complained of."""

    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def handle(self, route: Route) -> None:
        """Lets a file through; notes and refuses everything else."""
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
            return
        self.outside.append(route.request.url)
        route.abort()


@contextmanager
def opened(
    browser: Browser, path: Path, size: tuple[int, int] = DESK, scheme: str = "light"
) -> Iterator[tuple[Page, Seen]]:
    """The page opened from disk, all its charts drawn, with what it did."""
    seen = Seen()
    look: Literal["dark", "light"] = "dark" if scheme == "dark" else "light"
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=look)
    try:
        page = context.new_page()
        page.route("**/*", seen.handle)
        page.on("request", lambda request: _note(seen, request.url))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                seen.complaints.append(message.text) if message.type == "error" else None
            ),
        )
        page.goto(path.resolve().as_uri(), wait_until="load")
        if page.locator("figure.chart > .vega-embed").count():
            page.wait_for_selector("html[data-charts=drawn]", state="attached", timeout=30_000)
        yield page, seen
    finally:
        context.close()


def _note(seen: Seen, url: str) -> None:
    if not url.startswith(("file:", "data:", "blob:")) and url not in seen.outside:
        seen.outside.append(url)
