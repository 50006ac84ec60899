"""Account targets: what each account bought against its plan, and against what it could buy."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.shop import plan_moves, plan_parts, plan_rules, plans
from kpi_lib.customers.shop.choices import NO_ACCOUNT, NOT_GOODS, REPEATED_LINES, RETURNS
from kpi_lib.customers.shop.shown import (
    CONTRACT_COLUMNS,
    LINE_COLUMNS,
    ORDER_COLUMNS,
    over_periods,
    shown_periods,
)
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
from kpi_lib.schema import Tables
from kpi_lib.stats.ratio import Ratio


class Params(KpiParams):
    """What may be chosen about account targets."""

    against: Literal["target", "potential"] = parameter(
        "target", meaning="what the amount is held against: target, potential (share of wallet)"
    )
    season: Literal["last_years", "even"] = parameter(
        "last_years",
        meaning="how a year's plan is spread: last_years (as up to three years before), even (by days)",
        fair=("last_years", "even"),
    )
    returns: Literal["net", "restate", "gross"] = RETURNS
    with_booking: bool = parameter(True, meaning="whether orders of a booking programme count")
    repeated_lines: Literal["keep", "drop"] = REPEATED_LINES
    not_goods: tuple[str, ...] = NOT_GOODS
    no_account: str = NO_ACCOUNT


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account with a target and period: value is what it bought in the year so far, weight
    the part of its plan that is due by the end of the period.

    No year before is on record here, so the plan is due evenly: a quarter of it by 31 March. Ann has
    bought 400 of 1,000, Bob nothing of 400, Cem 90 of a target that was set in February, and Dee has none:

    >>> from datetime import date, datetime
    >>> from kpi_lib.example import small_company
    >>> bought = [("ann", 1, 4), ("cem", 3, 0.9), ("dee", 2, 5)]
    >>> orders = [dict(order_id=a, account_id=a, ordered_at=datetime(2026, m, 9)) for a, m, _ in bought]
    >>> lines = [dict(order_id=a, line_no=1, product_id="tyre", quantity=q, unit_price=100.0)
    ...          for a, _, q in bought]
    >>> goals = [("ann", 1000.0, (2025, 12)), ("bob", 400.0, (2025, 12)), ("cem", 365.0, (2026, 2))]
    >>> targets = [dict(account_id=a, year=2026, target_amount=t, set_on=date(y, m, 1))
    ...            for a, t, (y, m) in goals]
    >>> company = small_company(date(2026, 3, 31), orders=orders, order_lines=lines, targets=targets)
    >>> rows = observe(company, Params(periods=2)).filter(lambda t: t["period"] == "2026-01-01")
    >>> rows = rows.mutate(weight=rows["weight"].round(1)).order_by("account_id")
    >>> print(rows.select("account_id", "value", "weight").execute().to_string(index=False))
    account_id  value  weight
           ann  400.0   246.6
           bob    0.0    98.6
           cem   90.0    90.0
    """
    rows = plans.progress(tables, shown_periods(tables, params), params)
    rows = rows.filter(rows[params.against].notnull())
    rows = rows.select(
        "period",
        "account_id",
        unit_id=rows["account_id"],
        value=rows["revenue"],
        weight=rows[params.against] * rows["due"],
    )
    return with_segment(tables, rows, params.segment)


def score(tables: Tables, params: Params) -> ir.Table:
    """What each account bought over what was due of its plan by `as_of`: account_id, score."""
    return plan_parts.own_plans(tables, params)


def estimator(params: Params) -> Estimator:
    """The ratio of two totals, accounts as clusters."""
    del params
    return Ratio()


def looks_back(params: Params) -> int:
    """The year so far, at most a whole one (days)."""
    del params
    return 365


MONEY, COUNT, SHARE = Unit.MONEY, Unit.COUNT, Unit.SHARE

WHO = Part(
    name="to_call",
    title="Accounts behind their plan",
    meaning="The largest gap first: target less forecast to year end. `of_plan` is what was bought over "
    "what is due by now, `potential_left` what the account is expected to buy elsewhere this year.",
    compute=plan_parts.to_call,
    units=dict.fromkeys(
        ("gap", "target", "forecast", "low", "high", "so_far", "potential_left"), MONEY
    )
    | {"of_plan": SHARE, "share_of_wallet": SHARE},
    for_meeting=True,
)

PARTS = (
    Part(
        name="by_period",
        title="Against the plan, and against what the accounts could buy",
        meaning="`of_plan` and `of_wallet` hold the amount of the year so far against the part of target "
        "and potential that is due. `target_growth` is the target over last year's sales, less 1.",
        compute=over_periods(plan_parts.by_period),
        view="lines",
        units=dict.fromkeys(("of_plan", "of_wallet", "target_growth"), SHARE)
        | dict.fromkeys(("revenue", "target", "potential"), MONEY)
        | {"accounts": COUNT},
    ),
    Part(
        name="forecast",
        title="Where the year ends",
        meaning="Each account goes on as accounts of its size did from the same day of last year. The "
        "interval is for the sum of the accounts with a target.",
        compute=plan_parts.forecast,
        units=dict.fromkeys(("forecast", "low", "high", "target", "potential", "so_far"), MONEY)
        | {"forecast_of_target": SHARE, "chance_of_target": SHARE, "accounts": COUNT},
    ),
    Part(
        name="back_test",
        title="How well that forecast did",
        meaning="The same forecast made at the end of earlier quarters, against how those years ended.",
        compute=plan_parts.back_test,
        units=dict.fromkeys(("forecast", "low", "high", "actual"), MONEY) | {"error": SHARE},
    ),
    Part(
        name="wallets",
        title="What our accounts buy elsewhere",
        meaning="Accounts by the share of their potential that we are to get this year (forecast over "
        "potential), and what is left.",
        compute=plan_parts.wallets,
        view="bars",
        units=dict.fromkeys(("potential_left", "forecast", "potential"), MONEY)
        | {"accounts": COUNT},
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="targets lowered",
        meaning="Every target is set a tenth lower.",
        edit=plan_moves.targets_lowered,
        given_away_by="target_growth: the targets ask for less than was sold last year",
    ),
    CheapMove(
        name="shelves filled",
        meaning="Orders of the last 60 days hold half as many pieces more, to come back later.",
        edit=plan_moves.shelves_filled,
        given_away_by="basket.pieces_per_order: orders are suddenly larger",
    ),
)

FIT_RULES = (
    FitRule(
        name="sold by contract",
        meaning="Most of the money comes under contract, so the year's amount is known when it begins.",
        check=business_rules.sold_by_contract("revenue_retention"),
        reads=business_rules.WAYS_OF_PAYING,
    ),
    FitRule(
        name="few targets",
        meaning="Most of what is bought is bought by accounts without a target.",
        check=plan_rules.few_targets,
    ),
    FitRule(
        name="last year again",
        meaning="Most targets are last year's sales times one number, so they know nothing of the account.",
        check=plan_rules.last_year_again,
        severe=False,
    ),
)

FORMULA = r"""
$$T(p) = \frac{\sum_a r_a(p)}{s(p) \sum_a t_a}, \qquad
\text{forecast}_a = r_a + k \, r_a, \qquad
k = \frac{\sum_a y_a}{\sum_a x_a}$$

- $a$: every account with a target for the year, from the day on which it was set
- $r_a(p)$: what it bought from 1 January to the end of period $p$, net of what came back (money)
- $t_a$: its target for the year, or its potential when `against` is potential (money per year)
- $s(p)$: the share of a year's plan that is due by the end of $p$: the amounts of up to three years before
  up to the same day over their whole amounts, or the days gone by when `season` is even (share)
- $x_a$, $y_a$: what each account bought last year up to the same day, and after it (money)
- variance of a forecast: $\hat\sigma^2 R (1 + R / X)$ with $R = \sum r_a$, $X = \sum x_a$ and
  $\hat\sigma^2 = \sum (y_a - k x_a)^2 / x_a / (m - 1)$ over the $m$ accounts of last year
- the result is a share; 1 is on plan
"""

KPI = Kpi(
    name="account_targets",
    title="Account targets",
    question="Does each account buy what we planned, and how much more could it buy?",
    unit=Unit.SHARE,
    better=Better.HIGHER,
    role=Role.OUTCOME,
    cadence=Cadence.QUARTERLY,
    owner="sales",
    family=Family.COMMERCE,
    source="B2B KPIs of two companies",
    formula=FORMULA.strip(),
    needs={
        "orders": ORDER_COLUMNS,
        "order_lines": LINE_COLUMNS,
        "targets": ("account_id", "year", "set_on", "target_amount", "potential_amount"),
    },
    optional={
        "accounts": ("account_id", "name", "owner"),
        "subscriptions": CONTRACT_COLUMNS,
    },
    Params=Params,
    observe=observe,
    estimator=estimator,
    paired=True,
    looks_back=looks_back,
    score=score,
    noun="account",
    is_scoreboard=False,
    parts=PARTS,
    who=WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "A target is our wish, not the customer's need. Missing it may mean that it was set too high.",
        "A potential is somebody's guess. Ask who made it, and when.",
        "Early in the year little is due, so one large order moves the share much.",
        "The interval of the forecast knows how accounts differ, not how years do. A booking programme moves "
        "orders in time, and makes another season: read the back-test beside it.",
        "New accounts have no target in their first months and are not in the figure.",
        "An account that has left keeps its target, and pulls the figure down until the year ends.",
    ),
    okr="Bring the accounts from {value} of what is due to the whole plan by the end of the year, by calling "
    "those with the largest gap and most potential left.",
    okr_target=lambda _, value: max(1.0, value),
    references=(
        "Royall, R. M. (1970). On finite population sampling theory under certain linear regression models. "
        "Biometrika 57, 377-387.",
        "Cochran, W. G. (1977). Sampling techniques, chapter 6: ratio estimators. Wiley.",
    ),
)
