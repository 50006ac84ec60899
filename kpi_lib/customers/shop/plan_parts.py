"""Behind account targets: progress, forecast to year end and its back-test, wallets, whom to call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.shop.plans import account_days, complete_years, days_of, progress, years_of
from kpi_lib.customers.subscribed import dates, only, ratio, with_account
from kpi_lib.engine import run
from kpi_lib.periods import Period, add_months
from kpi_lib.schema import Tables
from kpi_lib.stats.year_end import YearEnd, year_end

if TYPE_CHECKING:
    import pandas as pd

NO_YEAR = "the year before is not wholly on record"
NUMBER = "float64"


def by_period(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """One row per period: of_plan, of_wallet (shares), target_growth (target over last year's revenue,
    less 1), revenue (so far), target, potential (of the year), accounts.

    of_wallet is revenue over the part of the potential that is due, of accounts with a potential.
    """
    rows = progress(tables, periods, rule)
    known = rows["potential"].notnull()
    none = ibis.literal(0).cast("float64")
    sums = rows.group_by(at=rows["period"]).aggregate(
        revenue=rows["revenue"].sum(),
        target=rows["target"].sum(),
        potential=rows["potential"].sum(),
        due_target=(rows["target"] * rows["due"]).sum(),
        due_potential=(rows["potential"] * rows["due"]).sum(),
        of_known=ibis.ifelse(known, rows["revenue"], none).sum(),
        accounts=rows.count().cast(NUMBER),
    )
    grid = _with_last_year(tables, periods, rule)
    full = grid.left_join(sums, grid["period"] == sums["at"])
    return full.select(
        "period",
        of_plan=ratio(full["revenue"], full["due_target"]),
        of_wallet=ratio(full["of_known"], full["due_potential"]),
        target_growth=ratio(full["target"], full["before"]) - 1.0,
        revenue=full["revenue"],
        target=full["target"],
        potential=full["potential"],
        accounts=full["accounts"].fill_null(0).cast(NUMBER),
    ).order_by("period")


def _with_last_year(tables: Tables, periods: Sequence[Period], rule: Any) -> ir.Table:
    """The periods with what accounts with a target bought in the whole year before: period, before."""
    grid = dates(
        {
            "period": [p.start for p in periods],
            "since": [date(p.end.year - 1, 1, 1) for p in periods],
            "until": [date(p.end.year - 1, 12, 31) for p in periods],
        }
    )
    rows = account_days(tables, rule)
    joined = grid.join(rows, [rows["day"] >= grid["since"], rows["day"] <= grid["until"]])
    plans = progress(tables, periods, rule)
    plans = plans.select(of=plans["period"], who=plans["account_id"])
    same = [joined["period"] == plans["of"], joined["account_id"] == plans["who"]]
    sums = joined.join(plans, same).group_by(now="period")
    sums = sums.aggregate(before=ibis._["amount"].sum())
    return grid.select("period").left_join(sums, [grid["period"] == sums["now"]]).drop("now")


def predictor(tables: Tables, rule: Any, day: date) -> tuple[YearEnd, pd.DataFrame]:
    """How the year goes on from `day`, learnt from the year before, and the amounts of each account."""
    years = years_of(tables, rule, day)
    if day.year - 1 not in complete_years(days_of(tables, rule), day.year):
        return YearEnd(reason=NO_YEAR), years
    return year_end(years["before_so_far"], years["before_rest"]), years


_FORECAST = {"year": "string"} | dict.fromkeys(
    ("forecast", "low", "high", "target", "potential", "so_far"), NUMBER
)
_FORECAST |= dict.fromkeys(("forecast_of_target", "chance_of_target"), NUMBER)
_FORECAST |= {"accounts": "int64", "reason": "string"}


def forecast(tables: Tables, rule: Any) -> ir.Table:
    """One row for the year of `as_of`, of the accounts with a target: year, forecast, low, high, target,
    potential, so_far (money), forecast_of_target, chance_of_target (shares), accounts, reason."""
    import pandas as pd

    day = tables.as_of
    plans = run(progress(tables, only(day), rule))
    if plans.empty:
        return table_of(None, _FORECAST)
    model, _ = predictor(tables, rule, day)
    so_far, target = float(plans["revenue"].sum()), float(plans["target"].sum())
    low, high = model.limits(so_far, rule.level)
    total = so_far + float(model.rest(so_far))
    row = {
        "year": str(day.year), "forecast": total, "low": so_far + float(low),
        "high": so_far + float(high), "target": target, "so_far": so_far,
        "potential": float(plans["potential"].astype(float).sum()),
        "forecast_of_target": total / target if target > 0 else np.nan,
        "chance_of_target": model.chance_of(so_far, target - so_far),
        "accounts": len(plans), "reason": model.reason,
    }  # fmt: skip
    return table_of(pd.DataFrame([row]), _FORECAST)


_TEST = {"made_on": "date"} | dict.fromkeys(("forecast", "low", "high", "actual", "error"), NUMBER)
_TEST |= {"inside": "string", "reason": "string"}


def back_test(tables: Tables, rule: Any) -> ir.Table:
    """The same forecast as it would have been made at the end of each quarter of the two years before.

    Of all accounts that had bought something by that day, against what they then bought: made_on,
    forecast, low, high, actual (money), error (share of the actual), inside (yes, no), reason.
    """
    import pandas as pd

    this = tables.as_of.year
    ends = [
        add_months(date(y, 1, 1), m) - timedelta(days=1)
        for y in (this - 2, this - 1)
        for m in (3, 6, 9)
    ]
    frame = pd.DataFrame([_tried(tables, rule, day) for day in ends])
    return table_of(frame, _TEST).order_by("made_on")


def _tried(tables: Tables, rule: Any, day: date) -> dict[str, Any]:
    model, years = predictor(tables, rule, day)
    there = years[years["so_far"] > 0]
    so_far, actual = float(there["so_far"].sum()), float((there["so_far"] + there["rest"]).sum())
    found = {"made_on": day, "actual": actual if len(there) else np.nan, "reason": model.reason}
    nothing = dict.fromkeys(("forecast", "low", "high", "error"), np.nan)
    if model.reason:
        return found | nothing | {"inside": ""}
    low, high = (so_far + float(end) for end in model.limits(so_far, rule.level))
    told = so_far + float(model.rest(so_far))
    inside = "yes" if low <= actual <= high else "no"
    error = told / actual - 1.0 if actual > 0 else np.nan
    return found | {"forecast": told, "low": low, "high": high, "error": error, "inside": inside}


_CALL = {"account_id": "string"} | dict.fromkeys(
    ("gap", "target", "forecast", "low", "high", "so_far", "of_plan", "share_of_wallet"), NUMBER
)
_CALL |= {"potential_left": NUMBER}


def accounts_of(tables: Tables, rule: Any) -> pd.DataFrame:
    """Accounts with a target in the year of `as_of`: the columns of the call list, all accounts.

    The forecast of one account is its amount so far and that of the same size in the year before; one
    without any amount so far has a forecast of 0 and no interval.
    """
    plans = run(progress(tables, only(tables.as_of), rule).order_by("account_id"))
    model, _ = predictor(tables, rule, tables.as_of)
    so_far = plans["revenue"].to_numpy(dtype=float)
    low, high = model.limits(so_far, rule.level)
    told = so_far + model.rest(so_far)
    wide = so_far > 0
    target, potential = (plans[n].to_numpy(dtype=float) for n in ("target", "potential"))
    expected = target * plans["due"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return plans[["account_id"]].assign(
            gap=target - told, target=target, forecast=told,
            low=np.where(wide, so_far + low, np.nan), high=np.where(wide, so_far + high, np.nan),
            so_far=so_far, of_plan=np.where(expected > 0, so_far / expected, np.nan),
            share_of_wallet=np.where(potential > 0, told / potential, np.nan),
            potential_left=np.maximum(potential - told, 0.0),
        )  # fmt: skip


def to_call(tables: Tables, rule: Any) -> ir.Table:
    """Accounts behind their plan, the largest gap first: account_id, account, owner, gap (target less
    forecast), target, forecast, low, high, so_far, of_plan, share_of_wallet, potential_left.

    Without a forecast the gap is not known; such accounts are listed by what is missing so far.
    """
    found = accounts_of(tables, rule)
    behind = (found["gap"] > 0) | (found["gap"].isna() & (found["of_plan"] < 1))
    # What is missing is worked out here, since not every engine takes "no number" for null.
    found = found.assign(missing=found["gap"].fillna(found["target"] - found["so_far"]))
    kinds = _CALL | {"missing": NUMBER}
    rows = with_account(tables, table_of(found[behind][list(kinds)], kinds))
    rows = rows.order_by(ibis.desc("missing"), "account_id")
    return rows.select("account_id", "account", "owner", *list(_CALL)[1:])


BANDS = ((0.0, "below 25 %"), (0.25, "25 to 50 %"), (0.5, "50 to 75 %"), (0.75, "75 % and more"))
_WALLET = {"share_of_wallet": "string"} | dict.fromkeys(
    ("potential_left", "forecast", "potential"), NUMBER
)
_WALLET |= {"accounts": "int64"}


def wallets(tables: Tables, rule: Any) -> ir.Table:
    """Accounts by the share of their potential that we are to get this year: share_of_wallet (band),
    potential_left, forecast, potential (money), accounts. Accounts without a potential are left out."""
    import pandas as pd

    found = accounts_of(tables, rule)
    found = found[found["share_of_wallet"].notna()]
    rows = []
    for place, (least, name) in enumerate(BANDS):
        most = BANDS[place + 1][0] if place + 1 < len(BANDS) else np.inf
        some = found[(found["share_of_wallet"] >= least) & (found["share_of_wallet"] < most)]
        left, told = some["potential_left"].sum(), some["forecast"].sum()
        rows.append((name, left, told, left + told, len(some)))
    return table_of(pd.DataFrame(rows, columns=list(_WALLET)), _WALLET)


def own_plans(tables: Tables, rule: Any) -> ir.Table:
    """What each account bought this year over what was due of its plan by `as_of`: account_id, score."""
    rows = progress(tables, only(tables.as_of), rule)
    expected = rows[rule.against] * rows["due"]
    rows = rows.filter(expected > 0)
    return rows.select("account_id", score=ratio(rows["revenue"], rows[rule.against] * rows["due"]))
