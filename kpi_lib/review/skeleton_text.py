"""The text of a new KPI's module: a small KPI that works and keeps the laws, to be rewritten."""

MODULE = '''"""__TITLE__: what it counts, in one line."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import with_account, with_segment
from kpi_lib.kpi import (
    Better,
    Cadence,
    CheapMove,
    Estimator,
    Family,
    FitRule,
    Kpi,
    KpiParams,
    Part,
    Role,
    RuleOutcome,
    Unit,
    parameter,
)
from kpi_lib.periods import complete_periods, period_of
from kpi_lib.schema import Tables
from kpi_lib.stats.proportion import Proportion


class Params(KpiParams):
    """What may be chosen about __LOWER__."""

    kickoff_days: int = parameter(
        30, ge=1, le=365, unit="days", meaning="how soon the kickoff must follow", fair=(14, 30, 60)
    )


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account signed in a period; value is 1 if its kickoff came in time, else 0.

    Null while neither is known. Ann's kickoff comes after 9 days, Bob's after 59, Cem's never;
    Dee signed only on 25 March:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> company = small_company(
    ...     date(2026, 3, 31),
    ...     accounts=[
    ...         dict(account_id="ann", signed_on=date(2026, 1, 1), kickoff_on=date(2026, 1, 10)),
    ...         dict(account_id="bob", signed_on=date(2026, 1, 1), kickoff_on=date(2026, 3, 1)),
    ...         dict(account_id="cem", signed_on=date(2026, 2, 1)),
    ...         dict(account_id="dee", signed_on=date(2026, 3, 25))])
    >>> rows = observe(company, Params(periods=2)).order_by("account_id")
    >>> print(rows.select("account_id", "period", "value").execute().to_string(index=False))
    account_id     period  value
           ann 2026-01-01    1.0
           bob 2026-01-01    0.0
           cem 2026-01-01    0.0
           dee 2026-01-01    NaN
    """
    periods = complete_periods(
        tables.as_of, params.period, params.periods, tables.quarter_starts_in
    )
    rows = _outcomes(tables, params)
    rows = rows.mutate(period=period_of(rows["signed_on"], periods))
    rows = rows.filter(rows["period"].notnull())
    rows = rows.select("unit_id", "account_id", "period", "value")
    return with_segment(tables, rows, params.segment)


def _outcomes(tables: Tables, params: Params) -> ir.Table:
    """One row per account: unit_id, account_id, signed_on, value (1, 0, null)."""
    accounts = tables["accounts"]
    latest = ibis.literal(tables.as_of - timedelta(days=params.kickoff_days))
    waited = accounts["kickoff_on"].delta(accounts["signed_on"], unit="day")
    value = ibis.cases(
        (waited <= params.kickoff_days, 1.0),
        (accounts["kickoff_on"].notnull(), 0.0),
        (accounts["signed_on"] < latest, 0.0),
        else_=ibis.null("float64"),
    )
    chosen = accounts.select("account_id", "signed_on", "kickoff_on", value=value)
    return chosen.mutate(unit_id=chosen["account_id"])


def score(tables: Tables, params: Params) -> ir.Table:
    """account_id, score: 1 if the kickoff came in time, else 0."""
    rows = _outcomes(tables, params)
    known = rows.filter(rows["value"].notnull())
    return known.select("account_id", score=known["value"])


def estimator(params: Params) -> Estimator:
    """A share."""
    return Proportion()


def late(tables: Tables, params: Params) -> ir.Table:
    """The accounts whose kickoff was late or has not come, the longest wait first."""
    rows = _outcomes(tables, params)
    rows = with_account(tables, rows.filter(rows["value"] == 0.0))
    return rows.select("account_id", "account", "owner", "signed_on").order_by(
        "signed_on", "account_id"
    )


def too_few(tables: Tables, params: Params) -> RuleOutcome | None:
    """Whether fewer than 20 accounts are there to count; None without any."""
    from kpi_lib.engine import run

    count = int(run(tables["accounts"].aggregate(n=tables["accounts"].count()))["n"].iloc[0])
    if not count:
        return None
    return RuleOutcome(count < 20, f"There are {count} accounts to count.")


def kickoff_at_once(tables: Tables, params: Params) -> Tables:
    """Every account gets a short call on the day it signs, called its kickoff."""
    accounts = tables["accounts"]
    booked = accounts.mutate(kickoff_on=accounts["signed_on"])
    return Tables(
        {**tables, "accounts": booked}, tables.as_of, tables.quarter_starts_in, tables.currency
    )


FORMULA = r"""
$$p = \\frac{k}{n}$$

- $k$: accounts signed in the period whose kickoff came within `kickoff_days` days
- $n$: accounts signed in the period of which that is known
"""

KPI = Kpi(
    name="__NAME__",
    title="__TITLE__",
    question="Which question does it answer?",
    unit=Unit.SHARE,
    better=Better.HIGHER,
    role=Role.LEADING,
    cadence=Cadence.MONTHLY,
    owner="who acts on it",
    family=Family.STARTER,
    source="where the idea comes from",
    formula=FORMULA.strip(),
    needs={"accounts": ("account_id", "signed_on", "kickoff_on", "name", "owner")},
    Params=Params,
    observe=observe,
    estimator=estimator,
    score=score,
    who=Part(
        name="late",
        title="Kickoff late or missing",
        meaning="Accounts whose kickoff did not come in time, the longest wait first.",
        compute=late,
    ),
    cheap_moves=(
        CheapMove(
            name="kickoff at once",
            meaning="A short call on the day of signing is called the kickoff.",
            edit=kickoff_at_once,
            given_away_by="time_to_value: the wait for the first value stays as it was",
        ),
    ),
    fit_rules=(
        FitRule(
            name="too few",
            meaning="Fewer than 20 accounts: the share jumps with each of them.",
            check=too_few,
            severe=False,
        ),
    ),
    cautions=("Say what it cannot see, and how it misleads.",),
    okr="Raise the share from {value}.",
    references=("Author (year). Title.",),
)
'''
