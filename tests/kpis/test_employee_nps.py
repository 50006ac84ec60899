"""Employee net promoter score: figures by hand, scales, customers, and what the sample holds."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from kpi_lib.data import Dataset, open_dataset
from kpi_lib.engine import run
from kpi_lib.evidence.verdict import judge
from kpi_lib.example import small_company
from kpi_lib.kpis.employee_nps import KPI, Params
from kpi_lib.measure import by_segment, measure, part
from kpi_lib.schema import Tables
from kpi_lib.sections.made_of import part as shown_part
from kpi_lib.sections.number import trend_sentence
from tests.company import company as lawful_company

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
AS_OF, DAY = date(2026, 6, 30), date(2026, 5, 20)


def answers(
    team: str | None, scores: list[float], day: date = DAY, **more: Any
) -> list[dict[str, Any]]:
    """One answer per score, each by another person of the team."""
    return [
        {
            "answer_id": f"{team} {place} {day} {more.get('question', '')}",
            "question": "employee_nps",
            "respondent_id": f"{team} {place}",
            "team": team,
            "answered_on": day,
            "score": score,
            "scale_max": 10,
            "comment": f"{team} says {score:g}",
            **more,
        }
        for place, score in enumerate(scores)
    ]


def company(rows: list[dict[str, Any]], invited: list[dict[str, Any]] | None = None) -> Tables:
    extra = {} if invited is None else {"invited": invited}
    return small_company(AS_OF, answers=rows, **extra)


def asked(team: str | None, people: int) -> dict[str, Any]:
    return {"question": "employee_nps", "team": team, "period": date(2026, 4, 1), "people": people}


def value(rows: list[dict[str, Any]], **chosen: Any) -> float | None:
    return measure(KPI, company(rows), Params(**chosen)).headline.value


def test_published_counts_through_the_whole_chain() -> None:
    """Published: 36 promoters, 28 passives, 16 detractors of 80 answers score 25."""
    rows = answers(
        "all", [9.0] * 20 + [10.0] * 16 + [7.0] * 14 + [8.0] * 14 + [6.0] * 8 + [0.0] * 8
    )
    assert value(rows) == pytest.approx(25)


@pytest.mark.parametrize(
    ("scale", "scores"),
    [(10, [9.0, 10.0, 8.0, 7.0, 6.0, 1.0]), (5, [5.0, 5.0, 4.0, 4.0, 3.0, 1.0])],
)
def test_scales_are_cut_at_the_same_shares_of_their_end(scale: int, scores: list[float]) -> None:
    """Two promoters, two passives, two detractors on each scale; one more promoter tips it."""
    assert value(answers("all", scores, scale_max=scale)) == 0
    more = [*scores, float(scale)]
    assert value(answers("all", more, scale_max=scale)) == pytest.approx(100 / 7)


def test_a_zero_is_no_answer_on_a_scale_from_one() -> None:
    rows = answers("all", [10.0] * 5 + [0.0])
    assert value(rows) == pytest.approx(100 * 4 / 6)
    assert value(rows, scale_from=1) == 100


def test_scores_beyond_the_scale_are_left_out() -> None:
    assert value(answers("all", [10.0] * 5 + [11.0, 95.0, -3.0])) == 100


def test_the_last_or_the_first_answer_of_a_person_counts() -> None:
    rows = answers("all", [1.0] * 5, date(2026, 4, 2)) + answers("all", [10.0] * 5, DAY)
    assert value(rows) == 100
    assert value(rows, repeated="first") == -100


def test_the_interval_is_exact_below_thirty_answers() -> None:
    """Five of five: the lower bound is 2 (a/2)^(1/5) - 1, by hand."""
    headline = measure(KPI, company(answers("all", [10.0] * 5)), Params()).headline
    assert headline.low == pytest.approx(100 * (2 * 0.05 ** (1 / 5) - 1), abs=1e-4)
    assert headline.high == 100


def test_the_silent_could_turn_it_round() -> None:
    """Six promoters and two detractors of twenty asked: (4 - 12) / 20 and (4 + 12) / 20."""
    rows = answers("all", [10.0] * 6 + [2.0] * 2)
    silent = part(KPI, company(rows, [asked("all", 20)]), Params(), "silent").iloc[0]
    assert (silent["score"], silent["at_worst"], silent["at_best"]) == (50, -40, 80)
    assert silent["response"] == pytest.approx(0.4)
    outcome = KPI.fit_rules[1].check(company(rows, [asked(None, 20)]), Params())
    assert outcome is not None
    assert outcome.fires
    assert "40 % of 20 people" in outcome.sentence
    assert KPI.fit_rules[1].check(company(rows), Params()) is None


def test_more_answers_than_invitations_give_no_bounds() -> None:
    silent = part(KPI, company(answers("all", [10.0] * 6), [asked("all", 4)]), Params(), "silent")
    assert silent["at_worst"].isna().all()


def test_a_score_below_zero_has_limits_below_zero() -> None:
    """The limits of ordinary variation of points are not cut at 0."""
    quarters = [date(2024, 8, 1) + timedelta(days=91 * back) for back in range(8)]
    rows = [
        row
        for place, day in enumerate(quarters)
        for row in answers("all", [10.0] * (4 + place % 2) + [1.0] * 5, day)
    ]
    assert "(-" in trend_sentence(measure(KPI, company(rows), Params()))


def test_no_share_of_added_up_points_is_said() -> None:
    rows = answers("all", [10.0] * 8) + answers("all", [9.0] * 6, question="pulse")
    frame = part(KPI, company(rows), Params(pulse_questions=("pulse",)), "pulse")
    pulse = next(one for one in KPI.parts if one.name == "pulse")
    assert shown_part(pulse, frame).said.endswith("100 points.")


def test_questions_are_scored_by_the_same_code() -> None:
    rows = answers("all", [10.0] * 6 + [1.0] * 2)
    rows += answers("all", [5.0] * 3 + [2.0] * 5, question="pulse", scale_max=5)
    frame = part(KPI, company(rows), Params(pulse_questions=("pulse", "unknown")), "pulse")
    assert frame["name"].tolist() == ["pulse", "employee_nps"]
    assert frame["score"].tolist() == [-25, 50]


def test_up_to_ten_questions() -> None:
    assert Params(pulse_questions=tuple("abcdefghij"))
    with pytest.raises(ValidationError, match="at most 10"):
        Params(pulse_questions=tuple("abcdefghijk"))


def test_few_answers_do_not_fit() -> None:
    few = company(answers("all", [10.0] * 7))
    hidden = company(answers("all", [10.0] * 4))
    found = [KPI.fit_rules[0].check(tables, Params()) for tables in (few, hidden, company([]))]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].fires
    assert found[1].fires
    assert "29 points" in found[0].sentence
    assert "4" not in found[1].sentence
    assert found[2] is None


@cache
def sample(name: str) -> Dataset:
    return open_dataset(SAMPLE / name)


def counted(frame: pd.DataFrame) -> pd.Series[float]:
    """The score per calendar quarter, counted with pandas from the rows of the file."""
    when = pd.to_datetime(frame["answered_on"]).dt.to_period("Q").astype(str)
    points = (frame["score"] >= 9).astype(float) - (frame["score"] <= 6).astype(float)
    return 100 * points.groupby(when).mean()


@pytest.mark.parametrize(
    ("name", "question"),
    [("saas", "employee_nps"), ("saas", "customer_nps"), ("wholesale", "customer_nps")],
)
def test_the_sample_against_plain_counting(name: str, question: str) -> None:
    """The same code scores employees and customers; no person of the sample answers twice a quarter."""
    file = pd.read_csv(SAMPLE / name / "answers.csv")
    wanted = counted(file[file["question"] == question])
    params = Params(question=question, periods=20)
    trend = measure(KPI, sample(name).as_of(), params).trend.dropna(subset=["value"])
    assert len(trend) >= 2
    assert trend["value"].tolist() == pytest.approx(wanted[trend["label"]].tolist())


def test_customers_by_segment() -> None:
    params = Params(question="customer_nps", segment="segment")
    frame = by_segment(KPI, sample("saas").as_of(), params)
    assert set(frame["segment"]) == {"enterprise", "mid_market"}
    whole = measure(KPI, sample("saas").as_of(), params).trend
    assert frame.groupby("period")["n"].sum().sum() == whole["n"].sum()


def test_sales_falls_slowly_on_the_sample() -> None:
    """Planted: only sales loses 0.08 points of the mean score a quarter."""
    frame = by_segment(KPI, sample("saas").as_of(), Params(segment="team", periods=14))
    of = frame[frame["segment"] == "sales"].sort_values("period")["value"]
    assert len(of) == 14
    assert of.tail(7).mean() < of.head(7).mean()


def test_small_teams_of_the_sample_have_no_figure() -> None:
    """Support has 4 people and finance 3: neither is ever named."""
    tables = sample("saas").as_of()
    params = Params(segment="team", periods=14)
    segments = set(by_segment(KPI, tables, params)["segment"])
    assert {"engineering", "sales", "other teams"} <= segments
    assert not {"support", "finance"} & segments
    assert KPI.who is not None
    assert not {"support", "finance"} & set(run(KPI.who.compute(tables, params))["name"])


def test_no_row_names_an_account_or_a_person() -> None:
    seen = run(KPI.observe(lawful_company(), Params()))
    assert seen["account_id"].isna().all()
    assert not set(seen["unit_id"]) & set(run(lawful_company()["answers"])["respondent_id"])


def test_tests_that_need_accounts_say_so() -> None:
    params = Params(segment="team", as_of=date(2026, 6, 30), interesting_change=20.0)
    verdict = judge(KPI, sample("saas"), params)
    leading = verdict.findings["leading"]
    assert leading.passed is None
    assert leading.reason == "the KPI says nothing about single accounts"
    assert "no order of accounts" in verdict.findings["robust"].reason
    assert verdict.suggestion == "not readable here"


def test_only_quarters_and_never_a_lower_floor() -> None:
    for wrong in ({"period": "month"}, {"anonymity_floor": 4}):
        with pytest.raises(ValidationError):
            Params.model_validate(wrong)
