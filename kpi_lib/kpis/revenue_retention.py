"""Revenue retention: what the customers of a year ago pay today, net and gross of what they added."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import (
    business_rules,
    ledger_moves,
    ledger_rules,
    retention,
    retention_lists,
    retention_rules,
)
from kpi_lib.customers.money.presets import PresetName
from kpi_lib.kpi import (
    Better,
    Cadence,
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
from kpi_lib.periods import PeriodName
from kpi_lib.schema import Tables
from kpi_lib.stats.ratio import Ratio


class Params(KpiParams):
    """What may be chosen about revenue retention."""

    period: PeriodName = parameter("month", meaning="length of one period: week, month, quarter")
    periods: int = parameter(12, ge=2, le=104, unit="periods", meaning="how many periods to show")
    retention: Literal["net", "gross"] = parameter(
        "net", meaning="which headline: net (with what customers added), gross (without)"
    )
    window_months: int = parameter(
        12, ge=1, le=60, unit="months", meaning="how long ago the accounts paid", fair=(6, 12)
    )
    preset: PresetName = parameter(
        "cohort",
        meaning="way of counting: cohort, chartmogul, stripe, baremetrics, tidemill",
        fair=("cohort", "chartmogul", "stripe", "baremetrics", "tidemill"),
    )
    churn_on: Literal["end", "request"] = parameter(
        "end", meaning="when a loss is booked: end, request (cancellation)", fair=("end", "request")
    )
    include_usage: Literal["none", "trailing"] = parameter(
        "none",
        meaning="metered charges: none, trailing (mean of the last 3 months)",
        fair=("none", "trailing"),
    )
    currency: str = parameter(
        "", meaning="currency of the amounts; empty means that of the data set"
    )

    @property
    def unit(self) -> str:
        """Amounts are compared per account, whatever contracts it has."""
        return "account"


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account and period; value is what is kept of weight, what it paid before the window.

    Accounts that paid on the day `window_months` before the end of the period. The presets that
    add reactivation have rows of weight 0 for accounts that had left before it and are back.

    Over the year to March Ann goes from 100 to 150, Bob from 80 to 60, Cem leaves, and Dee is new:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> old, new = date(2025, 1, 1), date(2025, 9, 1)
    >>> paid = [("ann", old, new, 100.0), ("ann", new, None, 150.0), ("bob", old, new, 80.0),
    ...         ("bob", new, None, 60.0), ("cem", old, new, 20.0), ("dee", new, None, 500.0)]
    >>> company = small_company(date(2026, 3, 31), subscriptions=[
    ...     dict(subscription_id=who, account_id=who, started_on=since, ended_on=until,
    ...          monthly_amount=amount) for who, since, until, amount in paid])
    >>> for kind in ("net", "gross"):
    ...     rows = observe(company, Params(periods=2, retention=kind))
    ...     rows = rows.filter(rows["period"] == "2026-03-01").order_by("account_id")
    ...     print(rows.select("account_id", "value", "weight").execute().to_string(index=False))
    account_id  value  weight
           ann  150.0   100.0
           bob   60.0    80.0
           cem    0.0    20.0
    account_id  value  weight
           ann  100.0   100.0
           bob   60.0    80.0
           cem    0.0    20.0
    """
    return retention.observed(tables, params, params.segment)


def estimator(params: Params) -> Estimator:
    """The ratio of what is kept to what was paid, accounts as clusters."""
    del params
    return Ratio()


MONEY = Unit.MONEY_PER_MONTH
LEDGER = ("opening", "new", "expansion", "reactivation", "contraction", "churn", "closing")
SHARES = ("net", "gross", "expansion", "reactivation", "contraction", "churn", "customers")

WHO = Part(
    name="who_moved",
    title="Who pays more, who pays less, who left",
    meaning="Accounts whose amount differs between the two ends of the last window, the largest "
    "change first.",
    compute=retention_lists.who_moved,
    units={"opening": MONEY, "closing": MONEY, "change": MONEY},
)

PARTS = (
    Part(
        name="presets",
        title="One ledger, counted five ways",
        meaning="The same window under each preset. `cohort` is this workbook's; the others apply "
        "the vendors' published formulas. Their own pages use a month or 30 days and add up every "
        "movement in between; here the two ends of one window are compared.",
        compute=retention_lists.presets,
        units=dict.fromkeys(("net", "gross", "revenue_churn", "customer_churn"), Unit.RATIO),
    ),
    Part(
        name="ledger",
        title="Ledger of the window",
        meaning="Opening + new + expansion + reactivation - contraction - churn = closing, between "
        "the two ends of the last window. New is no part of retention.",
        compute=retention_lists.window_ledger,
        view="waterfall",
        units=dict.fromkeys(LEDGER, MONEY),
    ),
    Part(
        name="shares",
        title="Net and gross retention and what lies between",
        meaning="Net = gross + expansion + reactivation, gross = 1 - contraction - churn, all over "
        "what was paid before the window. Reactivation is 0 where the preset does not count it; "
        "`customers` is the share of accounts kept.",
        compute=retention_lists.shares,
        view="lines",
        units=dict.fromkeys(SHARES, Unit.RATIO),
    ),
    Part(
        name="known_ahead",
        title="The most that gross retention can still be",
        meaning="Today's amount less what customers pay that have given notice, month by month. "
        "Notice still to come is not in it, so the truth lies below the line.",
        compute=retention_lists.known_ahead,
        view="lines",
        units={"at_most": Unit.RATIO, "leaving": MONEY},
    ),
)

FIT_RULES = (
    business_rules.sold_by_order("basket", "there is no recurring amount to keep"),
    ledger_rules.METERED_CONTRACTS,
    FitRule(
        name="one account",
        meaning="One account makes so much of the amount that the ratio is about it alone.",
        check=retention_rules.one_account,
        severe=False,
    ),
    FitRule(
        name="several currencies",
        meaning="Amounts in other currencies than the one shown are left out.",
        check=ledger_rules.several_currencies,
        severe=False,
    ),
)

FORMULA = r"""
$$\text{NRR} = \frac{O + E + R - C - L}{O}, \qquad \text{GRR} = \frac{O - C - L}{O}$$

$$\text{GRR} \le 1, \qquad \text{GRR} \le \text{NRR}, \qquad
\text{NRR} - \text{GRR} = \frac{E + R}{O}$$

- $O$: what accounts paid on the day `window_months` before the end of the period (money per month)
- $E$, $C$: what those of them that still pay do so more, or less, on its last day (money per month)
- $L$: what those of them paid that pay nothing any more (money per month)
- $R$: what accounts pay that paid nothing on the first of the two days, but once did (money per
  month); 0 in the preset cohort
- 1.11 means that 100 paid then have become 111; what new customers pay is in neither
- only the two days are compared: an account that left in between and came back never left
"""

KPI = Kpi(
    name="revenue_retention",
    title="Revenue retention",
    question="Of what customers paid us a year ago, how much do the same customers pay today?",
    unit=Unit.RATIO,
    better=Better.HIGHER,
    role=Role.OUTCOME,
    cadence=Cadence.MONTHLY,
    owner="finance",
    family=Family.SAAS,
    source="B2B sales metrics",
    formula=FORMULA.strip(),
    needs={
        "subscriptions": (
            "subscription_id",
            "account_id",
            "started_on",
            "ended_on",
            "cancelled_on",
            "monthly_amount",
            "currency",
        )
    },
    optional={
        "accounts": ("account_id", "name", "owner"),
        "usage": ("account_id", "at"),
        "orders": ("order_id", "account_id", "ordered_at", "cancelled_on", "channel"),
        "order_lines": ("order_id", "quantity", "unit_price"),
    },
    Params=Params,
    observe=observe,
    estimator=estimator,
    paired=True,
    score=retention.scores,
    parts=PARTS,
    who=WHO,
    cheap_moves=ledger_moves.MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "Net retention above 1 can hide a leak: large accounts that grow cover for many that "
        "leave. Read gross retention and the share of customers kept beside it.",
        "Ask which formula a figure comes from before comparing it: leaving out contraction alone "
        "can move it by several points.",
        "A price rise lifts it in every account at once, until the next renewal.",
        "It looks back over the whole window, so a change of today shows in full only when the "
        "window has passed.",
        "Customers younger than the window are in none of its figures.",
    ),
    okr="Win back what can be won: bring revenue retention ({retention}, over {window_months} "
    "months) up from {value} by the end of next quarter, starting with contractions.",
    references=(
        "ChartMogul, help: gross and net MRR churn rate; MRR movements.",
        "Stripe, support: subscriber churn rate and churned revenue; definition of MRR growth.",
        "Baremetrics, help: user and revenue churn; changelog: net revenue retention.",
        "Tidemill, documentation: metric definitions.",
    ),
)
