"""What must hold of any page of any report, looked at in a browser."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urldefrag

from playwright.sync_api import Browser, Page

from tests.e2e.browser import PHONE, opened

_CHARTS = """() => [...document.querySelectorAll('figure.chart > .vega-embed')].map(place => {
  const drawing = place.querySelector('svg, canvas');
  const box = drawing ? drawing.getBoundingClientRect() : {width: 0, height: 0};
  const marks = place.querySelectorAll('svg .role-mark path, svg .role-mark text').length;
  return {width: box.width, height: box.height, marks};
})"""
_SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def check_page(browser: Browser, path: Path) -> int:
    """The number of charts on a page, all drawn; no request, no complaint, no dead link, and on a
    phone nothing that makes the page itself scroll sideways."""
    with opened(browser, path) as (page, seen):
        charts = page.evaluate(_CHARTS)
        _check_links(page, path)
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        page.wait_for_timeout(100)
        assert page.evaluate(_SIDEWAYS) <= 0, path.name
    assert seen.outside == []
    assert seen.complaints == []
    for chart in charts:
        assert chart["width"] > 50, path.name
        assert chart["height"] > 50, path.name
        assert chart["marks"] > 0, path.name
    return len(charts)


def _check_links(page: Page, path: Path) -> None:
    """Each local link leads to a file that is there, and on this page to a place on it."""
    own = set(page.eval_on_selector_all("[id]", "found => found.map(one => one.id)"))
    for link in page.eval_on_selector_all("a[href]", "found => found.map(link => link.href)"):
        target, place = urldefrag(link)
        if not target.startswith("file:"):
            continue
        file = Path(unquote(target.removeprefix("file://")))
        assert file.exists(), link
        if file == path.resolve() and place:
            assert place in own, link


def column(page: Page, table: str, place: int) -> list[str]:
    """The texts of one column, from the top (`place` counts from 1)."""
    return page.locator(f"{table} tbody td:nth-child({place})").all_inner_texts()
