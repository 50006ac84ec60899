"""Account targets: what is due, forecast and back-test, whom to call, the planted targets."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_lib.customers.shop.plans import due_share
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.account_targets import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "wholesale"
AS_OF = date(2026, 6, 30)
Row = dict[str, Any]


def target(
    account: str, amount: float, year: int = 2026, set_on: date | None = None, **more: Any
) -> Row:
    told = {"account_id": account, "year": year, "target_amount": amount}
    return told | {"set_on": set_on or date(year - 1, 12, 10)} | more


def firm(bought: list[tuple[str, date, float]], targets: list[Row], as_of: date = AS_OF) -> Tables:
    """A company in which accounts buy for so much on a day."""
    orders = [
        {"order_id": str(n), "account_id": a, "ordered_at": datetime(d.year, d.month, d.day, 9)}
        for n, (a, d, _) in enumerate(bought)
    ]
    lines = [
        {"order_id": str(n), "line_no": 1, "product_id": "p", "quantity": 1.0, "unit_price": worth}
        for n, (_, _, worth) in enumerate(bought)
    ]
    return small_company(as_of, orders=orders, order_lines=lines, targets=targets)


LAST_YEAR = [
    ("ann", date(2025, 1, 2), 10.0),
    ("ann", date(2025, 3, 1), 20.0),
    ("bob", date(2025, 10, 1), 70.0),
]
"""30 % of last year was bought by the end of June."""


def newest(tables: Tables, **params: Any) -> dict[str, tuple[float, float]]:
    rows = run(KPI.observe(tables, Params(periods=2, **params)))
    rows = rows[rows["period"] == rows["period"].max()]
    return {r["account_id"]: (r["value"], round(r["weight"], 6)) for r in rows.to_dict("records")}


def test_the_season_says_what_is_due() -> None:
    tables = firm([*LAST_YEAR, ("ann", date(2026, 2, 1), 45.0)], [target("ann", 100.0)])
    assert newest(tables) == {"ann": (45, 30)}
    assert newest(tables, season="even") == {"ann": (45, round(100 * 181 / 365, 6))}
    found = measure(KPI, tables, Params(periods=2)).headline
    assert found.value == pytest.approx(1.5)


def test_a_year_that_is_not_wholly_on_record_is_no_season() -> None:
    tables = firm([("ann", date(2025, 5, 1), 30.0), ("ann", date(2026, 2, 1), 45.0)],
                  [target("ann", 100.0)])  # fmt: skip
    assert newest(tables)["ann"][1] == round(100 * 181 / 365, 6)
    assert part(KPI, tables, Params(), "forecast")["reason"].iloc[0].startswith("the year before")


def test_a_leap_day_has_a_day_in_every_year() -> None:
    days = pd.DataFrame({"day": pd.to_datetime(["2023-01-02", "2023-03-01"]), "amount": [1.0, 3.0]})
    assert due_share(days, date(2024, 2, 29), "last_years") == 0.25
    assert due_share(days, date(2024, 12, 31), "last_years") == 1


def test_a_target_counts_from_the_day_on_which_it_was_set() -> None:
    late = [target("ann", 100.0), target("bob", 50.0, set_on=date(2026, 5, 1))]
    rows = run(KPI.observe(firm(LAST_YEAR, late), Params(periods=2)))
    counts = rows.groupby("period")["account_id"].apply(list).tolist()
    assert counts == [["ann"], ["ann", "bob"]]


def test_share_of_wallet_leaves_out_accounts_without_a_potential() -> None:
    targets = [target("ann", 100.0, potential_amount=400.0), target("bob", 50.0)]
    tables = firm([*LAST_YEAR, ("ann", date(2026, 2, 1), 30.0)], targets)
    assert newest(tables, against="potential") == {"ann": (30, 120)}
    row = part(KPI, tables, Params(periods=2), "by_period").iloc[-1]
    assert row["of_wallet"] == pytest.approx(30 / 120)
    assert row["of_plan"] == pytest.approx(30 / (0.3 * 150))
    assert row["target_growth"] == pytest.approx(150 / 100 - 1)


def test_the_call_list_has_those_behind_the_largest_gap_first() -> None:
    last = [(a, date(2025, m, 5), w) for a in ("ann", "bob") for m, w in ((1, 50.0), (9, 50.0))]
    bought = [*last, ("ann", date(2026, 1, 5), 40.0), ("bob", date(2026, 1, 5), 90.0)]
    targets = [target("ann", 100.0), target("bob", 120.0), target("cem", 80.0)]
    found = behind(KPI, firm(bought, targets), Params())
    assert found["account_id"].tolist() == ["cem", "ann"]
    assert found["gap"].tolist() == pytest.approx([80, 20])
    assert found["forecast"].tolist() == pytest.approx([0, 80])


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


def test_the_whole_year_is_due_at_its_end() -> None:
    """In a fourth quarter the figure is what was bought over the targets themselves."""
    params = Params(periods=10)
    rows = part(KPI, sample(), params, "by_period")
    ends = pd.to_datetime(rows["period"]).dt.month == 10
    np.testing.assert_allclose(
        rows.loc[ends, "of_plan"], rows.loc[ends, "revenue"] / rows.loc[ends, "target"], rtol=1e-9
    )
    trend = measure(KPI, sample(), params).trend["value"]
    np.testing.assert_allclose(rows["of_plan"], trend, rtol=1e-9)


def test_targets_that_only_repeat_last_year_are_found_out() -> None:
    """Planted: targets are last year's sales plus 8 %."""
    rule = next(rule for rule in KPI.fit_rules if rule.name == "last year again")
    outcome = rule.check(sample(), Params())
    assert outcome is not None
    assert outcome.fires
    assert "times 1.08" in outcome.sentence


def test_the_hidden_share_of_wallet_is_recovered() -> None:
    """Planted: the potential is sales over a share of wallet drawn from beta(4, 4), times 0.9 to 1.2."""
    found = part(KPI, sample(), Params(periods=10, with_booking=True), "by_period")
    ends = found[pd.to_datetime(found["period"]).dt.month == 10]
    assert ends["of_wallet"].between(0.3, 0.6).all()


def test_the_back_test_is_the_ratio_of_the_year_before() -> None:
    """Midyear 2025 by pandas from the files: what accounts bought so far, times 1 + rest over so far
    of 2024; returned orders are taken off on the day they came back."""
    found = part(KPI, sample(), Params(), "back_test")
    assert len(found) == 6
    assert (found["reason"] == "").all()
    row = found[pd.to_datetime(found["made_on"]).dt.date == date(2025, 6, 30)].iloc[0]
    orders = pd.read_csv(SAMPLE / "orders.csv")
    lines = pd.read_parquet(SAMPLE / "order_lines.parquet")
    worth = (lines["quantity"] * lines["unit_price"]).groupby(lines["order_id"]).sum()
    orders = orders[orders["cancelled_on"].isna()].assign(worth=orders["order_id"].map(worth))
    back = orders[orders["returned_on"].notna()]
    moves = pd.DataFrame({
        "account": pd.concat([orders["account_id"], back["account_id"]]),
        "day": pd.concat([orders["ordered_at"].str[:10], back["returned_on"]]),
        "worth": pd.concat([orders["worth"], -back["worth"]]),
    })  # fmt: skip
    moves["part"] = moves["day"].str[:4] + np.where(moves["day"].str[5:] <= "06-30", "a", "b")
    each = moves.groupby(["account", "part"])["worth"].sum().unstack(fill_value=0)
    last, now = each[each["2024a"] > 0], each[each["2025a"] > 0]
    ratio = last["2024b"].sum() / last["2024a"].sum()
    assert row["forecast"] == pytest.approx(now["2025a"].sum() * (1 + ratio), rel=1e-9)
    assert row["actual"] == pytest.approx((now["2025a"] + now["2025b"]).sum(), rel=1e-9)
    assert row["inside"] == "yes"


def test_wallets_hold_every_account_with_a_potential() -> None:
    found = part(KPI, sample(), Params(), "wallets")
    plans = run(sample()["targets"])
    plans = plans[(plans["year"] == 2026) & plans["potential_amount"].notna()]
    assert found["accounts"].sum() == len(plans)
    np.testing.assert_allclose(
        found["potential"], found["potential_left"] + found["forecast"], rtol=1e-9
    )


@pytest.mark.parametrize(("amount", "fires"), [(40.0, True), (60.0, False)])
def test_where_most_buy_without_a_target_the_basket_says_more(amount: float, fires: bool) -> None:
    bought = [("ann", date(2026, 2, 1), amount), ("bob", date(2026, 2, 1), 100.0 - amount)]
    rule = next(rule for rule in KPI.fit_rules if rule.name == "few targets")
    outcome = rule.check(firm([*LAST_YEAR, *bought], [target("ann", 100.0)]), Params())
    assert outcome is not None
    assert outcome.fires is fires
    assert outcome.substitute == ("basket" if fires else "")
