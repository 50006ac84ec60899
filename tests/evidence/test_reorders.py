"""Does an account order again in its own rhythm, and does a score tell it before?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from kpi_lib.evidence.finding import Finding, Settings
from kpi_lib.evidence.leading import leading, past_of
from kpi_lib.evidence.outcomes import History, amounts_on, last_outcome
from kpi_lib.evidence.reorders import reorders_of
from tests.evidence.worlds import (
    LAST_DAY,
    OrderPlan,
    Plan,
    make_order_world,
    make_world,
    signal_kpi,
    signal_params,
)

QUICK = Settings(draws=300)
PLANTED = OrderPlan(effect=1.5)


def orders(
    *days: date, account: str = "a", cancelled: dict[date, date] | None = None
) -> pd.DataFrame:
    gone = cancelled or {}
    frame = pd.DataFrame(
        {
            "account_id": [account] * len(days),
            "ordered_on": list(days),
            "known_on": list(days),
            "cancelled_on": [gone.get(day) for day in days],
            "amount": [120.0] * len(days),
        }
    )
    moments = ["ordered_on", "known_on", "cancelled_on"]
    return frame.astype(dict.fromkeys(moments, "datetime64[us]"))


def every(days: int, count: int, first: date = date(2025, 1, 10)) -> list[date]:
    return [first + timedelta(days=days * number) for number in range(count)]


def told(found: History) -> list[tuple[date, date, bool]]:
    """Day of the look, day on which the rhythm runs out, whether the account fell silent."""
    frame = found.decisions.sort_values("acted_on")
    looks = (frame["acted_on"] - pd.Timedelta(days=1)).dt.date
    return list(zip(looks, frame["decision_on"].dt.date, frame["is_lost"].tolist(), strict=True))


def test_who_stops_falls_silent_once_at_three_times_its_usual_gap() -> None:
    days = every(20, 6)  # 10 January to 20 April
    found = told(reorders_of(orders(*days), LAST_DAY, QUICK))
    assert found == [
        (date(2025, 3, 31), date(2025, 3, 31) + timedelta(days=60), False),
        (date(2025, 4, 30), date(2025, 4, 20) + timedelta(days=60), True),
    ]


def test_a_slow_rhythm_allows_a_long_wait_and_a_fast_one_at_least_a_month() -> None:
    slow = told(reorders_of(orders(*every(45, 4)), LAST_DAY, QUICK))
    assert slow[-1][1] == every(45, 4)[-1] + timedelta(days=135)
    fast = told(reorders_of(orders(*every(2, 12)), LAST_DAY, QUICK))
    assert fast[-1][1] == every(2, 12)[-1] + timedelta(days=31)


def test_fewer_order_days_than_asked_for_have_no_rhythm() -> None:
    assert told(reorders_of(orders(*every(20, 3)), LAST_DAY, QUICK)) == []
    twice = every(20, 3) + every(20, 3)
    assert told(reorders_of(orders(*twice), LAST_DAY, QUICK)) == []


def test_what_is_not_settled_is_left_out_whether_the_account_came_back_or_not() -> None:
    days = every(20, 8)
    as_of = date(2025, 5, 31)
    for known in (days[:6], [day for day in days if day <= as_of]):
        assert [on for on, _, _ in told(reorders_of(orders(*known), as_of, QUICK))] == [
            date(2025, 3, 31)
        ]


def test_an_order_counts_until_its_cancellation_is_known() -> None:
    days = every(20, 6)
    later = orders(*days, cancelled={days[-1]: date(2025, 6, 15)})
    assert told(reorders_of(later, LAST_DAY, QUICK)) == told(
        reorders_of(orders(*days), LAST_DAY, QUICK)
    )
    at_once = orders(*days, cancelled={days[-1]: days[-1]})
    assert told(reorders_of(at_once, LAST_DAY, QUICK)) == [
        (date(2025, 3, 31), date(2025, 3, 31) + timedelta(days=60), True)
    ]


def test_who_comes_back_begins_anew_and_its_silence_is_its_last_outcome() -> None:
    back = every(20, 5, date(2025, 9, 5))
    found = reorders_of(orders(*every(20, 6), *back), LAST_DAY, QUICK)
    spells = found.decisions.sort_values("acted_on")["spell_from"].dt.date.unique().tolist()
    assert spells == [date(2025, 1, 10), date(2025, 9, 1)]
    on = pd.to_datetime([date(2025, 5, 31), date(2025, 7, 31)]).astype("datetime64[us]")
    asked = pd.DataFrame({"account_id": ["a", "a"], "on": on})
    assert last_outcome(found.decisions, asked)["lost_before"].tolist() == [0.0, 1.0]


def test_the_volume_of_an_account_is_that_of_its_last_year_per_month() -> None:
    found = reorders_of(
        orders(date(2024, 1, 1), date(2024, 6, 1), date(2025, 3, 1)), LAST_DAY, QUICK
    )
    on = pd.to_datetime([date(2024, 7, 1), date(2025, 4, 1)]).astype("datetime64[us]")
    asked = pd.DataFrame({"account_id": ["a", "a"], "on": on})
    assert amounts_on(found.rows, asked).tolist() == [20.0, 20.0]


@tried(max_examples=25)
@given(seed=st.integers(0, 10_000), cut=st.integers(120, 700))
def test_what_was_settled_by_a_day_does_not_change_with_what_came_after(
    seed: int, cut: int
) -> None:
    rng = np.random.default_rng(seed)
    first = date(2024, 1, 1)
    days = [first + timedelta(days=int(n)) for n in np.sort(rng.integers(0, 730, 25))]
    gone = {day: day + timedelta(days=int(rng.integers(0, 90))) for day in days[::4]}
    whole = orders(*dict.fromkeys(days), cancelled=gone)
    day = pd.Timestamp(first + timedelta(days=cut))
    known = whole[whole["ordered_on"] <= day]
    known = known.assign(cancelled_on=known["cancelled_on"].where(known["cancelled_on"] <= day))
    then = reorders_of(known, day.date(), QUICK).decisions
    later = reorders_of(whole, LAST_DAY, QUICK).decisions
    later = later[later["decision_on"] <= day].reset_index(drop=True)
    pd.testing.assert_frame_equal(then, later)


@cache
def found(plan: OrderPlan) -> Finding:
    return leading(signal_kpi(), make_order_world(plan), signal_params(), QUICK)


def test_a_score_that_rises_before_accounts_stop_ordering_leads() -> None:
    finding = found(PLANTED)
    assert finding.passed is True, finding.headline
    assert 3 <= finding.numbers["lead_months"] <= PLANTED.from_months
    assert "It tells silences" in finding.headline
    assert "order volume" in finding.headline


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_score_that_says_nothing_about_reordering_does_not_lead(seed: int) -> None:
    assert found(replace(PLANTED, effect=0.0, seed=seed)).passed is not True


def test_each_account_that_stopped_in_time_is_one_silence() -> None:
    world = make_order_world(PLANTED)
    past = past_of(world.as_of(LAST_DAY), QUICK)
    lost = past.decisions[past.decisions["is_lost"]]
    assert 0.3 * PLANTED.accounts < len(lost) < 0.7 * PLANTED.accounts
    assert not lost["account_id"].duplicated().any()


def test_few_silences_say_how_many_there_are() -> None:
    finding = found(replace(PLANTED, stop_share=0.0))
    assert finding.passed is None
    assert "0 silent accounts; this test needs 10" in finding.reason


def test_subscriptions_decide_where_there_are_both() -> None:
    both = make_world(Plan(accounts=5))
    tables = {**make_order_world(OrderPlan(accounts=5)).tables, **both.tables}
    assert past_of(replace(both, tables=tables).as_of(LAST_DAY)).words.kept == "renewal"
