"""Cart abandonment: carts that nobody ordered in time, where visits stop, and why."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.shop import cart_moves, cart_parts, cart_rules, carts
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
from kpi_lib.periods import PeriodName
from kpi_lib.schema import Tables
from kpi_lib.stats.proportion import Proportion
from kpi_lib.stats.ratio import Ratio


class Params(KpiParams):
    """What may be chosen about cart abandonment."""

    period: PeriodName = parameter("week", meaning="length of one period: week, month, quarter")
    periods: int = parameter(26, ge=2, le=104, unit="periods", meaning="how many periods to show")
    window_hours: int = parameter(
        48,
        ge=1,
        le=720,
        unit="hours",
        meaning="within how many hours of its making a cart must be ordered",
        fair=(24, 48, 168),
    )
    weight: Literal["carts", "amount"] = parameter(
        "carts", meaning="what a share is of: carts, amount", fair=("carts", "amount")
    )
    product_pages: tuple[str, ...] = parameter(
        ("product",), meaning="names of the pages that show an article"
    )
    checkout_pages: tuple[str, ...] = parameter(
        ("checkout",), meaning="names of the pages on which an order is completed"
    )
    delivery_pages: tuple[str, ...] = parameter(
        ("delivery_cost",), meaning="names of the pages that show what delivery costs"
    )
    comparison_pages: tuple[str, ...] = parameter(
        (), meaning="names of the pages on which articles are compared"
    )
    trouble_pages: tuple[str, ...] = parameter(
        (),
        meaning="names of the pages that tell of trouble, as payment_error; the first met is the cause",
    )
    compare_days: int = parameter(
        2, ge=0, le=60, unit="days", meaning="an article seen so many days before too was compared"
    )
    recent_days: int = parameter(
        28, ge=1, le=366, unit="days", meaning="carts left in so many days are listed"
    )


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per cart: value 1 if it was not ordered within the window, 0 if it was.

    Null for a cart younger than the window. With `weight` amount, value is the amount of a cart left
    (else 0) and weight its amount.

    Ann orders at once, Bob after three days, Cem never, and Dee filled her cart this morning:

    >>> from datetime import date, datetime
    >>> from kpi_lib.example import small_company
    >>> made = [("ann", 20, 20), ("bob", 20, 23), ("cem", 21, None), ("dee", 31, None)]
    >>> company = small_company(date(2026, 3, 31), carts=[
    ...     dict(cart_id=who, account_id=who, created_at=datetime(2026, 3, day, 9), amount=100.0,
    ...          ordered_at=datetime(2026, 3, then, 10) if then else None, items=4)
    ...     for who, day, then in made])
    >>> rows = observe(company, Params(periods=2)).order_by("account_id")
    >>> print(rows.select("account_id", "period", "value").execute().to_string(index=False))
    account_id     period  value
           ann 2026-03-18    0.0
           bob 2026-03-18    1.0
           cem 2026-03-18    1.0
           dee 2026-03-25    NaN
    """
    rows = carts.in_periods(carts.states(tables, params), shown_periods(tables, params))
    columns = {"unit_id": rows["cart_id"], "value": rows["is_left"]}
    if params.weight == "amount":
        columns |= {"value": rows["is_left"] * rows["amount"], "weight": rows["amount"]}
    return with_segment(tables, rows.select("period", "account_id", **columns), params.segment)


def score(tables: Tables, params: Params) -> ir.Table:
    """The share of an account's carts of the last 180 days that it left: account_id, score."""
    return cart_parts.shares_left(tables, params)


def estimator(params: Params) -> Estimator:
    """A proportion of carts, or a ratio of amounts."""
    return Ratio() if params.weight == "amount" else Proportion()


MONEY, COUNT, SHARE = Unit.MONEY, Unit.COUNT, Unit.SHARE

WHO = Part(
    name="left_carts",
    title="Carts left lately",
    meaning="Of the last `recent_days`, the largest amount first, with the most likely cause.",
    compute=cart_parts.left_carts,
    units={"amount": MONEY, "items": COUNT},
    for_meeting=True,
)

PARTS = (
    Part(
        name="by_period",
        title="Carts left, and visits that fill a cart",
        meaning="`left` is the share of carts not ordered in time, `filled_a_cart` the share of visits "
        "with a cart, `still_young` that of carts that may yet be ordered in time.",
        compute=over_periods(cart_parts.by_period),
        view="lines",
        units=dict.fromkeys(("left", "filled_a_cart", "still_young"), SHARE)
        | {"lost_amount": MONEY, "carts": COUNT, "visits": COUNT},
    ),
    Part(
        name="steps",
        title="From visit to order",
        meaning="How many of the visits of all periods shown got to each step, and of those at the step "
        "before.",
        compute=over_periods(cart_parts.steps),
        view="bars",
        units={"of_visits": SHARE, "of_step_before": SHARE, "visits": COUNT},
    ),
    Part(
        name="causes",
        title="Lost sales by cause",
        meaning="What the visit of a cart that was left saw; the first that holds: trouble, an article out "
        "of stock, prices compared, delivery cost shown. `ordered_anyway`: of all carts that met the same, "
        "the share that was ordered.",
        compute=over_periods(cart_parts.causes),
        view="bars",
        units={"lost_amount": MONEY, "share": SHARE, "carts": COUNT, "ordered_anyway": SHARE},
    ),
    Part(
        name="signals",
        title="Which figure left its limits, and when",
        meaning="Visits that fill a cart, carts left, and carts left for each cause, per period. Limits of "
        "three standard errors around the share of all periods. What is above or below comes first.",
        compute=over_periods(cart_parts.signals),
        units=dict.fromkeys(("share", "usual", "lower_limit", "upper_limit"), SHARE)
        | {"of": COUNT},
    ),
    Part(
        name="articles",
        title="Articles seen by accounts that left a cart",
        meaning="Of the visits of carts left lately, for a tailored offer; the account with the largest "
        "amount left comes first.",
        compute=cart_parts.articles,
        units={"seen": COUNT, "carts_left": COUNT},
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="carts at checkout only",
        meaning="What is collected before the checkout is no longer called a cart.",
        edit=cart_moves.carts_at_checkout_only,
        given_away_by="filled_a_cart: fewer visits fill a cart",
    ),
    CheapMove(
        name="left carts deleted",
        meaning="Carts that were left with more than one piece in them are tidied away.",
        edit=cart_moves.left_carts_deleted,
        given_away_by="filled_a_cart: fewer visits fill a cart",
    ),
)

FIT_RULES = (
    FitRule(
        name="sold by contract",
        meaning="Most of the money comes under contract: nobody fills a cart for it.",
        check=business_rules.sold_by_contract("lead_conversion"),
        reads=business_rules.WAYS_OF_PAYING,
    ),
    FitRule(
        name="few orders by cart",
        meaning="Most orders come by telephone, e-mail or from a booking, and no cart sees them.",
        check=cart_rules.few_orders_by_cart,
    ),
    FitRule(
        name="visits not tagged",
        meaning="Most carts left have no page views, so no cause can be told.",
        check=cart_rules.visits_not_tagged,
        severe=False,
    ),
)

FORMULA = r"""
$$\text{abandonment}(p) = \frac{\sum_{c \in p} w_c \, [\, t_c > W \,]}{\sum_{c \in p} w_c}$$

- $c$: a cart made in period $p$ at least $W$ before the end of the last day known; younger ones are open
- $t_c$: hours from the making of the cart to its order, endless where it was never ordered (hours)
- $W$: `window_hours` (hours)
- $w_c$: 1 (carts), or the amount of the cart (money) when `weight` is amount
- the result is a share, 0 to 1
"""

KPI = Kpi(
    name="cart_abandonment",
    title="Cart abandonment",
    question="Which share of the carts is left, and what kept the customer from ordering?",
    unit=Unit.SHARE,
    better=Better.LOWER,
    role=Role.LEADING,
    cadence=Cadence.WEEKLY,
    owner="e-commerce",
    family=Family.COMMERCE,
    source="B2B KPIs of two companies",
    formula=FORMULA.strip(),
    needs={
        "carts": (
            *("cart_id", "account_id", "session_id", "created_at", "ordered_at", "amount", "items"),
        )
    },
    optional={
        "accounts": ("account_id", "name", "owner"),
        "page_views": ("session_id", "account_id", "at", "page", "product_id", "in_stock"),
        "orders": ORDER_COLUMNS,
        "order_lines": LINE_COLUMNS,
        "subscriptions": CONTRACT_COLUMNS,
    },
    Params=Params,
    observe=observe,
    estimator=estimator,
    score=score,
    noun="cart",
    is_scoreboard=False,
    parts=PARTS,
    who=WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "A cart is often a shopping list or a way to see the delivery cost: leaving it is no lost sale.",
        "A customer that leaves a cart may order by telephone. The shop does not see it.",
        "A cause is what the visit met, not what the customer thought; read the share that ordered anyway "
        "beside it.",
        "Of several causes only the first one counts, so the order of causes is a choice.",
        "A cart of yesterday is young, not left. The newest period has few carts that count.",
        "Page tags that break look like a change of the customers: compare with the number of visits.",
    ),
    okr="Bring cart abandonment down from {value} by five percentage points by the end of next quarter, by "
    "mending the first cause on the list.",
    okr_target=lambda _, value: max(0.0, value - 0.05),
    references=(
        "Montgomery, D. C. (2019). Introduction to statistical quality control, 8th ed. Wiley. Section "
        "7.2: control charts for shares of different sizes.",
        "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA "
        "22, 209-212.",
    ),
)
