"""An open data set: its tables as known on any day, and what was found while opening it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import ibis.expr.types as ir

from kpi_lib.data import known
from kpi_lib.data.config import read_day
from kpi_lib.data.errors import DataError, Guess, Problem
from kpi_lib.schema import Tables

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """An open data set.

    `last_day` is the day asked for, else the one its dataset.yaml names, else the last day its rows
    know of. `tables` hold everything, also what came later; use `as_of` for what was known.
    `undated` lists fields that are overwritten at the source without a date ("accounts.owner"):
    figures of the past that use them need a warning. `unused` lists source columns nobody reads.
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
    present: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    dated_fields: tuple[str, ...] = ()
    undated: tuple[str, ...] = ()
    unused: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    problems: tuple[Problem, ...] = ()
    guesses: tuple[Guess, ...] = field(default=(), repr=False)
    _fingerprint: Callable[[], str] = field(default=lambda: "", repr=False)
    _cache: dict[date, Tables] = field(default_factory=dict, init=False, repr=False)

    def as_of(self, day: date | str | None = None) -> Tables:
        """The tables as known at the end of `day` (default: `last_day`).

        Rows that came later are not there; fields filled in later are null, or `OPEN_END`. Nothing
        is copied and nothing runs: the result is a set of expressions, kept for the next call.
        """
        wanted = self.last_day if day is None else read_day(day)
        if wanted not in self._cache:
            masked = known.mask(self.tables, self.present, self.dated_fields, wanted)
            self._cache[wanted] = Tables(masked, wanted, self.quarter_starts_in, self.currency)
        return self._cache[wanted]

    @cached_property
    def _print(self) -> str:
        return self._fingerprint()

    def fingerprint(self) -> str:
        """A sha256 that changes when the data or their mapping change.

        Over dataset.yaml and the contents of the files that are read; for a database over
        dataset.yaml and, for each table, its number of rows and the newest date of each column.
        """
        return self._print
