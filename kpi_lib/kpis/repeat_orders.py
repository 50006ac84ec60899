"""Repeat orders: how often a customer comes back, and who is overdue against its own rhythm."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.shop import repeat_lists, repeat_moves, repeat_rules, repeats
from kpi_lib.customers.shop.choices import NO_ACCOUNT, NOT_GOODS, REPEATED_LINES
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
    """What may be chosen about repeat orders."""

    window_days: int = parameter(
        365,
        ge=28,
        le=1_460,
        unit="days",
        meaning="orders of so many days up to the end of a period count; 365 holds every season once",
        fair=(365, 730),
    )
    active_days: int = parameter(
        365,
        ge=28,
        le=1_460,
        unit="days",
        meaning="a customer of the window ordered in so many days before it, or is new",
        fair=(182, 365, 730),
    )
    horizon_days: int = parameter(
        90,
        ge=1,
        le=1_095,
        unit="days",
        meaning="within how many days a first order must be repeated",
    )
    overdue_multiple: float = parameter(
        3.0,
        ge=1,
        le=20,
        unit="usual gaps",
        meaning="so many usual gaps without an order are overdue",
    )
    same_day: bool = parameter(
        True, meaning="whether orders of one day are one order", fair=(True, False)
    )
    returns: Literal["net", "restate"] = parameter(
        "net",
        meaning="a returned order: net (it was an order), restate (as if never placed)",
        fair=("net", "restate"),
    )
    with_booking: bool = parameter(
        True, meaning="whether orders of a booking programme count", fair=(True, False)
    )
    repeated_lines: Literal["keep", "drop"] = REPEATED_LINES
    not_goods: tuple[str, ...] = NOT_GOODS
    no_account: str = NO_ACCOUNT


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per customer and period: value is its repeat orders in the window, weight its years.

    The window is the year up to the end of the period. Ann orders every quarter, Bob ordered once in
    the year before and not since, Cem is new in January and came back once, and Dee has been gone
    for longer:

    >>> from datetime import date, datetime
    >>> from kpi_lib.example import small_company
    >>> days = {"ann": [(2024, 12), (2025, 3), (2025, 6), (2025, 9), (2025, 12)],
    ...         "bob": [(2024, 6)], "cem": [(2026, 1), (2026, 3)], "dee": [(2023, 1)]}
    >>> orders = [dict(order_id=f"{a}{n}", account_id=a, ordered_at=datetime(y, m, 1))
    ...           for a, some in days.items() for n, (y, m) in enumerate(some)]
    >>> lines = [dict(order_id=o["order_id"], line_no=1, product_id="tyre", quantity=4,
    ...               unit_price=100.0) for o in orders]
    >>> company = small_company(date(2026, 3, 31), orders=orders, order_lines=lines)
    >>> rows = observe(company, Params(periods=2)).filter(lambda t: t["period"] == "2026-01-01")
    >>> rows = rows.mutate(weight=rows["weight"].round(2)).order_by("account_id")
    >>> print(rows.select("account_id", "value", "weight").execute().to_string(index=False))
    account_id  value  weight
           ann    3.0    1.00
           bob    0.0    1.00
           cem    1.0    0.24
    """
    rows = repeats.rates(tables, shown_periods(tables, params), params)
    rows = rows.select(
        "period",
        "account_id",
        unit_id=rows["account_id"],
        value=rows["orders"],
        weight=rows["years"],
    )
    return with_segment(tables, rows, params.segment)


def score(tables: Tables, params: Params) -> ir.Table:
    """Repeat orders of each account per year over the window up to `as_of`: account_id, score."""
    return repeats.own_rates(tables, params)


def estimator(params: Params) -> Estimator:
    """The ratio of two totals, accounts as clusters."""
    del params
    return Ratio()


def looks_back(params: Params) -> int:
    """The length of the window (days)."""
    return params.window_days


MONEY, RATIO, COUNT, SHARE, DAYS = Unit.MONEY, Unit.RATIO, Unit.COUNT, Unit.SHARE, Unit.DAYS

WHO = Part(
    name="call_list",
    title="Accounts overdue against their own rhythm",
    meaning="Silent for more than `overdue_multiple` of their own usual gaps (the median), a month at "
    "least. `at_stake` is the chance that the account is still a customer times what it ordered in the "
    "year up to its last order: those to call first.",
    compute=repeat_lists.overdue,
    units={"days_since": DAYS, "usual_days": DAYS, "overdue": RATIO, "chance_alive": SHARE}
    | {"amount_year": MONEY, "at_stake": MONEY},
    for_meeting=True,
)

PARTS = (
    Part(
        name="loyalty",
        title="Orders per account, amount per order, amount per account",
        meaning="Of the window up to the end of each period; the first times the second is the third. "
        "`back_after_a_year` counts accounts that ordered again after a year of silence.",
        compute=over_periods(repeats.loyalty),
        view="lines",
        units={"orders_per_account": RATIO, "amount_per_order": MONEY, "amount_per_account": MONEY}
        | {"accounts": COUNT, "back_after_a_year": COUNT},
    ),
    Part(
        name="repeat_rate",
        title="Who came back after a first order",
        meaning="Accounts by the period of their first order on record, and the share that ordered again "
        "within `horizon_days`. Young accounts are watched, not lost.",
        compute=over_periods(repeat_lists.repeat_rate),
        view="bars",
        units=dict.fromkeys(("repeat_rate", "low", "high"), SHARE)
        | dict.fromkeys(("accounts", "ordered_again", "still_young"), COUNT),
    ),
    Part(
        name="between",
        title="Time between orders",
        meaning="The share of orders that another one follows within so many days, by the year of the "
        "order. An order that waits for the next one counts as long as it has been watched.",
        compute=repeat_lists.between,
        view="curve",
        units={"day": DAYS, "at_risk": COUNT}
        | dict.fromkeys(("reordered_share", "low", "high"), SHARE),
    ),
    Part(
        name="alive",
        title="Who is still a customer",
        meaning="The chance that an account is still one, from how often it ordered, when last, and how "
        "long it has been watched (BG/NBD). Nobody cancels an order account: leaving is silent.",
        compute=repeat_lists.alive,
        view="bars",
        units={"amount_year": MONEY, "expected_orders": RATIO, "accounts": COUNT},
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="orders split",
        meaning="Half of every order is written as an order of the next day.",
        edit=repeat_moves.orders_split,
        given_away_by="amount_per_order: it halves",
    ),
    CheapMove(
        name="samples booked",
        meaning="Every account silent for 90 days is sent one piece, booked as its order.",
        edit=repeat_moves.samples_booked,
        given_away_by="basket: the average order shrinks",
    ),
)

FIT_RULES = (
    FitRule(
        name="sold by contract",
        meaning="Most of the money comes under contract, so an order is an exception.",
        check=business_rules.sold_by_contract("customer_churn"),
        reads=business_rules.WAYS_OF_PAYING,
    ),
    FitRule(
        name="one-off buyers",
        meaning="Most accounts never order a second time: there is no habit to follow.",
        check=repeat_rules.one_off_buyers,
    ),
    FitRule(
        name="short record",
        meaning="Orders are on record for less than two windows, so most accounts look new.",
        check=repeat_rules.short_record,
        severe=False,
    ),
)

FORMULA = r"""
$$R(p) = \frac{\sum_a n_a(p)}{\sum_a y_a(p)}, \qquad
P(\text{alive}) = \left(1 + \frac{a}{b + x - 1}
\left(\frac{\alpha + T}{\alpha + t_x}\right)^{r + x}\right)^{-1}$$

- $a$ in the first formula: every account that ordered in the `active_days` (days) before the window, or
  for the first time within it; the window is the `window_days` (days) up to the end of period $p$
- $n_a$: its repeat orders in the window (orders; the very first order of an account is none)
- $y_a$: how long it was watched in the window, from its first order on (years)
- $x$, $t_x$, $T$: repeat orders, days of the last one and of today since the first order (orders, days);
  $P(\text{alive})$ is 1 for $x = 0$
- $r$, $\alpha$, $a$, $b$ in the second formula: fitted by maximum likelihood (BG/NBD)
- overdue: days since the last order / median days between orders $>$ `overdue_multiple`
"""

KPI = Kpi(
    name="repeat_orders",
    title="Repeat orders",
    question="How often does a customer come back, and who should have by now?",
    unit=Unit.RATIO,
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
        "Nobody cancels an order account. That a customer has left is a guess from its silence, and the "
        "list says how sure it is.",
        "A season makes every account silent at once: an own rhythm of a year with two seasons has a "
        "median gap that is shorter than its longest one.",
        "One order that is split in two is no loyalty: read the amount per order beside it.",
        "A booking programme puts several orders into one, so that a good customer orders less often.",
        "Those who left before the records begin are not seen, so the oldest cohort looks loyal.",
        "An account that ordered once has no rhythm. It is in the repeat rate, and not on the list.",
    ),
    okr="Raise the orders per account and year from {value} by half an order, with every overdue account "
    "called and no smaller baskets.",
    okr_target=lambda _, value: value + 0.5,
    references=(
        "Fader, P., Hardie, B. and Lee, K. L. (2005). Counting your customers the easy way: an alternative "
        "to the Pareto/NBD model. Marketing Science 24(2), 275-284.",
        "Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations. JASA "
        "53, 457-481.",
    ),
)
