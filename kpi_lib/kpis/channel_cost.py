"""Channel cost: what a lead, or a customer, costs through the channels on which money is spent."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.sales import channel_moves, channel_parts, channel_rules
from kpi_lib.customers.sales.channel_shown import PARTS, WHO
from kpi_lib.customers.sales.channels import PER, Per
from kpi_lib.kpi import (
    Better,
    Cadence,
    CheapMove,
    Estimator,
    Family,
    FitRule,
    Kpi,
    KpiParams,
    Role,
    Unit,
    parameter,
)
from kpi_lib.schema import Tables
from kpi_lib.stats.cost_per_unit import CostPerUnit


class Params(KpiParams):
    """What may be chosen about channel cost."""

    period: Literal["month", "quarter"] = parameter(
        "quarter", meaning="length of one period: month, quarter"
    )
    segment: str = parameter(
        "",
        meaning="column to split by: channel, campaign, segment or is_ideal of the lead, one of "
        "accounts, or empty",
    )
    per: Per = parameter(
        "lead", meaning="what the money is divided by: lead, or customer (lag-matched)", fair=PER
    )
    horizon_days: int = parameter(
        365,
        ge=1,
        le=1_825,
        unit="days",
        meaning="within how many days of its creation a lead must be won to count as a customer",
        fair=(180, 365, 548),
    )
    spend_months: int = parameter(
        1,
        ge=1,
        le=12,
        unit="months",
        meaning="over how many months, its own the first, a month's money brings leads",
        fair=(1, 2, 3),
    )
    min_leads: int = parameter(
        30, ge=5, unit="leads", meaning="below so many a channel gets no rank and no return"
    )
    value_months: int = parameter(
        12, ge=1, le=120, unit="months", meaning="months of the first contract that count as return"
    )
    gross_margin: float | None = parameter(
        None,
        gt=0,
        le=1,
        unit="share",
        meaning="what is left of revenue after goods and service; empty means from the costs",
    )


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per lead (or customer); value is its equal share of what its campaign cost then.

    `weight` is 1. Money of a campaign that brought nobody in a period is a row of weight 0. Value is
    null where the spend is not known and, per customer, while the horizon of the period is open.

    A company spends 600 on a fair, where it meets Ann and Bob, and 300 on adverts that bring nobody;
    Cem was recommended, which costs nothing and is not counted:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> company = small_company(date(2026, 6, 30),
    ...     leads=[dict(lead_id=who, created_on=date(2026, 5, 4), source=source)
    ...            for who, source in [("ann", "fair"), ("bob", "fair"), ("cem", "friends")]],
    ...     spend=[dict(month=date(2026, month, 1), department="marketing", channel=channel,
    ...                 amount=amount)
    ...            for month, channel, amount in
    ...            [(4, "fair", 500.0), (6, "fair", 100.0), (6, "adverts", 300.0)]])
    >>> rows = observe(company, Params(periods=2)).order_by("unit_id")
    >>> print(rows.select("unit_id", "period", "value", "weight").execute().to_string(index=False))
                        unit_id     period  value  weight
                            ann 2026-04-01  300.0     1.0
                            bob 2026-04-01  300.0     1.0
    nobody: adverts, not stated 2026-04-01  300.0     0.0
    """
    return channel_parts.observed(tables, params)


def estimator(params: Params) -> Estimator:
    """Money over units, the units a Poisson count."""
    del params
    return CostPerUnit()


CHEAP_MOVES = (
    CheapMove(
        name="contacts as leads",
        meaning="Everybody who comes brings a second contact, who is entered as a lead of its own.",
        edit=channel_moves.contacts_as_leads,
        given_away_by="won_per_lead: the deals won in the period stay as they are, over more leads",
    ),
    CheapMove(
        name="money without a channel",
        meaning="A third of each channel's money is booked without naming a channel.",
        edit=channel_moves.money_without_a_channel,
        given_away_by="named_share: less of the acquisition spend names a channel",
    ),
)

FIT_RULES = (
    business_rules.OPENED_BY_SALES,
    FitRule(
        name="money names no channel",
        meaning="Most of the acquisition spend names no channel, so the figure sees the small part.",
        check=channel_rules.money_names_no_channel,
    ),
    FitRule(
        name="few customers",
        meaning="With 50 new customers a year or fewer, their cost per channel is mostly chance.",
        check=channel_rules.few_customers,
    ),
    FitRule(
        name="one channel",
        meaning="Money is spent on one channel only, so there is nothing to choose between.",
        check=channel_rules.one_channel,
        severe=False,
    ),
    FitRule(
        name="channels too small",
        meaning="Channels with few leads get no rank.",
        check=channel_rules.channels_too_small,
        severe=False,
    ),
    FitRule(
        name="horizon too short",
        meaning="Most deals are won after the horizon, so customers look dearer than they are.",
        check=channel_rules.horizon_too_short,
        severe=False,
    ),
)

FORMULA = r"""
$$\text{cost}_p = \frac{\sum_c S_{p,c}}{\sum_c n_{p,c}}, \qquad
\text{ROI}_c = \frac{\sum_{k \in c} m_k - S_c}{S_c}, \qquad
\text{marginal}_c = \frac{1}{b_c}$$

- $S_{p,c}$: acquisition spend on channel $c$ that belongs to period $p$ (money); a month's money is
  spread over `spend_months` months
- $n_{p,c}$: leads of period $p$ that came through $c$ (leads); with `per` customer those of them that
  were won within `horizon_days`, so that money and customers belong together
- $k$: customers of $c$; $m_k$ is the first amount per month x `value_months` x gross margin (money)
- $b_c$: slope of the line of leads on money over the months (leads per money)
- interval of the figure: its money over exact Poisson limits of the count; of channels and returns:
  quantiles of resamples in which each unit counts a Poisson number of times; of the slope: months
  are drawn with replacement
"""

KPI = Kpi(
    name="channel_cost",
    title="Channel cost",
    question="What does a lead, or a customer, cost through each channel, and what does it return?",
    unit=Unit.MONEY,
    better=Better.LOWER,
    role=Role.OUTCOME,
    cadence=Cadence.MONTHLY,
    owner="marketing",
    family=Family.COMMERCE,
    source="B2B KPI of two companies",
    formula=FORMULA.strip(),
    needs={
        "leads": (
            *("lead_id", "account_id", "created_on", "source", "campaign", "segment", "is_ideal"),
            *("won_on", "lost_on"),
        ),
        "spend": ("month", "department", "channel", "campaign", "purpose", "amount"),
    },
    optional={
        "accounts": ("account_id", "name", "owner"),
        "subscriptions": (
            *("subscription_id", "account_id", "started_on", "ended_on", "monthly_amount"),
        ),
        "costs": ("account_id", "month", "kind", "amount"),
    },
    Params=Params,
    observe=observe,
    estimator=estimator,
    has_account_level=False,
    segments=("channel", "campaign", "source", "segment", "is_ideal"),
    noun="lead",
    parts=PARTS,
    who=WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "A cheap lead is not a good one: read the cost of a customer and the return beside it.",
        "A channel is credited with every lead that came through it, also with those who would have "
        "come anyway. Only holding it back somewhere shows what it adds.",
        "The average says what the last leads cost, the marginal cost what the next ones would; money "
        "is moved by the second, and it is far less certain.",
        "Money of this month divided by deals of this month divides by customers whom older money "
        "brought.",
        "Money that names no channel, mostly people in sales, is left out, so channels look cheaper "
        "than a customer is. Acquisition cost holds all of it.",
        "With few leads ranks are chance: a channel that leads in two of three resamples is not the "
        "cheapest, it may be.",
    ),
    okr="Lower what a lead costs through paid channels from {value}, with no smaller share of leads "
    "won and no money booked elsewhere.",
    references=(
        "Hanley, J. and MacGibbon, B. (2006). Creating non-parametric bootstrap samples using "
        "Poisson frequencies. Computer Methods and Programs in Biomedicine 83, 57-62.",
        "Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437-442.",
        "Davison, A. and Hinkley, D. (1997). Bootstrap methods and their application. Cambridge.",
    ),
)
