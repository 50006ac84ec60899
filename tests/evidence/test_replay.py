"""Past reviews: whom they name and who left, counted by hand, and nothing of what came later in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_lib.evidence.finding import Settings
from kpi_lib.evidence.replay import WARNED, Replay, replay, review_days
from kpi_lib.evidence.verdict import judge
from kpi_lib.evidence.warned import lift_of
from kpi_lib.kpi import Kpi, Part
from kpi_lib.schema import Tables
from kpi_lib.sections.replay import NO_REVIEW, first_warnings, leavers, replayed, words
from tests.evidence.worlds import (
    LAST_DAY,
    OrderPlan,
    Plan,
    Rows,
    World,
    drawn,
    make_order_world,
    make_world,
    signal_kpi,
    signal_params,
    table,
)

QUICK = Settings(draws=200, folds=3)
STARTED, END = date(2023, 1, 1), date(2027, 1, 1)


def contract(name: str, ended: date | None, notice: date | None = None) -> dict[str, Any]:
    return {
        "subscription_id": name, "account_id": name, "started_on": STARTED,
        "ended_on": ended or END, "cancelled_on": notice, "term_ends_on": ended or END,
        "monthly_amount": 100.0,
    }  # fmt: skip


def small_world() -> World:
    """Ten accounts until the end of 2025, of which three leave; the signal of two was high.

    a0 gives notice on 2025-05-15 and a1 on 2025-08-15, both with a high signal before; a2 gives
    notice on 2025-11-20 without one; a3 has a high signal and stays.
    """
    left = {"a0": (date(2025, 7, 15), date(2025, 5, 15)),
            "a1": (date(2025, 10, 15), date(2025, 8, 15)),
            "a2": (date(2025, 12, 20), date(2025, 11, 20))}  # fmt: skip
    names = [f"a{number}" for number in range(10)]
    contracts = [contract(name, *left.get(name, (None, None))) for name in names]
    signals: Rows = []
    for place, name in enumerate(names):
        for month in range(1, 13):
            high = name in {"a0", "a1", "a3"}
            level = (9.0 if high else 0.0) + place / 100
            signals.append({"account_id": name, "on": date(2025, month, 10), "level": level})
    accounts = [{"account_id": name, "name": f"Firm {name}"} for name in names]
    tables = {"accounts": accounts, "subscriptions": contracts, "signals": signals}
    return World({name: table(name, rows) for name, rows in tables.items()})


def replayed_small(**changes: Any) -> Replay:
    return replay(signal_kpi(), small_world(), signal_params(**changes), 3, QUICK)


def test_whom_the_reviews_name_and_who_left_counted_by_hand() -> None:
    """The worst fifth of ten is two: by signal a3 and a1, and after a1 has gone a3 and a9.

    On 2025-03-31 all ten are at risk and three leave later; on 06-30 a0 has given notice and is out;
    on 09-30 a1 is out too.
    """
    found = replayed_small().reviews
    assert list(found["review"]) == ["2025Q1", "2025Q2", "2025Q3"]
    assert list(found["at_risk"]) == [10, 9, 8]
    assert list(found["left"]) == [3, 2, 1]
    assert list(found["named"]) == [2, 2, 1]  # on 09-30 a1, still on the list, had given notice
    assert list(found["named_left"]) == [1, 1, 0]
    assert list(found["precision"]) == [0.5, 0.5, 0.0]
    assert list(found["base_rate"]) == [0.3, pytest.approx(2 / 9), 0.125]
    assert list(found["recall"]) == [pytest.approx(1 / 3), 0.5, 0.0]
    assert list(found["months_followed"]) == [9, 6, 3]


def test_the_leavers_that_were_named_with_the_months_before() -> None:
    """a1 was first named on 2025-03-31 and gave notice 137 days later: 4.5 months."""
    frame = first_warnings(replayed_small())
    assert list(frame["account"]) == ["Firm a1"]
    assert frame["named_on"].iloc[0] == pd.Timestamp(2025, 3, 31)
    assert frame["left_on"].iloc[0] == pd.Timestamp(2025, 8, 15)
    assert frame["months_before"].iloc[0] == pytest.approx(137 / 30.4375, abs=0.05)


def test_what_is_said_holds_the_numbers() -> None:
    """Of five times named two left, of 27 at risk six: 2/5 over 6/27 is 1.8."""
    found = replayed_small()
    said = replayed(found, "EUR").said
    assert "3 reviews, 2025Q1 to 2025Q3" in said
    assert "2 accounts (5 times in all); 40.0 % of the times the account left" in said
    assert "against 22.2 % of all accounts at risk (base rate), 1.80 times as often" in said
    assert "Of 3 losses in that time a list had named 1 (33.3 %, the recall)" in said
    assert "in the median 4.5 months before" in said
    assert "After 2025Q1, 2025Q2, 2025Q3 less than 12 months are known" in said
    assert (
        "Firm a1, named on 2025-03-31, left on 2025-08-15, 4.5 months later" in leavers(found).said
    )
    assert words(found).said.count("2025Q2: ") == 1
    assert replayed(found, "EUR").drawn()
    assert replayed(found, "EUR").shown()


def test_the_list_for_a_meeting_goes_before_the_score() -> None:
    """A card whose list names a2 alone: it is named in all three reviews and leaves after them."""

    def only_a2(tables: Tables, params: Any) -> Any:
        del params
        return tables["accounts"].filter(tables["accounts"]["account_id"] == "a2")

    part = Part(name="x", title="Call them", meaning="", compute=only_a2, for_meeting=True)
    found = replay(replace(signal_kpi(), who=part), small_world(), signal_params(), 3, QUICK)
    assert found.list_title == "Call them"
    assert list(found.reviews["precision"]) == [1.0, 1.0, 1.0]
    assert found.lift[0] == pytest.approx(27 / 6)


@dataclass(frozen=True)
class Truncated:
    """A source whose rows after a day were never written down, built from the drawn rows alone."""

    plan: Plan
    day: date

    def as_of(self, day: date) -> Tables:
        """Only for the day of the truncation and before: nothing later exists in it."""
        _, contracts, signals = drawn(self.plan)
        kept = [self.known(row) for row in contracts if row["started_on"] <= self.day]
        heard = [row for row in signals if row["on"] <= self.day]
        names = sorted({str(row["account_id"]) for row in contracts})
        accounts = [{"account_id": name, "name": name.upper()} for name in names]
        rows = {"accounts": accounts, "subscriptions": kept, "signals": heard}
        return World({name: table(name, one) for name, one in rows.items()}).as_of(day)

    def known(self, row: dict[str, Any]) -> dict[str, Any]:
        """An end or a notice of a later day is not known yet: the row says another, false one."""
        told = row["cancelled_on"] is not None and row["cancelled_on"] <= self.day
        over = row["ended_on"] <= self.day
        false = {"cancelled_on": None, "ended_on": self.day + timedelta(days=9)}
        return row if told or over else row | false


def kpi_of_world() -> Kpi:
    return signal_kpi()


PLAN = Plan(accounts=40, effect=2.0)


@dataclass(frozen=True)
class Peeking:
    """A source that gives today's tables for every day: what a replay must not be given."""

    world: World

    def as_of(self, day: date) -> Tables:
        del day
        return self.world.as_of(LAST_DAY)


def told(found: Replay, day: date) -> tuple[dict[str, Any], list[str], list[str]]:
    """What a replay says of one review apart from who left: figure and words, at risk, named."""
    row = found.reviews[found.reviews["day"] == day].iloc[0]
    rows = found.accounts[found.accounts["day"] == pd.Timestamp(day)]
    said = {name: row[name] for name in ("period", "n", "said", "judged")}
    said |= {name: round(row[name], 9) for name in ("value", "low", "high")}
    named = rows.loc[rows["is_named"].astype(bool), "account_id"]
    return said, list(rows["account_id"]), list(named)


@pytest.mark.parametrize("back", [1, 3, 6])
def test_a_review_holds_nothing_that_came_after_its_day(back: int) -> None:
    """The same figure, words and list as from data that end on that day (with false later ends)."""
    world, params = make_world(PLAN), signal_params(as_of=LAST_DAY)
    day = review_days(world.as_of(LAST_DAY), 8)[-back][1]
    usual = told(replay(kpi_of_world(), world, params, 8, QUICK), day)
    next_day = params.model_copy(update={"as_of": day + timedelta(days=1)})
    cut = told(replay(kpi_of_world(), Truncated(PLAN, day), next_day, 1, QUICK), day)
    assert usual[0] == cut[0]
    assert usual[1:] == cut[1:]


def test_without_masking_the_same_comparison_fails() -> None:
    world, params = make_world(PLAN), signal_params(as_of=LAST_DAY)
    day = review_days(world.as_of(LAST_DAY), 8)[0][1]
    usual = told(replay(kpi_of_world(), world, params, 8, QUICK), day)
    peeked = told(replay(kpi_of_world(), Peeking(world), params, 8, QUICK), day)
    assert usual[0] != peeked[0]
    assert usual[2] != peeked[2]


def test_judged_in_full_the_others_are_those_of_that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def spy(kpi: Kpi, source: Any, params: Any, settings: Any, others: Any) -> Any:
        seen.append((params.as_of, {name: its.as_of for name, (_, its) in others.items()}))
        return judge(kpi, source, params, settings, others)

    monkeypatch.setattr("kpi_lib.evidence.replay.judge", spy)
    others = {"other": (signal_kpi(name="other"), signal_params())}
    found = replay(
        signal_kpi(), small_world(), signal_params(), 2, QUICK, whole=True, others=others
    )
    days = list(found.reviews["day"])
    assert seen == [(day, {"other": day}) for day in days]
    assert len(days) == 2


def test_a_planted_signal_names_leavers_more_often_than_chance() -> None:
    found = replay(
        signal_kpi(), make_world(Plan(accounts=200, effect=2.5)), signal_params(), 8, QUICK
    )
    low = found.lift[1]
    assert low is not None
    assert low > 1
    assert "more than chance explains" in replayed(found, "EUR").said


def test_the_interval_of_the_lift_holds_one_for_lists_of_nothing() -> None:
    """200 companies whose lists are drawn at random, each account on its own list time and again."""
    held = 0
    for seed in range(200):
        chance = np.random.default_rng(seed)
        ids = np.repeat([f"a{n}" for n in range(60)], 4)
        named = np.repeat(chance.random(60) < 0.25, 4) & (chance.random(240) < 0.8)
        left = np.repeat(chance.random(60) < 0.35, 4)
        rows = pd.DataFrame({"account_id": ids, "is_named": named, "has_left": left})
        _, low, high = lift_of(rows, QUICK)
        held += low is not None and high is not None and low <= 1 <= high
    assert held / 200 > 0.9 - 4 * (0.9 * 0.1 / 200) ** 0.5


def test_a_list_of_nothing_could_be_chance() -> None:
    found = replace(replayed_small(), lift=(1.2, 0.8, 1.6))
    assert (
        "1.20 times as often (90 % interval 0.80 to 1.60): this could be chance"
        in replayed(found, "EUR").said
    )


def test_shares_are_counts_of_the_rows() -> None:
    """The table by review is the rows counted again, here with numpy alone."""
    found = replay(signal_kpi(), make_world(PLAN), signal_params(), 8, QUICK)
    for row in found.reviews.to_dict("records"):
        rows = found.accounts[found.accounts["review"] == row["review"]]
        named, left = (rows[name].to_numpy(dtype=bool) for name in ("is_named", "has_left"))
        assert (row["at_risk"], row["named"]) == (len(rows), named.sum())
        assert row["named_left"] == (named & left).sum()
        if named.any():
            assert row["precision"] == pytest.approx(np.mean(left[named]))
    after = found.accounts.dropna(subset=["left_on"])
    assert (after["left_on"] > after["day"]).all()
    assert after["months_before"].between(0, 12.1).all()


def test_who_stopped_ordering_has_left() -> None:
    world = make_order_world(OrderPlan(effect=2.5))
    found = replay(signal_kpi(), world, signal_params(), 4, QUICK)
    assert found.reviews["at_risk"].gt(0).all()
    assert found.reviews["left"].sum() > 0


def test_a_kpi_without_accounts_names_nobody_and_says_why() -> None:
    kpi = replace(signal_kpi(), has_account_level=False)
    found = replay(kpi, small_world(), signal_params(), 3, QUICK)
    assert found.reviews["value"].notna().any()
    assert (
        "Nobody is named: the KPI says nothing about single accounts." in replayed(found, "").said
    )
    assert leavers(found).said.startswith("Nobody is named")


def test_before_the_data_begin_nobody_is_named() -> None:
    early = replay(signal_kpi(), small_world(), signal_params(as_of=date(2022, 6, 30)), 2, QUICK)
    assert early.reviews["at_risk"].sum() == 0
    assert early.reviews["precision"].isna().all()
    assert "would have named nobody" in replayed(early, "EUR").said
    assert list(early.accounts.columns) == WARNED


def test_no_quarter_gives_no_review() -> None:
    found = replay(signal_kpi(), small_world(), signal_params(), 0, QUICK)
    assert replayed(found, "EUR").said == NO_REVIEW
    assert words(found).said == NO_REVIEW
