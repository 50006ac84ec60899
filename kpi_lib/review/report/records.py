"""The form of `results.json`: what the runner writes and the report reads."""

from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

RESULTS = "results.json"
RESULT_MIME = "application/vnd.kpi.result+json"


def _finite(value: Any) -> Any:
    """The value, or None where it is not a finite number (JSON has no NaN)."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Any) -> Any:
    """An empty text for None, since a record leaves out what it does not know."""
    return "" if value is None else value


Number = Annotated[float | None, BeforeValidator(_finite)]
Text = Annotated[str, BeforeValidator(_text)]
Cell = Annotated[bool | int | float | str | None, BeforeValidator(_finite)]


class _Record(BaseModel):
    """Frozen; unknown keys are ignored, so that an older report reads a newer review."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class TrendPoint(_Record):
    """One period of a trend. `resolved`: share of units whose outcome is known (0 to 1)."""

    label: str
    start: date | None = None
    value: Number = None
    low: Number = None
    high: Number = None
    n: Number = None
    resolved: Number = None


class ChangeRecord(_Record):
    """Latest period minus the one before, with its interval; `reason` where it cannot be told."""

    value: Number = None
    low: Number = None
    high: Number = None
    method: Text = ""
    reason: Text = ""


class VerdictRecord(_Record):
    """What the evidence suggests: adopt, keep testing, drop, not readable here; empty: not judged."""

    suggestion: Text = ""
    because: Text = ""


class FindingRecord(_Record):
    """The outcome of one test; `passed` None means that it cannot be told."""

    test: str
    passed: bool | None = None
    headline: Text = ""
    reason: Text = ""
    numbers: dict[str, Any] = Field(default_factory=dict)


class DropRecord(_Record):
    """The condition registered for dropping the KPI, and whether it holds (None: cannot be told)."""

    expression: Text = ""
    words: Text = ""
    holds: bool | None = None
    reason: Text = ""
    said: Text = ""


class PlannedLook(_Record):
    """A planned look: its day, and the p-value below which the registered comparison counts."""

    day: date
    fraction: Number = None
    given_out: Number = None
    below: Number = None


class LooksRecord(_Record):
    """The planned looks, and which of them (from 1) the day is; None for one that was not planned."""

    looks: list[PlannedLook] = Field(default_factory=list)
    number: int | None = None
    counts: bool | None = None
    p_value: Number = None
    said: Text = ""


class ListColumn(_Record):
    """A column of a list: its key in the rows, its heading, and its unit (a `kpi.Unit` or free)."""

    name: str
    title: Text = ""
    unit: Text = ""


class MeetingList(_Record):
    """A list shown to a meeting. Rows are dicts by column name; rows as arrays are read too."""

    title: str
    columns: list[ListColumn]
    rows: list[dict[str, Cell]]
    meaning: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _rows_by_name(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("rows"), list):
            return data
        names = [c["name"] if isinstance(c, dict) else c.name for c in data.get("columns", [])]
        rows = [
            dict(zip(names, r, strict=True)) if isinstance(r, list) else r for r in data["rows"]
        ]
        return {**data, "rows": rows}


class ResultRecord(_Record):
    """The result of one KPI notebook, as `record(...)` emits it under `RESULT_MIME`."""

    kpi: str
    title: str
    unit: Text = ""
    better: Text = "higher"
    role: Text = "leading"
    owner: Text = ""
    cadence: Text = ""
    dataset: Text = ""
    currency: Text = ""
    as_of: date | None = None
    period: Text = ""
    value: Number = None
    low: Number = None
    high: Number = None
    level: Number = 0.9
    n: Number = None
    previous_value: Number = None
    change: ChangeRecord = ChangeRecord()
    sentence: Text = ""
    trend: list[TrendPoint] = Field(default_factory=list)
    verdict: VerdictRecord | None = None
    findings: list[FindingRecord] = Field(default_factory=list)
    meeting_list: MeetingList | None = Field(default=None, alias="list")
    problems: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    left_out: dict[str, Any] = Field(default_factory=dict)
    okr: Text = ""
    progress: dict[str, Any] = Field(default_factory=dict)
    drop_if: DropRecord | None = None
    looks: LooksRecord | None = None
    params: dict[str, Any] = Field(default_factory=dict)


class DefinitionRecord(_Record):
    """What the number of a KPI was when it was computed: its formula, and the hash of its code."""

    formula: Text = ""
    source: Text = ""


class LogRecord(_Record):
    """How far the log of decisions went when a review was written."""

    count: int = 0
    hash: Text = ""


class NotebookRun(_Record):
    """How one notebook ended. `record` is None for an overview and for a run that failed early.

    `data` is the fingerprint of the data it read, `definition` that of its KPI (None: no KPI).
    """

    name: str
    status: str
    """"ok", or what went wrong in one or two words: failed, timeout, killed, out of memory, ..."""
    seconds: float = 0.0
    message: Text = ""
    """One line on what went wrong; empty when all is well."""
    record: ResultRecord | None = None
    definition: DefinitionRecord | None = None
    data: Text = ""

    @property
    def title(self) -> str:
        """The title of its KPI, else its name in words."""
        words = self.name.replace("_", " ").capitalize().replace("kpi", "KPI")
        return self.record.title if self.record else words


class NotRun(_Record):
    """A KPI the data set cannot feed, or that it asks to leave out.

    `verdict` is that of one that does not fit the business, with what to use instead; None: nothing
    speaks against it.
    """

    name: str
    title: Text = ""
    reason: Text = ""
    verdict: VerdictRecord | None = None
    substitutes: list[str] = Field(default_factory=list)


class Review(_Record):
    """A whole review: `results.json`.

    `data_set` is the short name used in the folder (`saas`), `name` the company's. `period` is the
    quarter as people write it (2025Q4), or the as-of day when the review is of any other day.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    data_set: str
    name: str
    as_of: date
    period: str
    version: str
    currency: Text = ""
    notebooks: list[NotebookRun]
    not_run: list[NotRun] = Field(default_factory=list)
    problems: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    decisions: LogRecord | None = None


def to_json(review: Review) -> str:
    """The text of `results.json`: indented, keys in a fixed order, "schema" first."""
    return review.model_dump_json(indent=2, by_alias=True) + "\n"


def read_results(folder: Path) -> Review:
    """The review written in a folder.

    Raises FileNotFoundError when there is none, ValueError with the first fault when it is not of
    our form.
    """
    path = folder / RESULTS
    try:
        return Review.model_validate_json(path.read_bytes())
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise ValueError(f"{path}: {where}: {fault['msg']}") from error


def result_in(notebook: Path) -> dict[str, Any] | None:
    """The result record an executed notebook carries (the last one), or None."""
    found: dict[str, Any] | None = None
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(RESULT_MIME, found)
    return found
