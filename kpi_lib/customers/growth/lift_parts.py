"""The comparisons of lift as tables: by lever, with the placebo beside, by track and by role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.growth import lift
from kpi_lib.customers.growth.lever_effects import timing
from kpi_lib.customers.growth.lever_lists import COUNT, NUMBER, TEXT, in_words, ordered
from kpi_lib.customers.growth.lever_paths import touches
from kpi_lib.customers.growth.lift_spread import with_roles
from kpi_lib.engine import run
from kpi_lib.schema import Tables, found_once
from kpi_lib.stats.exposed import Lift, is_flat, lift_of, reading

if TYPE_CHECKING:
    import pandas as pd

MONEY = ("observed", "projected", "whole")


class Rule(lift.Rule, Protocol):
    """What the parts need besides."""

    @property
    def level(self) -> float:
        """Confidence level of the intervals."""
        ...

    @property
    def placebo_level(self) -> float:
        """Confidence level at which something differed before."""
        ...

    @property
    def draws(self) -> int:
        """How often accounts are drawn anew."""
        ...


@found_once
def lifts(tables: Tables, rule: Rule, outcome: str, by: Sequence[str]) -> dict[Any, Lift]:
    """The lift of an outcome by the columns given, keyed by their values."""
    is_money = outcome in MONEY
    rows = lift.matched(lift.units(tables, rule), outcome, rule.adjust if is_money else "")
    grouped = rows.group_by(*by, "account_id").aggregate(
        value=rows["value"].sum(), weight=rows["weight"].sum(), n=rows.count()
    )
    frame = run(grouped.order_by(*by, "account_id"))
    level = rule.level if is_money else rule.placebo_level
    return {key: _one(own, level) for key, own in frame.groupby(list(by), sort=True)}


def _one(own: pd.DataFrame, level: float) -> Lift:
    value, weight = (own[name].to_numpy(dtype=np.float64) for name in ("value", "weight"))
    exposed = round(float(weight.sum()))
    return lift_of(value, weight, exposed, int(own["n"].sum()) - exposed, level)


def _rows(tables: Tables, rule: Rule) -> list[dict[str, Any]]:
    """One row per lever and state with every outcome and what it may be read as."""
    by = ("lever", "state", "position")
    found = {name: lifts(tables, rule, name, by) for name in lift.OUTCOMES}
    late = run(timing(tables, rule.lever_by, rule.states))
    late["share"] = late["late"] / late["ended"]
    shares = late.set_index(["lever", "position"])["share"].to_dict()
    rows = []
    for key, seen in found["observed"].items():
        before = [found[name].get(key) for name in ("money_before", "time_before")]
        flat = [is_flat(one) for one in before if one is not None]
        whole = found["whole"].get(key, seen)
        said = reading(whole, flat, float(shares.get((key[0], key[2]), 0.0)))
        row = {"where": f"{key[0]} in {key[1]}".replace("_", " "), "reading": said}
        rows.append(row | {"flat": flat, **{n: found[n].get(key) for n in lift.OUTCOMES}})
    return rows


def _figures(name: str, one: Lift | None, low: str = "", high: str = "") -> dict[str, float]:
    empty = (np.nan,) * 3
    values = (one.value, one.low, one.high) if one is not None else empty
    return dict(zip((name, low or f"{name}_low", high or f"{name}_high"), values, strict=True))


BY_LEVER = (
    *("whole", "low", "high", "observed", "observed_low", "observed_high"),
    *("projected", "projected_low", "projected_high"),
)


def by_lever(tables: Tables, rule: Rule) -> ir.Table:
    """One row per lever and state, the largest lift first.

    where, reading, whole with low and high (money per exposed account), observed and projected with theirs,
    exposed, comparable (accounts in that state).
    """
    import pandas as pd

    kinds = {"where": TEXT, "reading": TEXT} | dict.fromkeys(BY_LEVER, NUMBER)
    kinds |= {"exposed": COUNT, "comparable": COUNT}
    rows = []
    for row in _rows(tables, rule):
        seen = row["observed"]
        one = {"where": row["where"], "reading": row["reading"]}
        one |= _figures("whole", row["whole"], "low", "high")
        one |= _figures("observed", seen) | _figures("projected", row["projected"])
        rows.append(one | {"exposed": seen.exposed, "comparable": seen.comparable})
    if not rows:
        return table_of(None, kinds)
    frame = pd.DataFrame(rows)
    order = ["whole", "observed", "where"]
    frame = frame.sort_values(order, ascending=[False, False, True], na_position="last")
    return ordered(frame, kinds)


def placebo(tables: Tables, rule: Rule) -> ir.Table:
    """One row per lever and state, those that differ first: the same comparison before the exposure.

    where, differs (yes, no, cannot be told), money_before with low and high (money more in the same number of
    days before entering the state), slower with slower_low and slower_high (share: time in the state before).
    """
    import pandas as pd

    figures = ("money_before", "low", "high", "slower", "slower_low", "slower_high")
    kinds = {"where": TEXT, "differs": TEXT} | dict.fromkeys(figures, NUMBER)
    rows = []
    for row in _rows(tables, rule):
        flat = row["flat"]
        differs = "yes" if False in flat else "no" if True in flat else "cannot be told"
        one = {"where": row["where"], "differs": differs}
        one |= _figures("money_before", row["money_before"], "low", "high")
        slower = _figures("slower", row["time_before"])
        rows.append(one | {name: float(np.expm1(value)) for name, value in slower.items()})
    if not rows:
        return table_of(None, kinds)
    frame = pd.DataFrame(rows)
    frame["order"] = frame["differs"].map({"yes": 0, "no": 1, "cannot be told": 2})
    return ordered(frame.sort_values(["order", "where"]), kinds)


def _alike(tables: Tables, rule: Rule, name: str) -> ir.Table:
    """name, by_lift, by_volume (places, 1 first), observed with low and high, unstable (why its place is not to
    be built on, "" if nothing speaks against it), touches, exposed, comparable.

    All states together, the largest lift first. `touches` are all that are known; by_lift is null where the
    lift cannot be told.
    """
    import pandas as pd

    kinds = {name: TEXT} | dict.fromkeys(("by_lift", "by_volume"), COUNT)
    kinds |= dict.fromkeys(("observed", "low", "high"), NUMBER) | {"unstable": TEXT}
    kinds |= dict.fromkeys(("touches", "exposed", "comparable"), COUNT)
    effort = touches(tables, rule.lever_by)
    counted = run(effort.group_by("lever").aggregate(touches=effort.count()).order_by("lever"))
    if counted.empty:
        return table_of(None, kinds)
    found, nobody = lifts(tables, rule, "observed", ("lever",)), Lift(np.nan, np.nan, np.nan, 0, 0)
    rows = []
    for what, number in zip(counted["lever"], counted["touches"], strict=True):
        one = found.get((what,), nobody)
        row = {name: what, "touches": number, "exposed": one.exposed, "comparable": one.comparable}
        rows.append(row | _figures("observed", one, "low", "high"))
    frame = pd.DataFrame(rows)
    places = {"by_lift": frame["observed"], "by_volume": frame["touches"]}
    frame = frame.assign(**{n: _place(c) for n, c in places.items()}, unstable=_unstable(frame))
    order = ["observed", "touches", name]
    frame = frame.sort_values(order, ascending=[False, False, True], na_position="last")
    return ordered(frame.assign(**{name: in_words(frame[name])}), kinds)


def _unstable(frame: pd.DataFrame) -> list[str]:
    """Which places the intervals leave open, and whether there may be no lift at all."""
    told = frame.dropna(subset=["observed"])
    said = []
    for low, high in zip(frame["low"], frame["high"], strict=True):
        first = 1 + int((told["low"] > high).sum())
        last = len(told) - int((told["high"] < low).sum())
        reasons = [f"place {first} to {last} by the intervals"] * (first < last)
        reasons += ["interval spans zero"] * bool(low <= 0 <= high)
        said.append("; ".join(reasons) if np.isfinite([low, high]).all() else "no interval")
    return said


def _place(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.rank(ascending=False, method="min").astype("Int64")


def ranks(tables: Tables, rule: Rule) -> ir.Table:
    """Levers by volume beside by lift; the columns of `_alike`."""
    return _alike(tables, rule, "lever")


def by_track(tables: Tables, rule: Any) -> ir.Table:
    """Exposed to a conversation track against comparable accounts; the columns of `_alike`."""
    return _alike(tables, rule.model_copy(update={"lever_by": "track"}), "track")


def by_role(tables: Tables, rule: Any) -> ir.Table:
    """Exposed through a person of a role against comparable accounts; the columns of `_alike`."""
    asked = rule.model_copy(update={"lever_by": "name"})
    return _alike(with_roles(tables), asked, "role")
