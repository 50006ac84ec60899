"""Basket: how much an order holds, by amount, pieces and distinct products."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.shop import basket_moves, basket_parts, goods_left_out, goods_rules
from kpi_lib.customers.shop.choices import NOT_GOODS, REPEATED_LINES, RETURNS
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
from kpi_lib.stats.ratio import Ratio


class Params(KpiParams):
    """What may be chosen about baskets."""

    period: PeriodName = parameter("month", meaning="length of one period: week, month, quarter")
    periods: int = parameter(12, ge=2, le=104, unit="periods", meaning="how many periods to show")
    measure: Literal["amount", "quantity", "products"] = parameter(
        "amount",
        meaning="what is in a basket: amount (money), quantity (pieces), products (distinct)",
    )
    accounts: Literal["all", "like_for_like"] = parameter(
        "all",
        meaning="whose baskets: all, like_for_like (ordered in the same period a year before, too)",
        fair=("all", "like_for_like"),
    )
    returns: Literal["net", "restate", "gross"] = RETURNS
    with_booking: bool = parameter(
        True, meaning="whether orders of a booking programme count", fair=(True, False)
    )
    repeated_lines: Literal["keep", "drop"] = REPEATED_LINES
    not_goods: tuple[str, ...] = NOT_GOODS
    no_account: str = parameter(
        "", meaning="account id that stands for buyers not known; left out and counted"
    )


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account and period: value is what it bought, net; weight is its orders.

    In March Ann orders twice, and one of the orders comes back in April. Bob's order is cancelled,
    Cem takes ten pieces and gives two back, and Dee buys only in April:

    >>> from datetime import date, datetime
    >>> from kpi_lib.example import small_company
    >>> orders = [("a1", "ann", 3, None), ("a2", "ann", 3, 9), ("b1", "bob", 3, None),
    ...           ("c1", "cem", 3, None), ("d1", "dee", 4, None)]
    >>> orders = [dict(order_id=o, account_id=a, ordered_at=datetime(2026, m, 5),
    ...                returned_on=date(2026, 4, r) if r else None,
    ...                cancelled_on=date(2026, 3, 6) if o == "b1" else None)
    ...           for o, a, m, r in orders]
    >>> lines = [("a1", 4), ("a2", 1), ("b1", 9), ("c1", 10), ("c1", -2), ("d1", 3)]
    >>> lines = [dict(order_id=o, line_no=n, product_id="tyre", quantity=q, unit_price=100.0)
    ...          for n, (o, q) in enumerate(lines)]
    >>> company = small_company(date(2026, 4, 30), orders=orders, order_lines=lines)
    >>> rows = observe(company, Params(periods=2)).order_by("period", "account_id")
    >>> shown = rows.select("account_id", "period", "value", "weight")
    >>> print(shown.execute().to_string(index=False))
    account_id     period  value  weight
           ann 2026-03-01  500.0     2.0
           cem 2026-03-01  800.0     1.0
           ann 2026-04-01 -100.0     0.0
           dee 2026-04-01  300.0     1.0
    """
    rows = basket_parts.baskets(tables, shown_periods(tables, params), params)
    rows = rows.select(
        "period",
        "account_id",
        unit_id=rows["account_id"],
        value=rows[params.measure],
        weight=rows["orders"],
    )
    return with_segment(tables, rows, params.segment)


def score(tables: Tables, params: Params) -> ir.Table:
    """The basket of each account over the last 365 days: account_id, score."""
    return basket_parts.baskets_of_year(tables, params)


def estimator(params: Params) -> Estimator:
    """The ratio of two totals, accounts as clusters."""
    del params
    return Ratio()


MONEY, RATIO, COUNT = Unit.MONEY, Unit.RATIO, Unit.COUNT
EFFECTS = ("by_customers", "by_frequency", "by_basket", "of_it_pieces", "of_it_price")

WHO = Part(
    name="by_account",
    title="Baskets by account",
    meaning="The last 365 days against the 365 before, the largest amount first. `basket` is what "
    "`measure` says, per order.",
    compute=basket_parts.by_year,
    units={"amount": MONEY, "orders": COUNT}
    | dict.fromkeys(("basket", "basket_before", "change"), RATIO),
)

PARTS = (
    Part(
        name="measures",
        title="The basket by amount, pieces and products",
        meaning="Each is a total over the number of orders of the period, never a mean of means.",
        compute=over_periods(basket_parts.measures),
        view="lines",
        units=dict.fromkeys(("amount_per_order", "price_per_piece"), MONEY)
        | dict.fromkeys(("pieces_per_order", "products_per_order", "orders_per_account"), RATIO)
        | {"orders": COUNT, "accounts": COUNT, "returned_share": Unit.SHARE},
    ),
    Part(
        name="drivers",
        title="What moved the newest period against a year before",
        meaning="The change of the amount, split among customers, orders per customer, pieces per "
        "order and price per piece. The four add up to the change.",
        compute=over_periods(basket_parts.drivers),
        view="waterfall",
        units={"size": MONEY},
    ),
    Part(
        name="year_on_year",
        title="Year on year: customers x frequency x basket",
        meaning="`by_customers`, `by_frequency` and `by_basket` add up to `change`; `of_it_pieces` and "
        "`of_it_price` add up to `by_basket`; `price_growth` is of the price per piece. A period whose year before was not wholly on record is not "
        "compared.",
        compute=over_periods(basket_parts.year_on_year),
        units=dict.fromkeys(("amount", "year_before", "change", *EFFECTS), MONEY)
        | {"price_growth": Unit.SHARE},
    ),
    Part(
        name="like_for_like",
        title="Like for like",
        meaning="The basket of all accounts, of those that also ordered in the same period a year "
        "before, and theirs then: new and lost accounts do not move the last two.",
        compute=over_periods(basket_parts.beside_all),
        view="lines",
        units=dict.fromkeys(("all_accounts", "like_for_like", "a_year_before", "change"), RATIO)
        | dict.fromkeys(("accounts", "same_accounts"), COUNT),
    ),
    Part(
        name="left_out",
        title="From all lines to the baskets that count",
        meaning="Each line stands under the first rule that holds for it; all rows add up to the first.",
        compute=over_periods(goods_left_out.left_out),
        units={"lines": COUNT, "orders": COUNT, "amount": MONEY},
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="prices raised",
        meaning="Prices of the last 120 days are 10 % higher, and nobody buys one piece more.",
        edit=basket_moves.prices_raised,
        given_away_by="price_growth: a piece costs so much more than a year before",
    ),
    CheapMove(
        name="returns refused",
        meaning="Nothing that was sold is taken back any more.",
        edit=basket_moves.returns_refused,
        given_away_by="returned_share: the share of what was sold that came back falls to nothing",
    ),
)

FIT_RULES = (
    FitRule(
        name="sold by contract",
        meaning="Most of the money comes under contract, so an order is an exception.",
        check=business_rules.sold_by_contract("recurring_revenue"),
        reads=business_rules.WAYS_OF_PAYING,
    ),
    FitRule(
        name="few orders",
        meaning="Accounts order less than twice a year.",
        check=goods_rules.few_orders,
        severe=False,
    ),
    FitRule(
        name="one bulk buyer",
        meaning="A single order moves the mean.",
        check=goods_rules.one_bulk_buyer,
        severe=False,
    ),
)

FORMULA = r"""
$$B(p) = \frac{\sum_a x_a(p)}{\sum_a o_a(p)}, \qquad
A = C \times \frac{O}{C} \times \frac{Q}{O} \times \frac{A}{Q}$$

$$A_1 - A_0 = \sum_f L(A_1, A_0) \, \ln\frac{f_1}{f_0}, \qquad
L(A_1, A_0) = \frac{A_1 - A_0}{\ln A_1 - \ln A_0}$$

- $x_a(p)$: what account $a$ bought in period $p$, net of what came back: `measure` is amount (money),
  quantity (pieces) or products (distinct products)
- $o_a(p)$: orders of the account in the period that have an amount (orders)
- $A$: amount (money); $C$: accounts with an order (accounts); $O$: orders; $Q$: quantity (pieces)
- $f$: each of the four factors now ($f_1$) and in the same period a year before ($f_0$); their effects
  (money) add up to the change without a rest
- cancelled orders do not count; returned goods and credit notes count as `returns` says
"""

KPI = Kpi(
    name="basket",
    title="Basket",
    question="How much does an order hold, and what changed it since a year ago?",
    unit=Unit.MONEY,
    better=Better.HIGHER,
    role=Role.OUTCOME,
    cadence=Cadence.MONTHLY,
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
    score=score,
    noun="account",
    is_scoreboard=False,
    parts=PARTS,
    who=WHO,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "A higher price fills the basket as well as a further piece does: read the pieces beside the "
        "amount.",
        "A few accounts that order by the truck carry the mean. The interval takes accounts, not "
        "orders, as the draw.",
        "When small accounts leave, the mean basket grows: read it like for like.",
        "A season changes what is bought. Compare with the same period a year before, not with the "
        "last one.",
        "An order that is split in two halves the basket and changes nothing for the customer.",
        "Goods that will come back are still counted in the newest period.",
    ),
    okr="Raise the average basket from {value} by 5 % like for like, with more pieces per order and not "
    "only higher prices.",
    okr_target=lambda _, value: value * 1.05,
    references=(
        "Ang, B. W. (2005). The LMDI approach to decomposition analysis: a practical guide. Energy "
        "Policy 33, 867-871.",
        "Cochran, W. G. (1977). Sampling techniques, chapter 6: ratio estimators. Wiley.",
    ),
)
