"""Paths and credits made in the engine: by hand, and the same as the arithmetic on counted paths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.customers.growth.lever_credits import credits
from kpi_lib.customers.growth.lever_effects import cells, compared, timing
from kpi_lib.customers.growth.lever_paths import LeverBy, journeys, paths, shares
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.schema import Tables
from kpi_lib.stats.attribution import credits_of
from kpi_lib.stats.paths import MODELS, Rules, counted_paths

ORDER = ("engaged", "qualified", "won", "renewed")
START = date(2025, 1, 1)
SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"


@dataclass(frozen=True)
class Chosen:
    """Parameters as the functions ask for them."""

    lever_by: LeverBy = "name"
    states: tuple[str, ...] = ORDER
    outcomes: tuple[str, ...] = ("won", "renewed")
    look_back_days: int = 365
    first_share: float = 0.4
    last_share: float = 0.4
    half_life_days: float = 30.0
    model: str = "linear"
    markov_order: int = 1
    journeys_used: str = "all"
    draws: int = 50
    level: float = 0.9
    horizon_days: int = 60
    landmark_share: float = 0.9


def on(days: int) -> datetime:
    """A moment so many days after the start."""
    return datetime.combine(START, datetime.min.time()) + timedelta(days=days, hours=9)


def stay(who: str, state: str, entered: int, left: int | None, amount: float | None = None) -> Any:
    row = {"account_id": who, "state": state, "entered_at": on(entered), "amount": amount}
    return row | ({} if left is None else {"left_at": on(left)})


def touch(who: str, name: str, day: int, cost: float | None = 1.0) -> Any:
    return {
        "interaction_id": f"{who}-{name}-{day}",
        "account_id": who,
        "at": on(day),
        "lever": "team",
        "name": name,
        "cost": cost,
    }


def company(states: list[Any], touches: list[Any], days: int = 900) -> Tables:
    as_of = START + timedelta(days=days)
    return small_company(as_of, states=states, interactions=touches)


def test_a_journey_ends_with_an_outcome_or_with_the_loss_of_what_lay_ahead() -> None:
    tables = company(
        [
            *(stay("a", "engaged", 0, 10), stay("a", "won", 10, 200, 100.0)),
            *(stay("a", "renewed", 200, 300, 50.0), stay("b", "engaged", 0, 40)),
            *(stay("c", "engaged", 0, None), stay("d", "won", 5, 90, 10.0)),
        ],
        [],
    )
    found = run(journeys(tables, ORDER, ["won", "renewed"]).order_by("account_id", "ended_on"))
    days = (found["ended_on"] - pd.Timestamp(START)).dt.days
    rows = list(zip(found["account_id"], days, found["converted"], found["amount"], strict=True))
    assert rows == [
        *[("a", 10, 1, 100.0), ("a", 200, 1, 50.0), ("b", 40, 0, 0.0)],
        *[("d", 5, 1, 10.0), ("d", 90, 0, 0.0)],
    ]


def test_touches_belong_to_the_journey_that_ends_next() -> None:
    states = [stay("a", "won", 100, 300, 100.0), stay("a", "renewed", 300, None, 50.0)]
    days = (0, 39, 40, 100, 101, 300, 301)
    tables = company(states, [touch("a", "call", day) for day in days])
    rows = run(paths(tables, Chosen(look_back_days=60)).order_by("at"))
    assert rows["touch_id"].tolist() == ["a-call-40", "a-call-100", "a-call-300"]
    assert rows["age"].tolist() == [60.0, 0.0, 0.0]
    assert rows["length"].tolist() == [2, 2, 1]
    whole = run(paths(tables, Chosen()).order_by("at"))
    assert whole["touch_id"].tolist() == [f"a-call-{day}" for day in days if day != 301]


a_touch = st.tuples(st.sampled_from("abcd"), st.integers(0, 80))
an_account = st.tuples(st.lists(a_touch, min_size=1, max_size=6, unique=True), st.booleans())


@given(
    st.lists(an_account, min_size=1, max_size=6).filter(lambda rows: any(won for _, won in rows)),
    st.sampled_from([1, 2, 3]),
    st.sampled_from(["all", "converted"]),
)
@settings(max_examples=12, deadline=None)
def test_the_engine_counts_what_the_paths_say(
    rows: list[tuple[list[tuple[str, int]], bool]], order: int, used: str
) -> None:
    """Sums per account in the engine, and paths written out one by one, credit alike."""
    states, touches, written, ages = [], [], [], []
    for number, (own, won) in enumerate(rows):
        who = f"x{number}"
        states.append(stay(who, "engaged", 0, 90))
        states += [stay(who, "won", 90, None, 10.0 + number)] if won else []
        touches += [touch(who, name, day) for name, day in own]
        in_order = sorted(own, key=lambda one: (one[1], f"{who}-{one[0]}-{one[1]}"))
        written.append([name for name, _ in in_order])
        ages.append([90.0 - day for _, day in in_order])
    rule = Chosen(markov_order=order, journeys_used=used, first_share=0.5, half_life_days=20.0)
    made = credits(company(states, touches), rule)
    ended = np.array([float(won) for _, won in rows])
    value = ended * (10.0 + np.arange(len(rows)))
    wanted = credits_of(
        counted_paths(written, ended, 1 - ended, value, ages),
        order=order,
        rules=Rules(first=0.5, last=0.4, half_life=20.0),
        with_lost=used == "all",
    )
    found = made.whole()
    assert made.levers == wanted["lever"].tolist()
    for model in (*MODELS, "markov"):
        assert found[model] == pytest.approx(wanted[model].to_numpy()), model


def test_shares_of_a_journey_add_up_on_the_sample() -> None:
    saas = open_dataset(SAMPLE).as_of()
    rule = Chosen(states=("engaged", "qualified", "opportunity", "committed", "won"))
    rows = paths(saas, replace(rule, outcomes=("won",)))
    frame = run(rows.mutate(**shares(rows, rule)))
    sums = frame.groupby(["account_id", "ended_on"])[list(MODELS)].sum()
    assert np.allclose(sums, 1.0)


def test_a_touch_without_cost_leaves_both_sides_of_the_return() -> None:
    states = [stay("a", "won", 50, None, 90.0)]
    tables = company(states, [touch("a", "call", 10), touch("a", "mail", 20, cost=None)])
    made = credits(tables, Chosen()).whole()
    assert made["linear"] == pytest.approx([45, 45])
    assert made["paid"] == pytest.approx([45, 0])


def test_without_outcomes_credits_are_nothing_and_the_chain_cannot_tell() -> None:
    made = credits(company([stay("a", "engaged", 0, 50)], [touch("a", "call", 10)]), Chosen())
    assert made.whole()["linear"] == pytest.approx([0])
    assert np.isnan(made.whole()["markov"]).all()
    assert credits(company([], []), Chosen()).levers == []


# the landmark


def many(
    count: int, touched_on: int | None, moves_on: int, first: int
) -> tuple[list[Any], list[Any]]:
    """So many accounts in the first state, touched or not, that move on after so many days."""
    states: list[Any] = []
    touches: list[Any] = []
    for number in range(first, first + count):
        who = f"y{number:03d}"
        states += [stay(who, "engaged", 0, moves_on), stay(who, "qualified", moves_on, None)]
        touches += [touch(who, "call", touched_on)] if touched_on is not None else []
    return states, touches


def test_only_those_still_there_on_the_landmark_are_compared() -> None:
    """22 are touched on day 4, so the landmark is day 5. Eight left before it, touched or not; 3 are touched
    after it and count as not touched; 2 move so late that it does not count as moved."""
    parts = [many(22, 4, 30, 0), many(8, None, 3, 22), many(3, 40, 50, 30), many(2, None, 80, 33)]
    states = [row for part in parts for row in part[0]]
    touches = [row for part in parts for row in part[1]]
    rule = Chosen(landmark_share=0.8)
    rows = run(compared(company(states, touches), rule))
    assert set(rows["landmark"]) == {5}
    moved = {k: rows.loc[rows["touches"] == k, "moved"].tolist() for k in (0, 1)}
    assert (len(moved[1]), sum(moved[1])) == (22, 22)
    assert (len(moved[0]), sum(moved[0])) == (5, 3)
    counted = run(cells(company(states, touches), rule))
    assert counted["n"].sum() == 27


def test_what_is_too_young_to_be_judged_is_left_out() -> None:
    states, touches = many(25, 4, 30, 0)
    judged = company(states, touches, days=5 + 60)
    young = company(states, touches, days=5 + 59)
    assert len(run(compared(judged, Chosen()))) == 25
    assert run(compared(young, Chosen())).empty


def test_touches_in_the_last_fifth_are_counted() -> None:
    parts = [many(3, 24, 30, 0), many(4, 23, 30, 3)]
    states = [row for part in parts for row in part[0]]
    touches = [row for part in parts for row in part[1]]
    found = run(timing(company(states, touches), "name", ORDER))
    first = found[found["position"] == 1].iloc[0]
    assert (first["ended"], first["late"]) == (7, 3)
