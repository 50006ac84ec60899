"""Does a score that leads pass, one that does not fail, and what cannot be told say so?"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from kpi_lib.evidence.finding import Finding, Settings
from kpi_lib.evidence.leading import found_in, lead_time, leading
from kpi_lib.evidence.outcomes import History, history_of
from kpi_lib.evidence.permutation import stratified_p_value
from kpi_lib.evidence.risk import Asked, answered, ask
from kpi_lib.evidence.skill import calibration
from kpi_lib.kpi import Better
from kpi_lib.schema import Tables
from tests.evidence.worlds import (
    LAST_DAY,
    Plan,
    World,
    contract_rows,
    drawn,
    latest_signals,
    make_world,
    signal_kpi,
    signal_params,
)

QUICK = Settings(draws=300)


def asked_of(plan: Plan, settings: Settings = QUICK) -> tuple[History, Asked, pd.DataFrame]:
    _, contracts, signals = drawn(plan)
    past = history_of(contract_rows(contracts), LAST_DAY, settings)
    asked = ask(past, settings)
    return past, asked, latest_signals(signals, asked.days)


@cache
def found(plan: Plan, better: Better = Better.LOWER) -> Finding:
    past, asked, scores = asked_of(plan)
    return found_in(past, answered(asked, scores, past, better), QUICK)


def number(finding: Finding, lead: int, name: str) -> float:
    rows = finding.table[finding.table["lead_months"] == lead]
    return float(rows[name].astype("float64").iloc[0])


PLANTED = Plan(effect=1.5, accounts=120)


def test_a_planted_lead_is_found_and_lies_inside_its_interval() -> None:
    finding = found(PLANTED)
    assert finding.passed is True
    assert finding.numbers["lead_low"] <= PLANTED.from_months <= finding.numbers["lead_high"]
    assert finding.numbers["lead_months"] >= 3
    assert "3 months before, AUC" in finding.headline


def test_beyond_the_planted_lead_there_is_nothing() -> None:
    assert number(found(PLANTED), 3, "auc_low") > 0.6
    assert number(found(PLANTED), 9, "auc_low") < 0.5 < number(found(PLANTED), 9, "auc_high") + 0.05


def test_permuting_the_accounts_breaks_it() -> None:
    assert found(replace(PLANTED, permute=True)).passed is not True


def test_the_wrong_direction_does_not_pass() -> None:
    assert found(PLANTED, Better.HIGHER).passed is not True
    turned = number(found(PLANTED, Better.HIGHER), 1, "auc")
    assert turned == pytest.approx(1 - number(found(PLANTED), 1, "auc"))


@pytest.mark.slow
def test_noise_hardly_ever_passes() -> None:
    """Of 40 worlds without effect at most 2 may pass: chance below 2 % each would be 0.8."""
    settings = replace(QUICK, draws=150, folds=3)
    answers = []
    for seed in range(100, 140):
        past, asked, scores = asked_of(Plan(seed=seed, accounts=60), settings)
        sets = answered(asked, scores, past, Better.LOWER)
        answers.append(found_in(past, sets, settings).passed)
    assert sum(answer is True for answer in answers) <= 2
    assert sum(answer is False for answer in answers) >= 10


def test_a_small_company_with_a_real_lead_is_not_dropped_for_lack_of_data() -> None:
    answers = [found(Plan(seed=seed, accounts=30, effect=1.5)).passed for seed in range(4)]
    assert sum(answer is False for answer in answers) <= 1


def test_the_limits_hold_the_estimates_and_the_table_has_every_lead() -> None:
    table = found(PLANTED).table
    assert table["lead_months"].tolist() == list(QUICK.leads)
    for name in ("auc", "skill"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_high"]).all()
    assert table["skill"].to_numpy() == pytest.approx(
        (table["auc_both"] - table["auc_baseline"]).to_numpy()
    )


def test_the_same_data_give_the_same_finding() -> None:
    past, asked, scores = asked_of(PLANTED)
    again = found_in(past, answered(asked, scores, past, Better.LOWER), QUICK)
    pd.testing.assert_frame_equal(again.table, found(PLANTED).table)


def test_the_scale_of_the_score_does_not_matter() -> None:
    past, asked, scores = asked_of(PLANTED)
    stretched = scores.assign(score=np.exp(3 * scores["score"]) * 1e6)
    again = found_in(past, answered(asked, stretched, past, Better.LOWER), QUICK)
    pd.testing.assert_frame_equal(again.table, found(PLANTED).table)


def test_no_account_is_at_risk_once_its_cancellation_is_known() -> None:
    past, asked, _ = asked_of(Plan(accounts=80))
    lost = asked.by_notice[asked.by_notice["is_lost"]]
    assert (lost["on"] < lost["notice_on"]).all()
    seen = asked.to_end[asked.to_end["is_lost"]]
    assert (seen["on"] >= seen["notice_on"]).any()
    assert past.losses > 10


def test_no_account_is_at_risk_before_it_pays_and_each_score_is_early_enough() -> None:
    _, asked, _ = asked_of(Plan(accounts=80))
    rows = asked.by_notice
    assert (rows["on"] >= rows["spell_from"]).all()
    assert rows["on"].dt.is_month_end.all()
    for lead in QUICK.leads:
        own = rows[rows["lead_months"] == lead]
        days = (own["acted_on"] - pd.DateOffset(months=lead) - own["on"]).dt.days
        assert days.between(0, 30).all()


def test_accounts_that_go_quiet_because_they_cancelled_do_not_make_a_lead() -> None:
    """The signal rises only after the notice: the rule sees nothing, a naive look sees a lot."""
    past, asked, scores = asked_of(Plan(accounts=150, notice_days=90))
    told = past.decisions[past.decisions["is_lost"]][["account_id", "notice_on"]]
    late = scores.merge(told, on="account_id", how="left")
    late["score"] += 3.0 * (late["on"] >= late["notice_on"])
    sets = answered(asked, late[["account_id", "on", "score"]], past, Better.LOWER)
    finding = found_in(past, sets, QUICK)
    assert finding.passed is not True
    assert number(finding, 1, "auc_to_end") > number(finding, 1, "auc") + 0.2


def test_survivors_only_scores_are_shown_with_the_others_ranked_worst() -> None:
    past, asked, scores = asked_of(Plan(accounts=150))
    lost = past.decisions.loc[past.decisions["is_lost"], "account_id"]
    kept = scores[~scores["account_id"].isin(lost.iloc[::2])]
    table = found_in(past, answered(asked, kept, past, Better.LOWER), QUICK).table
    assert (table["without_score"] > 0).all()
    assert (table["auc_missing_worst"] > table["auc"]).all()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([True, True, True, False, False], 3),
        ([True, False, True, True, True], 1),
        ([False, True, True, True, True], 0),
        ([True, True, True, True, True], 9),
    ],
)
def test_the_lead_time_needs_every_shorter_lead(told: list[bool], expected: int) -> None:
    low = np.where(told, 0.55, 0.45)
    frame = pd.DataFrame({"lead_months": QUICK.leads, "auc": 0.6, "auc_low": low, "auc_high": 0.7})
    frame = frame.assign(skill_low=0.01, skill_high=0.2)
    assert lead_time(frame, QUICK) == (expected, 9)
    assert lead_time(frame.assign(auc_high=low), QUICK)[1] == expected
    assert lead_time(frame.assign(skill_low=-0.01), QUICK)[0] == 0


def test_calibration_has_fifths_of_equal_size_and_recovers_the_losses() -> None:
    past, asked, scores = asked_of(PLANTED)
    fifths = calibration(answered(asked, scores, past, Better.LOWER).by_notice, QUICK)
    assert fifths["fifth"].tolist() == [1, 2, 3, 4, 5]
    assert fifths["n"].max() - fifths["n"].min() <= 1
    assert fifths["predicted"].is_monotonic_increasing
    lost = fifths["lost"].astype("float64").tolist()
    assert lost[-1] > lost[0]


def test_the_permutation_keeps_strata_apart() -> None:
    """A score that only tells the strata apart is no evidence within them."""
    rng = np.random.default_rng(5)
    stratum = np.repeat([0, 1], 60)
    lost = rng.random(120) < np.where(stratum == 1, 0.7, 0.1)
    assert stratified_p_value(stratum, lost, stratum, draws=200, seed=1) == 1.0
    assert stratified_p_value(stratum, lost, np.zeros(120), draws=200, seed=1) < 0.02
    assert stratified_p_value(lost, lost, stratum, draws=200, seed=1) < 0.02


def without(world: World, name: str) -> World:
    return World({key: value for key, value in world.tables.items() if key != name})


def test_without_subscriptions_it_cannot_be_told() -> None:
    finding = leading(
        signal_kpi(), without(make_world(Plan(accounts=3)), "subscriptions"), signal_params()
    )
    assert finding.passed is None
    assert "subscriptions" in finding.reason


def test_a_kpi_without_accounts_cannot_be_told() -> None:
    kpi = signal_kpi(has_account_level=False)
    finding = leading(kpi, make_world(Plan(accounts=3)), signal_params())
    assert finding.passed is None
    assert "single accounts" in finding.reason


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(accounts=0), "0 lost accounts; this test needs 10"),
        (Plan(accounts=1), "this test needs 10"),
        (Plan(accounts=25, loss_share=0.0), "0 lost accounts; this test needs 10"),
        (Plan(accounts=25, loss_share=1.0), "are losses; no renewal to compare with"),
    ],
)  # fmt: skip
def test_thin_data_say_what_is_missing(plan: Plan, said: str) -> None:
    finding = leading(signal_kpi(), make_world(plan), signal_params(), QUICK)
    assert finding.passed is None
    assert said in finding.reason


def test_a_score_that_never_varies_cannot_be_told() -> None:
    past, asked, scores = asked_of(Plan(accounts=60))
    sets = answered(asked, scores.assign(score=1.0), past, Better.LOWER)
    finding = found_in(past, sets, QUICK)
    assert finding.passed is None
    assert finding.reason == "the score is the same for all accounts"


def test_no_scores_at_all_cannot_be_told() -> None:
    past, asked, scores = asked_of(Plan(accounts=60))
    finding = found_in(past, answered(asked, scores.iloc[:0], past, Better.LOWER), QUICK)
    assert finding.passed is None
    assert "0 lost accounts" in finding.reason


def test_through_the_engine_and_from_data_known_on_each_day_only() -> None:
    world = make_world(replace(PLANTED, accounts=70, years=3))
    asked: list[Tables] = []

    class Watched(World):
        def as_of(self, day: object) -> Tables:
            asked.append(super().as_of(day))  # type: ignore[arg-type]  # a Source's own signature
            return asked[-1]

    settings = replace(QUICK, most_month_ends=18)
    finding = leading(signal_kpi(), Watched(world.tables), signal_params(), settings)
    assert finding.passed is True
    assert len({tables.as_of for tables in asked}) == 19
