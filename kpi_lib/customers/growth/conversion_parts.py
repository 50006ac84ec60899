"""What stage conversion is made of: steps, friction in money, curves, quality, splits."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.frames import stacked
from kpi_lib.customers.growth.conversion import (
    Choice,
    all_passages,
    cell_table,
    cells,
    shown_passages,
    shown_periods,
    steps_taken,
    within,
)
from kpi_lib.customers.growth.states import GONE, MOVED_ON, SALE
from kpi_lib.engine import run
from kpi_lib.schema import Tables
from kpi_lib.stats.curves import aalen_johansen
from kpi_lib.stats.intervals import wilson

if TYPE_CHECKING:
    import pandas as pd

STEPS = (
    *("step", "conversion", "low", "high", "entered", "moved_on", "skipped", "gone", "in_it"),
    "reason",
)


def steps(tables: Tables, params: Choice) -> ir.Table:
    """Conversion of each step, in order: step, conversion, low, high, and what became of who entered.

    entered (in the periods shown) = moved_on (to the next state) + skipped (it) + gone + in_it, the counts at any time;
    conversion is within the horizon.
    """
    found = _steps(tables, params)
    counted = dict.fromkeys(("moved_on", "skipped", "in_it"), "int64")
    return cell_table(found[list(STEPS)], **counted)


def _steps(tables: Tables, params: Choice) -> pd.DataFrame:
    """The steps in their order with all counts, one row per step that somebody could take."""
    rows = steps_taken(tables, params)
    found = cells(rows, params, ["position", "step"]).drop(columns=["passed", "gone"])
    moved, skipped = rows["outcome"] == MOVED_ON, rows["is_skipped"]
    counts = rows.group_by("position").aggregate(
        moved_on=rows.count(where=moved & ~skipped),
        skipped=rows.count(where=skipped),
        gone=rows.count(where=(rows["outcome"] == GONE) & ~skipped),
        in_it=rows.count(where=(rows["outcome"] != GONE) & ~moved & ~skipped),
    )
    return found.merge(run(counts), on="position").sort_values("position", ignore_index=True)


FRICTION = (
    *("step", "value_lost", "low", "high", "share_gone", "journeys_gone", "mean_amount"),
    *("chance_later", "reason"),
)


def friction(tables: Tables, params: Choice) -> ir.Table:
    """What each step loses, the largest loss in value first.

    Columns: step, value_lost (money per year) with low and high, share_gone (within the horizon),
    journeys_gone (entered x share), mean_amount (of those gone where stated, else of all on that side of
    the sale), chance_later (of being won, once past the step; 1 after the sale), reason. value_lost =
    journeys_gone x mean_amount x chance_later: what it would bring if nobody left at this step.
    """
    rows = steps_taken(tables, params)
    gone = ibis.cases(
        (rows["outcome"] == GONE, MOVED_ON), (rows["outcome"] == MOVED_ON, GONE), else_=0
    )
    lost = cells(rows.mutate(outcome=gone), params, ["position", "step"])
    passed = cells(rows, params, ["position"])[["position", "conversion"]]
    found = lost.rename(columns={"conversion": "share_gone"}).merge(passed, on="position")
    found = found.sort_values("position", ignore_index=True)
    found = found.assign(mean_amount=_amounts(tables, params, found["position"].tolist()))
    found = found.assign(chance_later=_chances(params, found))
    worth = found["entered"] * found["mean_amount"] * found["chance_later"]
    found = found.assign(
        journeys_gone=found["entered"] * found["share_gone"],
        value_lost=worth * found["share_gone"],
        low=worth * found["low"],
        high=worth * found["high"],
    )
    unpriced = found["value_lost"].isna() & (found["reason"] == "")
    found["reason"] = found["reason"].mask(unpriced, "no amount, or a later step cannot be told")
    found = found.sort_values(["value_lost", "position"], ascending=[False, True])
    return cell_table(found[list(FRICTION)])


def _sale(params: Choice) -> int:
    return params.states.index(SALE) + 1 if SALE in params.states else len(params.states)


def _chances(params: Choice, found: pd.DataFrame) -> list[float]:
    """Chance of who passes each step to be won: the product of the later steps before the sale."""
    sale = _sale(params)
    shares = dict(zip(found["position"], found["conversion"], strict=True))
    chances = []
    for position in found["position"]:
        chance = 1.0
        for later in range(int(position) + 1, sale):
            chance *= shares.get(later, 1.0)
        chances.append(chance)
    return chances


def _amounts(tables: Tables, params: Choice, positions: list[int]) -> list[float]:
    """Mean amount of who left at each step; where none is stated, of all rows on that side of the sale."""
    rows = steps_taken(tables, params)
    rows = rows.filter(rows["amount"].notnull())
    after = ibis.ifelse(rows["position"] >= _sale(params), 1, 0)
    rows = rows.mutate(after=after, left=ibis.ifelse(rows["outcome"] == GONE, 1, 0))
    sums = rows.group_by("position", "after", "left").aggregate(
        amount=rows["amount"].sum(), units=rows.count()
    )
    frame = run(sums)
    own = frame[frame["left"] == 1]
    sides = frame.groupby("after")[["amount", "units"]].sum()
    means: dict[int, float] = dict(zip(own["position"], own["amount"] / own["units"], strict=True))
    sided: dict[int, float] = dict(zip(sides.index, sides["amount"] / sides["units"], strict=True))
    return [means.get(p, sided.get(int(p >= _sale(params)), math.nan)) for p in positions]


def curves(tables: Tables, params: Choice) -> ir.Table:
    """Per step and day since entering: step, day, passed_share, gone_share, in_it_share, at_risk.

    The three shares add up to 1. The step that begins with `from_state` comes last.
    """
    rows = steps_taken(tables, params)
    day = ibis.ifelse(rows["value"] < 0, 0, rows["value"]).cast("float64")
    rows = rows.mutate(day=day)
    counts = run(rows.group_by("position", "step", "day", "outcome").aggregate(units=rows.count()))
    groups = counts.groupby(["position", "step"])
    found = [_curve(key, part, params) for key, part in groups]
    kinds = {"position": "int64", "step": "string", "day": "float64", "passed_share": "float64"}
    kinds |= {"gone_share": "float64", "in_it_share": "float64", "at_risk": "int64"}
    table = stacked(found, kinds)
    place = list(params.states).index(params.from_state) + 1
    return table.order_by(table["position"] == place, "position", "day").drop("position")


def _curve(key: Any, part: pd.DataFrame, params: Choice) -> pd.DataFrame:
    import pandas as pd

    days, ends, units = (part[name].to_numpy() for name in ("day", "outcome", "units"))
    curve = aalen_johansen(days, ends, units)
    start = pd.DataFrame({"time": [0.0], "at_risk": [float(units.sum())], "reached": [0.0]})
    curve = pd.concat([start.assign(left=0.0, waiting=1.0), curve], ignore_index=True)
    names = {"time": "day", "reached": "passed_share", "left": "gone_share"}
    curve = curve.rename(columns=names | {"waiting": "in_it_share"})
    return curve[curve["day"] <= params.horizon_days].assign(position=key[0], step=key[1])


def beside(tables: Tables, params: Choice) -> ir.Table:
    """Per period: period, conversion (of who entered in it) with low and high, snapshot, entered, passed.

    snapshot = passed (in the period, whenever they entered) / entered (in it).
    """
    found = cells(shown_passages(tables, params), params, ["period"])
    found = found.drop(columns=["passed", "gone"])
    goals = run(_passed_in(tables, params).group_by("period").aggregate(passed=_count()))
    passed = dict(zip(goals["period"], goals["passed"], strict=True))
    found["passed"] = [passed.get(period, 0) for period in found["period"]]
    found["snapshot"] = found["passed"] / found["entered"]
    shown = ["period", "conversion", "low", "high", "snapshot", "entered", "passed"]
    return cell_table(found[shown]).order_by("period")


def _count() -> Any:
    return ibis._.count()


def _passed_in(tables: Tables, params: Choice) -> ir.Table:
    """Journeys that reached the goal in a period shown, whenever they entered; `period` is that one."""
    rows = all_passages(tables, params)
    done = rows.filter(rows["outcome"] == MOVED_ON)
    return within(done, "ended_on", shown_periods(tables, params))


def quality(tables: Tables, params: Choice) -> ir.Table:
    """Fit of who passes and of who enters, per period.

    Columns: period, ideal_share (of those who passed in it and whose fit is stated) with low and
    high, entered_ideal_share (of those who entered in it), passed, entered.
    """
    shown = ["period", "ideal_share", "low", "high", "entered_ideal_share", "passed", "entered"]
    return cell_table(_quality(tables, params)[shown], **_COUNTED).order_by("period")


def throughput(tables: Tables, params: Choice) -> ir.Table:
    """Throughput against quality: period, passed, ideal_passed, ideal_share, reading.

    `reading` compares with the period before: more or fewer pass, of better or worse fit.
    """
    found = _quality(tables, params)
    found["reading"] = _readings(found)
    shown = ["period", "passed", "ideal_passed", "ideal_share", "reading"]
    return cell_table(found[shown], reading="string", **_COUNTED).order_by("period")


_COUNTED = dict.fromkeys(("passed", "entered", "ideal_passed"), "int64")


def _quality(tables: Tables, params: Choice) -> pd.DataFrame:
    frames = [
        _fit(_passed_in(tables, params), "passed"),
        _fit(shown_passages(tables, params), "entered"),
    ]
    found = frames[0].merge(frames[1], on="period", how="outer").sort_values("period")
    counts = [name for name in found if name != "period"]
    found = found.fillna(dict.fromkeys(counts, 0)).reset_index(drop=True)
    limits = [
        wilson(ideal, told, params.level) if told else (math.nan, math.nan)
        for ideal, told in zip(found["ideal_passed"], found["passed_told"], strict=True)
    ]
    return found.assign(
        ideal_share=found["ideal_passed"] / found["passed_told"].where(found["passed_told"] > 0),
        entered_ideal_share=found["ideal_entered"]
        / found["entered_told"].where(found["entered_told"] > 0),
        low=[one[0] for one in limits],
        high=[one[1] for one in limits],
    )


def _fit(rows: ir.Table, name: str) -> pd.DataFrame:
    """period, and the number of rows, of those with a stated fit and of ideal ones."""
    told = rows["is_ideal"].isin(["ideal", "other"])
    counts = {name: rows.count(), f"{name}_told": rows.count(where=told)}
    counts[f"ideal_{name}"] = rows.count(where=rows["is_ideal"] == "ideal")
    return run(rows.group_by("period").aggregate(**counts))


def _readings(found: pd.DataFrame) -> list[str]:
    """What happened to number and fit since the period before."""
    readings = [""] if len(found) else []
    pairs = list(zip(found["passed"], found["ideal_share"], strict=True))
    for (passed, fit), (now, fit_now) in pairwise(pairs):
        number = "more pass" if now > passed else "fewer pass" if now < passed else "as many pass"
        if math.isnan(fit) or math.isnan(fit_now):
            readings.append(f"{number}, fit cannot be told")
            continue
        change = "of better fit" if fit_now > fit else "of worse fit" if fit_now < fit else "as fit"
        readings.append(f"{number}, {change}")
    return readings


def split(name: str) -> Any:
    """The part that splits the journeys of all periods shown by is_ideal or track."""

    def compute(tables: Tables, params: Choice) -> ir.Table:
        """*name, conversion, low, high, entered, passed, gone, reason; the largest group first."""
        found = cells(shown_passages(tables, params), params, [name])
        shown = [name, "conversion", "low", "high", "entered", "passed", "gone", "reason"]
        return cell_table(found[shown]).order_by(ibis.desc("entered"), name)

    return compute


def steps_by_fit(tables: Tables, params: Choice) -> ir.Table:
    """Each step by fit with the ideal customer: step, is_ideal, conversion, low, high, entered, reason."""
    found = cells(steps_taken(tables, params), params, ["position", "step", "is_ideal"])
    shown = ["position", "step", "is_ideal", "conversion", "low", "high", "entered", "reason"]
    table = cell_table(found[shown], position="int64")
    return table.order_by("position", "is_ideal").drop("position")
