"""Stage conversion: what becomes of who enters a state, where the value goes, the planted truth."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from kpi_lib.customers.growth.states import STATES
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.stage_conversion import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables
from tests.company import company

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"
AS_OF = date(2026, 6, 30)
START = date(2025, 4, 10)
Row = dict[str, Any]


def way(account: str, *steps: tuple[str, int], gone: int | None = None, **more: Any) -> list[Row]:
    """A journey from its states with the day each began (since START), and the day it left."""
    ends = [day for _, day in steps[1:]] + [gone]
    return [
        {
            "account_id": account,
            "state": state,
            "entered_at": START + timedelta(days=since),
            "left_at": None if until is None else START + timedelta(days=until),
        }
        | more
        for (state, since), until in zip(steps, ends, strict=True)
    ]


def firm(*ways: list[Row], as_of: date = AS_OF, **more: list[Row]) -> Tables:
    return small_company(as_of, states=[row for one in ways for row in one], **more)


WON = (("opportunity", 0), ("committed", 60), ("won", 100))


def found(tables: Tables, **params: Any) -> dict[str, tuple[float, int]]:
    rows = run(KPI.observe(tables, Params(**params)))
    return {r["unit_id"]: (r["value"], r["outcome"]) for r in rows.to_dict("records")}


def test_what_becomes_of_an_opportunity() -> None:
    tables = firm(
        way("won", *WON),
        way("lost", ("opportunity", 0), gone=50),
        way("lost late", ("opportunity", 0), ("committed", 60), gone=90),
        way("open", ("opportunity", 300)),
        way("never asked", ("engaged", 0), gone=20),
    )
    assert found(tables) == {
        "won": (100, 1),
        "lost": (50, 2),
        "lost late": (90, 2),
        "open": (146, 0),
    }
    assert found(tables, to_state="committed")["lost late"] == (60, 1)


def test_a_young_cohort_is_open_and_has_no_figure() -> None:
    """Two of four lost within a week are no cohort that converts at 0 %."""
    old = [
        way(f"o{n}", *(WON if n == 0 else WON[:1]), gone=None if n == 0 else 40) for n in range(4)
    ]
    young = [way(f"y{n}", ("opportunity", 380), gone=387 if n < 2 else None) for n in range(4)]
    measured = measure(KPI, firm(*old, *young), Params(periods=5))
    trend: Any = measured.trend.set_index("label")
    assert trend.loc["2026Q2", "is_open"]
    assert pd.isna(trend.loc["2026Q2", "value"])
    assert measured.headline.label == "2025Q2"
    assert measured.headline.value == 0.25


def test_skipping_the_goal_passes_or_leaves() -> None:
    tables = firm(way("a", ("value", 0), ("renewed", 200)))
    pair = {"from_state": "value", "to_state": "expanded"}
    assert found(tables, **pair) == {"a": (200, 1)}
    assert found(tables, **pair, skipped="leaves") == {"a": (200, 2)}


def test_pairs_that_do_not_run_forward_are_refused() -> None:
    with pytest.raises(ValidationError, match="does not come after"):
        Params(from_state="won", to_state="engaged")
    with pytest.raises(ValidationError, match="does not come after"):
        Params(states=("seen", "bought"))
    assert Params(states=("seen", "bought"), from_state="seen", to_state="bought").states


def test_the_dearest_step_need_not_be_the_leakiest() -> None:
    """6 of 10 leave early, a quarter of the rest late; an early loss would have been won at 75 %."""
    early = [way(f"e{n}", ("opportunity", 0), gone=20, amount=100.0) for n in range(6)]
    late = [way("l", ("opportunity", 0), ("committed", 10), gone=30, amount=9000.0)]
    won = [way(f"w{n}", *WON, amount=1000.0) for n in range(3)]
    params = Params(periods=5, states=("opportunity", "committed", "won"))
    table: Any = part(KPI, firm(*early, *late, *won), params, "friction").set_index("step")
    first, second = (table.loc[name] for name in ("opportunity to committed", "committed to won"))
    assert first["share_gone"] == pytest.approx(0.6)
    assert second["share_gone"] == pytest.approx(0.25)
    assert first["value_lost"] == pytest.approx(6 * 100.0 * 0.75)
    assert second["value_lost"] == pytest.approx(1 * 9000.0)
    assert list(table.index) == ["committed to won", "opportunity to committed"]
    assert (table["low"] <= table["value_lost"]).all()
    assert (table["value_lost"] <= table["high"]).all()


def test_without_amounts_the_loss_in_value_cannot_be_told() -> None:
    table = part(
        KPI,
        firm(way("w", *WON), way("l", ("opportunity", 0), gone=9)),
        Params(periods=5),
        "friction",
    )
    assert table["value_lost"].isna().all()
    assert (table["reason"] != "").all()


def test_more_throughput_of_worse_fit_shows() -> None:
    ways = [way(f"a{n}", ("opportunity", 0), ("won", 30)) for n in range(2)]
    ways += [way(f"b{n}", ("opportunity", 95), ("won", 120)) for n in range(4)]
    ideal = {"a0", "a1", "b0"}
    leads = [
        {"lead_id": rows[0]["account_id"], "account_id": rows[0]["account_id"], "created_on": START}
        | {"is_ideal": rows[0]["account_id"] in ideal}
        for rows in ways
    ]
    table: Any = part(KPI, firm(*ways, leads=leads), Params(periods=5), "throughput").set_index(
        "period"
    )
    assert table["passed"].tolist() == [2, 4]
    assert table["ideal_share"].tolist() == [1.0, 0.25]
    assert table["ideal_passed"].tolist() == [2, 1]
    assert table["reading"].tolist() == ["", "more pass, of worse fit"]


def test_the_counts_of_a_step_add_up_and_the_curves_too() -> None:
    tables, params = company(), Params(periods=8)
    for skipped in ("passes", "leaves"):
        table: Any = part(KPI, tables, Params(periods=8, skipped=skipped), "steps")
        total = table[["moved_on", "skipped", "gone", "in_it"]].sum(axis=1)
        assert total.tolist() == table["entered"].tolist()
        assert (table["skipped"] > 0).any()
    curves = part(KPI, tables, params, "curves")
    shares = curves[["passed_share", "gone_share", "in_it_share"]].sum(axis=1)
    assert shares.to_numpy() == pytest.approx([1.0] * len(curves))


def test_splits_hold_every_journey_once() -> None:
    tables, params = company(), Params(periods=8)
    whole = part(KPI, tables, params, "beside")["entered"].sum()
    assert whole > 0
    for name in ("is_ideal", "track"):
        assert part(KPI, tables, params, f"by_{name}")["entered"].sum() == whole, name
    assert len(behind(KPI, tables, params)) == whole


def test_accounts_and_contacts_hold_the_same_companies() -> None:
    both = [Params(periods=8, journeys_of=whose) for whose in ("account", "contact")]
    accounts, people = (run(KPI.observe(company(), params)) for params in both)
    assert set(accounts["account_id"]) == set(people["account_id"])
    assert len(people) >= len(accounts)


def test_cheap_moves_raise_the_share_and_the_steps_give_them_away() -> None:
    stalled = [way(f"s{n}", ("opportunity", 0), gone=120) for n in range(4)]
    quick = [way(f"q{n}", ("engaged", -30), ("opportunity", 0), gone=50) for n in range(4)]
    tables = firm(*stalled, *quick, *[way(f"w{n}", *WON) for n in range(2)])
    params = Params(periods=6)
    moves = {move.name: move.edit(tables, params) for move in KPI.cheap_moves}
    values = {name: measure(KPI, edited, params).headline.value for name, edited in moves.items()}
    assert measure(KPI, tables, params).headline.value == pytest.approx(0.2)
    assert values == {"late entry": pytest.approx(2 / 6), "letters of intent": pytest.approx(0.6)}
    steps: Any = part(KPI, moves["late entry"], params, "steps").set_index("step")
    assert steps.loc["engaged to qualified", "gone"] == 4
    steps = part(KPI, moves["letters of intent"], params, "steps").set_index("step")
    assert steps.loc["won to live", "gone"] == 4


def test_when_it_does_not_fit() -> None:
    def fired(tables: Tables, **params: Any) -> dict[str, bool | None]:
        checked = {rule.name: rule.check(tables, Params(**params)) for rule in KPI.fit_rules}
        return {name: None if one is None else one.fires for name, one in checked.items()}

    slow = firm(way("a", ("opportunity", 0), ("won", 400)))
    assert fired(slow) == {
        "sold by order": False,
        "states never entered": False,
        "losses not recorded": True,
        "horizon too short": True,
        "few journeys": True,
    }
    assert fired(firm(way("a", ("engaged", 0))))["states never entered"] is True


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


@cache
def file() -> pd.DataFrame:
    rows = pd.read_csv(SAMPLE / "states.csv", parse_dates=["entered_at", "left_at"])
    return rows.assign(position=rows["state"].map(list(STATES).index))


WHOLE = Params(periods=40)


def test_against_the_shares_of_pandas() -> None:
    """Cohorts older than the horizon need no method: those won within a year over all."""
    days: Any = file().pivot(index="account_id", columns="state", values="entered_at")
    days = days.apply(lambda column: column.dt.normalize())
    begun = days[days["opportunity"].between("2020-01-01", "2025-03-31")]
    in_time = (begun["won"] - begun["opportunity"]).dt.days <= 365
    wanted: Any = in_time.groupby(begun["opportunity"].dt.to_period("Q").astype(str)).mean()
    trend: Any = measure(KPI, sample(), WHOLE).trend.set_index("label")["value"]
    for quarter, share in wanted.items():
        assert trend[quarter] == pytest.approx(share, abs=1e-12), quarter


def test_the_steps_of_the_sample_are_those_of_the_file() -> None:
    rows = file().sort_values(["account_id", "position"])
    table: Any = part(KPI, sample(), WHOLE, "steps").set_index("step")
    known = rows[rows["entered_at"] >= "2016-07-01"]
    entered = known.groupby("state").size()
    for state, following in pairwise(STATES):
        row = table.loc[f"{state} to {following}"]
        assert row["entered"] == entered[state]
        still = known[(known["state"] == state) & known["left_at"].isna()]
        assert row["in_it"] == len(still)


def test_planted_depth_of_the_lost() -> None:
    """The generator loses 55, 28, 13 and 4 % of the lost at the four states before the sale.

    With 239 won, the shares gone by step follow; each planted one lies within three standard errors.
    """
    params = Params(periods=40, horizon_days=1000)
    table: Any = part(KPI, sample(), params, "friction").set_index("step")
    rows = file()
    lost = len(rows.query("state == 'engaged' and left_at.notna()")) - len(
        rows.query("state == 'won'")
    )
    left, at_risk = (0.55, 0.28, 0.13, 0.04), float(lost + len(rows.query("state == 'won'")))
    for place, state in enumerate(STATES[:4]):
        row = table.loc[f"{state} to {STATES[place + 1]}"]
        planted, entered = left[place] * lost / at_risk, row["journeys_gone"] / row["share_gone"]
        error = (planted * (1 - planted) / entered) ** 0.5
        assert abs(row["share_gone"] - planted) < 3 * error, state
        at_risk -= left[place] * lost


def test_planted_ideal_customers_get_on_more_often() -> None:
    """Deals are lost among companies of which 40 % are ideal, and won by companies of which more are."""
    table: Any = part(KPI, sample(), WHOLE, "by_is_ideal").set_index("is_ideal")
    assert table.loc["ideal", "low"] > table.loc["other", "high"]
