"""Repeat orders: who is a customer, how often it came back, young accounts, own rhythm, planted leavers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.sample.generator.tools import LAST_DAY
from data.sample.generator.truth import TRUTH
from data.sample.generator.wholesale_accounts import account_ids, make_accounts
from kpi_lib.customers.shop.repeat_lists import histories_of, with_chances
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.repeat_orders import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables
from kpi_lib.stats.rank import auc
from kpi_lib.stats.rhythm import LEAST_DAYS, allowed_silence

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "wholesale"
AS_OF = date(2026, 3, 31)
YEAR = 365.25
Row = dict[str, Any]


def firm(days: dict[str, list[date]], as_of: date = AS_OF, **heads: Any) -> Tables:
    """A company in which each account orders for 400 on the days given."""
    orders = [
        {"order_id": f"{a}-{n}", "account_id": a, "ordered_at": datetime(d.year, d.month, d.day, 9)}
        | {name: values[f"{a}-{n}"] for name, values in heads.items() if f"{a}-{n}" in values}
        for a, some in days.items()
        for n, d in enumerate(some)
    ]
    lines = [
        {"order_id": o["order_id"], "line_no": 1, "product_id": "p", "quantity": 4.0}
        | {"list_price": 100.0, "unit_price": 100.0}
        for o in orders
    ]
    return small_company(as_of, orders=orders, order_lines=lines)


def newest(tables: Tables, **params: Any) -> dict[str, tuple[float, float]]:
    """Repeat orders and years of each account in the window up to AS_OF."""
    rows = run(KPI.observe(tables, Params(periods=2, **params)))
    rows = rows[rows["period"] == rows["period"].max()]
    return {r["account_id"]: (r["value"], r["weight"]) for r in rows.to_dict("records")}


def back(*days: int) -> list[date]:
    return [AS_OF - timedelta(days=n) for n in days]


def test_who_left_counts_for_a_year_and_no_longer() -> None:
    found = newest(firm({"left": back(500, 400), "gone": back(900, 800), "here": back(400, 100)}))
    assert found == {"left": (0, 365 / YEAR), "here": (1, 365 / YEAR)}


def test_a_new_account_is_watched_from_its_first_order_on() -> None:
    found = newest(firm({"new": back(100, 50, 20), "today": back(0)}))
    assert found == {"new": (2, 100 / YEAR), "today": (0, 0)}


def test_orders_of_one_day_are_one_unless_told_otherwise() -> None:
    tables = firm({"a": back(500, 30, 30)})
    assert newest(tables)["a"][0] == 1
    assert newest(tables, same_day=False)["a"][0] == 2


def test_cancelled_orders_are_none_and_returned_ones_by_rule() -> None:
    tables = firm(
        {"a": back(500, 90, 60, 30)},
        cancelled_on={"a-1": AS_OF - timedelta(days=89)},
        returned_on={"a-2": AS_OF - timedelta(days=40)},
    )
    assert newest(tables)["a"][0] == 2
    assert newest(tables, returns="restate")["a"][0] == 1


def test_young_accounts_are_watched_and_not_lost() -> None:
    """First orders in January: two came back in 30 days, one has been silent for 80 days of 90."""
    tables = firm({"a": back(85, 55), "b": back(84, 60), "young": back(80)})
    row = part(KPI, tables, Params(periods=2), "repeat_rate").iloc[-1]
    assert (row["accounts"], row["ordered_again"], row["still_young"]) == (3, 2, 1)
    assert pd.isna(row["repeat_rate"])
    row = part(KPI, tables, Params(periods=2, horizon_days=60), "repeat_rate").iloc[-1]
    assert row["still_young"] == 0
    assert row["repeat_rate"] == pytest.approx(2 / 3)


def test_a_cohort_watched_to_the_end_has_exact_limits_when_all_came_back() -> None:
    """Clopper and Pearson at n of n: the lower limit solves low ** n = alpha / 2."""
    tables = firm({"a": back(85, 55), "b": back(84, 60)})
    row = part(KPI, tables, Params(periods=2, horizon_days=60), "repeat_rate").iloc[-1]
    assert (row["repeat_rate"], row["high"]) == (1, 1)
    assert row["low"] == pytest.approx(0.05**0.5)


def test_the_call_list_knows_each_accounts_own_rhythm() -> None:
    """Both are silent for 100 days: that is five gaps of one account and less than one of the other."""
    tables = firm({
        "often": back(200, 180, 160, 140, 120, 100),
        "rarely": back(700, 550, 400, 250, 100),
        "once": back(300),
    })  # fmt: skip
    found = behind(KPI, tables, Params())
    assert found["account_id"].tolist() == ["often"]
    row = found.iloc[0]
    assert (row["usual_days"], row["days_since"], row["overdue"]) == (20, 100, 5)
    assert row["amount_year"] == 6 * 400
    assert row["at_stake"] == pytest.approx(row["chance_alive"] * row["amount_year"])


def test_accounts_back_after_a_year_of_silence_are_counted_once() -> None:
    """Days ago. Only the second order of `woken` follows a gap of more than a year, within the window."""
    tables = firm({
        "woken": back(500, 100, 50),
        "before the window": back(900, 400, 100),
        "a year to the day": back(466, 101),
        "new": back(30),
    })  # fmt: skip
    found = part(KPI, tables, Params(periods=2), "loyalty")
    assert found["back_after_a_year"].tolist()[-1] == 1


@pytest.mark.parametrize(("again", "fires"), [(1, True), (2, False)])
def test_where_most_never_order_again_there_is_no_habit(again: int, fires: bool) -> None:
    """Four accounts first ordered 700 days ago; so many of them did again within the year after."""
    days = {f"a{n}": back(700, 500) if n < again else back(700) for n in range(4)}
    rule = next(rule for rule in KPI.fit_rules if rule.name == "one-off buyers")
    outcome = rule.check(firm(days), Params())
    assert outcome is not None
    assert outcome.fires is fires
    assert outcome.substitute == ("lead_conversion" if fires else "")


def test_no_silence_below_a_month_is_one() -> None:
    allowed = allowed_silence(pd.Series([2.0, 20.0]), 3.0)
    assert allowed.tolist() == [LEAST_DAYS, 60]


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


def test_how_often_times_how_much_is_the_amount_of_an_account() -> None:
    found = part(KPI, sample(), Params(), "loyalty")
    product = found["orders_per_account"] * found["amount_per_order"]
    np.testing.assert_allclose(product, found["amount_per_account"], rtol=1e-9)
    trend = measure(KPI, sample(), Params()).trend["value"]
    np.testing.assert_allclose(found["orders_per_account"], trend, rtol=1e-9)


def test_accounts_that_stopped_buying_are_told_from_those_that_did_not() -> None:
    """Planted: about 8 % of the accounts a year stop buying, and no table says so."""
    planted = make_accounts(TRUTH.seed, 1)
    stopped = pd.Series(planted["gone"].to_numpy() <= LAST_DAY, index=account_ids(planted))
    accounts = with_chances(histories_of(sample(), Params()))
    known = accounts[accounts["repeats"] > 0]
    gone = stopped.reindex(known["account_id"]).to_numpy(dtype=float)
    found = auc(1 - known["chance_alive"], gone)
    assert found is not None
    assert found > 0.85
    assert 15 < gone.sum() < 60
    hardly = known["chance_alive"].to_numpy() < 0.1
    assert hardly.sum() >= 8
    assert gone[hardly].mean() > 0.9


def test_the_call_list_is_mostly_of_accounts_that_left_or_pause() -> None:
    listed = behind(KPI, sample(), Params())
    planted = make_accounts(TRUTH.seed, 1)
    stopped = pd.Series(planted["gone"].to_numpy() <= LAST_DAY, index=account_ids(planted))
    share = stopped.reindex(listed["account_id"]).mean()
    assert share > 2 * stopped.mean()
    assert (listed["at_stake"].diff().dropna() <= 1e-9).all()
