"""A whole review of the sample company, run by the command and opened from disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from kpi_lib.review.report.records import Review, read_results
from tests.e2e.browser import opened
from tests.e2e.checks import check_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "kpi_lib.cli"]


@pytest.fixture(scope="module")
def folder(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a review without evidence, which would only take longer."""
    out = tmp_path_factory.mktemp("reviews")
    asked = ["review", "data/sample/saas", "--quarter", "2026Q2", "--no-evidence"]
    done = subprocess.run(
        [*COMMAND, *asked, "--out", str(out)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out / "saas" / "2026Q2"


@pytest.fixture(scope="module")
def review(folder: Path) -> Review:
    return read_results(folder)


def test_every_page_stands_alone(browser: Browser, folder: Path, review: Review) -> None:
    charts = {
        run.name: check_page(browser, folder / f"{run.name}.html") for run in review.notebooks
    }
    assert check_page(browser, folder / "index.html") == 0
    with_result = [run.name for run in review.notebooks if run.record is not None]
    assert all(charts[name] >= 3 for name in with_result), charts


def test_index_shows_each_kpi_and_the_list(browser: Browser, folder: Path, review: Review) -> None:
    records = [run.record for run in review.notebooks if run.record is not None]
    lists = [record.meeting_list for record in records if record.meeting_list is not None]
    with opened(browser, folder / "index.html") as (page, _):
        assert page.locator("article.kpi").count() == len(records)
        assert page.locator("svg.sparkline").count() == len(records)
        rows = page.locator("table.sortable tbody tr").count()
    assert rows == sum(len(found.rows) for found in lists) > 0


def test_a_click_on_an_arrow_or_its_words_opens_the_page_of_its_kpi(
    browser: Browser, folder: Path
) -> None:
    """In the picture of the growth system; a box that has no page opens nothing."""
    home = (folder / "growth_system.html").as_uri()
    pages = ["levers", "stage_conversion", "stage_velocity", "lift", "lift"]
    with opened(browser, folder / "growth_system.html") as (page, _):
        for number, name in enumerate(pages):
            for away in (0, 90):
                line = page.locator(".vega-embed svg .mark-rule line").nth(number)
                line.wait_for(state="attached")
                line.scroll_into_view_if_needed()
                place = line.bounding_box()
                assert place is not None
                page.mouse.click(place["x"] + away, place["y"] + place["height"] / 2)
                page.wait_for_url(f"**/{name}.html")
                page.goto(home)
        words = page.get_by_text("Moves between demand states", exact=True).last
        words.scroll_into_view_if_needed()
        words.click(force=True)
        page.wait_for_timeout(300)
        assert page.url == home


def test_all_tables_of_a_notebook_sort(browser: Browser, folder: Path) -> None:
    with opened(browser, folder / "inactive_customers.html") as (page, seen):
        for table in page.locator("table.kpi-table").all():
            heading = table.locator("thead th").last
            heading.click()
            assert heading.get_attribute("aria-sort") == "ascending"
    assert seen.complaints == []
