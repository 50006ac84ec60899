"""Time to value: when the wait begins and ends, who is censored, and where the days went."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.customers.use.stages import NOBODY, days_by_stage
from kpi_lib.customers.use.waits import REACHED, waits
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpi import RuleOutcome
from kpi_lib.kpis.time_to_value import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables
from tests.company import company

AS_OF = date(2026, 3, 31)
SIGNED = date(2026, 1, 1)
Row = dict[str, Any]


def day(number: int) -> date:
    return SIGNED + timedelta(days=number)


def firm(*accounts: str, usage: list[Row] | None = None, **more: list[Row]) -> Tables:
    rows = [{"account_id": who, "signed_on": SIGNED, "product_type": "people"} for who in accounts]
    return small_company(AS_OF, **{"accounts": rows, "usage": usage or []} | more)


def shared(who: str, number: int, event: str = "report_shared", **more: Any) -> Row:
    return {"account_id": who, "at": day(number), "event": event, "channel": "ui"} | more


def found(tables: Tables, **params: Any) -> dict[str, tuple[float, int]]:
    """Days and outcome of each account."""
    rows = run(KPI.observe(tables, Params(**params)))
    return {r["account_id"]: (r["value"], r["outcome"]) for r in rows.to_dict("records")}


def test_the_wait_ends_with_the_first_value_event() -> None:
    usage = [shared("a", 12), shared("a", 40), shared("a", 3, "log_in")]
    assert found(firm("a", usage=usage)) == {"a": (12, 1)}


def test_a_later_occurrence_may_count() -> None:
    usage = [shared("a", 12), shared("a", 12), shared("a", 40)]
    tables = firm("a", usage=usage)
    assert found(tables, value_count=2) == {"a": (12, 1)}
    assert found(tables, value_count=3) == {"a": (40, 1)}
    assert found(tables, value_count=4) == {"a": (89, 0)}


def test_value_before_the_start_is_no_wait() -> None:
    assert found(firm("a", usage=[shared("a", -10)])) == {"a": (0, 1)}


def test_the_wait_may_begin_with_the_kickoff() -> None:
    accounts = [
        {"account_id": "a", "signed_on": SIGNED, "kickoff_on": day(5)},
        {"account_id": "b", "signed_on": SIGNED},
    ]
    tables = firm(accounts=accounts, usage=[shared("a", 12)])
    assert found(tables) == {"a": (12, 1), "b": (89, 0)}
    assert found(tables, start_event="kickoff") == {"a": (7, 1)}


def subscribed(who: str, until: date | None, since: date = SIGNED) -> Row:
    row = {"subscription_id": who, "account_id": who, "started_on": since, "ended_on": until}
    return row | {"monthly_amount": 10.0}


def test_leaving_before_value_is_an_outcome_of_its_own() -> None:
    paid = [subscribed("left", day(30)), subscribed("late", day(30)), subscribed("will", AS_OF)]
    paid += [subscribed("back", day(30)), subscribed("back", None, day(60))]
    notice = subscribed("notice", AS_OF + timedelta(days=1))
    usage = [shared("late", 50)]
    tables = firm(
        "left", "late", "will", "back", "notice", usage=usage, subscriptions=[*paid, notice]
    )
    assert found(tables) == {
        "left": (30, 2),
        "late": (30, 2),
        "will": (89, 2),
        "back": (89, 0),
        "notice": (89, 0),
    }


def test_value_on_the_last_day_still_counts() -> None:
    tables = firm("a", usage=[shared("a", 30)], subscriptions=[subscribed("a", day(30))])
    assert found(tables) == {"a": (30, 1)}


def test_customers_of_the_api_have_an_event_of_their_own() -> None:
    kinds = {"api": "api", "people": "people", "mixed": "mixed", "pulls": None, "looks": None}
    accounts = [
        {"account_id": who, "signed_on": SIGNED, "product_type": kind}
        for who, kind in kinds.items()
    ]
    usage = [shared(who, 20) for who in kinds]
    usage += [shared(who, 5, "api_batch_loaded") for who in kinds]
    usage += [shared("pulls", n, "call", channel="api") for n in range(30, 50)]
    tables = firm(accounts=accounts, usage=usage)
    assert {who: days for who, (days, _) in found(tables).items()} == {
        "api": 5,
        "people": 20,
        "mixed": 20,
        "pulls": 5,
        "looks": 20,
    }
    assert found(tables, api_value_event="")["api"] == (20, 1)


def test_the_score_is_the_days_so_far_or_the_days_it_took() -> None:
    accounts = [{"account_id": who, "signed_on": SIGNED, "kickoff_on": SIGNED} for who in "ab"]
    accounts += [
        {"account_id": "c", "signed_on": SIGNED},
        {"account_id": "old", "signed_on": date(2020, 1, 1)},
    ]
    tables = firm(accounts=accounts, usage=[shared("a", 12)])
    scored = run(KPI.score(tables, Params(start_event="kickoff")))  # type: ignore[misc]
    assert dict(zip(scored["account_id"], scored["score"], strict=True)) == {"a": 12, "b": 89}
    longer = run(KPI.score(tables, Params()))  # type: ignore[misc]
    assert set(longer["account_id"]) == {"a", "b", "c", "old"}


def test_who_left_before_value_has_no_score() -> None:
    tables = firm("a", subscriptions=[subscribed("a", day(30))])
    assert run(KPI.score(tables, Params())).empty  # type: ignore[misc]


def test_the_naive_mean_leaves_out_those_who_wait() -> None:
    """Two of four got there after 10 and 30 days; the others still wait, one has left."""
    usage = [shared("a", 10), shared("b", 30)]
    tables = firm("a", "b", "c", "d", usage=usage, subscriptions=[subscribed("d", day(20))])
    told = part(KPI, tables, Params(), "told").iloc[-1]
    assert (told["accounts"], told["reached"], told["left"], told["still_waiting"]) == (4, 2, 1, 1)
    assert told["naive_mean_days"] == 20
    assert told["median_days"] == 30
    assert told["lowest_median"] == 25.5  # between day 21, when half had reached, and day 30
    assert math.isnan(told["highest_median"]) or told["highest_median"] >= 30
    assert told["gap_days"] == pytest.approx(told["restricted_mean_days"] - 20)


def test_shares_count_leaving_as_a_competing_event() -> None:
    """Reached by 30 days: 1/4 on day 10, then 1/2 of the 2/4 that are left on day 30."""
    usage = [shared("a", 10), shared("b", 30)]
    tables = firm("a", "b", "c", "d", usage=usage, subscriptions=[subscribed("d", day(20))])
    shares = part(KPI, tables, Params(), "reached_by").iloc[-1]
    assert shares["by_30_days"] == pytest.approx(0.25 + 0.5 * 0.5)
    curve = part(KPI, tables, Params(), "curves")
    assert curve["day"].tolist() == [0, 10, 20, 30, 89]
    assert curve["reached_share"].tolist() == pytest.approx([0, 0.25, 0.25, 0.5, 0.5])
    assert curve["left_share"].tolist() == pytest.approx([0, 0, 0.25, 0.25, 0.25])
    assert curve["waiting_share"].tolist() == pytest.approx([1, 0.75, 0.75, 0.375, 0.375])


def test_the_headline_is_the_newest_cohort_that_is_half_resolved() -> None:
    accounts = [
        {"account_id": f"{n}{who}", "signed_on": date(2025, 4 + 3 * n, 1)}
        for n in range(3)
        for who in "abcd"
    ]
    usage = [
        {"account_id": f"{n}{who}", "at": date(2025, 4 + 3 * n, 21), "event": "report_shared"}
        for n in range(3)
        for who in "abcd"[: 4 - n]
    ]
    usage = [row for row in usage if row["account_id"] != "2a"]
    tables = small_company(date(2025, 12, 31), accounts=accounts, usage=usage)
    assert measure(KPI, tables, Params()).headline.start == date(2025, 7, 1)
    shown = set(part(KPI, tables, Params(), "timeline")["account_id"])
    assert shown == {"1a", "1b", "1c", "1d"}


def stage(who: str, name: str, since: int, until: int | None, owner: str = "us") -> Row:
    row = {"account_id": who, "stage": name, "owner": owner, "entered_at": day(since)}
    return row | ({} if until is None else {"left_at": day(until)})


def spent(tables: Tables) -> dict[tuple[str, str], float]:
    rows = run(days_by_stage(tables, waits(tables, Params())))
    return {(r["stage"], r["owner"]): r["days"] for r in rows.to_dict("records")}


def test_days_with_two_stages_open_are_shared_and_days_with_none_are_nobodys() -> None:
    """Legal days 0-10, customer IT 5-15, a gap to 20, training from 20; value on day 30."""
    onboarding = [
        stage("a", "contract", 0, 10, "legal"),
        stage("a", "access", 5, 15, "customer IT"),
        stage("a", "training", 20, None),
    ]
    tables = firm("a", usage=[shared("a", 30)], onboarding=onboarding)
    assert spent(tables) == {
        ("contract", "legal"): 7.5,
        ("access", "customer IT"): 7.5,
        ("training", "us"): 10,
        (NOBODY, NOBODY): 5,
    }


def test_stages_outside_the_wait_do_not_count() -> None:
    onboarding = [
        stage("a", "before", -9, 2),
        stage("a", "after", 10, 20),
        stage("a", "never", 3, 3),
    ]
    tables = firm("a", usage=[shared("a", 10)], onboarding=onboarding)
    assert spent(tables) == {("before", "us"): 2, (NOBODY, NOBODY): 8}


def test_without_stages_all_days_are_nobodys() -> None:
    assert spent(firm("a", usage=[shared("a", 10)])) == {(NOBODY, NOBODY): 10}


stages = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.sampled_from("xyz"), st.integers(-20, 80), st.integers(0, 60)
    ),
    min_size=3,
    max_size=25,
)


def assert_days_add_up(tables: Tables, params: Params) -> None:
    rows = waits(tables, params)
    reached = run(rows.filter(rows["outcome"] == REACHED)).set_index("account_id")["days"]
    days = run(days_by_stage(tables, rows))
    assert (days["days"] > 0).all()
    sums = days.groupby("account_id")["days"].sum().reindex(reached.index).fillna(0.0)
    assert len(reached)
    np.testing.assert_allclose(sums, reached, rtol=1e-9)


@settings(max_examples=8, deadline=None)
@given(stages, st.lists(st.integers(0, 85), min_size=4, max_size=4))
def test_stage_days_and_nobodys_days_add_up_to_the_wait(
    spans: list[tuple[str, str, int, int]], value: list[int]
) -> None:
    """For every account that reached value, however its stages overlap."""
    onboarding = [stage(who, name, since, since + days) for who, name, since, days in spans]
    usage = [shared(who, number) for who, number in zip("abcd", value, strict=True)]
    assert_days_add_up(firm(*"abcd", usage=usage, onboarding=onboarding), Params())


def test_days_add_up_for_every_account_of_the_company() -> None:
    assert_days_add_up(company(), Params())


def test_the_waterfall_adds_up_to_the_mean_of_those_who_reached() -> None:
    tables = company()
    mean = part(KPI, tables, Params(), "told").set_index("period")["naive_mean_days"]
    newest = mean[pd.Timestamp(measure(KPI, tables, Params()).headline.start)]
    for name in ("days_by_stage", "days_by_owner"):
        assert part(KPI, tables, Params(), name)["days"].sum() == pytest.approx(newest)


def test_the_timeline_covers_every_day_of_every_account() -> None:
    found = part(KPI, company(), Params(), "timeline")
    assert (found["from_day"] < found["to_day"]).all()
    for _, rows in found.groupby("account_id"):
        covered = {
            n for s, e in zip(rows["from_day"], rows["to_day"], strict=True) for n in range(s, e)
        }
        assert covered == set(range(int(rows["to_day"].max())))
        assert rows["to_day"].max() == rows["value_day"].iloc[0]


def test_the_accounts_behind_show_those_who_wait_first() -> None:
    found = behind(KPI, company(), Params())
    assert found["status"].tolist() == sorted(
        found["status"], key=["waiting", "reached", "left"].index
    )
    assert found["stage_days"].notna().all()
    assert (found["stage_days"] <= found["days"] + 1e-9).all()


def rule(name: str, tables: Tables) -> RuleOutcome | None:
    found = next(rule for rule in KPI.fit_rules if rule.name == name)
    return found.check(tables, Params())


def test_a_value_event_that_is_not_in_the_data_is_named() -> None:
    usage = [shared("a", n, "log_in") for n in range(3)] + [shared("a", 1, "search")]
    outcome = rule("no value event", firm("a", usage=usage))
    assert outcome is not None
    assert outcome.fires
    assert outcome.sentence == (
        "No event is called report_shared or api_batch_loaded; the commonest are log_in, search."
    )


def test_value_on_the_first_day_is_no_value() -> None:
    usage = [shared("a", 0), shared("b", 1), shared("c", 20)]
    outcome = rule("value at once", firm("a", "b", "c", usage=usage))
    assert outcome is not None
    assert outcome.fires
    assert outcome.substitute == "inactive_customers"


def test_the_okr_names_fields_of_the_parameters() -> None:
    text = KPI.okr.format(value="65 days", **Params(target_on=date(2026, 6, 30)).model_dump())
    assert text == "Reduce average time to value from 65 days to 55 days by 2026-06-30."
