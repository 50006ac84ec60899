"""Effects of touches by state, each with its checks: tables for the card of the levers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.growth import lever_effects
from kpi_lib.customers.growth.lever_effects import cells, timing
from kpi_lib.customers.growth.lever_lists import COUNT, NUMBER, TEXT, ordered
from kpi_lib.engine import run
from kpi_lib.schema import Tables, found_once
from kpi_lib.stats import touched

if TYPE_CHECKING:
    import pandas as pd


class Rule(lever_effects.Rule, Protocol):
    """What the effects need besides."""

    @property
    def level(self) -> float:
        """Confidence level of the intervals."""
        ...

    @property
    def placebo_level(self) -> float:
        """Confidence level at which something differed before."""
        ...


@found_once
def _cells(tables: Tables, rule: Rule) -> pd.DataFrame:
    keys = ("lever", "position", "month", "segment", "ideal", "touches")
    return run(cells(tables, rule).order_by(*keys))


def _where(frame: pd.DataFrame) -> list[str]:
    """How a lever in a state is written."""
    pairs = zip(frame["lever"], frame["state"], strict=True)
    return [f"{lever} in {state}".replace("_", " ") for lever, state in pairs]


def _in_order(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The largest first, what cannot be told last."""
    names = [column, "lever", "state"]
    return frame.sort_values(names, ascending=[False, True, True], na_position="last")


def effectiveness(tables: Tables, rule: Rule) -> ir.Table:
    """One row per lever and state, the highest odds ratio first.

    where (lever in state), reading (what it may be read as, once the checks are heard), odds_ratio with low
    and high (touched by the landmark against not yet, same state and month of entering), share_touched and
    share_others (that moved on), landmark (days), touched, others (accounts).
    """
    kinds = {"where": TEXT, "reading": TEXT} | dict.fromkeys(_ODDS, NUMBER)
    kinds |= {"touched": COUNT, "others": COUNT}
    frame = _cells(tables, rule)
    if frame.empty:
        return table_of(None, kinds)
    found = touched.effectiveness(frame, rule.level)
    marks = frame.groupby(["lever", "state"])[["landmark", "position"]].first().reset_index()
    found = found.merge(marks).merge(_checks(tables, rule, frame), how="left")
    found["reading"] = [_read(row) for row in found.to_dict("records")]
    found["odds_ratio"] = found["odds_ratio"].replace(np.inf, np.nan)
    found = _in_order(found, "odds_ratio")
    return ordered(found.assign(where=_where(found)), kinds)


_ODDS = ("odds_ratio", "low", "high", "share_touched", "share_others", "landmark")


def _checks(tables: Tables, rule: Rule, frame: pd.DataFrame) -> pd.DataFrame:
    """lever, state, position, differs (before the exposure), late_share (touches at the end of the stay)."""
    before = touched.placebo(frame, rule.placebo_level)[["lever", "state", "differs"]]
    late = run(timing(tables, rule.lever_by, rule.states))
    late["late_share"] = late["late"] / late["ended"]
    places = frame[["lever", "state", "position"]].drop_duplicates()
    late = late[["lever", "position", "late_share"]]
    return places.merge(before, how="left").merge(late, how="left")


def _read(row: dict[Any, Any]) -> str:
    differs = None if row["differs"] is None else bool(row["differs"])
    late = row["late_share"] if row["late_share"] == row["late_share"] else 0.0
    return touched.reading(row["low"], row["high"], differs, late, row["reason"])


def elasticity(tables: Tables, rule: Rule) -> ir.Table:
    """One row per lever and state, the largest change first.

    where, per_touch with low and high (change of the log-odds of moving on per further touch), first, second,
    third (what that touch adds), units (accounts), form, reason.
    """
    numbers = ("per_touch", "low", "high", "first", "second", "third")
    kinds = {"where": TEXT} | dict.fromkeys(numbers, NUMBER) | {"units": COUNT}
    kinds |= {"form": TEXT, "reason": TEXT}
    frame = _cells(tables, rule)
    if frame.empty:
        return table_of(None, kinds)
    found = _in_order(touched.elasticity(frame, rule.level), "per_touch")
    return ordered(found.assign(where=_where(found)), kinds)


def placebo(tables: Tables, rule: Rule) -> ir.Table:
    """One row per lever and state, those that differ first: what was so before the exposure.

    where, longer with low and high (time in the state before, of those touched against the others, less 1),
    known, others_known (accounts), differs (yes, no, cannot be told), reason.
    """
    numbers = ("longer", "low", "high")
    kinds = {"where": TEXT} | dict.fromkeys(numbers, NUMBER)
    kinds |= {"known": COUNT, "others_known": COUNT, "differs": TEXT, "reason": TEXT}
    frame = _cells(tables, rule)
    if frame.empty:
        return table_of(None, kinds)
    found = touched.placebo(frame, rule.placebo_level)
    for name, source in (("longer", "slower"), ("low", "low"), ("high", "high")):
        found[name] = np.expm1(found[source].astype("float64"))
    words = {True: "yes", False: "no"}
    found["differs"] = [words.get(one, "cannot be told") for one in found["differs"]]
    found["size"] = found["longer"].abs() * (found["differs"] == "yes") - found["longer"].isna()
    found = _in_order(found, "size")
    return ordered(found.assign(where=_where(found)), kinds)


def saturation(tables: Tables, rule: Rule) -> ir.Table:
    """Share that moved on by number of touches: touches, where, share, n.

    The eight levers and states with the most numbers of touches to compare, then with the most accounts;
    numbers of touches with ten accounts or more.
    """
    kinds = {"touches": TEXT, "where": TEXT, "share": NUMBER, "n": COUNT}
    frame = _cells(tables, rule)
    if frame.empty:
        return table_of(None, kinds)
    sums = frame.groupby(["lever", "state", "touches"])[["n", "moved"]].sum().reset_index()
    sums = _most_steps(sums[sums["n"] >= touched.FEWEST])
    sums["share"] = sums["moved"] / sums["n"]
    most = str(lever_effects.MOST_TOUCHES)
    sums["touches"] = [most + "+" if str(k) == most else str(k) for k in sums["touches"]]
    return ordered(sums.assign(where=_where(sums)), kinds)


def _most_steps(sums: pd.DataFrame) -> pd.DataFrame:
    """The rows of the eight groups with two steps or more, touched and not among them, and both ends."""
    groups = sums.groupby(["lever", "state"]).agg(
        steps=("n", "size"), n=("n", "sum"), moved=("moved", "sum"), least=("touches", "min")
    )
    both = (groups["moved"] > 0) & (groups["moved"] < groups["n"])
    groups = groups[(groups["steps"] >= 2) & (groups["least"] == 0) & both].reset_index()
    names = ["steps", "n", "lever", "state"]
    first = groups.sort_values(names, ascending=[False, False, True, True]).head(_MOST_LINES)
    return sums.merge(first[["lever", "state"]]).sort_values(["lever", "state", "touches"])


_MOST_LINES = 8
