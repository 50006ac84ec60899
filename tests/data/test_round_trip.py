"""Whatever a table holds comes back from CSV as it was, in any of the ways people write it."""

from __future__ import annotations

import csv
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.data import Guess, open_dataset
from kpi_lib.data.errors import one_line
from kpi_lib.data.readings import Shape, day_order, decimal_mark, read_dates
from kpi_lib.engine import run
from tests.data.companies import YAML

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff"),
    min_size=1,
    max_size=12,
).filter(lambda text: text.strip() == text)
DAYS = st.dates(date(1990, 1, 1), date(2026, 6, 30))
SEATS = st.none() | st.integers(0, 10**9)
ROWS = st.lists(st.tuples(NAMES, DAYS, SEATS, st.none() | st.booleans()), min_size=1, max_size=8)
STYLES = st.fixed_dictionaries(
    {
        "separator": st.sampled_from([",", ";", "\t"]),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
        "day": st.sampled_from(["%Y-%m-%d", "%Y-%m-%d 00:00:00", "%d.%m.%Y", "%d %b %Y", "%Y%m%d"]),
        "end": st.sampled_from(["\n", "\r\n"]),
        "all_quoted": st.booleans(),
    }
)


def write(folder: Path, rows: list[tuple[Any, ...]], style: dict[str, Any]) -> None:
    """The accounts as a CSV file in a style."""
    with (folder / "accounts.csv").open("w", encoding=style["encoding"], newline="") as stream:
        form = {"delimiter": style["separator"], "lineterminator": style["end"]}
        quoting: dict[str, Any] = {"quoting": csv.QUOTE_ALL} if style["all_quoted"] else {}
        writer = csv.writer(stream, **form, **quoting)
        writer.writerow(["account_id", "name", "signed_on", "seats", "is_ideal"])
        for number, (name, day, seats, ideal) in enumerate(rows):
            shown = "" if seats is None else seats
            writer.writerow([f"{number:03d}", name, day.strftime(style["day"]), shown, ideal])
    (folder / "dataset.yaml").write_text(YAML + "csv: {empty: [None]}\n", encoding="utf-8")


@settings(max_examples=25, deadline=None)
@given(rows=ROWS, style=STYLES)
def test_accounts_come_back(rows: list[tuple[Any, ...]], style: dict[str, Any]) -> None:
    rows = [row for row in rows if row[0] != "None"] or [("x", date(2024, 1, 1), None, None)]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), rows, style)
        accounts = open_dataset(folder).tables["accounts"]
        frame = run(accounts.order_by("account_id"))
    assert list(frame["account_id"]) == [f"{number:03d}" for number in range(len(rows))]
    assert list(frame["name"]) == [row[0] for row in rows]
    assert list(frame["signed_on"].dt.date) == [row[1] for row in rows]
    assert [None if pd.isna(x) else int(x) for x in frame["seats"]] == [row[2] for row in rows]
    assert [None if pd.isna(x) else bool(x) for x in frame["is_ideal"]] == [row[3] for row in rows]


AMOUNTS = st.floats(-1e12, 1e12, allow_nan=False).map(lambda value: round(value, 2))
FORMS = {
    ".": ("{:.2f}", "{:,.2f}"),
    ",": ("{:.2f}", "{:,.2f}"),
}


@settings(max_examples=25, deadline=None)
@given(
    amounts=st.lists(AMOUNTS, min_size=1, max_size=8),
    mark=st.sampled_from([",", "."]),
    grouped=st.booleans(),
)
def test_amounts_come_back(amounts: list[float], mark: str, grouped: bool) -> None:
    form = FORMS[mark][grouped]
    swap = str.maketrans(",.", ".,") if mark == "," else {}
    texts = [form.format(amount).translate(swap) for amount in amounts]
    lines = [f"c;p;2024-01-01;{text};s" for text in texts]
    content = "competitor;kpi;period;value;source\n" + "\n".join(lines) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "dataset.yaml").write_text(YAML, encoding="utf-8")
        (Path(folder) / "benchmarks.csv").write_text(content, encoding="utf-8")
        dataset = open_dataset(folder)
        read = run(dataset.tables["benchmarks"])["value"].to_list()
    assert sorted(read) == sorted(amounts)


@given(st.lists(st.dates(date(1970, 1, 1), date(2068, 12, 31)), min_size=1), st.booleans())
def test_the_order_of_day_and_month_is_never_told_wrongly(days: list[date], first: bool) -> None:
    largest_day, largest_month = max(d.day for d in days), max(d.month for d in days)
    pair = (largest_day, largest_month) if first else (largest_month, largest_day)
    order, sure, conflict = day_order([Shape("99/99/9999", len(days), *pair)])
    assert not conflict
    assert order in ({"day first", ""} if first else {"month first", ""})
    assert sure == (largest_day > 12)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2068, 1, 1)), st.sampled_from("-/."))
def test_a_form_found_from_a_shape_reads_the_text(moment: datetime, sep: str) -> None:
    text = moment.strftime(f"%d{sep}%m{sep}%Y %H:%M:%S")
    shape = "".join("9" if character.isdigit() else character for character in text)
    iso, formats = read_dates([Shape(shape, 1)], "day first")
    assert not iso
    assert datetime.strptime(text, formats[0]) == moment.replace(microsecond=0)


@given(st.lists(st.sampled_from(["9.99", "9,99", "999", "9.999", "9,999", "9.999,9"])))
def test_a_mark_is_sure_only_where_nothing_speaks_against_it(shapes: list[str]) -> None:
    mark, sure = decimal_mark([[Shape(shape, 1) for shape in shapes]])
    point = {"9.99"} & set(shapes)
    comma = {"9,99", "9.999,9"} & set(shapes)
    if sure and mark == ".":
        assert point
        assert not comma
    if sure and mark == ",":
        assert comma
        assert not point


@given(st.text())
def test_every_message_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    assert len(str(Guess("t", "c", "w", text)).splitlines()) == 1
