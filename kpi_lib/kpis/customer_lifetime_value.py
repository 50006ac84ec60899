"""Customer lifetime value: the margin a new customer brings over its life, discounted."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import lifetime_moves, lifetime_parts, lifetime_rules
from kpi_lib.customers.money.lifetimes import lives
from kpi_lib.customers.money.outlooks import terms_of
from kpi_lib.customers.subscribed import with_segment
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
    Unit,
    parameter,
)
from kpi_lib.periods import complete_periods
from kpi_lib.schema import Tables
from kpi_lib.stats.lifetime_value import LifetimeValue


class Params(KpiParams):
    """What may be chosen about customer lifetime value."""

    family: Literal["detect", "contract", "orders"] = parameter(
        "detect",
        meaning="how customers pay: detect (where more money comes from), contract, orders",
    )
    renewal_months: int = parameter(
        12, ge=1, le=60, unit="months", meaning="length of one contract period"
    )
    discount_rate: float = parameter(
        0.1, ge=0.01, le=1, unit="share per year", meaning="what a year of waiting costs",
        fair=(0.08, 0.1, 0.15),
    )  # fmt: skip
    horizon_years: int = parameter(
        0,
        ge=0,
        le=50,
        unit="years",
        meaning="years looked ahead, 0 for the whole life",
        fair=(0, 5),
    )
    amount: Literal["average", "latest"] = parameter(
        "average",
        meaning="which amount of a contract counts: average (over its life), latest",
        fair=("average", "latest"),
    )
    churn_on: Literal["end", "request"] = parameter(
        "end", meaning="when a loss counts: end, request (cancellation)", fair=("end", "request")
    )
    margin_from: Literal["costs", "share"] = parameter(
        "costs", meaning="where the margin comes from: costs (where recorded), share (given below)"
    )
    margin_share: float = parameter(
        0.8, gt=0, le=1, unit="share", meaning="margin of the amount where no costs are recorded"
    )
    currency: str = parameter(
        "", meaning="currency of the amounts; empty means that of the data set"
    )


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account that ever was a customer by the end of each period.

    Under contract: repeats are renewals kept, age renewals come up for (more of them: lost), value
    is margin per contract period. By orders: repeats are repeat orders, recency and age the days of
    the last one and of today since the first; value is margin per repeat order.

    Ann has renewed twice and Bob once; Cem left at his first renewal. Dee started in March. The
    margin is 80 %:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> paid = [("ann", 2023, None, 100.0), ("bob", 2024, None, 50.0), ("cem", 2023, 2024, 80.0),
    ...         ("dee", 2025, None, 10.0)]
    >>> company = small_company(date(2025, 3, 31), subscriptions=[
    ...     dict(subscription_id=who, account_id=who, started_on=date(start, 3, 1),
    ...          monthly_amount=amount) | ({"ended_on": date(end, 3, 1)} if end else {})
    ...     for who, start, end, amount in paid])
    >>> rows = observe(company, Params()).filter(lambda t: t["period"] == "2025-01-01")
    >>> rows = rows.mutate(value=rows["value"].round(2)).order_by("account_id")
    >>> print(rows.select("account_id", "repeats", "age", "value").execute().to_string(index=False))
    account_id  repeats  age  value
           ann      2.0  2.0  960.0
           bob      1.0  1.0  480.0
           cem      0.0  1.0  768.0
           dee      0.0  0.0   96.0
    """
    start = tables.quarter_starts_in
    periods = complete_periods(tables.as_of, params.period, params.periods, start)
    rows = lives(tables, periods, params).drop("first_on", "is_here")
    return with_segment(tables, rows, params.segment)


def score(tables: Tables, params: Params) -> ir.Table:
    """Margin still expected of each customer of today, discounted: account_id, score (money)."""
    return lifetime_parts.scores(tables, params)


def estimator(params: Params) -> Estimator:
    """The model of the family that the observations belong to."""
    return LifetimeValue(terms_of(params))


MONEY = Unit.MONEY

WHO = Part(
    name="accounts",
    title="What is still to come, and how much of it is at risk",
    meaning="Every customer of today, the most at risk first. `chance_to_leave`: at the next "
    "renewal; by orders, to have gone already. `at_risk`: that chance times what a renewal would "
    "bring; by orders, times the residual value.",
    compute=lifetime_parts.accounts,
    units=dict.fromkeys(["margin_per_year", "residual_value", "at_risk"], MONEY)
    | {"tenure_years": Unit.RATIO, "chance_to_leave": Unit.SHARE},
)

PARTS = (
    Part(
        name="families",
        title="How customers pay",
        meaning="Amounts of the last 12 months under contract and by orders. The family that brings "
        "more decides which model applies.",
        compute=lifetime_parts.families,
        view="bars",
        units={"amount": MONEY, "accounts": Unit.COUNT},
    ),
    Part(
        name="retention",
        title="Share of customers still there",
        meaning="By years since the start. Under contract: what was observed, the model "
        "(shifted-beta-geometric), the check (beta-discrete-Weibull) and one constant churn. By "
        "orders: the model (BG/NBD), and the churn of its first year kept up.",
        compute=lifetime_parts.retention,
        view="lines",
        units=dict.fromkeys(["observed", "model", "check", "constant"], Unit.SHARE)
        | {"at_risk": Unit.COUNT},
    ),
    Part(
        name="ways",
        title="The same value by other formulas",
        meaning="Each formula on the same customers, and why it differs from the headline.",
        compute=lifetime_parts.ways,
        view="bars",
        units={"value": MONEY, "difference": MONEY, "lifetime_years": Unit.RATIO},
    ),
    Part(
        name="cohorts",
        title="Value by year of start",
        meaning="Each cohort by a model of its own, with its 90 % interval. A young cohort has seen "
        "few renewals: one constant churn is assumed then, or the reason is given.",
        compute=lifetime_parts.cohorts,
        view="bars",
        units=dict.fromkeys(["value", "low", "high"], MONEY)
        | {"accounts": Unit.COUNT, "still_here": Unit.COUNT, "churn": Unit.SHARE},
    ),
    Part(
        name="base",
        title="What the customers of today are worth",
        meaning="Residual value by tenure, the part of it at risk, and what one constant churn "
        "would make of it. `undervalued` is what that misses.",
        compute=lifetime_parts.base_by_tenure,
        units=dict.fromkeys(["residual_value", "at_risk", "constant_value", "undervalued"], MONEY)
        | {"accounts": Unit.COUNT, "chance_to_leave": Unit.SHARE},
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="departures hidden",
        meaning="Contracts lost in the last half year stay open; by orders, customers silent for a "
        "year get an order of their usual size.",
        edit=lifetime_moves.departures_hidden,
        given_away_by="inactive_customers or repeat_orders.back_after_a_year",
    ),
    CheapMove(
        name="list price booked",
        meaning="What began in the last 120 days is booked 10 % above what is paid, the discount "
        "somewhere else.",
        edit=lifetime_moves.list_price_booked,
        given_away_by="gross_revenue or basket.price_growth",
    ),
)

FIT_RULES = (
    FitRule(
        name="other family",
        meaning="The model asked for is not the one for how most customers pay.",
        check=lifetime_rules.other_family,
    ),
    FitRule(
        name="few renewals",
        meaning="Too little has been seen to tell how churn changes with tenure.",
        check=lifetime_rules.few_renewals,
        severe=False,
    ),
    FitRule(
        name="late start",
        meaning="Most customers are older than the data.",
        check=lifetime_rules.late_start,
        severe=False,
    ),
)

FORMULA = r"""
$$\text{CLV} = \bar m \sum_{t=0}^{\infty} \frac{S(t)}{(1+d)^t}, \qquad
S(t) = \prod_{i=1}^{t} \left(1 - \frac{\alpha}{\alpha+\beta+i-1}\right)
\qquad \text{(under contract)}$$

$$\text{CLV} = \frac{p\,\gamma}{q-1} \left(1 + \int_0^{\infty} e^{-\delta t} \,
dE[X(t)]\right) \qquad \text{(by orders)}$$

- $\bar m$: mean margin per contract period (money) of all customers that ever started, also those
  who left; the amount times the margin share of the last 12 months
- $S(t)$: share still there after $t$ renewals; $\alpha, \beta$: spread of churn over customers,
  fitted by maximum likelihood to all cohorts together (shifted-beta-geometric)
- $d$: discount per contract period, $(1 + \text{discount rate})^{\text{months}/12} - 1$;
  $\delta = \ln(1 + \text{discount rate})$ per year
- $E[X(t)]$: repeat orders expected within $t$ of the first (BG/NBD); $p\,\gamma/(q-1)$: mean
  margin of an order over customers (Gamma-Gamma, money)
- residual value: the same sum from the next renewal on, given the renewals kept; by orders, given
  the orders so far
- one point per period holds everything known by its end
"""

KPI = Kpi(
    name="customer_lifetime_value",
    title="Customer lifetime value",
    question="How much margin does a new customer bring over its whole life?",
    unit=Unit.MONEY,
    better=Better.HIGHER,
    role=Role.OUTCOME,
    cadence=Cadence.QUARTERLY,
    owner="finance",
    family=Family.SAAS,
    source="B2B sales metrics",
    formula=FORMULA.strip(),
    needs={},
    one_of={
        "subscriptions": (
            "subscription_id",
            "account_id",
            "started_on",
            "ended_on",
            "cancelled_on",
            "monthly_amount",
            "currency",
        ),
        "orders": ("order_id", "account_id", "ordered_at", "cancelled_on", "returned_on"),
    },
    optional={
        "order_lines": ("order_id", "quantity", "unit_price"),
        "costs": ("account_id", "month", "amount"),
        "accounts": ("account_id", "name", "owner", "signed_on"),
    },
    Params=Params,
    observe=observe,
    estimator=estimator,
    paired=True,
    score=score,
    parts=PARTS,
    who=WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "It is a forecast: most of it lies beyond anything that has been seen, and it assumes that "
        "new customers are like those of the past.",
        "Churn that falls with tenure is mostly selection: likely leavers leave first. It is no "
        "proof that customers grow loyal.",
        "Expansion and contraction after today are not in it; amounts stay as they were.",
        "The amount and the length of a life are taken to be unrelated; where large customers stay "
        "longer, look at segments.",
        "It moves slowly, because each point holds the whole history; do not use it to judge a "
        "quarter.",
    ),
    okr="Raise customer lifetime value from {value} by keeping more customers through their "
    "first year, by the end of next year.",
    references=(
        "Fader, P. and Hardie, B. (2007). How to project customer retention. Journal of Interactive "
        "Marketing 21(1), 76-90.",
        "Fader, P. and Hardie, B. (2010). Customer-base valuation in a contractual setting: the "
        "perils of ignoring heterogeneity. Marketing Science 29(1), 85-93.",
        "Fader, P., Hardie, B. and Lee, K. L. (2005). Counting your customers the easy way: an "
        "alternative to the Pareto/NBD model. Marketing Science 24(2), 275-284.",
        "Fader, P. and Hardie, B. (2013). The Gamma-Gamma model of monetary value. Note 025.",
        "Fader, P. and Hardie, B. (2012). Reconciling and clarifying CLV formulas. Note 024.",
    ),
)
