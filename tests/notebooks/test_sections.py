"""What the sections of a notebook say about small frames."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from kpi_lib.charts.parts import Drawing
from kpi_lib.evidence.finding import TESTS
from kpi_lib.example import small_company
from kpi_lib.kpi import Part, Unit
from kpi_lib.kpis import cart_abandonment
from kpi_lib.measure import by_segment, measure
from kpi_lib.schema import Tables
from kpi_lib.sections import candidates, segments
from kpi_lib.sections.assumptions import CHECKS, FROM_CONSUMERS, assumptions, marked
from kpi_lib.sections.made_of import part_sentence, when

TODAY = date(2026, 6, 30)


def drawing(frame: pd.DataFrame, units: dict[str, Unit], focus: str = "") -> Drawing:
    part = Part(name="p", title="The part", meaning="", compute=lambda t, p: t, units=units)
    return Drawing(part, frame, "EUR", {}, focus)


def test_the_largest_bar_with_its_share_of_the_whole() -> None:
    frame = pd.DataFrame({"owner": ["legal", "us"], "days": [10.0, 30.0]})
    said = part_sentence(drawing(frame, {"days": Unit.DAYS}), "bars")
    assert said == "The largest: us with 30 days, 75.0 % of 40 days."


def test_the_largest_is_found_among_rows_without_figures_and_rows_of_one_label() -> None:
    frame = pd.DataFrame({"owner": ["legal", "sales", "us"], "days": [None, 10.0, 30.0]})
    frame.index = pd.Index([0, 0, 0])
    said = part_sentence(drawing(frame, {"days": Unit.DAYS}), "bars")
    assert said == "The largest: us with 30 days, 75.0 % of 40 days."


def test_a_table_of_one_row_is_told_by_its_figures() -> None:
    frame = pd.DataFrame({"year": ["2026"], "share": [0.25], "units": [4]})
    said = part_sentence(drawing(frame, {"share": Unit.SHARE, "units": Unit.COUNT}), "table")
    assert said == "2026: share 25.0 %, units 4."


def test_a_column_without_a_figure_is_not_what_bars_show() -> None:
    frame = pd.DataFrame({"cause": ["a", "b"], "lost": [None, None], "share": [0.25, 0.75]})
    said = part_sentence(drawing(frame, {"lost": Unit.MONEY, "share": Unit.SHARE}), "bars")
    assert said == "The largest: b with 75.0 %."


def test_shares_are_not_added_up() -> None:
    frame = pd.DataFrame({"month_of_year": [1, 2], "share": [0.5, 0.25]})
    said = part_sentence(drawing(frame, {"share": Unit.SHARE}), "bars")
    assert said == "The largest: month of year 1 with 50.0 %."


def test_what_goes_up_and_down_is_no_share_of_a_whole() -> None:
    frame = pd.DataFrame({"driver": ["price", "customers"], "change": [30.0, -10.0]})
    said = part_sentence(drawing(frame, {"change": Unit.MONEY}), "bars")
    assert said == "The largest: price with EUR 30."


def test_medians_are_not_added_up() -> None:
    frame = pd.DataFrame({"step": ["to won", "to live"], "median_days": [30.0, 10.0]})
    said = part_sentence(drawing(frame, {"median_days": Unit.DAYS}), "bars")
    assert said == "The largest: to won with 30 days."


def test_the_headline_period_is_told_not_a_younger_one() -> None:
    frame = pd.DataFrame({"period": ["2025Q4", "2026Q1"], "by_30_days": [0.2, 1.0]})
    said = part_sentence(drawing(frame, {"by_30_days": Unit.SHARE}, "2025Q4"), "lines")
    assert said == "2025Q4: by 30 days 20.0 %."


def test_of_bars_over_periods_the_headline_one_is_told_not_the_largest() -> None:
    frame = pd.DataFrame({"period": ["2025Q4", "2026Q1"], "share": [0.9, 0.4], "units": [5, 7]})
    said = part_sentence(drawing(frame, {"share": Unit.SHARE, "units": Unit.COUNT}), "bars")
    assert said == "2026Q1: share 40.0 %, units 7."


def test_a_ledger_is_told_by_its_ends_and_what_came_and_went() -> None:
    row = {"opening": 100.0, "new": 20.0, "expansion": 5.0, "reactivation": 0.0}
    row |= {"contraction": 3.0, "churn": 12.0, "closing": 110.0}
    frame = pd.DataFrame([{"period": "2026-06", **row}])
    said = part_sentence(drawing(frame, dict.fromkeys(row, Unit.MONEY_PER_MONTH)), "waterfall")
    assert said == (
        "In 2026-06 it went from EUR 100 per month to EUR 110 per month: "
        "EUR 25 per month came, EUR 15 per month went."
    )


def test_an_empty_part_says_so() -> None:
    frame = pd.DataFrame({"owner": [], "days": []})
    assert "nothing to show" in part_sentence(drawing(frame, {"days": Unit.DAYS}), "bars")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("2026Q2", "In 2026Q2"),
        ("2026-05", "In 2026-05"),
        ("2026-06-30", "In the week to 2026-06-30"),
    ],
)
def test_when(label: str, said: str) -> None:
    assert when(label) == said


def test_only_as_many_segments_as_there_are_colours_are_drawn() -> None:
    now = pd.DataFrame({"segment": [f"s{n:02d}" for n in range(20)], "n": range(20)})
    assert segments.largest(now) == [f"s{n}" for n in range(12, 20)]


def test_segments_stand_in_the_order_of_time_though_one_lacks_a_period() -> None:
    """The first segment has no cart in the first of two weeks."""
    made = [("a", 30), ("b", 22), ("b", 30)]
    tables = small_company(
        TODAY,
        accounts=[
            {"account_id": i, "signed_on": date(2026, 1, 1), "segment": i} for i in ("a", "b")
        ],
        carts=[
            {"cart_id": f"{n}", "account_id": i, "created_at": datetime(2026, 6, day - 5)}
            for n, (i, day) in enumerate(made)
        ],
    )
    params = cart_abandonment.Params(periods=2, segment="segment")
    kpi = cart_abandonment.KPI
    frame = by_segment(kpi, tables, params).dropna(subset=["value"])
    picture = segments.segments(measure(kpi, tables, params), frame).picture
    assert picture is not None
    drawn = picture()
    assert drawn is not None
    (rows,) = drawn.spec["datasets"].values()
    labels = list(dict.fromkeys(row["label"] for row in rows))
    assert labels == ["2026-06-23", "2026-06-30"]


def consumer_business() -> Tables:
    ids = [f"a{number:04d}" for number in range(1100)]
    return small_company(
        TODAY,
        accounts=[{"account_id": i, "signed_on": date(2026, 5, 1)} for i in ids],
        contacts=[{"contact_id": f"p{i}", "account_id": i, "role": "buyer"} for i in ids],
        usage=[
            {"account_id": i, "contact_id": f"p{i}", "at": datetime(2026, 4, 1), "event": "try"}
            for i in ids
        ],
        subscriptions=[
            {
                "subscription_id": i,
                "account_id": i,
                "started_on": date(2026, 5, 1),
                "monthly_amount": 9.0,
            }
            for i in ids
        ],
    )


def test_a_consumer_business_is_recognised() -> None:
    found = {check(consumer_business()).name: check(consumer_business()) for check in CHECKS}
    assert [one.holds for one in found.values()] == [True, None, True, None, True]
    assert found["The buyer is the user"].sentence.startswith("100.0 % of 1,100 buyers")


def test_without_tables_nothing_can_be_told() -> None:
    view = assumptions(small_company(TODAY))
    assert view.said == "None of the five assumptions can be checked on these tables."
    assert "cannot be told" in str(view.shown())


def test_a_single_assumption_that_can_be_checked_is_told_alone() -> None:
    whole = consumer_business()
    few = {name: whole[name] for name in ("accounts", "subscriptions")}
    said = assumptions(Tables(few, whole.as_of, 1, "EUR")).said
    assert said == "The one assumption that can be checked here holds."


def test_candidates_without_verdicts() -> None:
    off = candidates.side_by_side(None)
    assert "switched off" in off.said
    assert off.shown() is None
    none = candidates.suggested_set(pd.DataFrame())
    assert none.said == "No candidate can be judged on this data set."


def enterprise() -> Tables:
    """Buyers never use it, half a year to decide, a lead a month: nothing of a consumer business."""
    return small_company(
        TODAY,
        accounts=[{"account_id": "a", "name": "a", "signed_on": date(2026, 3, 1)}],
        contacts=[
            {"contact_id": "c", "account_id": "a", "role": "buyer", "created_on": date(2026, 1, 1)}
        ],
        usage=[{"account_id": "a", "at": datetime(2026, 4, 1), "event": "seen"}],
        leads=[
            {
                "lead_id": "l",
                "account_id": "a",
                "created_on": date(2025, 9, 1),
                "source": "fair",
                "won_on": date(2026, 3, 1),
            }
        ],
    )


def test_where_the_assumptions_fail_what_rests_on_them_is_marked() -> None:
    assert marked(enterprise()) == FROM_CONSUMERS
    assert "are marked below" in assumptions(enterprise()).said
    assert marked(consumer_business()) == ()
    assert marked(small_company(TODAY)) == ()


def row(name: str, suggestion: str, **more: Any) -> dict[str, Any]:
    """A row of the comparison of candidates."""
    usual: dict[str, Any] = {
        "kpi": name,
        "title": name.capitalize(),
        "suggestion": suggestion,
        "role": "outcome",
    }
    usual |= dict.fromkeys(TESTS, None) | {"owner": "sales", "because": f"Because of {name}."}
    usual |= {"lead_months": None, "readability": None, "substitutes": [], "in_set": False}
    return usual | more


def compared(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows)).astype(dict.fromkeys(TESTS, "object"))


def test_what_does_not_fit_names_what_to_use_instead() -> None:
    frame = compared(
        row("orders", "keep testing", readable=True),
        row("churn", "drop", fitting=False, substitutes=["orders"]),
    )
    view = candidates.side_by_side(frame, ["churn"])
    assert "Of those dropped, 1 does not fit this business" in view.said
    assert "* marks what comes from consumer businesses" in view.said
    lines = str(view.shown()).splitlines()
    churn = next(line for line in lines if line.startswith("Churn *"))
    assert churn.split("  ")[1].strip() == "drop, use Orders"
    assert churn.split("Orders")[1].split() == [*"–" * 5, "no", "–", "–", "outcome"]
    orders = next(line for line in lines if line.startswith("Orders"))
    assert orders.split()[3:9] == ["yes", *["open"] * 5]


def test_a_thin_set_shows_the_nearest_candidates_and_what_they_take() -> None:
    frame = compared(
        row("value", "adopt", in_set=True),
        row("far", "not readable here", readability=0.2),
        row("near", "not readable here", readability=0.9),
        row("unfit", "drop", readability=0.95),
        row("revenue", "not readable here", readability=0.99, role="control"),
    )
    view = candidates.suggested_set(frame)
    assert view.said.startswith("To start with: Value.")
    assert "Near (90.0 % of the way), Far (20.0 % of the way)." in view.said
    lines = str(view.shown()).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["Value", "Near", "Far"]
    assert "Because of near." in lines[2]
    nothing = candidates.suggested_set(frame.iloc[1:])
    assert nothing.said.startswith("No candidate is adopted or promising yet.")
    assert "Nearest to being readable: Near" in nothing.said


def test_a_set_of_three_stands_alone() -> None:
    rows = [row(name, "adopt", in_set=True) for name in "abc"]
    view = candidates.suggested_set(compared(*rows, row("d", "not readable here", readability=0.9)))
    assert "Nearest" not in view.said
    assert len(str(view.shown()).splitlines()) == 4


def test_where_nothing_can_be_told_of_leads_there_is_nothing_to_draw() -> None:
    view = candidates.early_and_readable(compared(row("a", "adopt", readability=1.5)))
    assert view.said == (
        "No candidate has told yet both how early it warns and what can be seen of it."
    )
