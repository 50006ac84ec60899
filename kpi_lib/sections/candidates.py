"""All candidates beside each other against the six tests, and the set that the findings suggest."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TYPE_CHECKING, Any

from kpi_lib.charts.table import table
from kpi_lib.charts.timeline import candidates as candidates_picture
from kpi_lib.evidence.finding import TESTS
from kpi_lib.kpi import Role, Unit
from kpi_lib.sections.judged import SWITCHED_OFF
from kpi_lib.view import View
from kpi_lib.wording import format_count, format_value

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.charts.picture import Picture
    from kpi_lib.charts.shown import Block

_SHORT = {True: "yes", False: "no", None: "open"}
"""Answers in as few letters as eleven columns leave room for; open: it cannot be told yet."""

MARK = " *"
"""Behind the title of a KPI that comes from consumer businesses."""
_UNTESTED = "–"
_FEW = 3
"""Candidates below which a set is thin, so that the nearest others stand beside it."""


def side_by_side(frame: pd.DataFrame | None, marked: Collection[str] = ()) -> View:
    """One row per candidate: its verdict, and one column per test.

    `marked` are those that rest on assumptions about consumers which fail here.
    """
    if frame is None or frame.empty:
        return nothing(frame)
    is_control = frame["role"] == Role.CONTROL.value
    counts = frame.loc[~is_control, "suggestion"].value_counts().sort_index()
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    candidates = format_count(int((~is_control).sum()), "candidate")
    said = f"{candidates} judged on the same data. Verdicts: {told or 'none'}."
    if unfit := int(_is_unfit(frame).sum()):
        verb = "does" if unfit == 1 else "do"
        said += f" Of those dropped, {unfit} {verb} not fit this business; the table names what to use instead."
    for title, verdict in frame.loc[is_control, ["title", "suggestion"]].itertuples(index=False):
        said += f" The control, {title}, stands beside them: {verdict}."
    if frame["kpi"].isin(list(marked)).any():
        said += f" {MARK.strip()} marks what comes from consumer businesses, whose assumptions mostly fail here."
    return View(said, table=lambda: verdict_table(frame, marked), frame=frame)


def nothing(frame: pd.DataFrame | None) -> View:
    """What is said where there are no verdicts."""
    return View(SWITCHED_OFF if frame is None else "No candidate can be judged on this data set.")


def verdict_table(frame: pd.DataFrame, marked: Collection[str] = ()) -> Block:
    """Candidates against tests, in words; for those that do not fit, what to use instead."""
    import pandas as pd

    unfit = _is_unfit(frame)
    marks = frame["kpi"].map(lambda name: MARK if name in marked else "")
    verdicts = [_verdict(frame, row) for row in frame.to_dict("records")]
    columns: dict[str, Any] = {"KPI": frame["title"] + marks, "verdict": verdicts}
    for test in TESTS:
        answers = [_SHORT[passed] for passed in frame[test]]
        columns[test] = [
            _UNTESTED if away and passed is None else answer
            for answer, passed, away in zip(answers, frame[test], unfit, strict=True)
        ]
    columns |= {"lead (months)": frame["lead_months"], "readability": frame["readability"]}
    columns |= {"role": frame["role"]}
    return table(pd.DataFrame(columns), units={"readability": Unit.RATIO}, most=len(frame))


def _is_unfit(frame: pd.DataFrame) -> pd.Series[bool]:
    return frame["fitting"].map(lambda passed: passed is False).astype(bool)


def _verdict(frame: pd.DataFrame, row: Mapping[Hashable, Any]) -> str:
    """The verdict; with what to use instead, by its title where that is a KPI of the table."""
    titles = dict(zip(frame["kpi"], frame["title"], strict=True))
    names = [str(titles.get(name, name)) for name in row["substitutes"]]
    return f"{row['suggestion']}, use {', '.join(names)}" if names else str(row["suggestion"])


def reasons(frame: pd.DataFrame | None) -> View:
    """Why each candidate got its verdict, one line each."""
    if frame is None or frame.empty:
        return nothing(frame)
    columns = {"title": "KPI", "suggestion": "verdict", "because": "because"}
    return View(
        "The argument is the table, not the suggestion.",
        table=lambda: table(frame[list(columns)].rename(columns=columns), most=len(frame)),
    )


def early_and_readable(frame: pd.DataFrame | None) -> View:
    """How early each candidate warns against how well its changes can be seen."""
    if frame is None or frame.empty:
        return nothing(frame)
    told = frame.dropna(subset=["lead_months", "readability"])
    if told.empty:
        return View("No candidate has told yet both how early it warns and what can be seen of it.")
    both = told[(told["lead_months"] > 0) & (told["readability"] >= 1)]
    names = ", ".join(both["title"]) or "none of them"
    said = f"Early and readable at once: {names}."
    return View(said, picture=lambda: _picture(told), frame=told)


def _picture(told: pd.DataFrame) -> Picture | None:
    if told.empty:
        return None
    shown = told.assign(kpi=told["title"])
    columns = ["kpi", "lead_months", "readability", "suggestion"]
    return candidates_picture(shown[columns], title="How early against how readable")


def suggested_set(frame: pd.DataFrame | None) -> View:
    """The candidates that the findings suggest to start with, and whose work they see.

    Below three of them the nearest others stand beside them, with what it takes to read each.
    """
    if frame is None or frame.empty:
        return nothing(frame)
    chosen = frame[frame["in_set"]]
    near = _nearest(frame) if len(chosen) < _FEW else frame.head(0)
    said = " ".join([_set_said(chosen), *([_near_said(near)] if len(near) else [])])
    return View(said, table=lambda: _set_table(chosen, near), frame=chosen)


def _set_said(chosen: pd.DataFrame) -> str:
    if chosen.empty:
        return "No candidate is adopted or promising yet. The table says what is missing for each."
    names, owners = ", ".join(chosen["title"]), sorted(set(chosen["owner"]))
    is_adopted = chosen["suggestion"] == "adopt"
    adopted = ", ".join(chosen[is_adopted]["title"]) or "none yet"
    rest = "" if is_adopted.all() else "; the rest are promising and still on trial"
    return (
        f"To start with: {names}. Passed every test that their role requires: {adopted}{rest}. "
        f"Acting on it: {', '.join(owners)}."
    )


def _nearest(frame: pd.DataFrame) -> pd.DataFrame:
    """Up to three outside the set that are only too small to be read yet, the most readable first."""
    is_small = frame["suggestion"] == "not readable here"
    rows = frame[is_small & ~frame["in_set"] & (frame["role"] != Role.CONTROL.value)]
    rows = rows.dropna(subset=["readability"])
    return rows.sort_values(["readability", "title"], ascending=[False, True]).head(_FEW)


def _near_said(near: pd.DataFrame) -> str:
    told = ", ".join(
        f"{title} ({format_value(part, 'share')} of the way)"
        for title, part in near[["title", "readability"]].itertuples(index=False)
    )
    return (
        f"Nearest to being readable: {told}. Their lists of names can be worked with at once; the "
        "table says at which size their change can be seen."
    )


def _set_table(chosen: pd.DataFrame, near: pd.DataFrame) -> Block:
    import pandas as pd

    columns = {"title": "KPI", "owner": "who acts", "suggestion": "verdict", "lead_months": "lead"}
    shown = pd.concat([chosen, near]) if len(near) else chosen
    if len(near):
        columns["because"] = "because"
    return table(shown[list(columns)].rename(columns=columns), units={"lead": "months"})
