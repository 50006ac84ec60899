"""What was known when: nothing recorded after a day changes what a data set says of that day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd
import pytest

from kpi_lib.contract import CONTRACT
from kpi_lib.data import Dataset, known, open_dataset
from kpi_lib.editing import with_table
from kpi_lib.engine import run
from kpi_lib.schema import OPEN_END
from tests.data.companies import FILES, YAML, with_row, write_company
from tests.data.corruption import spoiled

DAYS = [
    date(2024, 1, 31),
    date(2024, 4, 30),
    date(2024, 6, 1),
    date(2024, 6, 30),
    date(2024, 7, 20),
]
OPEN = pd.Timestamp(OPEN_END)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_dataset(write_company(tmp_path_factory.mktemp("company")))


def contents(tables: Mapping[str, ir.Table]) -> dict[str, list[tuple[object, ...]]]:
    """Every table as a sorted list of rows, so that two can be compared."""
    return {
        name: sorted(
            run(table).astype(object).fillna("").astype(str).itertuples(index=False, name=None)
        )
        for name, table in tables.items()
    }


def rows(dataset: Dataset, table: str, day: str) -> Any:
    """A table as known on a day, by its key: a pandas frame, whose cells have any type."""
    key = list(CONTRACT[table].key or (CONTRACT[table].known_on,))
    return run(dataset.as_of(day)[table].order_by(key)).set_index(key)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("day", DAYS, ids=str)
def test_no_look_ahead(day: date, seed: int, company: Dataset, tmp_path: Path) -> None:
    other = open_dataset(write_company(tmp_path, **spoiled(day, seed)), as_of=day)
    assert contents(other.as_of(day)) == contents(company.as_of(day))


@pytest.mark.parametrize("day", [DAYS[1]], ids=str)
def test_report_of_a_past_day_does_not_change(day: date, tmp_path: Path) -> None:
    before = open_dataset(write_company(tmp_path / "a"), as_of=day)
    after = open_dataset(write_company(tmp_path / "b", **spoiled(day, 7)), as_of=day)
    assert after.problems == before.problems
    assert after.left_out == before.left_out
    assert after.describe().equals(before.describe())


@pytest.mark.parametrize("switched_off", ["rows", "fields", "history", "lines"])
def test_the_test_sees_when_masking_is_switched_off(
    switched_off: str, company: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = DAYS[1]
    expected = contents(company.as_of(day))
    if switched_off == "rows":
        monkeypatch.setattr(known, "row_conditions", lambda *_: [])
    elif switched_off == "fields":
        monkeypatch.setattr(known, "blanked_fields", lambda *_: {})
    elif switched_off == "history":
        monkeypatch.setattr(known, "with_history", lambda accounts, *_: accounts)
    else:
        monkeypatch.setattr(known, "with_parent", lambda table, *_: table)
    others = [
        open_dataset(
            write_company(tmp_path / str(seed), **spoiled(day, seed)), day, require_clean=False
        )
        for seed in (1, 2, 3)
    ]
    assert any(contents(other.as_of(day)) != expected for other in others)


def test_an_end_is_known_at_the_earlier_of_end_and_notice(company: Dataset) -> None:
    s1 = ("s1", pd.Timestamp(2024, 1, 10))
    assert rows(company, "subscriptions", "2024-04-30").loc[s1, "ended_on"] == OPEN
    told = rows(company, "subscriptions", "2024-05-01").loc[s1]
    assert told["ended_on"] == pd.Timestamp(2024, 6, 30)
    assert told["cancelled_on"] == pd.Timestamp(2024, 5, 1)
    assert told["reason"] == "price"
    s2 = ("s2", pd.Timestamp(2024, 2, 1))
    assert rows(company, "subscriptions", "2024-07-31").loc[s2, "ended_on"] == OPEN
    assert rows(company, "subscriptions", "2024-08-01").loc[s2, "ended_on"] == pd.Timestamp(
        2024, 8, 1
    )


def test_rows_are_known_on_their_own_day(company: Dataset) -> None:
    assert len(run(company.as_of("2024-03-04")["accounts"])) == 2
    assert len(run(company.as_of("2024-03-05")["accounts"])) == 3
    assert len(run(company.as_of("2024-04-29")["usage"])) == 3
    assert len(run(company.as_of("2024-04-30")["usage"])) == 4


def test_a_month_is_known_at_its_end(company: Dataset) -> None:
    assert run(company.as_of("2024-05-31")["spend"])["amount"].sum() == 1000
    assert run(company.as_of("2024-06-29")["spend"])["amount"].sum() == 1000
    assert run(company.as_of("2024-06-30")["spend"])["amount"].sum() == 1500


def test_a_lead_tells_its_account_when_it_is_linked(company: Dataset) -> None:
    assert pd.isna(rows(company, "leads", "2024-05-14").loc["l3", "account_id"])
    assert rows(company, "leads", "2024-05-15").loc["l3", "account_id"] == "a4"
    assert pd.isna(rows(company, "leads", "2024-06-09").loc["l2", "lost_reason"])
    assert rows(company, "leads", "2024-06-10").loc["l2", "lost_reason"] == "price"


def test_a_cart_tells_its_order_when_it_is_ordered(company: Dataset) -> None:
    assert pd.isna(rows(company, "carts", "2024-06-02").loc["k2", "order_id"])
    assert rows(company, "carts", "2024-06-03").loc["k2", "order_id"] == "o2"


def test_lines_are_known_with_their_order(company: Dataset) -> None:
    assert len(run(company.as_of("2024-05-31")["order_lines"])) == 2
    assert len(run(company.as_of("2024-06-01")["order_lines"])) == 3


def test_a_stage_is_left_when_it_is_left(company: Dataset) -> None:
    early = run(company.as_of("2024-05-05")["onboarding"]).set_index("stage")
    late = run(company.as_of("2024-05-06")["onboarding"]).set_index("stage")
    assert early.loc["training", "left_at"] == OPEN
    assert late.loc["training", "left_at"] == pd.Timestamp(2024, 5, 6)


def test_history_dates_the_fields_of_accounts(company: Dataset) -> None:
    assert rows(company, "accounts", "2024-05-31").loc["a1", "seats"] == 2
    assert rows(company, "accounts", "2024-06-01").loc["a1", "seats"] == 3
    assert company.dated_fields == ("seats",)
    assert company.undated == ("accounts.segment",)


def test_a_dated_field_is_empty_before_its_first_entry(tmp_path: Path) -> None:
    history = "account_id,field,value,from_on\na1,segment,tiny,2024-03-01\n"
    dataset = open_dataset(write_company(tmp_path, account_history=history))
    assert pd.isna(rows(dataset, "accounts", "2024-02-28").loc["a1", "segment"])
    assert rows(dataset, "accounts", "2024-03-01").loc["a1", "segment"] == "tiny"
    assert rows(dataset, "accounts", "2024-03-01").loc["a1", "seats"] == 3


def test_history_of_unknown_accounts_is_left_out(tmp_path: Path) -> None:
    good = [f"a1,seats,{i},2024-02-{i + 1:02d}" for i in range(28)]
    history = with_row("account_history", *good, "a9,seats,4,2024-02-01")
    dataset = open_dataset(write_company(tmp_path, account_history=history))
    assert dataset.left_out == {"account_history": 1}
    assert rows(dataset, "accounts", "2024-02-10").loc["a1", "seats"] == 9
    assert "a9" not in set(run(dataset.as_of()["account_history"])["account_id"])


def test_rows_loaded_late_are_known_late(tmp_path: Path) -> None:
    late = (
        "account_id,at,event,recorded_at\n"
        "a1,2024-03-01 10:00:00,early,\n"
        "a1,2024-03-01 10:00:00,late,2024-04-10 06:00:00\n"
        "a1,2024-05-01 10:00:00,planned,2024-01-01 00:00:00\n"
    )
    dataset = open_dataset(write_company(tmp_path, usage=late))
    seen = {
        day: set(run(dataset.as_of(day)["usage"])["event"])
        for day in ("2024-04-09", "2024-04-10", "2024-05-01")
    }
    assert seen["2024-04-09"] == {"early"}
    assert seen["2024-04-10"] == {"early", "late"}
    assert seen["2024-05-01"] == {"early", "late", "planned"}


def test_every_column_filled_in_later_says_when() -> None:
    for contract in CONTRACT.values():
        for column in contract.columns:
            assert all(name in contract for name in column.known_on)
            dated = column.kind in ("date", "at") and not column.required
            if dated and not column.ahead and column.name != "recorded_at":
                assert column.known_on, f"{contract.name}.{column.name}"


def test_asking_again_costs_nothing(company: Dataset) -> None:
    assert company.as_of("2024-06-30") is company.as_of(date(2024, 6, 30))
    assert company.as_of()["usage"] is company.as_of(company.last_day)["usage"]


def test_rows_of_unknown_accounts_are_left_out_counted_and_saved(tmp_path: Path) -> None:
    good = [f"a1,c1,2024-03-{i + 1:02d} 09:00:00,report_viewed,ui,1" for i in range(28)]
    usage = with_row("usage", *good, "a9,,2024-06-01 09:00:00,report_viewed,ui,1")
    dataset = open_dataset(write_company(tmp_path / "in", usage=usage))
    assert dataset.left_out == {"usage": 1}
    assert "a9" not in set(run(dataset.as_of()["usage"])["account_id"])
    (file,) = dataset.save_left_out(tmp_path / "out")
    assert file.name == "left_out_usage.csv"
    assert list(pd.read_csv(file)["account_id"]) == ["a9"]


def test_rows_before_their_account_follow_it(tmp_path: Path) -> None:
    accounts = with_row("accounts", *(f"b{i},Extra,2024-01-01,,small,1" for i in range(40)))
    usage = with_row(
        "usage",
        "a4,,2024-05-13 09:00:00,report_viewed,ui,1",
        *(f"b{i},,2024-02-01 09:00:00,x,ui,1" for i in range(40)),
    )
    dataset = open_dataset(
        write_company(tmp_path, accounts=accounts, usage=usage, account_history=None)
    )
    assert "a4" not in set(run(dataset.as_of("2024-05-14")["usage"])["account_id"])
    later = run(dataset.as_of("2024-05-15")["usage"])
    assert (later["account_id"] == "a4").sum() == 1
    (problem,) = dataset.problems
    assert str(problem).startswith("warning: usage.at: lies before the account exists in 1 of 44")


def test_the_last_day_is_the_last_one_known_of(tmp_path: Path) -> None:
    assert open_dataset(write_company(tmp_path / "a")).last_day == date(2024, 9, 30)
    planned = with_row("accounts", "a5,Elm,2024-10-02,2024-12-24,small,1")
    assert open_dataset(write_company(tmp_path / "b", accounts=planned)).last_day == date(
        2024, 10, 2
    )
    yaml = YAML + "as_of: 2024-06-30\n"
    assert open_dataset(write_company(tmp_path / "c", yaml)).last_day == date(2024, 6, 30)
    assert open_dataset(tmp_path / "c", as_of="2024-05-31").last_day == date(2024, 5, 31)


def test_a_future_row_does_not_move_the_last_day(tmp_path: Path) -> None:
    later = date.today() + timedelta(days=400)
    usage = with_row("usage", f"a1,,{later} 09:00:00,x,ui,1")
    dataset = open_dataset(write_company(tmp_path, usage=usage), require_clean=False)
    assert dataset.last_day == date(2024, 9, 30)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_day_a_row_becomes_known_tells_the_tables_of_each_day(
    day: date, tmp_path: Path
) -> None:
    """Late records, an account that nobody knows, and events before their account is known."""
    late = FILES["usage.csv"].replace("quantity\n", "quantity,recorded_at\n", 1)
    head, *lines = late.splitlines()
    moments = ["", "2024-06-01 00:00:00", "2024-02-20 10:31:00", "", "2024-07-20 23:59:59", ""]
    told = [f"{line},{moment}" for line, moment in zip(lines, moments, strict=True)]
    told += [
        "zz,c1,2024-02-20 10:30:00,report_shared,ui,1,",
        "a4,c4,2024-05-02 10:30:00,early,ui,1,",
    ]
    written = "\n".join([head, *told, ""])
    data = open_dataset(write_company(tmp_path, usage=written), require_clean=False)
    then = data.as_of(day)
    assert then.all_days is not None
    for name in ("usage", "contacts", "accounts"):
        dated = then.all_days[name]
        known_by_then = dated.filter(dated["known_on"] <= day).drop("known_on")
        expected = then[name].select(*known_by_then.columns)
        assert contents({name: known_by_then}) == contents({name: expected})
    assert len(contents({"usage": then.all_days["usage"]})["usage"]) == 7
    assert "kickoff_on" not in then.all_days["accounts"].columns
    assert "order_lines" not in then.all_days


def test_the_data_sets_own_day_and_edited_tables_know_of_no_other_day(company: Dataset) -> None:
    past = company.as_of("2024-04-30")
    assert past.all_days is not None
    assert company.as_of().all_days is None
    assert with_table(past, "usage", past["usage"]).all_days is None
