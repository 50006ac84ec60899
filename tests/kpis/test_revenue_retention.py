"""Revenue retention: the vendors' published figures, the identities, and every preset on one ledger."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.customers.money.presets import PRESETS, PresetName, figures
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.revenue_retention import KPI, Params
from kpi_lib.measure import measure, part
from kpi_lib.schema import Tables
from tests.company import company

AS_OF = date(2026, 3, 31)
OLD, IN_WINDOW = date(2025, 1, 1), date(2025, 9, 1)
NAMES: tuple[PresetName, ...] = get_args(PresetName)


def paid(who: str, since: date, amount: float, until: date | None = None) -> dict[str, Any]:
    row = {"subscription_id": who, "account_id": who, "started_on": since, "ended_on": until}
    return row | {"monthly_amount": amount}


def steps(who: str, *amounts: float) -> list[dict[str, Any]]:
    """An account that pays the first amount before the window and the second one after; 0 is nothing."""
    before, after = amounts
    rows = [paid(who, OLD, before, IN_WINDOW)] if before else []
    return rows + ([paid(who, IN_WINDOW, after)] if after else [])


def made(*accounts: list[dict[str, Any]], as_of: date = AS_OF) -> Tables:
    return small_company(as_of, subscriptions=[row for rows in accounts for row in rows])


def vendors() -> Tables:
    """Start 100, churn 10, contraction 10, expansion 10."""
    return made(
        steps("gone", 10, 0), steps("less", 30, 20), steps("more", 20, 30), steps("same", 40, 40)
    )


def returning() -> Tables:
    """The same with an account that had left before the window and is back at 5, and a new one at 200."""
    back = [paid("back", date(2024, 1, 1), 7, date(2024, 6, 1)), paid("back", IN_WINDOW, 5)]
    rows = [
        steps("gone", 10, 0),
        steps("less", 30, 20),
        steps("more", 20, 30),
        steps("same", 40, 40),
    ]
    return made(*rows, back, [paid("new", IN_WINDOW, 200)])


def value(tables: Tables, **params: Any) -> float:
    found = measure(KPI, tables, Params(**params)).headline.value
    assert found is not None
    return found


def sides(tables: Tables, **params: Any) -> pd.DataFrame:
    return part(KPI, tables, Params(**params), "presets").set_index("preset")


PUBLISHED = [
    ("chartmogul", "net", 0.90),
    ("chartmogul", "gross", 0.80),
    ("tidemill", "net", 0.90),
    ("tidemill", "gross", 0.80),
    ("baremetrics", "net", 1.00),
]


@pytest.mark.parametrize(("preset", "figure", "expected"), PUBLISHED)
def test_start_100_churn_10_contraction_10_expansion_10(
    preset: PresetName, figure: str, expected: float
) -> None:
    """ChartMogul gross churn 20 %, net churn 10 %; Tidemill NRR 90 %, GRR 80 %; Baremetrics NRR 100 %.

    Source: ChartMogul, help on MRR churn rate; Tidemill, metric definitions; Baremetrics, changelog
    on net revenue retention, which leaves out contraction.
    """
    tables = vendors()
    assert value(tables, preset=preset, retention=figure) == pytest.approx(expected, abs=5e-3)
    assert sides(tables).loc[preset, figure] == pytest.approx(expected, abs=5e-3)


def test_the_published_revenue_churn_of_each_vendor() -> None:
    """ChartMogul gross 20 %: churn and contraction. Tidemill 10 %: only what left. Same ledger."""
    found = sides(vendors())["revenue_churn"]
    assert found["chartmogul"] == pytest.approx(0.20, abs=5e-3)
    assert found["tidemill"] == pytest.approx(0.10, abs=5e-3)
    assert 1 - sides(vendors())["net"]["chartmogul"] == pytest.approx(0.10, abs=5e-3)


def test_27000_becomes_35000_less_5000_which_is_111_percent() -> None:
    """27,000 at the start, 35,000 after upsell, 5,000 churned: NRR 111 % (published arithmetic)."""
    tables = made(steps("grows", 22_000, 30_000), steps("gone", 5_000, 0))
    assert value(tables) == pytest.approx(1.11, abs=5e-3)
    for preset in NAMES:
        assert value(tables, preset=preset) == pytest.approx(1.11, abs=5e-3)


def test_customers_of_each_preset() -> None:
    """Start 12, new 4, churned 2: 16.7 % and with the new ones below the line 12.5 % (published)."""
    kept = [steps(f"kept{n}", 10, 10) for n in range(10)]
    gone = [steps(f"gone{n}", 10, 0) for n in range(2)]
    new = [[paid(f"new{n}", IN_WINDOW, 10)] for n in range(4)]
    found = sides(made(*kept, *gone, *new))["customer_churn"]
    assert found["stripe"] == pytest.approx(0.125, abs=5e-4)
    assert found.drop("stripe").tolist() == pytest.approx([0.167] * 4, abs=5e-4)


def test_who_passes_through_and_who_leaves_and_returns() -> None:
    """Of 10 customers one left and came back; another came and left within the window."""
    kept = [steps(f"kept{n}", 10, 10) for n in range(9)]
    back = [paid("back", OLD, 10, IN_WINDOW), paid("back", date(2025, 12, 1), 10)]
    through = [paid("through", IN_WINDOW, 10, date(2026, 1, 1))]
    found = sides(made(*kept, back, through))["customer_churn"]
    expected = {"cohort": 0, "chartmogul": 0, "stripe": 1 / 11, "baremetrics": 0.1, "tidemill": 0.1}
    assert found.to_dict() == pytest.approx(expected)


def test_only_the_presets_that_say_so_count_who_came_back() -> None:
    tables = returning()
    expected = {
        "cohort": 0.9,
        "chartmogul": 0.95,
        "stripe": 0.95,
        "baremetrics": 1.0,
        "tidemill": 0.95,
    }
    assert sides(tables)["net"].to_dict() == pytest.approx(expected)
    for name in NAMES:
        assert value(tables, preset=name) == pytest.approx(expected[name])
        assert value(tables, preset=name, retention="gross") == pytest.approx(0.8)


def test_every_preset_says_how_it_differs_in_a_sentence() -> None:
    found = sides(returning())["difference"]
    assert list(found.index) == list(NAMES) == list(PRESETS)
    assert found.is_unique
    assert found.str.endswith(".").all()


def random_companies() -> st.SearchStrategy[list[tuple[str, int, int, int]]]:
    spans = st.tuples(
        st.sampled_from("abcde"), st.integers(0, 800), st.integers(1, 700), st.integers(1, 9)
    )
    return st.lists(spans, min_size=3, max_size=14)


def company_of(spans: list[tuple[str, int, int, int]]) -> Tables:
    origin = date(2024, 1, 1)
    rows = [
        paid(who, origin + timedelta(days=since), amount, origin + timedelta(days=since + days))
        | {"subscription_id": str(number)}
        for number, (who, since, days, amount) in enumerate(spans)
    ]
    return small_company(AS_OF, subscriptions=rows)


@settings(max_examples=8, deadline=None)
@given(random_companies())
def test_the_identities_hold_whatever_the_contracts(spans: list[tuple[str, int, int, int]]) -> None:
    """GRR <= 1, GRR <= NRR, and NRR - GRR = expansion + reactivation share, in every period."""
    tables = company_of(spans)
    for preset in ("cohort", "chartmogul"):
        found = part(KPI, tables, Params(preset=preset), "shares").dropna()
        between = found["expansion"] + found["reactivation"]
        np.testing.assert_allclose(found["net"] - found["gross"], between, atol=1e-9)
        assert (found["gross"] <= 1 + 1e-9).all()
        assert (found["gross"] <= found["net"] + 1e-9).all()
    both = sides(tables)
    assert (both["gross"] <= both["net"] + 1e-9).all()


@settings(max_examples=6, deadline=None)
@given(random_companies())
def test_one_switch_and_side_by_side_are_the_same(spans: list[tuple[str, int, int, int]]) -> None:
    """The headline under each preset is the figure of the table, whatever the contracts."""
    tables = company_of(spans)
    found = sides(tables)
    for name in found.index:
        for figure in ("net", "gross"):
            trend = measure(KPI, tables, Params(preset=name, retention=figure, periods=2)).trend
            assert trend["value"].iloc[-1] == pytest.approx(found.loc[name, figure])


def test_the_gap_of_baremetrics_is_expansion_and_contraction() -> None:
    """Its net leaves contraction out, so net less gross is not expansion alone."""
    found = part(KPI, vendors(), Params(preset="baremetrics"), "shares").iloc[-1]
    assert found["net"] - found["gross"] == pytest.approx(found["expansion"] + found["contraction"])


@given(st.lists(st.floats(0, 100), min_size=4, max_size=4), st.floats(0.1, 1000))
def test_figures_of_any_ledger_stand_in_order(parts: list[float], more: float) -> None:
    kinds = ("expansion", "reactivation", "contraction", "churn")
    sums = dict(zip(kinds, parts, strict=True))
    sums["opening"] = sums["contraction"] + sums["churn"] + more
    found = {name: figures(preset, sums) for name, preset in PRESETS.items()}
    for figure in found.values():
        assert figure["gross"] is not None
        assert figure["net"] is not None
        assert 0 <= figure["gross"] <= 1
        assert figure["gross"] <= figure["net"]
    assert found["chartmogul"] == found["stripe"]


def test_nothing_paid_at_the_start_is_no_figure() -> None:
    tables = made([paid("new", IN_WINDOW, 10)])
    assert measure(KPI, tables, Params()).headline.value is None
    assert part(KPI, tables, Params(), "presets").empty
    assert set(
        figures(
            PRESETS["cohort"],
            dict.fromkeys(("opening", "expansion", "reactivation", "churn", "contraction"), 0.0),
        ).values()
    ) == {None}


def test_the_window_is_as_long_as_asked() -> None:
    """Of 100 paid in January, 50 left in February and the rest doubled in March."""
    rows = [paid("a", OLD, 50, date(2026, 2, 10)), paid("b", OLD, 50, date(2026, 3, 5))]
    tables = made([*rows, paid("b", date(2026, 3, 5), 100)])
    assert value(tables, window_months=1) == pytest.approx(2)
    assert value(tables, window_months=2) == pytest.approx(1)


def test_one_account_with_two_contracts_is_one_account() -> None:
    two = [paid("a", OLD, 10) | {"subscription_id": "a1"}, paid("a", OLD, 10, IN_WINDOW)]
    found = part(KPI, made(two), Params(), "shares").iloc[-1]
    assert (found["contraction"], found["churn"]) == (0.5, 0)


def test_scores_are_each_accounts_own_retention() -> None:
    assert KPI.score is not None
    found = run(KPI.score(returning(), Params())).set_index("account_id")["score"]
    assert found.to_dict() == pytest.approx({"gone": 0, "less": 2 / 3, "more": 1.5, "same": 1})


def test_who_moved_leaves_new_accounts_out() -> None:
    assert KPI.who is not None
    found = run(KPI.who.compute(returning(), Params()))
    assert found["account_id"].tolist() == ["gone", "less", "more", "back"]
    assert found["change"].tolist() == [-10, -10, 10, 5]


def test_the_ledger_of_the_window_adds_up_and_names_it() -> None:
    row = part(KPI, returning(), Params(), "ledger").iloc[0]
    assert row["window"] == "12 months to 2026-03"
    came, went = (
        row[["new", "expansion", "reactivation"]].sum(),
        row[["contraction", "churn"]].sum(),
    )
    assert row["opening"] + came - went == row["closing"] == 295


def test_notice_given_limits_what_can_still_be_kept() -> None:
    leaving = paid("a", OLD, 25, date(2026, 5, 10)) | {"cancelled_on": date(2026, 3, 1)}
    found = part(KPI, made([leaving], [paid("b", OLD, 75)]), Params(), "known_ahead")
    assert found["at_most"].tolist() == [1.0, *[0.75] * 11]
    assert found["leaving"].tolist() == [0, 25, *[0] * 10]


def test_one_large_account_is_a_caution() -> None:
    check = next(rule.check for rule in KPI.fit_rules if rule.name == "one account")
    outcome = check(made(steps("big", 90, 90), steps("small", 10, 10)), Params())
    assert outcome is not None
    assert outcome.fires
    assert outcome.sentence == "The largest account made 90 % of what was paid 12 months ago."
    calm = check(made(*(steps(f"a{n}", 10, 10) for n in range(5))), Params())
    assert calm is not None
    assert not calm.fires


def test_the_interval_is_that_of_accounts_as_clusters() -> None:
    """Fieller's: the ratios that a t test of what ten accounts keep beyond them does not refuse."""
    from scipy.stats import ttest_1samp

    before = np.array([10.0, 20, 30, 40, 50, 10, 20, 30, 40, 50])
    after = np.array([10.0, 0, 30, 60, 50, 5, 20, 0, 40, 80])
    accounts = [steps(f"a{n}", *pair) for n, pair in enumerate(zip(before, after, strict=True))]
    cell = measure(KPI, made(*accounts), Params(level=0.9)).headline
    assert cell.value == pytest.approx(after.sum() / before.sum())
    for limit in (cell.low, cell.high):
        assert limit is not None
        assert ttest_1samp(after - limit * before, 0).pvalue == pytest.approx(0.1)


@pytest.mark.parametrize("preset", NAMES)
def test_the_small_company_has_a_figure_under_every_preset(preset: PresetName) -> None:
    shown = part(KPI, company(), Params(preset=preset), "shares")
    trend = measure(KPI, company(), Params(preset=preset)).trend
    np.testing.assert_allclose(shown["net"], trend["value"].astype(float), rtol=1e-9)
