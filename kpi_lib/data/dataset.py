"""An open data set: its tables as known on any day, and what was found while opening it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import ibis.expr.types as ir

from kpi_lib.alike import Names
from kpi_lib.contract import CONTRACT
from kpi_lib.data import known
from kpi_lib.data.checks import Span
from kpi_lib.data.config import read_day
from kpi_lib.data.errors import Guess, Problem
from kpi_lib.engine import run
from kpi_lib.schema import Tables, with_all_days

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """An open data set.

    `last_day` is the day asked for, else the one its dataset.yaml names, else the last day its rows
    know of. `tables` hold everything, also what came later; use `as_of` for what was known.
    `undated` lists fields that are overwritten at the source without a date ("accounts.owner"):
    figures of the past that use them need a warning. `left_out` counts, per table, rows that no
    figure uses. `unused` lists the columns of the source that nobody reads.
    """

    name: str
    folder: Path
    last_day: date
    currency: str = ""
    timezone: str = "UTC"
    quarter_starts_in: int = 1
    notes: tuple[str, ...] = ()
    leave_out: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, ir.Table] = field(default_factory=dict, repr=False)
    problems: tuple[Problem, ...] = ()
    guesses: tuple[Guess, ...] = field(default=(), repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict)
    undated: tuple[str, ...] = ()
    unused: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    spans: Mapping[str, Span] = field(default_factory=dict, repr=False)
    knowledge: known.Knowledge = field(repr=False)
    is_small: bool = field(default=False, repr=False)
    make_fingerprint: Callable[[], str] = field(repr=False)
    files_unchanged: Callable[[], bool] = field(default=lambda: False, repr=False)
    _kept: dict[object, object] = field(default_factory=dict, init=False, repr=False)
    _names: Names = field(default_factory=Names, init=False, repr=False)

    def as_of(self, day: date | str | None = None) -> Tables:
        """The tables as known at the end of `day` (default: `last_day`; a day ends at midnight UTC).

        Rows that came later are not there; fields filled in later are null, or `OPEN_END`. Rows of
        accounts that are not known (see `left_out`) are not there either. Nothing is copied and
        nothing runs: the result is a set of expressions, kept for the next call.
        """
        wanted = self.last_day if day is None else read_day(day)
        kept = self._kept.get(wanted)
        if not isinstance(kept, Tables):
            kept = self._kept[wanted] = self._known_on(wanted)
        return kept

    def _known_on(self, day: date) -> Tables:
        """The tables of a day. Only for the day of the data set intermediate results are kept: a
        question about the past asks once on each of many days. Of a small data set all that has a
        name is kept, since a query over many views is planned for longer than it runs."""
        view = self._names.named
        keep = self._names.kept if day == self.last_day else view
        name = keep if self.is_small else view
        masked = known.as_known(self.tables, self.knowledge, day, view)
        made = Tables(masked, day, self.quarter_starts_in, self.currency, name, keep)
        return with_all_days(made, self._all_days) if day < self.last_day else made

    @cached_property
    def _all_days(self) -> Tables:
        """The rows known by the last day, with the day on which each became known."""
        name, keep = self._names.named, self._names.kept
        dated = known.by_known_day(self.tables, self.knowledge, self.last_day, name)
        return Tables(dated, self.last_day, self.quarter_starts_in, self.currency, name, keep)

    @property
    def dated_fields(self) -> tuple[str, ...]:
        """The fields of accounts that account_history dates."""
        return self.knowledge.dated_fields

    @property
    def all_account_fields(self) -> tuple[str, ...]:
        """The columns that accounts may have; none where the data set has no accounts."""
        return tuple(self.tables["accounts"].columns) if "accounts" in self.tables else ()

    @property
    def account_fields(self) -> tuple[str, ...]:
        """The columns of accounts that the source holds, or that account_history dates."""
        there = {*self.knowledge.present.get("accounts", ()), *self.dated_fields}
        return tuple(name for name in self.all_account_fields if name in there)

    def currencies(self) -> tuple[str, ...]:
        """The currencies of amounts known on `last_day`, in the order of the alphabet."""
        found = {self.currency}
        for name, present in self.knowledge.present.items():
            if "currency" in present:
                found |= set(run(self.as_of()[name].select("currency").distinct())["currency"])
        return tuple(sorted(one for one in found if isinstance(one, str) and one))

    def describe(self) -> pd.DataFrame:
        """One row per table as known on `last_day`: table, rows, first_day, last_day.

        Rows known with a parent (the lines of an order) have no days of their own.
        """
        import pandas as pd

        rows = [(name, span.rows, span.first, span.last) for name, span in self.spans.items()]
        frame = pd.DataFrame(rows, columns=["table", "rows", "first_day", "last_day"])
        days = ["first_day", "last_day"]
        return frame.astype(dict.fromkeys(days, "datetime64[us]"))

    def save_left_out(self, folder: str | Path) -> list[Path]:
        """The files written into `folder`: left_out_<table>.csv for each table with rows left out."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        written = []
        for name, rows in self._left_out_rows():
            path = target / f"left_out_{name}.csv"
            run(rows.order_by(list(CONTRACT[name].required))).to_csv(path, index=False)
            written.append(path)
        return written

    def _left_out_rows(self) -> Iterator[tuple[str, ir.Table]]:
        """Per table, the rows that are known by their own date but belong to nothing known."""
        before = known.as_known(self.tables, self.knowledge.everything(), self.last_day)
        for name in self.left_out:
            parent, column = CONTRACT[name].known_with or ("accounts", "account_id")
            rows = self.tables[name] if CONTRACT[name].known_with else before[name]
            there = self.tables[parent] if CONTRACT[name].known_with else before[parent]
            yield name, rows.anti_join(there.select(column), column)

    def files_fingerprint(self) -> str:
        """The fingerprint of files that are still as they were opened; "" for all other data."""
        found = self.fingerprint()
        return found if self.files_unchanged() else ""

    def fingerprint(self) -> str:
        """A sha256 that changes when the data or their mapping change.

        Over dataset.yaml and the contents of the files that are read; for a database over
        dataset.yaml and, for each table, its number of rows and the newest of each of its dates.
        """
        kept = self._kept.setdefault("fingerprint", None) or self.make_fingerprint()
        self._kept["fingerprint"] = kept
        return str(kept)
