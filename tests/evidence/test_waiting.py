"""When there will be enough, from the present rate."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from kpi_lib.evidence.finding import Settings
from kpi_lib.evidence.leading import leading
from kpi_lib.evidence.readable import readable
from kpi_lib.evidence.verdict import judge
from kpi_lib.evidence.waiting import enough_on, losses_needed, when
from kpi_lib.schema import OPEN_END
from tests.evidence.worlds import (
    LAST_DAY,
    Plan,
    World,
    make_world,
    signal_kpi,
    signal_params,
    table,
)

DAY = date(2026, 6, 30)
QUICK = Settings(draws=200)


def test_the_day_follows_from_what_is_missing_and_the_rate() -> None:
    assert enough_on(DAY, 4, 8.0) == DAY + timedelta(days=183)
    assert when(DAY, 3, 8.0) == "at the present rate of 8 a year by 2026-11"


@pytest.mark.parametrize(("missing", "rate"), [(3, 0.0), (300, 0.1)])
def test_no_day_is_named_where_nothing_comes_or_nobody_would_wait(
    missing: float, rate: float
) -> None:
    assert enough_on(DAY, missing, rate) is None
    assert when(DAY, missing, rate) == ""


def losses(*ended_on: date) -> World:
    """One account per day, which paid for a year until then; and a hundred that stay."""
    rows: list[dict[str, Any]] = []
    for number, end in enumerate([*ended_on, *[OPEN_END] * 100]):
        start = min(end, LAST_DAY) - timedelta(days=365)
        rows.append(
            {
                "subscription_id": f"s{number}",
                "account_id": f"a{number:03d}",
                "started_on": start,
                "ended_on": end,
                "cancelled_on": None if end == OPEN_END else end - timedelta(days=30),
                "term_ends_on": min(end, LAST_DAY),
                "monthly_amount": 100.0,
            }
        )
    world = make_world(Plan(accounts=2))
    return World({**world.tables, "subscriptions": table("subscriptions", rows)})


def test_too_few_losses_say_when_there_will_be_enough() -> None:
    recent = [LAST_DAY - timedelta(days=40 * back) for back in range(1, 9)]
    finding = leading(signal_kpi(), losses(*recent[:7]), signal_params(), QUICK)
    assert finding.reason == (
        "7 lost accounts; this test needs 10; at the present rate of 7 a year by 2026-06"
    )
    assert finding.numbers["enough_on"] == LAST_DAY + timedelta(days=round(3 / 7 * 365.25))
    because = judge(signal_kpi(), losses(*recent[:7]), signal_params(), QUICK).because
    assert "at the present rate of 7 a year by 2026-06" in because


def test_losses_of_long_ago_are_no_present_rate() -> None:
    old = [date(2020, month, 1) for month in range(1, 8)]
    finding = leading(signal_kpi(), losses(*old), signal_params(), QUICK)
    assert finding.reason == "7 lost accounts; this test needs 10"
    assert finding.numbers["enough_on"] is None


def row(**changes: float) -> dict[str, float]:
    told = {"losses": 20, "auc": 0.6, "auc_low": 0.5, "skill": 0.1, "skill_low": 0.0}
    return {**told, "skill_high": 0.2, **changes}


def test_a_lead_that_is_just_not_told_needs_hardly_more_losses() -> None:
    assert losses_needed(row(), QUICK) == 20
    assert losses_needed(row(skill_low=-0.1), QUICK) == 80
    assert losses_needed(row(auc_low=0.4), QUICK) == 80


def test_a_small_skill_needs_enough_losses_to_be_told_from_a_useful_one() -> None:
    assert losses_needed(row(skill=0.0, skill_high=0.1), QUICK) == 80
    assert losses_needed(row(auc=0.5), QUICK) is None


def test_what_cannot_be_told_with_ten_losses_says_how_many_it_takes() -> None:
    plan = Plan(seed=2, accounts=40, effect=0.7)
    findings = [
        leading(signal_kpi(), make_world(replace(plan, seed=seed)), signal_params(), QUICK)
        for seed in range(2, 6)
    ]
    still_open = [one for one in findings if one.numbers.get("losses_needed")]
    assert still_open
    for one in still_open:
        assert one.passed is None
        assert f"about {one.numbers['losses_needed']:,} would say" in one.reason
        assert one.numbers["losses_needed"] > 10


def test_a_cohort_that_is_too_small_says_by_when_both_samples_are_there() -> None:
    kpi, params = signal_kpi(paired=False), signal_params(interesting_change=0.05)
    finding = readable(kpi, make_world(Plan(accounts=40)), params, QUICK)
    assert finding.passed is False
    day = finding.numbers["enough_on"]
    assert day > LAST_DAY
    assert f"both are there by {day:%Y-%m} at the present intake" in finding.headline


def test_the_same_accounts_seen_again_do_not_fill_a_sample_up() -> None:
    params = signal_params(interesting_change=0.05)
    finding = readable(signal_kpi(), make_world(Plan(accounts=40)), params, QUICK)
    assert finding.numbers["enough_on"] is None
