"""Demo conversion: whose clock starts when, both denominators, reasons that tell on nobody, the sample."""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpi_lib.customers.sales.demo_said import OTHER_REASONS
from kpi_lib.customers.sales.demos import NO_PAGE
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.demo_conversion import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables
from tests.company import company

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"
AS_OF = date(2026, 6, 30)
START = date(2025, 4, 10)
Row = dict[str, Any]


def monthly(**more: Any) -> Params:
    """Months, so that small examples fall apart into several periods."""
    return Params.model_validate({"period": "month", "periods": 24} | more)


def demo(name: str, day: date, won: int | None = None, lost: int | None = None, **more: Any) -> Row:
    """A lead that came 20 days before its demo; won and lost in days after the demo."""
    days = {"won_on": won, "lost_on": lost}
    dates = {k: day + timedelta(days=d) for k, d in days.items() if d is not None}
    came = day - timedelta(days=20)
    row = {"lead_id": name, "created_on": came, "demo_on": day, "source": "web"}
    return row | dates | more


def firm(*leads: Row, as_of: date = AS_OF, **more: list[Row]) -> Tables:
    return small_company(as_of, leads=list(leads), **more)


def found(tables: Tables, **params: Any) -> dict[str, tuple[str, float, int]]:
    """Month, days and outcome of each demo."""
    rows = run(KPI.observe(tables, monthly(**params)))
    return {
        r["unit_id"]: (f"{r['period']:%Y-%m}", r["value"], r["outcome"])
        for r in rows.to_dict("records")
    }


def test_the_clock_starts_with_the_demo() -> None:
    tables = firm(
        demo("won", START, won=30),
        demo("lost", START, lost=40),
        demo("open", START),
        demo("won before", START, won=-1),
        demo("lost before", START, lost=-1),
        demo("won on the day", START, won=0),
        demo("to come", AS_OF + timedelta(days=3), created_on=AS_OF),
        {"lead_id": "none", "created_on": START, "source": "web", "won_on": START},
    )
    assert found(tables) == {
        "won": ("2025-04", 30, 1),
        "lost": ("2025-04", 40, 2),
        "open": ("2025-04", 446, 0),
        "won on the day": ("2025-04", 0, 1),
    }
    row = part(KPI, tables, monthly(), "left_out").iloc[0]
    assert row.to_dict() == {"leads": 8, "without_demo": 2, "closed_before": 2, "demos": 4}


def test_a_demo_that_ends_is_bought_lost_or_past_its_horizon() -> None:
    tables = firm(
        demo("won", START, won=30),
        demo("lost", START, lost=40),
        demo("silent", START),
        demo("late", START, won=120),
        demo("lost late", START, lost=120),
        demo("on the last day", START, won=100),
        demo("young", AS_OF - timedelta(days=99)),
        demo("just ended", AS_OF - timedelta(days=100)),
    )
    assert found(tables, horizon_days=100, denominator="ended") == {
        "won": ("2025-05", 30, 1),
        "lost": ("2025-05", 40, 2),
        "silent": ("2025-07", 100, 2),
        "late": ("2025-07", 100, 2),
        "lost late": ("2025-07", 100, 2),
        "on the last day": ("2025-07", 100, 1),
        "just ended": ("2026-06", 100, 2),
    }


def test_both_denominators_of_the_same_demos() -> None:
    """4 demos in April, 1 of them bought in May; 2 of May, 1 bought at once, 1 open for its 60 days."""
    tables = firm(
        demo("a", START, won=30),
        demo("b", START, lost=10),
        demo("c", START, lost=25),
        demo("d", START),
        demo("e", date(2025, 5, 12), won=5),
        demo("f", date(2025, 5, 12)),
    )
    params = monthly(horizon_days=60, periods=20)
    table: Any = part(KPI, tables, params, "both").set_index("period")
    assert table["of_started"].tolist() == [0.25, 0.5]
    # ended: b in April; a, c, e in May; d in June (9 June) and f in July
    assert table["started"].tolist() == [4, 2]
    assert table["ended"].tolist() == [1, 3]
    assert table["of_ended"].tolist() == pytest.approx([0, 2 / 3])
    by_end = measure(KPI, tables, params.model_copy(update={"denominator": "ended"})).trend
    told: Any = by_end.dropna(subset=["value"]).set_index("label")["value"]
    assert told.to_dict() == pytest.approx(
        {"2025-04": 0, "2025-05": 2 / 3, "2025-06": 0, "2025-07": 0}
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    ends=st.lists(
        st.tuples(st.sampled_from(["won", "lost", ""]), st.integers(0, 200)),
        min_size=1,
        max_size=12,
    )
)
def test_past_the_horizon_both_denominators_count_the_same_buyers(
    ends: list[tuple[str, int]],
) -> None:
    """All demos of a day a year ago have ended: bought of the started = bought of the ended."""
    rows = [
        demo(f"d{i}", START, **({kind: day} if kind else {})) for i, (kind, day) in enumerate(ends)
    ]
    tables = firm(*rows)
    in_time = sum(kind == "won" and day <= 100 for kind, day in ends)
    for name in ("started", "ended"):
        params = monthly(horizon_days=100, denominator=name, periods=24)
        method, seen = KPI.estimator(params), KPI.observe(tables, params)
        pooled = method.estimate(run(method.reduce(seen, [])), [], 0.9).iloc[0]
        assert pooled["n"] == len(ends), name
        assert pooled["value"] == pytest.approx(in_time / len(ends), abs=1e-12), name
        assert pooled["resolved"] == 1, name


def test_a_young_cohort_has_no_figure_by_its_start() -> None:
    old = [demo(f"o{i}", START, won=20 if i == 0 else None) for i in range(4)]
    young = [demo(f"y{i}", date(2026, 5, 5), lost=5 if i < 2 else None) for i in range(4)]
    measured = measure(KPI, firm(*old, *young), monthly())
    trend: Any = measured.trend.set_index("label")
    assert math.isnan(trend.loc["2026-05", "value"])
    assert trend.loc["2026-05", "is_open"]
    assert (measured.headline.label, measured.headline.value) == ("2025-04", 0.25)


def test_pages_and_plans() -> None:
    tables = firm(
        demo("a", START, won=20, campaign="page farms", plan="basic"),
        demo("b", START, lost=20, campaign="page farms"),
        demo("c", START, won=20, campaign="fair 2025", plan="basic"),
        demo("d", START, lost=20),
    )
    params = monthly(horizon_days=60)
    pages: Any = part(KPI, tables, params, "by_page").set_index("page")
    assert pages["demos"].to_dict() == {"farms": 2, NO_PAGE: 2}
    assert pages["conversion"].to_dict() == {"farms": 0.5, NO_PAGE: 0.5}
    plans: Any = part(KPI, tables, params, "by_plan").set_index("plan")
    assert plans["bought"].to_dict() == {"basic": 2, "not stated": 0}
    every: Any = part(KPI, tables, monthly(page_prefix=""), "by_page").set_index("page")
    assert every["demos"].to_dict() == {"page farms": 2, "fair 2025": 1, NO_PAGE: 1}
    for name in ("page", "plan", "campaign"):
        rows = run(KPI.observe(tables, monthly(segment=name)))
        assert rows["segment"].nunique() == {"page": 2, "plan": 2, "campaign": 3}[name]
    with pytest.raises(ValueError, match="shoe_size"):
        KPI.observe(tables, monthly(segment="shoe_size"))


def lost_for(reason: str | None, count: int, since: int = 0) -> list[Row]:
    names = [f"{reason}-{i}" for i in range(since, since + count)]
    return [demo(name, START, lost=20, lost_reason=reason) for name in names]


def answer(row: Row, comment: str | None, number: int = 0, **more: Any) -> Row:
    return {
        "answer_id": f"{row['lead_id']}/{number}",
        "question": "demo_feedback",
        "respondent_id": row["lead_id"],
        "answered_on": START + timedelta(days=40 + number),
        "score": 3.0,
        "scale_max": 5,
        "comment": comment,
    } | more


def test_a_reason_of_few_is_never_shown_apart_nor_by_difference() -> None:
    """2 people left for a reason that would tell who they are; the next larger group hides them."""
    rows = [*lost_for("price", 9), *lost_for("no time", 6), *lost_for("the boss of Ann", 2)]
    rows.append(demo("buyer", START, won=20))
    table: Any = part(KPI, firm(*rows), monthly(), "reasons").set_index("lost_reason")
    assert table["demos"].to_dict() == {"price": 9, OTHER_REASONS: 8}
    assert table["share"].sum() == pytest.approx(1)
    alone = part(KPI, firm(*lost_for("price", 4)), monthly(), "reasons")
    assert alone.empty


def test_quotes_come_from_reasons_that_enough_people_wrote_about() -> None:
    price, quiet = lost_for("price", 7), lost_for("no time", 8)
    won = demo("buyer", START, won=20)
    answers = [answer(row, "too dear" if i < 4 else "dear") for i, row in enumerate(price)]
    answers += [answer(row, f"I am {row['lead_id']}") for row in quiet[:3]]
    answers += [answer(won, "lovely"), answer(price[0], "no, cheap", 1), answer(quiet[4], None)]
    answers += [answer(row, "other poll", 2, question="pulse") for row in price]
    tables = firm(*price, *quiet, won, answers=answers)
    quotes: Any = part(KPI, tables, monthly(), "quotes")
    # price: 7 people wrote, of whom one thought again; no time: 3, below the floor, so price hides them
    assert quotes.empty
    more = [answer(row, "no hands", 3) for row in quiet[3:]]
    quotes = part(KPI, firm(*price, *quiet, won, answers=answers + more), monthly(), "quotes")
    said = {(r["lost_reason"], r["comment"]): r["said_by"] for r in quotes.to_dict("records")}
    assert said == {
        ("no time", "no hands"): 5,
        ("price", "dear"): 3,
        ("price", "too dear"): 3,
        ("price", "no, cheap"): 1,
        **{("no time", f"I am no time-{i}"): 1 for i in range(3)},
    }
    assert quotes["mean_score"].tolist() == [6.0] * 7
    row = part(KPI, firm(*price, *quiet, won, answers=answers + more), monthly(), "feedback").iloc[
        0
    ]
    assert (row["not_bought"], row["with_reason"], row["with_comment"]) == (15, 15, 15)


def test_nothing_told_of_reasons_stands_beside_a_name() -> None:
    tables = company()
    names = set(behind(KPI, tables, monthly()).columns)
    assert not names & {"lost_reason", "comment", "score"}
    assert not set(part(KPI, tables, monthly(), "quotes").columns) & {
        "name",
        "lead_id",
        "answered_on",
    }


def test_what_buyers_took_and_whether_they_pay() -> None:
    rows = [demo(n, START, won=20, account_id=n) for n in "abc"] + [demo("d", START, won=20)]
    paid: Row = {"started_on": START, "monthly_amount": 100.0, "plan": "basic"}
    later: Row = {"started_on": AS_OF, "monthly_amount": 900.0, "plan": "full"}
    subscriptions: list[Row] = [
        *({"account_id": n, "subscription_id": n} | paid for n in "ab"),
        {"account_id": "a", "subscription_id": "a"} | later,
        {"account_id": "c", "subscription_id": "c"} | paid | {"monthly_amount": 0.0},
    ]
    tables = firm(*rows, subscriptions=subscriptions)
    table: Any = part(KPI, tables, monthly(), "plans_bought").set_index("plan_bought")
    assert table["buyers"].to_dict() == {"basic": 2, "no contract on record": 2}
    assert table.loc["basic", "monthly_amount"] == 100
    assert part(KPI, tables, monthly(), "contracts")["with_contract"].tolist() == [0.5]
    without = part(KPI, firm(*rows), monthly(), "contracts")
    assert without["with_contract"].tolist() == [0.0]


def test_cheap_moves_raise_the_share_and_sell_nothing() -> None:
    rows = [demo("a", START, won=20), demo("b", START, lost=20), demo("c", START, lost=200)]
    tables, params = firm(*rows), monthly()
    shares = [
        measure(KPI, move.edit(tables, params), params).headline.value for move in KPI.cheap_moves
    ]
    assert measure(KPI, tables, params).headline.value == pytest.approx(1 / 3)
    assert shares == pytest.approx([1 / 2, 1])


def rules(tables: Tables, **params: Any) -> dict[str, bool | None]:
    checked = {rule.name: rule.check(tables, monthly(**params)) for rule in KPI.fit_rules}
    return {name: None if outcome is None else outcome.fires for name, outcome in checked.items()}


def test_when_it_does_not_fit() -> None:
    plain: Row = {"source": "web", "created_on": START}
    alone = [plain | {"lead_id": f"p{i}", "won_on": date(2026, 2, i + 1)} for i in range(3)]
    slow = demo("slow", date(2025, 2, 1), won=370)
    assert rules(firm(*alone, slow), horizon_days=365) == {
        "accounts without leads": None,
        "sold without demos": True,
        "horizon too short": True,
        "losses not recorded": True,
    }
    assert rules(firm(*alone))["sold without demos"] is None  # nobody writes demos down
    quick = [demo(n, START, won=200) for n in "abc"]
    assert rules(firm(*alone, slow, *quick, demo("no", START, lost=9))) == {
        "accounts without leads": None,
        "sold without demos": False,
        "horizon too short": False,
        "losses not recorded": False,
    }


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


def test_old_demos_of_the_sample_against_pandas() -> None:
    """Demos whose year has passed need no method: bought within 365 days over all, by quarter."""
    leads = pd.read_csv(SAMPLE / "leads.csv", parse_dates=["demo_on", "won_on"]).dropna(
        subset=["demo_on"]
    )
    old = leads[leads["demo_on"].between("2020-07-01", "2025-06-30")]
    in_time = (old["won_on"] - old["demo_on"]).dt.days <= 365
    wanted: Any = in_time.groupby(old["demo_on"].dt.to_period("Q").astype(str)).agg(
        ["mean", "size"]
    )
    trend: Any = measure(KPI, sample(), monthly(period="quarter", periods=24)).trend.set_index(
        "label"
    )
    assert len(wanted) == 20
    for quarter, row in wanted.iterrows():
        assert trend.loc[quarter, "value"] == pytest.approx(row["mean"], abs=1e-12), quarter
        assert trend.loc[quarter, "n"] == row["size"], quarter


def test_reasons_of_the_sample_against_pandas() -> None:
    leads = pd.read_csv(SAMPLE / "leads.csv")
    lost = leads[leads["demo_on"].notna() & leads["lost_on"].notna()]
    table: Any = part(KPI, sample(), monthly(period="quarter", periods=40), "reasons")
    assert (
        table.set_index("lost_reason")["demos"].to_dict()
        == lost["lost_reason"].value_counts().to_dict()
    )
    answers = pd.read_csv(SAMPLE / "answers.csv")
    asked = answers[answers["question"] == "demo_feedback"]
    said = part(KPI, sample(), monthly(period="quarter", periods=40), "quotes")
    assert said["said_by"].sum() == asked["respondent_id"].nunique() == 130
    totals = said.groupby("comment")["said_by"].sum().to_dict()
    assert totals == asked["comment"].value_counts().to_dict()


def test_planted_enterprise_demos_are_bought_more_often() -> None:
    """Data card: enterprise leads are won twice as often as mid-market leads, 16 against 8 %."""
    table: Any = part(KPI, sample(), monthly(period="quarter", periods=36), "by_segment")
    table = table.set_index("segment")
    assert table.loc["enterprise", "low"] > table.loc["mid_market", "high"]
