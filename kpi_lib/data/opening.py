"""Opening a data set: from a dataset.yaml to tables with contract types, checked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import ibis.expr.types as ir

from kpi_lib.contract import CONTRACT
from kpi_lib.data.asking import TEXTS, Asker, Moment, Question
from kpi_lib.data.checks import Checked, check
from kpi_lib.data.config import Config, read_config, read_day
from kpi_lib.data.database import open_database
from kpi_lib.data.dataset import Dataset
from kpi_lib.data.ending import quiet_end, refuse_beyond, silent_tables
from kpi_lib.data.errors import DataError, Secrets
from kpi_lib.data.folder import open_folder
from kpi_lib.data.handed import once
from kpi_lib.data.known import HISTORY, Knowledge
from kpi_lib.data.reach import Extent, extents
from kpi_lib.data.source import find_place
from kpi_lib.data.span import whole
from kpi_lib.data.stock import Stock


def open_dataset(
    path_or_yaml: str | Path, as_of: date | str | None = None, *, require_clean: bool = True
) -> Dataset:
    """The data set at a folder with a dataset.yaml, or at that file, as known on `as_of`.

    `as_of` defaults to the day named in dataset.yaml, else to the last day the rows know of. What
    is wrong in the data is in `problems`; with `require_clean` any error raises DataError, whose
    message has one line per problem. A day before the first row, or more than a few days after the
    last day the data know, is refused too. Nothing is written into the folder.
    """
    secrets = Secrets()
    config = read_config(path_or_yaml)
    place = find_place(config, secrets)
    asked = read_day(as_of) if as_of is not None else None
    if place.path is not None and place.scheme == "folder":
        stock = open_folder(config, place.path)
    else:
        stock = open_database(config, place, secrets)
    return _dataset(config, stock, asked, require_clean)


def _dataset(config: Config, stock: Stock, asked: date | None, require_clean: bool) -> Dataset:
    """The data set read for a day, checked."""
    today = datetime.now(UTC).date()
    fields = _dated_fields(stock, today)
    plain = Knowledge(stock.present, fields)
    reach = once(stock.place, today, lambda: extents(Asker(stock, plain, today, today)))
    day = asked or config.as_of or _last_day(config, stock, reach)
    refuse_beyond(config, day, reach, today)
    checked = once(
        stock.place,
        (day, today, asked is None),
        lambda: check(Asker(stock, plain, day, today), reach, whole_file=asked is None),
    )
    TEXTS.save()
    checked.problems += silent_tables(config, day, checked.spans)
    _refuse(config, checked, day, require_clean)
    return Dataset(
        name=config.name,
        folder=config.path.parent,
        last_day=day,
        currency=config.currency,
        timezone=config.timezone,
        quarter_starts_in=config.quarter_starts_in,
        notes=config.notes,
        leave_out=config.leave_out,
        tables=stock.tables,
        problems=(*checked.problems, *quiet_end(config, day, checked.newest)),
        guesses=stock.guesses,
        left_out=checked.left_out,
        undated=_undated(stock, fields),
        unused=stock.unused,
        spans=checked.spans,
        knowledge=replace(plain, outside=frozenset(checked.outside)),
        is_small=stock.is_small,
        make_fingerprint=stock.fingerprint,
        files_unchanged=stock.files_unchanged,
    )


def _last_day(config: Config, stock: Stock, reach: Sequence[Extent]) -> date:
    """The newest day, up to today, on which anything became known."""
    days = [one.last_known for one in reach if one.last_known is not None]
    if not days and stock.problems:
        raise DataError(*(str(problem) for problem in stock.problems))
    if not days:
        raise DataError(f"{config.name}: no row has a date up to today; is the source empty?")
    return max(days)


def _refuse(config: Config, checked: Checked, day: date, require_clean: bool) -> None:
    """Raises DataError where an error stands in the way, or nothing is known on the day."""
    errors = [str(problem) for problem in checked.problems if problem.severity == "error"]
    if errors and require_clean:
        raise DataError(*errors)
    if not any(span.rows for span in checked.spans.values()):
        raise DataError(
            f"{config.name}: as_of {day} lies before the first row of every table; choose a later day"
        )


def _dated_fields(stock: Stock, today: date) -> tuple[str, ...]:
    """The account fields that account_history dates: those it mentions at all."""
    if HISTORY not in stock.tables or "accounts" not in stock.tables:
        return ()
    fields = sorted(str(name) for name in CONTRACT[HISTORY]["field"].allowed)
    asker = Asker(stock, Knowledge(stock.present, ()), today, today)
    counts = asker.row(Question("dated fields", lambda moment: _mentions(moment, fields)))
    return tuple(name for name in fields if whole(counts[name]))


def _mentions(moment: Moment, fields: Sequence[str]) -> ir.Table:
    """How often account_history mentions each field, in one row."""
    history = moment.full[HISTORY]
    return history.aggregate(**{name: (history["field"] == name).sum() for name in fields})


def _undated(stock: Stock, dated: Collection[str]) -> tuple[str, ...]:
    return tuple(
        f"{name}.{column.name}"
        for name in stock.tables
        for column in CONTRACT[name].columns
        if column.current_only
        and column.name in stock.present[name]
        and not (name == "accounts" and column.name in dated)
    )
