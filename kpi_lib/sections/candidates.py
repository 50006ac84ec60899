"""All candidates beside each other against the six tests, and the set that the findings suggest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpi_lib.charts.table import table
from kpi_lib.charts.timeline import candidates as candidates_picture
from kpi_lib.evidence.finding import TESTS
from kpi_lib.kpi import Role, Unit
from kpi_lib.sections.judged import SWITCHED_OFF
from kpi_lib.view import View
from kpi_lib.wording import format_count

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.charts.picture import Picture
    from kpi_lib.charts.shown import Block

_SHORT = {True: "yes", False: "no", None: "open"}
"""Answers in as few letters as eleven columns leave room for; open: it cannot be told yet."""


def side_by_side(frame: pd.DataFrame | None) -> View:
    """One row per candidate: its verdict, and one column per test."""
    if frame is None or frame.empty:
        return nothing(frame)
    is_control = frame["role"] == Role.CONTROL.value
    counts = frame.loc[~is_control, "suggestion"].value_counts().sort_index()
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    candidates = format_count(int((~is_control).sum()), "candidate")
    said = f"{candidates} judged on the same data. Verdicts: {told or 'none'}."
    for title, verdict in frame.loc[is_control, ["title", "suggestion"]].itertuples(index=False):
        said += f" The control, {title}, stands beside them: {verdict}."
    return View(said, table=lambda: verdict_table(frame), frame=frame)


def nothing(frame: pd.DataFrame | None) -> View:
    """What is said where there are no verdicts."""
    return View(SWITCHED_OFF if frame is None else "No candidate can be judged on this data set.")


def verdict_table(frame: pd.DataFrame) -> Block:
    """Candidates against tests, in words."""
    import pandas as pd

    columns: dict[str, Any] = {"KPI": frame["title"], "verdict": frame["suggestion"]}
    columns |= {test: [_SHORT[passed] for passed in frame[test]] for test in TESTS}
    columns |= {"lead (months)": frame["lead_months"], "readability": frame["readability"]}
    columns |= {"role": frame["role"]}
    return table(pd.DataFrame(columns), units={"readability": Unit.RATIO})


def reasons(frame: pd.DataFrame | None) -> View:
    """Why each candidate got its verdict, one line each."""
    if frame is None or frame.empty:
        return nothing(frame)
    columns = {"title": "KPI", "suggestion": "verdict", "because": "because"}
    return View(
        "The argument is the table, not the suggestion.",
        table=lambda: table(frame[list(columns)].rename(columns=columns)),
    )


def early_and_readable(frame: pd.DataFrame | None) -> View:
    """How early each candidate warns against how well its changes can be seen."""
    if frame is None or frame.empty:
        return nothing(frame)
    told = frame.dropna(subset=["lead_months", "readability"])
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
    """The candidates that the findings suggest to start with, and whose work they see."""
    if frame is None or frame.empty:
        return nothing(frame)
    chosen = frame[frame["in_set"]]
    if chosen.empty:
        return View(
            "No candidate is adopted or promising yet. The table says what is missing for each.",
            frame=chosen,
        )
    names, owners = ", ".join(chosen["title"]), sorted(set(chosen["owner"]))
    is_adopted = chosen["suggestion"] == "adopt"
    adopted = ", ".join(chosen[is_adopted]["title"]) or "none yet"
    rest = "" if is_adopted.all() else "; the rest are promising and still on trial"
    said = (
        f"To start with: {names}. Passed every test that their role requires: {adopted}{rest}. "
        f"Acting on it: {', '.join(owners)}."
    )
    return View(said, table=lambda: _set_table(chosen), frame=chosen)


def _set_table(chosen: pd.DataFrame) -> Block:
    columns = {"title": "KPI", "owner": "who acts", "suggestion": "verdict", "lead_months": "lead"}
    return table(chosen[list(columns)].rename(columns=columns), units={"lead": "months"})
