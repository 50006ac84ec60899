"""Asks the engine the questions of the checks; their DuckDB text is compiled once and kept.

Turning an Ibis expression into SQL takes many times as long as running it on a small company, and
the questions asked of a folder are always the same ones. So their text is kept beside Python's own
compiled files (in `__pycache__`, under the hash of the code that made it), with the days left open.
The text holds no data. Where it cannot be kept, or for other sources, everything still works.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_lib.caching import keep
from kpi_lib.data import known
from kpi_lib.data.known import Knowledge, as_known, last_full_month
from kpi_lib.data.stock import Stock
from kpi_lib.engine import run

Row = dict[str, Any]

_OPEN_DAY, _OPEN_TODAY = date(2345, 6, 7), date(2345, 8, 9)
"""Stand for the day and today while a text is compiled; no data reach so far."""
_MARKS = {
    "MAKE_TIMESTAMP(2345, 6, 8, 0, 0, 0.0)": "$after",
    "MAKE_DATE(2345, 6, 7)": "$day",
    "MAKE_DATE(2345, 5, 1)": "$month",
    "MAKE_DATE(2345, 8, 9)": "$today",
}


@dataclass(frozen=True)
class Moment:
    """The day a data set is read for, its tables as known then, and today."""

    day: date
    today: date
    masked: Mapping[str, ir.Table]
    full: Mapping[str, ir.Table]


@dataclass(frozen=True)
class Question:
    """Something whose answer is one row. `key` names it among all questions to the same columns."""

    key: str
    build: Callable[[Moment], ir.Table]


class Asker:
    """Answers questions about a stock as known on a day."""

    def __init__(self, stock: Stock, knowledge: Knowledge, day: date, today: date) -> None:
        self.stock, self.knowledge = stock, knowledge
        self.moment = self._moment(day, today)

    def _moment(self, day: date, today: date) -> Moment:
        masked = as_known(self.stock.tables, self.knowledge, day)
        return Moment(day, today, masked, self.stock.tables)

    @cached_property
    def _shape(self) -> str:
        """What a text depends on besides its question: tables, their columns, the masking."""
        present = sorted(
            (name, sorted(columns)) for name, columns in self.knowledge.present.items()
        )
        parts = (present, self.knowledge.dated_fields, known.version())
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def row(self, question: Question) -> Row:
        """The answer to one question."""
        return self.rows([question])[0]

    def rows(self, questions: Sequence[Question]) -> list[Row]:
        """The answers to questions that have the same columns, in their order."""
        if not self.stock.in_memory:
            return _asked_at_once([question.build(self.moment) for question in questions])
        return [self._from_text(question) for question in questions]

    def _from_text(self, question: Question) -> Row:
        connection = self.stock.in_memory
        text = TEXTS.get(f"{self._shape} {question.key}", lambda: self._compiled(question))
        result = connection.execute(self._dated(text))
        names = [column[0] for column in result.description]
        return dict(zip(names, result.fetchone() or (), strict=True))

    def _compiled(self, question: Question) -> str:
        expression = question.build(self._moment(_OPEN_DAY, _OPEN_TODAY))
        text = str(ibis.to_sql(expression, dialect="duckdb"))
        for mark, name in _MARKS.items():
            text = text.replace(mark, name)
        return text

    def _dated(self, text: str) -> str:
        """The text with its days written in: for values apart, the engine would import pandas."""
        day = self.moment.day
        after = datetime.combine(day + timedelta(days=1), time())
        days = {"day": day, "month": last_full_month(day), "today": self.moment.today}
        text = text.replace("$after", f"timestamp '{after.isoformat(sep=' ')}'")
        for name, value in days.items():
            text = text.replace(f"${name}", f"date '{value.isoformat()}'")
        return text


def _asked_at_once(parts: Sequence[ir.Table]) -> list[Row]:
    """The single row of each part, in order, fetched in one query."""
    if not parts:
        return []
    placed = [part.mutate(place=ibis.literal(i, type="int64")) for i, part in enumerate(parts)]
    frame = run(ibis.union(*placed) if len(placed) > 1 else placed[0]).sort_values("place")
    return [{str(name): row[name] for name in row} for row in frame.to_dict("records")]


class Texts:
    """Compiled texts by key, read from one file when first needed and written back when they grow."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._found: dict[str, str] | None = None
        self._grown = False

    def get(self, key: str, compile_text: Callable[[], str]) -> str:
        """The text of a key, compiled where it is not known yet."""
        if self._found is None:
            self._found = _read(self.file)
        if key not in self._found:
            self._found[key] = compile_text()
            self._grown = True
        return self._found[key]

    @cached_property
    def file(self) -> Path:
        """Where the texts are kept: a name that changes with the code and with Ibis."""
        if self._file is not None:
            return self._file
        here = Path(__file__).parent
        sources = [
            *sorted(here.glob("*.py")),
            here.parent / "contract.py",
            here.parent / "schema.py",
        ]
        digest = hashlib.sha256(ibis.__version__.encode())
        for source in sources:
            digest.update(source.read_bytes())
        return here / "__pycache__" / f"questions-{digest.hexdigest()[:16]}.json"

    def save(self) -> None:
        """Writes the texts whole or not at all; where that is not allowed they are made anew."""
        if not self._grown or self._found is None:
            return
        self._grown = False
        with suppress(OSError):
            self.file.parent.mkdir(exist_ok=True)
            keep(self.file, json.dumps(_read(self.file) | self._found).encode("utf-8"))
            for old in self.file.parent.glob("questions-*.json"):
                if old != self.file:
                    old.unlink()


def _read(file: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        return dict(json.loads(file.read_text(encoding="utf-8")))
    return {}


TEXTS = Texts()
