"""Inactive customers: who counts as quiet, the weekly list, accounts served by machine."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from kpi_lib.customers.money.terms import standing
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpi import RuleOutcome
from kpi_lib.kpis.inactive_customers import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables
from tests.company import company

AS_OF = date(2026, 3, 31)
START = date(2025, 6, 15)


def paid(who: str, amount: float = 100.0, **more: Any) -> dict[str, Any]:
    row = {"subscription_id": who, "account_id": who, "started_on": START}
    return row | {"monthly_amount": amount, "term_ends_on": date(2026, 6, 15)} | more


def used(who: str, days_ago: int, **more: Any) -> dict[str, Any]:
    day = datetime(2026, 3, 31, 23, 59) - timedelta(days=days_ago)
    return {"account_id": who, "at": day, "event": "query", "channel": "ui"} | more


def firm(rows: list[dict[str, Any]], usage: list[dict[str, Any]], **more: Any) -> Tables:
    accounts = [
        {"account_id": row["account_id"], "name": row["account_id"].upper()} for row in rows
    ]
    return small_company(AS_OF, accounts=accounts, subscriptions=rows, usage=usage, **more)


def inactive(tables: Tables, **params: Any) -> dict[str, float]:
    rows = run(KPI.observe(tables, Params(periods=2, **params)))
    newest = rows[rows["period"] == pd.Timestamp(2026, 3, 25)]
    return dict(zip(newest["account_id"], newest["value"], strict=True))


@pytest.mark.parametrize(("days_ago", "quiet"), [(0, 0.0), (13, 0.0), (14, 1.0), (40, 1.0)])
def test_the_window_holds_its_last_day_and_its_first(days_ago: int, quiet: float) -> None:
    assert inactive(firm([paid("a")], [used("a", days_ago)])) == {"a": quiet}


@pytest.mark.parametrize("window", [7, 14, 21, 28, 42, 56, 90])
def test_every_fair_window(window: int) -> None:
    tables = firm([paid("a"), paid("b")], [used("a", window - 1), used("b", window)])
    assert inactive(tables, window_days=window) == {"a": 0.0, "b": 1.0}


def test_a_longer_window_never_finds_more_inactive_accounts() -> None:
    shares = [
        measure(KPI, company(), Params(window_days=days)).trend["value"] for days in (7, 21, 56)
    ]
    assert (shares[0] >= shares[1]).all()
    assert (shares[1] >= shares[2]).all()


def test_only_paying_accounts_count() -> None:
    rows = [
        paid("pays"),
        paid("free", 0.0),
        paid("ended", ended_on=AS_OF),
        paid("ends tomorrow", ended_on=AS_OF + timedelta(days=1)),
        paid("starts today", started_on=AS_OF),
    ]
    assert set(inactive(firm(rows, []))) == {"pays", "ends tomorrow", "starts today"}


def test_service_accounts_and_api_keys_do_not_count_as_people() -> None:
    robot = [{"contact_id": "r", "account_id": "a", "is_service": True}]
    usage = [used("a", 1, contact_id="r"), used("b", 1, channel="api")]
    usage += [used(who, 30 + day) for who in "ab" for day in range(5)]
    tables = firm([paid("a"), paid("b")], usage, contacts=robot)
    assert inactive(tables) == {"a": 1.0, "b": 1.0}
    assert inactive(tables, people_only=False) == {"a": 0.0, "b": 0.0}


def test_only_events_that_matter_count_if_named() -> None:
    usage = [used("a", 1), used("b", 2, event="log_in")]
    tables = firm([paid("a"), paid("b")], usage)
    assert inactive(tables, activity_events=("query", "share")) == {"a": 0.0, "b": 1.0}
    assert inactive(tables) == {"a": 0.0, "b": 0.0}


def test_a_single_event_may_be_too_few() -> None:
    tables = firm([paid("a"), paid("b")], [used("a", 1), used("a", 1), used("b", 1)])
    assert inactive(tables, min_events=2) == {"a": 0.0, "b": 1.0}


def api(who: str, days: range) -> list[dict[str, Any]]:
    return [used(who, day, channel="api") for day in days]


@pytest.mark.parametrize(("calls", "is_in"), [(8, False), (7, True)])
def test_from_80_percent_of_calls_on_an_account_leaves_the_rate(calls: int, is_in: bool) -> None:
    people = [used("a", 30) for _ in range(2)]
    assert ("a" in inactive(firm([paid("a")], api("a", range(calls)) + people))) is is_in


def test_accounts_served_by_machine_are_shown_with_the_continuity_of_their_calls() -> None:
    usage = api("steady", range(70)) + api("dying", range(10, 70)) + api("dead", range(14, 70))
    tables = firm([paid("steady"), paid("dying"), paid("dead")], usage)
    found = part(KPI, tables, Params(), "by_machine").set_index("account_id")
    assert found.index.tolist() == ["dead", "dying", "steady"]
    assert found["calls"].to_dict() == {"dead": 0, "dying": 4, "steady": 14}
    assert (found["usual_calls"] == 14).all()
    assert found["continuity"].tolist() == pytest.approx([0, 4 / 14, 1])


def test_the_past_does_not_know_what_an_account_became() -> None:
    """It was used by people until the week before; the machine's calls came later."""
    usage = [used("a", 40 + day) for day in range(4)] + api("a", range(16))
    rows = run(KPI.observe(firm([paid("a")], usage), Params(periods=4)))
    assert sorted(rows["period"].dt.date) == [date(2026, 3, day) for day in (4, 11, 18)]


def weekly_list(tables: Tables) -> pd.DataFrame:
    return behind(KPI, tables, Params())


def test_the_weekly_list_says_what_the_meeting_needs() -> None:
    people = [used("a", 20, contact_id="p"), used("a", 25, contact_id="q")]
    usage = [*people, used("a", 60, contact_id="old"), used("b", 1)]
    accounts = [{"account_id": "a", "name": "Ann", "owner": "Kim"}, {"account_id": "b"}]
    rows = [paid("a"), paid("b")]
    tables = small_company(AS_OF, accounts=accounts, subscriptions=rows, usage=usage)
    found = weekly_list(tables)
    assert found.to_dict("records") == [
        {
            "account_id": "a",
            "account": "Ann",
            "owner": "Kim",
            "mrr": 100.0,
            "last_seen": pd.Timestamp(2026, 3, 11),
            "idle_days": 20,
            "month_of_year": 10,
            "months_to_renewal": 2,
            "people_before": 2,
        }
    ]


def test_the_list_puts_much_mrr_close_to_renewal_first() -> None:
    soon, later = date(2026, 5, 15), date(2027, 1, 1)
    rows = [
        paid("small soon", 100, term_ends_on=soon),
        paid("large later", 400, term_ends_on=later),
        paid("large soon", 300, term_ends_on=soon),
        paid("no term", 1_000, term_ends_on=date(2999, 12, 31)),
    ]
    usage = [used(row["account_id"], 30) for row in rows]
    found = weekly_list(firm(rows, usage))
    assert found["account_id"].tolist() == ["large soon", "no term", "small soon", "large later"]
    assert found["months_to_renewal"].tolist()[:1] == [1]
    assert pd.isna(found.set_index("account_id")["months_to_renewal"]["no term"])


def test_accounts_that_never_started_are_listed_apart() -> None:
    tables = firm([paid("never"), paid("quiet")], [used("quiet", 50)])
    assert weekly_list(tables)["account_id"].tolist() == ["quiet"]
    found = part(KPI, tables, Params(), "never_started")
    assert found["account_id"].tolist() == ["never"]
    assert found["paying_days"].tolist() == [(AS_OF - START).days]
    assert inactive(tables) == {"never": 1.0, "quiet": 1.0}


def test_the_lists_are_the_inactive_accounts_of_the_number() -> None:
    tables = company()
    score = run(KPI.score(tables, Params()))  # type: ignore[misc]
    listed = set(weekly_list(tables)["account_id"])
    never = set(part(KPI, tables, Params(), "never_started")["account_id"])
    assert set(score.loc[score["score"] == 1, "account_id"]) == listed | never
    assert not listed & never
    counts = part(KPI, tables, Params(), "counts").iloc[-1]
    assert counts["inactive"] == len(listed | never)
    assert counts["never_started"] == len(never)
    assert counts["paying"] == len(score) + counts["by_machine"]


def test_the_number_by_mrr_is_the_share_of_mrr_at_stake() -> None:
    tables = firm([paid("a", 300), paid("b", 100)], [used("a", 30), used("b", 1)])
    assert measure(KPI, tables, Params(weight="mrr")).headline.value == pytest.approx(0.75)
    assert measure(KPI, tables, Params()).headline.value == pytest.approx(0.5)
    assert part(KPI, tables, Params(), "counts")["mrr_at_stake"].iloc[-1] == 300


@pytest.mark.parametrize(
    ("start", "month"),
    [
        (date(2026, 3, 31), 1),
        (date(2026, 3, 1), 1),
        (date(2026, 2, 28), 2),
        (date(2025, 4, 1), 12),
        (date(2025, 3, 31), 1),
        (date(2023, 12, 15), 4),
    ],
)
def test_the_month_of_the_subscription_year(start: date, month: int) -> None:
    found = run(standing(firm([paid("a", started_on=start)], [])))
    assert found["month_of_year"].tolist() == [month]


@pytest.mark.parametrize(
    ("term", "months"),
    [
        (date(2026, 4, 30), 0),
        (date(2026, 5, 1), 1),
        (date(2027, 3, 31), 12),
        (date(2026, 1, 1), 0),
    ],
)
def test_months_to_renewal_are_whole(term: date, months: int) -> None:
    found = run(standing(firm([paid("a", term_ends_on=term)], [])))
    expected = months if term.day != 30 else 0
    assert found["months_to_renewal"].tolist() == [expected]


def rule(name: str, tables: Tables, **params: Any) -> RuleOutcome | None:
    found = next(rule for rule in KPI.fit_rules if rule.name == name)
    return found.check(tables, Params(**params))


def test_sporadic_use_by_customers_that_renew_makes_it_a_poor_kpi() -> None:
    """Six accounts look in once a month and renew: the window has to be longer than a month."""
    names = [f"m{n}" for n in range(6)]
    rows = [
        paid(who, started_on=date(2024, 6, 15), term_ends_on=date(2025, 6, 15)) for who in names
    ]
    usage = [used(who, 30 * month + n) for n, who in enumerate(names) for month in range(12)]
    outcome = rule("sporadic use", firm(rows, usage))
    assert outcome is not None
    assert outcome.fires
    assert outcome.substitute == "window_days 30"
    better = rule("sporadic use", firm(rows, usage), window_days=42)
    assert better is not None
    assert not better.fires


@pytest.mark.parametrize(("apart", "fires"), [(30, False), (120, True)])
def test_a_product_that_is_used_when_something_happens_has_a_poor_kpi(
    apart: int, fires: bool
) -> None:
    """Six accounts renew and open a claim every month, or every four months."""
    names = [f"m{n}" for n in range(6)]
    rows = [
        paid(who, started_on=date(2024, 6, 15), term_ends_on=date(2025, 6, 15)) for who in names
    ]
    usage = [used(who, day + n) for n, who in enumerate(names) for day in range(0, 361, apart)]
    outcome = rule("driven by events", firm(rows, usage))
    assert outcome is not None
    assert outcome.fires is fires
    assert f"it takes {apart} days" in outcome.sentence
    assert outcome.substitute == ("revenue_retention" if fires else "")


def test_sporadic_use_of_customers_that_leave_says_nothing() -> None:
    names = [f"m{n}" for n in range(6)]
    rows = [paid(who, ended_on=date(2026, 6, 15)) for who in names]
    usage = [used(who, 30 * month) for who in names for month in range(9)]
    assert rule("sporadic use", firm(rows, usage)) is None


@pytest.mark.parametrize(("pulled", "fires"), [(2, True), (1, False)])
def test_a_business_served_by_machines_has_a_poor_kpi(pulled: int, fires: bool) -> None:
    usage = [row for who in "abc"[:pulled] for row in api(who, range(30))]
    usage += [used(who, 1) for who in "abc"[pulled:]]
    outcome = rule("pulled by machine", firm([paid(who) for who in "abc"], usage))
    assert outcome is not None
    assert outcome.fires is fires
    assert outcome.sentence.startswith(f"In {pulled} of 3 paying accounts")


def test_the_log_in_script_is_given_away_by_barely_active_accounts() -> None:
    tables = company()
    move = next(move for move in KPI.cheap_moves if move.name == "log-in script")
    before = part(KPI, tables, Params(), "counts").iloc[-1]
    after = part(KPI, move.edit(tables, Params()), Params(), "counts").iloc[-1]
    assert after["inactive"] == 0 < before["inactive"]
    assert after["barely_active"] > before["barely_active"]


def test_free_contracts_are_given_away_by_recurring_revenue() -> None:
    from kpi_lib.kpis import recurring_revenue

    tables = company()
    move = next(move for move in KPI.cheap_moves if move.name == "free of charge")
    free = move.edit(tables, Params())
    revenue = recurring_revenue.KPI
    before = measure(revenue, tables, revenue.Params()).headline.value
    after = measure(revenue, free, revenue.Params()).headline.value
    assert before is not None
    assert after is not None
    assert after < before
