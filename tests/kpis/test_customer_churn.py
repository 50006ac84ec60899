"""Customer churn: published arithmetic, its identities, renewal, tenure, and the total's cohorts."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.customers.money.churn_lists import months_before, window
from kpi_lib.customers.money.renewals import renewal_rate
from kpi_lib.customers.money.tenure import lives, stops
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.customer_churn import KPI, Params
from kpi_lib.measure import measure, part
from kpi_lib.periods import complete_periods
from kpi_lib.schema import Tables
from kpi_lib.sentence import sentence
from kpi_lib.stats.compounded import compounded
from tests.company import company

AS_OF = date(2026, 3, 31)
BEFORE, MARCH = date(2025, 6, 1), date(2026, 3, 1)
SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"


def paid(who: str, since: date, until: date | None = None, **more: Any) -> dict[str, Any]:
    row = {"subscription_id": who, "account_id": who, "started_on": since, "ended_on": until}
    return row | {"monthly_amount": 50.0} | more


def made(*rows: dict[str, Any], as_of: date = AS_OF) -> Tables:
    return small_company(as_of, subscriptions=list(rows))


def people(count: int, name: str, since: date, until: date | None = None) -> list[dict[str, Any]]:
    return [paid(f"{name}{n}", since, until) for n in range(count)]


def twelve_four_two() -> Tables:
    """12 customers at the start of March, 4 new ones, 2 lost."""
    gone = people(2, "gone", BEFORE, date(2026, 3, 15))
    return made(*people(10, "kept", BEFORE), *gone, *people(4, "new", date(2026, 3, 9)))


def value(tables: Tables, **params: Any) -> float | None:
    return measure(KPI, tables, Params(**params)).headline.value


def rows_of(tables: Tables, name: str, **params: Any) -> pd.DataFrame:
    return part(KPI, tables, Params(**params), name)


def test_two_of_twelve_and_two_of_sixteen() -> None:
    """Start 12, new 4, churned 2: 16.7 % of start, 12.5 % of start plus new (published arithmetic)."""
    tables = twelve_four_two()
    assert value(tables) == pytest.approx(0.167, abs=5e-4)
    assert value(tables, denominator="start_plus_new") == pytest.approx(0.125, abs=5e-4)
    last = rows_of(tables, "definitions").iloc[-1]
    assert last["of_start"] == pytest.approx(0.167, abs=5e-4)
    assert last["of_start_plus_new"] == pytest.approx(0.125, abs=5e-4)


def test_wilson_limits_are_the_published_ones() -> None:
    """R package binom, 4 of 20: Wilson .0806576626 to .4160174323 at 95 %."""
    tables = made(*people(16, "kept", BEFORE), *people(4, "gone", BEFORE, date(2026, 3, 9)))
    cell = measure(KPI, tables, Params(level=0.95)).headline
    assert (cell.value, cell.n) == (0.2, 20)
    assert cell.low == pytest.approx(0.0806576626, abs=5e-11)
    assert cell.high == pytest.approx(0.4160174323, abs=5e-11)


@pytest.mark.parametrize(
    ("customers", "upper", "digits"), [(30, 0.1135133932, 10), (12, 0.24249, 5)]
)
def test_no_loss_shows_the_upper_limit(customers: int, upper: float, digits: int) -> None:
    """R package binom, 0 of 30 and 0 of 12: the upper limit by Wilson, not a bare zero."""
    measured = measure(KPI, made(*people(customers, "kept", BEFORE)), Params(level=0.95))
    assert measured.headline.value == 0
    assert measured.headline.low == 0
    assert measured.headline.high == pytest.approx(upper, abs=0.5 * 10**-digits)
    assert sentence(measured).startswith(
        f"Customer churn is at most {100 * upper:.1f} % (0.0 % seen;"
    )


def test_no_loss_has_limits_in_every_form() -> None:
    """Net of those that came back: as far up as down. Of a year: the upper limit compounded."""
    tables = made(*people(30, "kept", BEFORE))
    net = measure(KPI, tables, Params(level=0.95, net_of_reactivated=True)).headline
    assert net.low == pytest.approx(-0.1135133932, abs=5e-11)
    assert net.high == pytest.approx(0.1135133932, abs=5e-11)
    year = measure(KPI, tables, Params(level=0.95, annualise=True)).headline
    assert (year.value, year.low) == (0, 0)
    assert year.high == pytest.approx(1 - (1 - 0.1135133932) ** 12, abs=1e-9)


def test_who_came_back_is_taken_off_if_asked() -> None:
    back = [paid("back", BEFORE, date(2025, 12, 1)), paid("back", date(2026, 3, 5))]
    tables = made(*people(8, "kept", BEFORE), *people(2, "gone", BEFORE, MARCH), *back)
    assert value(tables) == pytest.approx(2 / 10)
    assert value(tables, net_of_reactivated=True) == pytest.approx(1 / 10)
    last = rows_of(tables, "counts").iloc[-1]
    assert last[["start", "new", "reactivation", "churn", "end"]].tolist() == [10, 0, 1, 2, 9]


def test_more_may_come_back_than_leave() -> None:
    back = [row for n in "ab" for row in (paid(n, BEFORE, date(2025, 12, 1)), paid(n, MARCH))]
    tables = made(*people(9, "kept", BEFORE), *people(1, "gone", BEFORE, MARCH), *back)
    assert value(tables, net_of_reactivated=True) == pytest.approx(-1 / 10)
    year = value(tables, net_of_reactivated=True, annualise=True)
    assert year == pytest.approx(1 - 1.1**12)


def test_who_came_and_left_within_the_period_counts_with_the_new() -> None:
    through = [paid("through", date(2026, 3, 5), date(2026, 3, 20))]
    tables = made(*people(10, "kept", BEFORE), *through)
    assert value(tables) == 0
    assert value(tables, denominator="start_plus_new") == pytest.approx(1 / 11)
    assert rows_of(tables, "counts")["passed"].iloc[-1] == 1


def test_one_contract_of_two_is_no_loss() -> None:
    two = [paid("a", BEFORE, subscription_id="a1"), paid("a", BEFORE, MARCH, subscription_id="a2")]
    assert value(made(*two)) == 0


def test_coming_back_within_the_period_is_no_loss() -> None:
    back = [paid("a", BEFORE, date(2026, 3, 5)), paid("a", date(2026, 3, 20))]
    assert value(made(*back)) == 0


def test_a_loss_is_booked_when_notice_is_given_if_asked() -> None:
    gone = paid("a", BEFORE, date(2026, 3, 10), cancelled_on=date(2026, 1, 20))
    tables = made(gone, *people(3, "kept", BEFORE))
    by_end, by_request = (
        measure(KPI, tables, Params(churn_on=day)).trend.set_index("label")["value"]
        for day in ("end", "request")
    )
    assert (by_end["2026-01"], by_end["2026-03"]) == (0, 0.25)
    assert (by_request["2026-01"], by_request["2026-03"]) == (0.25, 0)


@pytest.mark.parametrize(("period", "times"), [("month", 12), ("quarter", 4), ("week", 52)])
def test_a_year_is_compounded_from_its_periods(period: str, times: int) -> None:
    tables = twelve_four_two()
    share, year = value(tables, period=period), value(tables, period=period, annualise=True)
    assert share is not None
    assert year == pytest.approx(1 - (1 - share) ** times)


@given(st.floats(-0.5, 1.5), st.floats(1, 52))
def test_compounding_rises_and_stays_below_one(share: float, times: float) -> None:
    one, more = compounded([share, share + 0.01], times)
    assert one <= more <= 1
    assert compounded(0.0, times) == 0


def test_a_change_of_a_compounded_share_is_tested_as_the_share() -> None:
    tables = twelve_four_two()
    plain, year = (measure(KPI, tables, Params(annualise=a)).change for a in (False, True))
    assert plain.p_value == year.p_value
    assert plain.value is not None
    assert year.value == pytest.approx(1 - (1 - plain.value) ** 12)
    assert year.value is not None
    assert year.low is not None
    assert year.high is not None
    assert year.low < year.value < year.high
    assert (
        KPI.estimator(Params(annualise=True))
        .paired_difference(pd.DataFrame(), level=0.9, power=0.8)
        .value
        is None
    )


def test_units_needed_for_a_year_follow_from_the_period() -> None:
    tables = twelve_four_two()
    found = []
    for annualise, change in ((False, 0.1), (True, (1 - 1 / 6) ** 12 - (1 - 1 / 6 - 0.1) ** 12)):
        measured = measure(KPI, tables, Params(annualise=annualise))
        rows = measured.reduced[measured.reduced["period"] == measured.headline.start]
        found.append(measured.estimator.units_needed(rows, change, level=0.9, power=0.8))
    assert found[0] == found[1] is not None


def test_a_year_told_three_ways() -> None:
    """Of 24 customers one leaves in each month: half are gone, more than one rate of 1/24 gives."""
    gone = [paid(f"g{n}", date(2025, 1, 1), months_before(AS_OF, n)) for n in range(12)]
    found = rows_of(made(*people(12, "kept", date(2025, 1, 1)), *gone), "year").set_index("way")
    assert found.loc["counted over the year", "share"] == pytest.approx(12 / 24)
    share = 12 / sum(range(13, 25))
    assert found.loc["compounded", "share"] == pytest.approx(1 - (1 - share) ** 12)
    assert found.loc["summed", "share"] == pytest.approx(12 * share)
    assert found["assumes"].str.len().min() > 10


spans = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 500), st.integers(1, 300)),
    min_size=4,
    max_size=14,
)


@settings(max_examples=8, deadline=None)
@given(spans)
def test_counts_close_and_run_on_whatever_the_contracts(found: list[tuple[str, int, int]]) -> None:
    origin = date(2025, 1, 1)
    rows = [
        paid(who, origin + timedelta(days=since), origin + timedelta(days=since + days))
        | {"subscription_id": str(number)}
        for number, (who, since, days) in enumerate(found)
    ]
    counts = rows_of(made(*rows), "counts", periods=14)
    closed = counts["start"] + counts["new"] + counts["reactivation"] - counts["churn"]
    assert closed.tolist() == counts["end"].tolist()
    assert counts["start"].tolist()[1:] == counts["end"].tolist()[:-1]


@settings(max_examples=8, deadline=None)
@given(spans)
def test_a_stop_is_a_day_after_which_nothing_is_paid(found: list[tuple[str, int, int]]) -> None:
    """Against every single day, counted by hand."""
    origin = date(2025, 1, 1)
    rows, paying = [], set()
    for number, (who, since, days) in enumerate(found):
        start, end = origin + timedelta(days=since), origin + timedelta(days=since + days)
        rows.append(paid(who, start, end) | {"subscription_id": str(number)})
        paying |= {(who, start + timedelta(days=n)) for n in range(days)}
    ended = {(who, day + timedelta(days=1)) for who, day in paying} - paying
    wanted = {(who, day) for who, day in ended if day <= AS_OF}
    ours = run(stops(made(*rows), Params()))
    assert set(zip(ours["account_id"], ours["stop_on"].dt.date, strict=True)) == wanted


def term(
    who: str, since: date, ends: date, until: date | None = None, **more: Any
) -> dict[str, Any]:
    return paid(who, since, until, term_ends_on=ends, **more)


def test_the_renewal_rate_asks_those_whose_term_ended() -> None:
    since, ends = date(2025, 3, 10), date(2026, 3, 10)
    rows = [
        *(term(f"stays{n}", since, ends, ends) for n in range(3)),
        *(term(f"stays{n}", ends, date(2027, 3, 10)) for n in range(3)),
        term("rolls", since, ends),
        term("leaves", since, ends, ends),
        term("early", since, date(2026, 9, 1), date(2026, 3, 20)),
        term("bound", since, date(2026, 9, 1)),
        paid("no term", since, term_ends_on=date(2999, 12, 31)),
        term("price", since, ends, date(2025, 9, 1)),
        term("price", date(2025, 9, 1), ends, ends),
        term("price", ends, date(2027, 3, 10)),
    ]
    last = rows_of(made(*rows), "renewal").iloc[-1]
    assert last[["terms_ended", "renewed", "left_early"]].tolist() == [6, 5, 1]
    assert last["share"] == pytest.approx(5 / 6)
    assert last["low"] < 5 / 6 < last["high"]


def test_without_terms_the_renewal_rate_cannot_be_told() -> None:
    found = rows_of(made(*people(3, "a", BEFORE, MARCH)), "renewal")
    assert found["share"].isna().all()
    assert (found["terms_ended"] == 0).all()


def test_tenure_counts_a_renewal_to_the_year_that_ends_with_it() -> None:
    since = date(2022, 3, 1)
    rows = [
        paid("first", since, date(2023, 3, 1)),
        paid("second", since, date(2023, 3, 2) + timedelta(days=40)),
        paid("leap", date(2023, 3, 1), date(2024, 3, 1)),
        paid("stays", since),
        paid("young", date(2025, 9, 1), date(2025, 9, 20)),
        *people(4, "more", since),
    ]
    found = run(lives(made(*rows), Params())).set_index("account_id")
    left = found["year_left"].dropna().astype(int)
    assert left.to_dict() == {"first": 1, "second": 2, "leap": 1, "young": 1}
    assert found.loc["young", "full_years"] == 0
    by_year = rows_of(made(*rows), "by_tenure").set_index("year")
    assert by_year[["at_risk", "left"]].values.tolist() == [[8, 2], [6, 1], [5, 0], [5, 0]]
    cohorts = rows_of(made(*rows), "cohorts").set_index("cohort")
    assert cohorts.loc["2022", "after_1_year"] == pytest.approx(6 / 7)
    assert cohorts.loc["2022", "after_2_years"] == pytest.approx(5 / 7)
    assert cohorts["after_1_year"].isna().to_dict()["2025"]


def test_survival_is_that_of_kaplan_and_meier() -> None:
    """Two of four leave after 31 and 59 days, one came 30 days ago: 1, 2/3, 1/3 by hand."""
    start = date(2026, 1, 1)
    rows = [paid("a", start, date(2026, 2, 1)), paid("b", start, date(2026, 3, 1))]
    tables = made(*rows, paid("c", start), paid("d", MARCH))
    found = rows_of(tables, "survival")
    curve = found[found["cohort"] == "all"].set_index("day")["stayed_share"]
    expected = {0: 1, 30: 1, 31: 2 / 3, 59: 1 / 3, 89: 1 / 3}
    assert curve.to_dict() == pytest.approx(expected)
    assert found[found["cohort"] == "2026"]["at_risk"].iloc[0] == 4


def test_who_left_with_reason_and_tenure() -> None:
    rows = [
        paid("a", BEFORE, date(2026, 1, 1), reason="", monthly_amount=50.0),
        paid("a", date(2026, 1, 1), date(2026, 3, 10), reason="price", monthly_amount=80.0),
        paid("b", BEFORE, date(2026, 2, 10)),
        paid("c", BEFORE),
    ]
    found = rows_of(made(*rows), "reasons").set_index("reason")
    assert found["accounts"].to_dict() == {"not stated": 1, "price": 1}
    assert found["share"].tolist() == [0.5, 0.5]
    assert KPI.who is not None
    listed = run(KPI.who.compute(made(*rows), Params()))
    assert listed["account_id"].tolist() == ["a", "b"]
    assert listed["mrr"].tolist() == [80.0, 50.0]
    assert listed["tenure_days"].tolist() == [282.0, 254.0]


def test_losses_that_are_announced() -> None:
    known = paid("a", BEFORE, date(2026, 5, 20), cancelled_on=date(2026, 3, 1))
    found = rows_of(made(known, paid("b", BEFORE)), "announced")
    assert found["customers"].tolist() == [0, 1, *[0] * 10]
    assert found["mrr"].sum() == 50.0


def flat_company() -> Tables:
    """Every March 30 customers come, 15 leave after a year and then one a year: nothing changes."""
    rows = []
    for year in range(2000, 2026):
        for n in range(30):
            stays = max(1, n - 13)
            rows.append(paid(f"{year}-{n}", date(year, 3, 20), date(year + stays, 3, 20)))
    return made(*rows)


def rule(name: str) -> Any:
    return next(rule.check for rule in KPI.fit_rules if rule.name == name)


def test_a_flat_total_over_rising_cohorts_is_found() -> None:
    found = rows_of(flat_company(), "flat_total")
    assert found["apart"].tolist() == ["cannot be told apart", "told apart"]
    assert found["before"].tolist() == pytest.approx([120 / 150, 15 / 30])
    assert found["after"].tolist() == pytest.approx([120 / 150, 105 / 120])
    outcome = rule("flat total")(flat_company(), Params())
    assert outcome.fires
    assert "cannot be told apart" in outcome.sentence


def test_without_older_customers_the_total_hides_nothing() -> None:
    tables = made(*people(20, "kept", BEFORE))
    assert rule("flat total")(tables, Params()) is None
    assert rows_of(tables, "flat_total")["p_value"].isna().all()


def test_contracts_of_a_year_are_a_caution() -> None:
    bound = [term(f"b{n}", BEFORE, date(2026, 6, 1)) for n in range(3)]
    outcome = rule("bound by terms")(made(*bound, paid("free", BEFORE)), Params())
    assert outcome.fires
    assert outcome.sentence.startswith("3 of 4 paying accounts are bound")
    free = rule("bound by terms")(made(*people(3, "free", BEFORE)), Params())
    assert not free.fires


def test_a_window_of_a_year_ends_where_it_should() -> None:
    assert (window(date(2026, 2, 28), 12).start, window(date(2024, 2, 29), 12).start) == (
        date(2025, 3, 1),
        date(2023, 3, 1),
    )
    assert months_before(date(2026, 3, 31), 1) == date(2026, 2, 28)


def test_counts_close_in_the_small_company() -> None:
    counts = rows_of(company(), "counts", periods=24)
    closed = counts["start"] + counts["new"] + counts["reactivation"] - counts["churn"]
    assert closed.tolist() == counts["end"].tolist()


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


def test_the_planted_renewals_of_the_sample() -> None:
    """Data card: 162 of 411 terms were not renewed, the losses that are announced among them."""
    months = complete_periods(sample().as_of, "month", 90)
    found = run(renewal_rate(sample(), months, Params()))
    ahead = int(rows_of(sample(), "announced")["customers"].sum())
    assert int(found["terms_ended"].sum()) + ahead == 411
    assert int((found["terms_ended"] - found["renewed"]).sum()) + ahead == 162


def test_the_sample_ends_with_ninety_customers() -> None:
    """Data card: exactly 90 accounts pay on 2026-06-30."""
    assert rows_of(sample(), "counts")["end"].iloc[-1] == 90
