"""Every kind of wrong row gives exactly one line that names table, column, rule, rows, advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpi_lib.data import DataError, open_dataset
from tests.data.companies import FILES, with_change, with_row, write_company

ERRORS = {
    "key twice": (
        {"accounts": with_row("accounts", "a1,Again,2024-01-10,,small,3")},
        "error: accounts.account_id: account_id stands more than once: 2 rows (a1)",
    ),
    "key of two columns twice": (
        {"subscriptions": with_row("subscriptions", "s1,a1,2024-01-10,,,2025-01-01,1,1,")},
        "error: subscriptions: subscription_id + started_on stands more than once: 2 rows",
    ),
    "required column empty": (
        {"accounts": with_change("accounts", "a2,Birch", "a2,")},
        "error: accounts.name: is empty: 1 row (a2)",
    ),
    "key empty": (
        {"contacts": with_row("contacts", ",a1,user,2024-01-11,false")},
        "error: contacts.contact_id: is empty: 1 row",
    ),
    "date of a row empty": (
        {"usage": with_change("usage", "a2,c2,2024-02-20 10:30:00", "a2,c2,")},
        "error: usage.at: is empty: 1 row (a2 report_shared)",
    ),
    "date that cannot be read": (
        {"accounts": with_change("accounts", "2024-02-01", "soon")},
        "error: accounts.signed_on: cannot be read as date: 1 row (a2: 'soon')",
    ),
    "day that does not exist": (
        {"accounts": with_change("accounts", "2024-04-01", "2024-02-30")},
        "error: accounts.kickoff_on: cannot be read as date: 1 row (a3: '2024-02-30')",
    ),
    "number that cannot be read": (
        {"subscriptions": with_change("subscriptions", "150.5", "150 EUR")},
        "error: subscriptions.monthly_amount: cannot be read as money: 1 row (s3 2024-03-05: '150 EUR')",
    ),
    "number beyond all bounds": (
        {"subscriptions": with_change("subscriptions", "150.5", "1e400")},
        "error: subscriptions.monthly_amount: cannot be read as money: 1 row (s3 2024-03-05: '1e400')",
    ),
    "number called infinite": (
        {"usage": with_change("usage", "api,5000", "api,inf")},
        "error: usage.quantity: cannot be read as number: 1 row (a3 2024-03-09 08:00:00: 'inf')",
    ),
    "whole number with a fraction": (
        {"accounts": with_change("accounts", "small,3", "small,3.5")},
        "error: accounts.seats: cannot be read as integer: 1 row (a1: '3.5')",
    ),
    "flag that cannot be read": (
        {"contacts": with_change("contacts", "2024-02-01,no", "2024-02-01,maybe")},
        "error: contacts.is_service: cannot be read as flag: 1 row (c2: 'maybe')",
    ),
    "negative amount": (
        {"subscriptions": with_change("subscriptions", "150.5", "-150.5")},
        "error: subscriptions.monthly_amount: is negative: 1 row (s3 2024-03-05: monthly_amount -150.5)",
    ),
    "below the minimum": (
        {"subscriptions": with_change("subscriptions", "300,1,", "300,0,")},
        "error: subscriptions.billing_months: is below 1: 1 row",
    ),
    "value not allowed in a required column": (
        {"spend": with_change("spend", "sales", "legal")},
        "error: spend.department: is not one of marketing, sales, support, success: 1 row",
    ),
    "ended before it started": (
        {
            "subscriptions": with_change(
                "subscriptions", "2024-06-30,2024-05-01", "2024-01-09,2024-05-01"
            )
        },
        "error: subscriptions.ended_on: lies before started_on: 1 row"
        " (s1 2024-01-10: ended_on 2024-01-09)",
    ),
    "left before it was entered": (
        {"onboarding": with_change("onboarding", "2024-05-06 00:00:00", "2024-03-01 00:00:00")},
        "error: onboarding.left_at: lies before entered_at: 1 row",
    ),
    "dates in disorder in many rows": (
        {"accounts": with_change("accounts", "2024-04-01", "2024-03-01")},
        "error: accounts.kickoff_on: lies before signed_on: 1 row",
    ),
    "price periods overlap": (
        {
            "subscriptions": with_change(
                "subscriptions", "2024-02-01,2024-08-01,,", "2024-02-01,2024-08-15,,"
            )
        },
        "error: subscriptions.started_on: starts before the row before it of the same"
        " subscription_id has ended: 1 row (s2 2024-08-01)",
    ),
    "unknown account in many rows": (
        {"usage": with_row("usage", "a9,,2024-07-01 00:00:00,report_viewed,ui,1")},
        "error: usage.account_id: is not in accounts: 1 row (a9)",
    ),
    "order line without an order": (
        {"order_lines": with_row("order_lines", "o9,1,p1,1,1,1")},
        "error: order_lines.order_id: is not in orders: 1 row (o9 1)",
    ),
    "used before the account exists in many accounts": (
        {"usage": with_row("usage", "a2,,2024-01-15 00:00:00,report_viewed,ui,1")},
        "error: usage.at: lies before the account exists in 1 of 4 accounts (25.0%): 1 row"
        " (a2: first_day 2024-01-15, signed_on 2024-02-01)",
    ),
    "many rows in the future": (
        {"usage": with_row("usage", "a2,,2724-01-15 00:00:00,report_viewed,ui,1")},
        "error: usage.at: lies in the future in 14.3% of the rows, up to 2724-01-15: 1 row",
    ),
    "month that is not a first day": (
        {"spend": with_change("spend", "2024-06-01", "2024-06-02")},
        "error: spend.month: is not the first day of a month: 1 row",
    ),
}


@pytest.mark.parametrize("case", list(ERRORS), ids=list(ERRORS))
def test_an_error_is_one_line_and_stops(case: str, tmp_path: Path) -> None:
    changed, expected = ERRORS[case]
    with pytest.raises(DataError) as refused:
        open_dataset(write_company(tmp_path, **changed))
    lines = str(refused.value).splitlines()
    assert [line for line in lines if line.startswith(expected)]
    assert all(line.startswith("error: ") for line in lines)


LOOKED_AT = ["key twice", "flag that cannot be read", "unknown account in many rows"]


@pytest.mark.parametrize("case", LOOKED_AT)
def test_an_error_can_be_looked_at(case: str, tmp_path: Path) -> None:
    changed, expected = ERRORS[case]
    dataset = open_dataset(write_company(tmp_path, **changed), require_clean=False)
    (problem,) = [p for p in dataset.problems if str(p).startswith(expected)]
    assert problem.todo


def many(table: str, row: str, count: int = 40) -> str:
    """The file of a table with `count` more good rows, so that one bad row is a small share."""
    return with_row(table, *(row.format(i=i) for i in range(count)))


GOOD_USAGE = "a1,c1,2024-03-{i:02d} 09:00:00,report_viewed,ui,1"
GOOD_LEAD = "x{i},,,2024-04-01,web,,,,"

WARNINGS = {
    "few rows of unknown accounts": (
        {"usage": with_row("usage", *(GOOD_USAGE.format(i=i + 1) for i in range(28))) + "a9,,2024-07-01 00:00:00,view,ui,1\n"},
        "warning: usage.account_id: is not in accounts: 1 row (a9)",
    ),
    "lead won before it was created": (
        {"leads": many("leads", GOOD_LEAD) + "l9,,,2024-04-10,web,,2024-04-08,,\n"},
        "warning: leads.won_on: lies before created_on: 1 row"
        " (l9: created_on 2024-04-10, won_on 2024-04-08)",
    ),
    "value not allowed where none is needed": (
        {"contacts": with_change("contacts", "sponsor", "emperor")},
        "warning: contacts.role: is not one of buyer, user, admin, sponsor: 1 row (c4: role emperor)",
    ),
    "lead linked on no day": (
        {"leads": with_change("leads", "l3,a4,2024-05-15,", "l3,a4,,")},
        "warning: leads.account_id: has no account_linked_on: 1 row (l3)",
    ),
    "ids of another system": (
        {"contacts": FILES["contacts.csv"].replace("\nc", "\nother-")},
        "warning: usage.contact_id: not one value is in contacts: 4 rows (c1; c2; c3; c4)",
    ),
    "day and month cannot be told apart": (
        {"spend": "month;department;amount\n01/05/2024;sales;10\n01/06/2024;sales;10\n"},
        "warning: spend.month: day and month cannot be told apart; read as %d/%m/%Y",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(WARNINGS), ids=list(WARNINGS))
def test_a_warning_is_shown_and_does_not_stop(case: str, tmp_path: Path) -> None:
    changed, expected = WARNINGS[case]
    dataset = open_dataset(write_company(tmp_path, **changed))
    (problem,) = dataset.problems
    assert str(problem).startswith(expected)


def test_a_clean_company_has_no_problems(tmp_path: Path) -> None:
    dataset = open_dataset(write_company(tmp_path))
    assert dataset.problems == ()
    assert dataset.left_out == {}


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        open_dataset(
            write_company(
                tmp_path,
                accounts=with_change("accounts", "a2,Birch", "a2,"),
                spend=with_change("spend", "sales", "legal"),
            )
        )
    assert len(str(refused.value).splitlines()) == 2


def test_at_most_five_rows_are_shown(tmp_path: Path) -> None:
    rows = [f"x{i},Name,2024-01-01,,small,-{i + 1}" for i in range(9)]
    history = with_row("account_history", *(f"x{i},seats,1,2024-01-01" for i in range(9)))
    dataset = open_dataset(
        write_company(tmp_path, accounts=with_row("accounts", *rows), account_history=None),
        require_clean=False,
    )
    assert history.count("x") == 9
    (problem,) = [p for p in dataset.problems if p.column == "seats"]
    assert problem.rows == 9
    assert len(problem.examples) == 5


def test_a_value_with_a_line_break_stays_on_one_line(tmp_path: Path) -> None:
    dataset = open_dataset(
        write_company(tmp_path, accounts=with_change("accounts", "2024-02-01", '"so\non"')),
        require_clean=False,
    )
    assert all(len(str(problem).splitlines()) == 1 for problem in dataset.problems)
