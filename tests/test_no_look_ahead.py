"""No look-ahead: what is said as of a day does not change with anything that came later.

The source files are corrupted here, by code that shares nothing with the masking: every row and
field that became known after the day is changed, deleted or invented.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from kpi_lib.catalogue import catalogue, parts_of
from kpi_lib.data import Dataset, open_dataset
from kpi_lib.kpi import Kpi
from kpi_lib.schema import Tables
from tests.company import Row, Rows, all_rows
from tests.files import write_csv
from tests.lawful import CARDS, Frames, assert_same, everything, name_of

TODAY = date(2025, 6, 20)
DATED_BY = {
    "accounts": "signed_on",
    "contacts": "created_on",
    "subscriptions": "started_on",
    "usage": "at",
    "interactions": "recorded_at",
    "onboarding": "entered_at",
    "states": "entered_at",
    "orders": "ordered_at",
    "carts": "created_at",
    "page_views": "at",
    "targets": "set_on",
    "leads": "created_on",
    "spend": "month",
    "costs": "month",
    "answers": "recorded_at",
    "invited": "period",
    "benchmarks": "period",
}
FILLED_LATER = {
    "accounts": ("kickoff_on",),
    "onboarding": ("left_at",),
    "states": ("left_at",),
    "orders": ("shipped_on", "cancelled_on", "returned_on"),
    "carts": ("ordered_at",),
    "leads": ("demo_on", "won_on", "lost_on", "account_linked_on"),
}


def day_of(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


@dataclass(frozen=True)
class Vandal:
    """Changes everything that came after `TODAY`, and nothing that was known by then."""

    chance: random.Random

    def later(self, like: Any) -> Any:
        """Another day after `TODAY`, as a moment where the column holds moments."""
        day = TODAY + timedelta(days=self.chance.randint(1, 180))
        return datetime.combine(day, time(7)) if isinstance(like, datetime) else day

    def table(self, name: str, rows: list[Row]) -> list[Row]:
        dated, kept = DATED_BY[name], []
        for row in rows:
            if day_of(row[dated]) <= TODAY:
                kept.append(self.fields(name, dict(row)))
            elif self.chance.random() < 0.6:
                kept.append(self.spoiled(row, dated))
        return kept + [self.invented(name, row, dated) for row in rows[::3]]

    def fields(self, name: str, row: Row) -> Row:
        """The known row with its fields of later days changed or emptied."""
        for field in FILLED_LATER.get(name, ()):
            if row.get(field) is None or day_of(row[field]) > TODAY:
                like = row.get(field) or (time() if field in ("left_at", "ordered_at") else None)
                moment = datetime.combine(TODAY, time()) if isinstance(like, time) else like
                row[field] = self.chance.choice([None, self.later(moment)])
        if name == "leads":
            return self.link(row)
        return self.end(row) if name == "subscriptions" else row

    def link(self, row: Row) -> Row:
        """The account of a lead is known from its link on; without a day it would be from the start."""
        linked = row.get("account_linked_on")
        if linked is not None and linked <= TODAY:
            return row
        account = self.chance.choice([None, "a01", "a02"])
        return row | {"account_id": account, "account_linked_on": self.later(None)}

    def end(self, row: Row) -> Row:
        """An end is known at the earlier of the end and the notice."""
        days = [day for day in (row.get("ended_on"), row.get("cancelled_on")) if day is not None]
        if not days or min(days) > TODAY:
            ended = self.chance.choice([None, self.later(None)])
            notice = self.chance.choice([None, ended])
            return row | {"ended_on": ended, "cancelled_on": notice}
        return row

    def spoiled(self, row: Row, dated: str) -> Row:
        """A later row with other numbers, on another later day."""
        numbers = {k: v * 1000 for k, v in row.items() if isinstance(v, float)}
        return row | numbers | {dated: self.later(row[dated])} | self.never_earlier(row)

    def never_earlier(self, row: Row) -> Row:
        ends = ("ended_on", "cancelled_on", "left_at", "won_on", "lost_on", "demo_on")
        return {field: None for field in ends if field in row}

    def invented(self, name: str, row: Row, dated: str) -> Row:
        """A new row on a later day: another event, order, contract, stage or account."""
        keys = {"subscription_id", "order_id", "contact_id", "lead_id"} & set(row)
        keys |= {"account_id"} if name == "accounts" else set()
        ids = {key: f"{row[key]}-new" for key in keys if row[key] and name != "usage"}
        fresh = self.spoiled(row, dated) | ids
        return fresh | {field: None for field in FILLED_LATER.get(name, ()) if field in row}


def corrupted(rows: Rows) -> Rows:
    vandal = Vandal(random.Random(11))
    done = {name: vandal.table(name, rows[name]) for name in DATED_BY}
    early = {row["order_id"] for row in rows["orders"] if day_of(row["ordered_at"]) <= TODAY}
    lines = [row for row in rows["order_lines"] if row["order_id"] in early]
    wild = [
        {"order_id": row["order_id"], "line_no": 1, "product_id": "p", "quantity": 500.0}
        | {"list_price": 9.0, "unit_price": 9.0}
        for row in done["orders"]
        if row["order_id"] not in early
    ]
    return done | {"order_lines": lines + wild}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Dataset]:
    """The company's files as they are, and with their future corrupted."""
    folder = tmp_path_factory.mktemp("worlds")
    rows = all_rows()
    true = open_dataset(write_csv(folder / "true", rows), require_clean=False)
    other = write_csv(folder / "corrupted", corrupted(rows))
    return true, open_dataset(other, require_clean=False)


Said = Callable[[Kpi, Dataset], Frames]


def masked(kpi: Kpi, data: Dataset) -> Frames:
    """Everything said as of the day."""
    return everything(kpi, data.as_of(TODAY))


def unmasked(kpi: Kpi, data: Dataset, day: date = TODAY) -> Frames:
    """Everything said of all rows, as if it were the day."""
    return everything(kpi, Tables(data.tables, day, data.quarter_starts_in, data.currency))


@pytest.mark.parametrize("kpi", CARDS, ids=name_of)
def test_nothing_said_as_of_a_day_depends_on_what_came_later(
    kpi: Kpi, worlds: tuple[Dataset, Dataset]
) -> None:
    true, other = worlds
    said = masked(kpi, true)
    assert not said["observe"].empty
    assert_same(said, masked(kpi, other))


@pytest.mark.parametrize("kpi", CARDS, ids=name_of)
def test_without_masking_the_same_test_fails(kpi: Kpi, worlds: tuple[Dataset, Dataset]) -> None:
    """A composite reads whole periods only: it is asked when the quarter that was corrupted has ended."""
    true, other = worlds
    day = TODAY + timedelta(days=20) if parts_of(kpi.name) else TODAY
    with pytest.raises(AssertionError):
        assert_same(unmasked(kpi, true, day), unmasked(kpi, other, day))


def test_the_corruption_leaves_what_was_known() -> None:
    """Every table changes, and in each the rows dated by the day are still there."""
    before, after = all_rows(), corrupted(all_rows())
    for name, dated in DATED_BY.items():
        assert before[name] != after[name], name
        kept = [sum(day_of(r[dated]) <= TODAY for r in rows[name]) for rows in (before, after)]
        assert kept[0] == kept[1] > 0, name
    assert set(catalogue()) == {kpi.name for kpi in CARDS}
