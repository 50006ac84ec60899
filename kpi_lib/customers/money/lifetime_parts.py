"""Tables behind lifetime value: which family, retention, other formulas, cohorts, the base, accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.money import lifetime_ways
from kpi_lib.customers.money.families import family_of, yearly_amounts
from kpi_lib.customers.money.outlooks import (
    YEAR,
    Base,
    Choice,
    base_of,
    constant_retention,
    outlook,
    sample_from,
)
from kpi_lib.customers.subscribed import small
from kpi_lib.schema import Tables
from kpi_lib.stats import discrete_weibull
from kpi_lib.stats import shifted_beta_geometric as sbg
from kpi_lib.stats.future_orders import still_there
from kpi_lib.stats.value_draws import draws_of, spread
from kpi_lib.stats.value_models import ORDERS, valued

if TYPE_CHECKING:
    import pandas as pd

_AHEAD = 12
LEVEL = 0.9
TEXT, NUMBER, COUNT = "string", "float64", "int64"


def families(tables: Tables, params: Choice) -> ir.Table:
    """Accounts and amounts of the last 12 months by family: family, amount, accounts, applies."""
    found = yearly_amounts(tables, params)
    applies = family_of(tables, params)
    rows = [
        (name, amount, accounts, "yes" if name == applies else "no")
        for name, (accounts, amount) in found.items()
        if accounts
    ]
    kinds = {"family": TEXT, "amount": NUMBER, "accounts": COUNT, "applies": TEXT}
    return _table(rows, kinds)


def retention(tables: Tables, params: Choice) -> ir.Table:
    """Share of customers still there by years: years, observed, model, check, constant, at_risk.

    Under contract the model is shifted-beta-geometric, the check beta-discrete-Weibull, observed is
    the product of the shares kept at each renewal. By orders the model is BG/NBD; who has gone is
    not observed. Constant: the churn of all together (of the first year, by orders).
    """
    base = base_of(tables, params)
    kinds = {"years": TEXT} | dict.fromkeys(("observed", "model", "check", "constant"), NUMBER)
    if base.valued.value is None:
        return _table([], kinds | {"at_risk": COUNT})
    rows = _still_ordering(base) if base.family == ORDERS else _still_paying(base)
    return _table(rows, kinds | {"at_risk": COUNT})


def _still_paying(base: Base) -> list[tuple[Any, ...]]:
    renewals = base.renewals
    fitted, check = sbg.fit(renewals), discrete_weibull.fit(renewals)
    model = sbg.survival(fitted.mean_churn or 0.0, fitted.spread or 0.0, _AHEAD)
    second = np.full(_AHEAD + 1, np.nan)
    if check.alpha is not None and check.beta is not None and check.c is not None:
        second = np.exp(discrete_weibull.log_survival(check.alpha, check.beta, check.c, _AHEAD))
    at_risk = np.concatenate([renewals.at_risk, np.zeros(_AHEAD)])[:_AHEAD]
    kept = np.concatenate([renewals.kept, np.zeros(_AHEAD)])[:_AHEAD]
    seen = np.cumprod(np.divide(kept, at_risk, out=np.full(_AHEAD, np.nan), where=at_risk > 0))
    observed = np.concatenate([[1.0], seen])
    flat = constant_retention(renewals) ** np.arange(_AHEAD + 1)
    up_for = [renewals.accounts, *at_risk]
    years = base.terms.renewal_months / 12.0
    return [
        (f"{i * years:.4g}", observed[i], model[i], second[i], flat[i], int(up_for[i]))
        for i in range(_AHEAD + 1)
    ]


def _still_ordering(base: Base) -> list[tuple[Any, ...]]:
    years = np.arange(_AHEAD + 1, dtype=np.float64)
    model = still_there(base.rhythm.parameters, years * YEAR)
    age = base.accounts["age"].to_numpy(dtype=np.float64) / YEAR
    return [
        (f"{year:.0f}", np.nan, share, np.nan, model[1] ** year, int((age >= year).sum()))
        for year, share in zip(years, model, strict=True)
    ]


def ways(tables: Tables, params: Choice) -> ir.Table:
    """The value by other formulas; see `lifetime_ways.ways`."""
    frame = lifetime_ways.ways(base_of(tables, params))
    numbers = dict.fromkeys(("value", "difference", "lifetime_years"), NUMBER)
    return _table(_rows(frame), {"way": TEXT} | numbers | {"why": TEXT})


def cohorts(tables: Tables, params: Choice) -> ir.Table:
    """The value by year of start: cohort, value, low, high (90 %), accounts, still_here, churn, reason.

    churn: of first renewals, by the cohort's own model; null by orders.
    """
    base = base_of(tables, params)
    rows = []
    if len(base.accounts):
        years = base.accounts["first_on"].dt.year
        rows = [
            (str(year), *_cohort(base, accounts)) for year, accounts in base.accounts.groupby(years)
        ]
    kinds = {"cohort": TEXT} | dict.fromkeys(("value", "low", "high"), NUMBER)
    kinds |= {"accounts": COUNT, "still_here": COUNT, "churn": NUMBER, "reason": TEXT}
    return _table(rows, kinds)


def _cohort(base: Base, accounts: pd.DataFrame) -> tuple[Any, ...]:
    sample = sample_from(base.family, accounts)
    found = valued(sample, base.terms)
    low, high, _ = spread(draws_of(sample, found), LEVEL)
    part = Base(base.family, accounts, base.terms)
    churn = None if base.family == ORDERS else sbg.fit(part.renewals).mean_churn
    here = int(accounts["is_here"].sum())
    return found.value, low, high, len(accounts), here, churn, found.reason


def base_by_tenure(tables: Tables, params: Choice) -> ir.Table:
    """The accounts of today by tenure in years, their sums, and all of them in the last row.

    Columns: tenure, accounts, chance_to_leave (mean), residual_value, at_risk, undervalued,
    constant_value (money). See `outlooks.outlook`; undervalued is the part of the residual value
    that one constant churn would miss.
    """
    base = base_of(tables, params)
    found = outlook(base)
    sums = ("residual_value", "at_risk", "undervalued", "constant_value")
    kinds = {"tenure": TEXT, "accounts": COUNT} | dict.fromkeys(("chance_to_leave", *sums), NUMBER)
    if found.empty:
        return _table([], kinds)
    found = found.assign(undervalued=found["residual_value"] - found["constant_value"])
    groups = [
        (f"{years:.0f} year{'' if years == 1 else 's'}", rows)
        for years, rows in found.groupby(np.floor(tenure_of(base, found)))
    ]
    rows = [
        (label, len(one), one["chance_to_leave"].mean(), *(one[name].sum() for name in sums))
        for label, one in [*groups, ("all", found)]
    ]
    return _table(rows, kinds)


def accounts(tables: Tables, params: Choice) -> ir.Table:
    """The accounts of today, most at risk first: account_id, account, owner, its figures.

    For the figures see `outlooks.outlook`; tenure_years is what has passed since the first payment or order.
    """
    base = base_of(tables, params)
    found = outlook(base)
    years = tenure_of(base, found)
    per_year = found["value"] * 12.0 / base.terms.renewal_months
    if base.family == ORDERS:
        per_year = found["value"] * (found["repeats"] + 1.0) / np.maximum(years, 1.0)
    shown = found.assign(tenure_years=years, margin_per_year=per_year)
    shown = shown.sort_values(["at_risk", "account_id"], ascending=[False, True])
    names = {"account_id": TEXT, "account": TEXT, "owner": TEXT}
    numbers = ("tenure_years", "margin_per_year", "residual_value", "at_risk", "chance_to_leave")
    kinds = names | dict.fromkeys(numbers, NUMBER)
    return _table(_rows(shown[list(kinds)]), kinds)


def scores(tables: Tables, params: Choice) -> ir.Table:
    """Residual value of each account of today: account_id, score (money)."""
    found = outlook(base_of(tables, params))
    rows = _rows(found[["account_id", "residual_value"]])
    return _table(rows, {"account_id": TEXT, "score": NUMBER})


def tenure_of(base: Base, found: pd.DataFrame) -> Any:
    """Years since the start: of whole contract periods, or of days."""
    if base.family == ORDERS:
        return found["age"].to_numpy(dtype=np.float64) / YEAR
    return found["repeats"].to_numpy(dtype=np.float64) * base.terms.renewal_months / 12.0


def _rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(frame.itertuples(index=False, name=None))


def _table(rows: list[tuple[Any, ...]], kinds: dict[str, str]) -> ir.Table:
    """Rows as a small table in the engine, in their order; what is not a number is null."""
    columns: dict[str, list[Any]] = {
        name: [_known(row[place]) for row in rows] for place, name in enumerate(kinds)
    }
    numbered = small(columns | {"row": list(range(len(rows)))}, kinds | {"row": COUNT})
    return numbered.order_by("row").drop("row")


def _known(value: Any) -> Any:
    return None if value is None or value != value else value
