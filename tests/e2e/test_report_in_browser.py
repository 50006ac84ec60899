from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import PHONE, opened
from tests.e2e.checks import check_page, column

pytestmark = pytest.mark.browser

PAGES = ["index", "choose_kpis", "time_to_value", "inactive_customers", "recurring_revenue"]
LIST = "table.sortable"

_CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const back = parse(getComputedStyle(at).backgroundColor);
      if (back.length < 4 || back[3] > 0.99) return back;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter(node =>
    [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())
    && node.getClientRects().length && !node.closest('svg, script, style'));
  return texts.map(node => {
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.className, node.textContent.trim()];
  }).filter(([ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("name", PAGES)
def test_page_stands_alone_and_fits_a_phone(browser: Browser, report: Path, name: str) -> None:
    charts = check_page(browser, report.with_name(f"{name}.html"))
    assert charts == (0 if name == "index" else 1)


def test_index_is_one_file(browser: Browser, report: Path, tmp_path: Path) -> None:
    alone = tmp_path / "mailed.html"
    alone.write_bytes(report.read_bytes())
    with opened(browser, alone) as (page, seen):
        assert page.locator("svg.sparkline").count() == 3
        assert page.locator(".kpi").first.bounding_box() is not None
    assert seen.outside == []
    assert seen.complaints == []


def test_meeting_list_sorts_on_a_click(browser: Browser, report: Path) -> None:
    with opened(browser, report) as (page, _):
        heading = page.locator(f"{LIST} th", has_text="MRR")
        heading.locator("button").click()
        assert column(page, LIST, 3) == ["3,580", "3,890", "4,200"]
        assert heading.get_attribute("aria-sort") == "ascending"
        heading.locator("button").click()
        assert column(page, LIST, 3) == ["4,200", "3,890", "3,580"]


def test_table_of_a_notebook_sorts_with_unknown_last(browser: Browser, report: Path) -> None:
    with opened(browser, report.with_name("time_to_value.html")) as (page, _):
        heading = page.locator("table.kpi-table th", has_text="days")
        heading.click()
        assert column(page, "table.kpi-table", 1) == ["Zebra", "Aster & Co", "Birch"]
        heading.click()
        assert column(page, "table.kpi-table", 1) == ["Aster & Co", "Zebra", "Birch"]


def test_chart_answers_the_pointer(browser: Browser, report: Path) -> None:
    with opened(browser, report.with_name("time_to_value.html")) as (page, _):
        page.locator("figure.chart svg .mark-symbol path").nth(2).hover()
        page.wait_for_selector("#vg-tooltip-element.visible")
        assert "2024Q3" in page.locator("#vg-tooltip-element").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "recurring_revenue"])
def test_text_has_contrast(browser: Browser, report: Path, name: str, scheme: str) -> None:
    with opened(browser, report.with_name(f"{name}.html"), PHONE, scheme) as (page, _):
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        assert page.evaluate(_CONTRAST) == []


def test_a_page_without_the_chart_library_says_what_is_missing(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "time_to_value.html"
    alone.write_bytes(report.with_name("time_to_value.html").read_bytes())
    context = browser.new_context()
    page = context.new_page()
    page.goto(alone.as_uri())
    assert "assets" in page.locator(".vega-embed").inner_text()
    context.close()


def test_evidence_opens_for_the_printer(browser: Browser, report: Path) -> None:
    with opened(browser, report) as (page, _):
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        closed = page.locator("details:not([open])").count()
    assert closed == 0
