"""The portfolio of levers: what each account's touches say about the curves, put before the arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.growth import lift
from kpi_lib.customers.growth.lever_lists import NUMBER, TEXT, ordered
from kpi_lib.customers.growth.lever_paths import UNSTATED, touches
from kpi_lib.editing import with_table
from kpi_lib.engine import run
from kpi_lib.schema import Tables
from kpi_lib.stats.portfolio import FEWEST_REPEATED, Curves, Portfolio, reallocated

if TYPE_CHECKING:
    import pandas as pd

_SEED = 20
_KINDS = {"where": TEXT, "reason": TEXT}
_KINDS |= dict.fromkeys(("gain", "low", "high", "spend", "now", "proposed"), NUMBER)


class Rule(lift.Rule, Protocol):
    """What the portfolio needs besides."""

    @property
    def level(self) -> float:
        """Confidence level of the interval."""
        ...

    @property
    def draws(self) -> int:
        """How often accounts are drawn anew."""
        ...


def with_roles(tables: Tables) -> Tables:
    """The tables in which the name of each touch is the role of the person touched."""
    rows = tables["interactions"]
    if "contacts" not in tables:
        return with_table(tables, "interactions", rows.mutate(name=ibis.literal(UNSTATED)))
    people = tables["contacts"].select(who="contact_id", said="role")
    rows = rows.left_join(people, rows["contact_id"] == people["who"])
    role = rows["said"].cast("string").fill_null(UNSTATED)
    return with_table(tables, "interactions", rows.mutate(name=role).drop("who", "said"))


def portfolio(tables: Tables, rule: Rule) -> ir.Table:
    """One row for all, then one per lever and state: where, reason (why there is no spread, or no curve), gain
    with low and high (money, in the row of all), spend (money, now), now and proposed (touches per account)."""
    import pandas as pd

    sums, places = _sums(tables, rule), _places(tables, rule)
    if places.empty:
        return table_of(None, _KINDS)
    shown = [_shown(row) for row in places.to_dict("records")]
    kept = [place for place, row in enumerate(shown) if not row["reason"]]
    found = _chosen(sums, places.iloc[kept], rule)
    if found.touches is not None:
        for place, proposed in zip(kept, found.touches, strict=True):
            shown[place]["proposed"] = float(proposed)
    spend = float(sum(shown[place]["spend"] for place in kept))
    whole = {"where": "all levers with a curve", "spend": spend, "gain": found.gain}
    whole |= {"low": found.low, "high": found.high, "reason": found.reason}
    frame = pd.DataFrame([whole, *shown]).reindex(columns=list(_KINDS))
    return ordered(frame.assign(reason=frame["reason"].fillna("")), _KINDS)


def _shown(row: dict[Any, Any]) -> dict[str, Any]:
    reason = ""
    if not row["cost"] > 0:
        reason = "no cost is written down"
    elif row["repeated"] < FEWEST_REPEATED:
        reason = f"{row['repeated']:.0f} touched more than once; it takes {FEWEST_REPEATED}"
    spend = row["units"] * row["now"] * row["cost"]
    where = f"{row['lever']} in {row['state']}".replace("_", " ")
    return {"where": where, "now": row["now"], "spend": spend, "reason": reason}


def _logged(tables: Tables, rule: Rule) -> ir.Table:
    """Units with x = ln(1 + touches) and y = money seen, before the cost of the lever's own touches."""
    rows, price = lift.units(tables, rule), _prices(tables, rule)
    rows = rows.left_join(price, rows["lever"] == price["what"]).drop("what")
    count = rows["touches"].cast("float64")
    paid = count * rows["cost"].fill_null(0.0)
    return rows.mutate(x=(count + 1).ln(), y=rows["observed"] + paid)


def _prices(tables: Tables, rule: Rule) -> ir.Table:
    rows = touches(tables, rule.lever_by)
    return rows.group_by(what=rows["lever"]).aggregate(cost=rows["cost"].mean())


def _sums(tables: Tables, rule: Rule) -> pd.DataFrame:
    """lever, position, account_id, joint, square: deviations from the mean of the stratum."""
    rows = _logged(tables, rule)
    inside = ibis.window(group_by=list(lift.STRATUM))
    dx, dy = (rows[name] - rows[name].mean().over(inside) for name in ("x", "y"))
    rows = rows.mutate(dx=dx, dy=dy)
    keys = ("lever", "position", "account_id")
    sums = rows.group_by(*keys).aggregate(
        joint=(rows["dx"] * rows["dy"]).sum(), square=(rows["dx"] * rows["dx"]).sum()
    )
    return run(sums.order_by(*keys))


def _places(tables: Tables, rule: Rule) -> pd.DataFrame:
    """lever, state, position, units, now, level_now, most, repeated, cost."""
    rows = _logged(tables, rule)
    keys = ("lever", "state", "position")
    sums = rows.group_by(*keys).aggregate(
        units=rows.count(),
        now=rows["touches"].cast("float64").mean(),
        level_now=rows["x"].mean(),
        most=rows["touches"].max(),
        repeated=ibis.ifelse(rows["touches"] > 1, 1, 0).sum(),
        cost=rows["cost"].max(),
    )
    return run(sums.order_by(*keys))


def _chosen(sums: pd.DataFrame, places: pd.DataFrame, rule: Rule) -> Portfolio:
    """The spread over the levers that have a curve."""
    keys = ["lever", "position"]
    used = sums.merge(places[keys].assign(column=np.arange(len(places))), on=keys)
    accounts, row = np.unique(used["account_id"].to_numpy(dtype=str), return_inverse=True)
    column = used["column"].to_numpy(dtype=np.int64)
    filled = {}
    for name in ("joint", "square"):
        filled[name] = np.zeros((len(accounts), len(places)))
        np.add.at(filled[name], (row, column), used[name].to_numpy(dtype=np.float64))
    rest = ("units", "now", "level_now", "cost", "most")
    facts = {name: places[name].to_numpy(dtype=np.float64) for name in rest}
    return reallocated(Curves(**filled, **facts), rule.level, rule.draws, _SEED)
