"""Demand states: who entered which when, who left it how, and what is known on which day."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.customers.growth.lenses import ideal_accounts, with_ideal, with_track
from kpi_lib.customers.growth.states import GONE, IN_IT, MOVED_ON, STATES, entries, passages
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.schema import Tables

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"
AS_OF = date(2026, 6, 30)
Row = dict[str, Any]


def day(number: int) -> date:
    return date(2026, 1, 1) + timedelta(days=number)


def row(account: str, state: str, since: int, until: int | None = None, **more: Any) -> Row:
    left = {} if until is None else {"left_at": day(until)}
    return {"account_id": account, "state": state, "entered_at": day(since)} | left | more


def firm(*rows: Row, as_of: date = AS_OF, **more: list[Row]) -> Tables:
    return small_company(as_of, states=list(rows), **more)


def table(tables: Tables, *columns: str, **choice: Any) -> list[tuple[Any, ...]]:
    found = entries(tables, STATES, **choice).order_by("journey_id", "position")
    frame = run(found.select(*columns))
    return [tuple(values) for values in frame.itertuples(index=False)]


def test_who_left_which_state_and_how() -> None:
    tables = firm(
        row("on", "engaged", 0, 10),
        row("on", "qualified", 10),
        row("lost", "engaged", 0, 20),
        row("customer", "won", 0, 5),
        row("customer", "live", 5, 30),
    )
    assert table(tables, "account_id", "state", "left_as", "outcome", "days", "exposed") == [
        ("customer", "won", "moved on", MOVED_ON, 5.0, 180.0),
        ("customer", "live", "churned", GONE, 25.0, 175.0),
        ("lost", "engaged", "lost", GONE, 20.0, 180.0),
        ("on", "engaged", "moved on", MOVED_ON, 10.0, 180.0),
        ("on", "qualified", "in it", IN_IT, 170.0, 170.0),
    ]


def test_only_what_was_known_on_the_day_counts() -> None:
    rows = [row("a", "engaged", 0, 10), row("a", "qualified", 10, 40), row("b", "engaged", 0, 60)]
    tables = firm(*rows, as_of=day(30))
    assert table(tables, "account_id", "state", "left_as", "days") == [
        ("a", "engaged", "moved on", 10.0),
        ("a", "qualified", "in it", 20.0),
        ("b", "engaged", "in it", 30.0),
    ]


def test_a_skipped_state_is_no_loss() -> None:
    tables = firm(row("a", "value", 0, 50), row("a", "renewed", 50))
    assert table(tables, "state", "next_state", "left_as")[0] == ("value", "renewed", "moved on")


def test_who_went_back_is_still_on_the_way() -> None:
    rows = [
        row("a", "qualified", 0, 10),
        row("a", "opportunity", 10, 20),
        row("a", "qualified", 20),
    ]
    assert table(firm(*rows), "state", "left_as", "visits") == [
        ("qualified", "moved on", 2),
        ("opportunity", "in it", 1),
    ]


def test_a_gap_between_states_is_no_loss_once_the_next_one_begins() -> None:
    rows = [row("a", "engaged", 0, 10), row("a", "qualified", 40)]
    assert table(firm(*rows), "left_on", "next_on", "left_as")[0] == (
        pd.Timestamp(day(10)),
        pd.Timestamp(day(40)),
        "moved on",
    )
    assert table(firm(*rows, as_of=day(30)), "left_as") == [("lost",)]


def test_each_opportunity_of_an_account_is_a_journey_of_its_own() -> None:
    rows = [
        row("a", "engaged", 0, 5),
        row("a", "opportunity", 5, 20, opportunity_id="first"),
        row("a", "won", 20, opportunity_id="first"),
        row("a", "engaged", 50, 60),
        row("a", "opportunity", 60, 80, opportunity_id="second"),
        row("a", "adopted", 90),
    ]
    assert table(firm(*rows), "opportunity_id", "state", "left_as") == [
        ("first", "engaged", "moved on"),
        ("first", "opportunity", "moved on"),
        ("first", "won", "in it"),
        ("second", "engaged", "moved on"),
        ("second", "opportunity", "moved on"),
        ("second", "adopted", "in it"),
    ]


def reached(tables: Tables, start: str, goal: str, **choice: Any) -> dict[str, tuple[float, int]]:
    frame = run(passages(tables, STATES, start, goal, **choice))
    return {r["journey_id"]: (r["days"], r["outcome"]) for r in frame.to_dict("records")}


def test_a_passage_over_several_states() -> None:
    rows = [
        *(row("won", "engaged", 0, 10), row("won", "qualified", 10, 30), row("won", "won", 30)),
        *(row("lost", "engaged", 0, 10), row("lost", "qualified", 10, 35)),
        row("open", "engaged", 0),
        row("late", "qualified", 0),
    ]
    assert reached(firm(*rows), "engaged", "won") == {
        "won": (30.0, MOVED_ON),
        "lost": (35.0, GONE),
        "open": (180.0, IN_IT),
    }


def test_skipping_the_goal_counts_or_is_an_exit() -> None:
    tables = firm(row("a", "value", 0, 50), row("a", "renewed", 50))
    assert reached(tables, "value", "expanded") == {"a": (50.0, MOVED_ON)}
    assert reached(tables, "value", "expanded", beyond=False) == {"a": (50.0, GONE)}


def test_a_passage_runs_forward() -> None:
    with pytest.raises(ValueError, match="does not come after"):
        passages(firm(), STATES, "won", "engaged")
    with pytest.raises(ValueError, match="listed twice"):
        entries(firm(), ["won", "won"])


def test_contacts_and_accounts_agree_in_their_totals() -> None:
    """Two people of one company: two journeys of contacts, one of the account; the same companies."""
    rows = [
        row("a", "engaged", 0, 10, contact_id="ann"),
        row("a", "qualified", 10, contact_id="ann"),
        row("a", "engaged", 5, contact_id="bob"),
        row("b", "engaged", 3, 9, contact_id="cem"),
    ]
    people, firms = (
        table(firm(*rows), "account_id", "state", level=x) for x in ("contact", "account")
    )
    assert len(people) == 4
    assert len(firms) == 3
    assert set(people) == set(firms)


moments = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.sampled_from(STATES), st.integers(0, 170), st.integers(0, 90)
    ),
    max_size=25,
)


@settings(max_examples=20, deadline=None)
@given(moments)
def test_identities(events: list[tuple[str, str, int, int]]) -> None:
    """Entered = in it + moved on + gone; both levels know the same companies in the same states."""
    rows = [row(a, s, since, since + n, contact_id=f"{a}{n % 2}") for a, s, since, n in events]
    tables = firm(*rows, as_of=day(150))
    frames = {level: run(entries(tables, STATES, level)) for level in ("account", "contact")}
    known = {(r["account_id"], r["state"]) for r in rows if r["entered_at"] <= day(150)}
    for frame in frames.values():
        assert set(zip(frame["account_id"], frame["state"], strict=True)) == known
        assert not frame.duplicated(["journey_id", "state"]).any()
        assert frame["outcome"].isin([IN_IT, MOVED_ON, GONE]).all()
        assert (frame["next_state"].notna() == (frame["outcome"] == MOVED_ON)).all()
    first = frames["contact"].groupby(["account_id", "state"])["entered_on"].min()
    assert first.equals(frames["account"].groupby(["account_id", "state"])["entered_on"].min())


def test_the_fit_of_a_company_comes_from_its_leads_then_from_its_account() -> None:
    tables = firm(
        accounts=[
            {"account_id": "a", "name": "a", "signed_on": day(0), "is_ideal": True},
            {"account_id": "b", "name": "b", "signed_on": day(0), "is_ideal": True},
        ],
        contacts=[{"contact_id": "cem", "account_id": "p", "created_on": day(0)}],
        leads=[
            {"lead_id": "1", "account_id": "b", "created_on": day(0), "is_ideal": False},
            {"lead_id": "2", "contact_id": "cem", "created_on": day(0), "is_ideal": True},
        ],
    )
    found = run(ideal_accounts(tables)).set_index("of")["is_ideal"].to_dict()
    assert found == {"a": "ideal", "b": "other", "p": "ideal"}
    assert run(with_ideal(firm(), passages(firm(), STATES, "engaged", "won"))).empty


def test_the_track_is_that_of_the_last_touch_so_far() -> None:
    touches = [
        {"interaction_id": str(n), "account_id": "a", "at": day(n), "lever": "team", "track": track}
        for n, track in ((1, "discover"), (8, "solve"), (30, "decide"))
    ]
    tables = firm(row("a", "engaged", 0, 10), row("a", "qualified", 10), interactions=touches)
    rows = with_track(tables, entries(tables, STATES), "entered_on").order_by("position")
    assert run(rows)["track"].tolist() == ["no track", "solve"]


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


def test_the_sample_against_pandas() -> None:
    """Each company enters a state once: its next state is the next row of the company."""
    rows = pd.read_csv(SAMPLE / "states.csv", parse_dates=["entered_at", "left_at"])
    rows["position"] = rows["state"].map(list(STATES).index)
    rows = rows.sort_values(["account_id", "position"])
    rows["next"] = rows.groupby("account_id")["state"].shift(-1)
    ours: Any = run(entries(sample(), STATES)).sort_values(["account_id", "position"])
    assert ours["next_state"].fillna("").tolist() == rows["next"].fillna("").tolist()
    gone = rows["next"].isna() & rows["left_at"].notna()
    assert (ours["outcome"] == GONE).tolist() == gone.tolist()
    assert (ours["outcome"] == IN_IT).tolist() == rows["left_at"].isna().tolist()


def test_a_day_of_the_past_knows_what_the_file_said_by_then() -> None:
    then = date(2024, 3, 31)
    rows = pd.read_csv(SAMPLE / "states.csv", parse_dates=["entered_at", "left_at"])
    known = rows[rows["entered_at"] < "2024-04-01"]
    open_then = known["left_at"].isna() | (known["left_at"] >= "2024-04-01")
    ours = run(entries(open_dataset(SAMPLE).as_of(then), STATES))
    assert len(ours) == len(known)
    assert (ours["outcome"] == IN_IT).sum() == open_then.sum()
