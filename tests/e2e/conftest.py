from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from kpi_lib.review.report import write_report
from tests.e2e.browser import executable, running
from tests.review.report_example import build


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of one file. While Playwright runs, its event loop occupies the thread:
    held for the whole session it would forbid `asyncio.run` in every test that comes after."""
    if executable() is None:
        pytest.skip("no Chromium on this machine (chromium, chromium-browser, google-chrome)")
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = build(tmp_path_factory.mktemp("reviews") / "saas" / "2025Q4")
    return write_report(folder)
