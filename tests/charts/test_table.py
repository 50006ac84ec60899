"""Tables that people read and sort."""

from __future__ import annotations

import math
import re

import pandas as pd

from kpi_lib.charts.shown import Prose, escaped, facts
from kpi_lib.charts.table import table
from kpi_lib.kpi import Unit

FRAME = pd.DataFrame(
    {
        "account": ["<b>Acme</b>", "Ünal & Co", "Zed"],
        "mrr": [1200.0, 950.5, math.nan],
        "share": [0.1234, 0.5, 0.0],
        "idle_days": [14, 60, 7],
        "last_seen": [pd.Timestamp("2026-06-01"), pd.NaT, pd.Timestamp("2026-05-03")],
        "renewed": [True, False, True],
    }
)
UNITS = {"mrr": Unit.MONEY_PER_MONTH, "share": Unit.SHARE, "idle_days": Unit.DAYS}


def shown() -> str:
    return table(FRAME, units=UNITS, currency="EUR").html


def heads(page: str) -> list[str]:
    return re.findall(r"<th(?: [^>]*)?>(.*?)</th>", page)


def test_heads_name_the_unit_once() -> None:
    assert heads(shown()) == [
        "account", "MRR (EUR per month)", "share (%)", "idle (days)", "last seen", "renewed",
    ]  # fmt: skip


def test_names_from_the_data_cannot_become_markup() -> None:
    page = shown()
    assert "<b>Acme</b>" not in page
    assert "&lt;b&gt;Acme&lt;/b&gt;" in page
    assert "Ünal &amp; Co" in page


def test_numbers_stand_to_the_right_in_one_form_per_column() -> None:
    cells = re.findall(r"<td class='number' data-v=\"([^\"]*)\">([^<]*)</td>", shown())
    assert [text for _, text in cells] == [
        "1,200", "12.3", "14", "950", "50.0", "60", "–", "0.0", "7",
    ]  # fmt: skip
    assert cells[0][0] == "1200.0"


def test_days_flags_and_gaps_as_words() -> None:
    page = shown()
    assert ">2026-06-01</td>" in page
    assert ">yes</td>" in page
    assert '<td data-v="">–</td>' in page


def test_a_long_table_says_how_much_is_not_shown() -> None:
    long = pd.DataFrame({"n": range(205)})
    block = table(long, most=200)
    assert block.html.count("<tr>") == 201
    assert "and 5 more rows" in block.html
    assert "and 193 more rows" in block.text
    assert "more" not in table(FRAME).html.partition("<table")[2]


def test_a_table_sorts_without_help_and_is_the_same_every_time() -> None:
    page = shown()
    assert 'class="kpi-table"' in page
    assert "onclick" in page
    assert " id=" not in page
    assert page == shown()


def test_an_empty_table_keeps_its_heads() -> None:
    assert heads(table(FRAME.head(0)).html)[0] == "account"


def test_facts_without_a_value_are_left_out() -> None:
    block = facts([("Unit", "days"), ("Source", "")])
    assert block.text == "Unit: days"
    assert "Source" not in block.html


def test_names_with_stars_and_dollars_survive_markdown() -> None:
    assert escaped("A*B_C $5 <x>") == r"A\*B\_C \$5 \<x\>"
    bundle = Prose("A*B")._repr_mimebundle_()
    assert bundle == {"text/markdown": r"A\*B", "text/plain": "A*B"}


def test_what_is_shown_as_zero_has_no_sign() -> None:
    frame = pd.DataFrame({"where": ["here", "there"], "gain": [-0.2, -12.0]})
    page = table(frame, units={"gain": Unit.MONEY}, currency="EUR").html
    assert re.findall(r"data-v=\"-0.2\">([^<]*)<", page) == ["0"]
    assert re.findall(r"data-v=\"-12.0\">([^<]*)<", page) == ["-12"]
