"""Use summed up once for all month ends says what counting the events of each month end says."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kpi_lib.catalogue import catalogue
from kpi_lib.customers.use import by_month
from kpi_lib.data import Dataset, open_dataset
from kpi_lib.editing import append_rows, with_table
from kpi_lib.engine import run
from kpi_lib.evidence.scores import score_of
from kpi_lib.periods import Period
from kpi_lib.schema import Tables
from tests.company import Row, Rows, all_rows
from tests.files import write_csv

MONTH_ENDS = [date(2024, 4, 30), date(2024, 12, 31), date(2025, 2, 28), date(2025, 11, 30)]
UNKNOWN, LATE_ACCOUNT = "nobody", "a02"
LATE = timedelta(days=40)


def late_rows() -> Rows:
    """The small company with events recorded late, service users and an account known late, and
    events of an account that nobody knows."""
    rows = all_rows()
    usage = [late(row, place) for place, row in enumerate(rows["usage"])]
    usage += [row | {"account_id": UNKNOWN} for row in usage[:20]]
    contacts = [known_later(row) for row in rows["contacts"]]
    accounts = [recorded_later(row) for row in rows["accounts"]]
    return rows | {"usage": usage, "contacts": contacts, "accounts": accounts}


def late(row: Row, place: int) -> Row:
    """Every seventh event is recorded 40 days late, and some do not say when."""
    recorded = row["at"] + (LATE if place % 7 == 0 else timedelta(minutes=5))
    return row | {"recorded_at": None if place % 5 == 0 else recorded}


def known_later(row: Row) -> Row:
    """A service user is known four months after the account."""
    later = timedelta(days=120 if row["is_service"] else 0)
    return row | {"created_on": row["created_on"] + later}


def recorded_later(row: Row) -> Row:
    """One account is recorded half a year after it was signed."""
    signed = datetime.combine(row["signed_on"], datetime.min.time())
    later = timedelta(days=180 if row["account_id"] == LATE_ACCOUNT else 0)
    return row | {"recorded_at": signed + later}


def opened(folder: Path, rows: Rows) -> Dataset:
    return open_dataset(write_csv(folder, rows), require_clean=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return opened(tmp_path_factory.mktemp("late"), late_rows())


def counted_by_hand(rows: Rows, day: date, *, people_only: bool) -> dict[str, tuple[int, int, int]]:
    """acts, calls and everything of each account, from the rows themselves."""
    accounts = {r["account_id"] for r in rows["accounts"] if known(r, r["signed_on"], day)}
    services = {
        r["contact_id"] for r in rows["contacts"] if r["is_service"] and r["created_on"] <= day
    }
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows["usage"]:
        if row["account_id"] in accounts and known(row, row["at"].date(), day):
            machine = row["channel"] == "api" or row["contact_id"] in services
            sums = found[row["account_id"]]
            sums[0] += not (machine and people_only)
            sums[1] += machine
            sums[2] += 1
    return {account: (sums[0], sums[1], sums[2]) for account, sums in found.items()}


def known(row: Row, own: date, day: date) -> bool:
    recorded = row["recorded_at"]
    return own <= day and (recorded is None or recorded.date() <= day)


def plain(table: Any) -> pd.DataFrame:
    """The rows in an order of their own."""
    frame = run(table)
    return frame.sort_values(list(frame.columns), ignore_index=True)[sorted(frame.columns)]


def unaware(tables: Tables) -> Tables:
    """The same tables, which know of no other day and so count their own events."""
    return replace(tables)


@pytest.mark.parametrize("people_only", [True, False])
@pytest.mark.parametrize("day", MONTH_ENDS, ids=str)
def test_the_sums_are_those_of_the_rows_known_on_the_day(
    day: date, people_only: bool, data: Dataset
) -> None:
    found = run(by_month.use_so_far(data.as_of(day), people_only=people_only))
    sums = found.set_index("account_id")[["acts", "calls", "everything"]]
    assert dict(zip(sums.index, sums.itertuples(index=False, name=None), strict=True)) == (
        counted_by_hand(late_rows(), day, people_only=people_only)
    )


@pytest.mark.parametrize("day", MONTH_ENDS, ids=str)
def test_what_is_made_of_sums_is_what_is_made_of_events(day: date, data: Dataset) -> None:
    tables, on_the_day = data.as_of(day), [Period(day, day, "week")]
    assert by_month.can_be_summed(tables)
    assert not by_month.can_be_summed(unaware(tables))
    for events in ((), ("report_shared",)):
        one, other = (by_month.seen(each, on_the_day, events) for each in (tables, unaware(tables)))
        assert plain(one).equals(plain(other))
    assert plain(by_month.api_use(tables)).equals(plain(by_month.api_use(unaware(tables))))


@pytest.mark.parametrize("name", ["inactive_customers", "engagement_score", "time_to_value"])
@pytest.mark.parametrize("day", MONTH_ENDS, ids=str)
def test_scores_of_a_month_end_are_those_of_its_events(day: date, name: str, data: Dataset) -> None:
    kpi, tables = catalogue()[name], data.as_of(day)
    params = kpi.Params(as_of=day)
    one, other = (plain(score_of(kpi, each, params)) for each in (tables, unaware(tables)))
    assert len(one)
    assert one.equals(other)


@pytest.mark.parametrize("name", ["inactive_customers", "engagement_score", "time_to_value"])
@pytest.mark.parametrize("day", MONTH_ENDS[:3], ids=str)
def test_nothing_recorded_later_changes_a_score(
    day: date, name: str, data: Dataset, tmp_path: Path
) -> None:
    """All events that became known after the day are taken out, and as many others are put in."""
    rows = late_rows()
    past = [row for row in rows["usage"] if known(row, row["at"].date(), day)]
    wild = [row | {"recorded_at": datetime(2025, 12, 30), "channel": "api"} for row in past]
    other = opened(tmp_path, rows | {"usage": past + wild})
    kpi = catalogue()[name]
    said = [plain(score_of(kpi, one.as_of(day), kpi.Params(as_of=day))) for one in (data, other)]
    assert by_month.can_be_summed(other.as_of(day))
    assert said[0].equals(said[1])


def test_edited_tables_are_counted_anew(data: Dataset) -> None:
    day = MONTH_ENDS[-1]
    tables = data.as_of(day)
    usage = tables["usage"]
    edited = with_table(tables, "usage", append_rows(usage, usage))
    before, after = (run(by_month.api_use(each))["everything"].sum() for each in (tables, edited))
    assert after == 2 * before


def test_only_a_past_month_end_is_summed_up(data: Dataset) -> None:
    asked = [date(2025, 2, 28), date(2025, 2, 27), data.last_day]
    assert [by_month.can_be_summed(data.as_of(day)) for day in asked] == [True, False, False]
