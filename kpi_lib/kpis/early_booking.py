"""Early booking: what a piece that was booked ahead leaves, and what the programme brings."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir

from kpi_lib.customers.money import business_rules
from kpi_lib.customers.shop import (
    booking_moves,
    booking_parts,
    booking_rules,
    bookings,
)
from kpi_lib.customers.shop.choices import NO_ACCOUNT, NOT_GOODS
from kpi_lib.customers.shop.shown import (
    CONTRACT_COLUMNS,
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
    """What may be chosen about early booking."""

    orders_of: Literal["booking", "all"] = parameter(
        "booking",
        meaning="the programme: booking (orders so marked), all (quantity tiers open to every order)",
    )
    margin_share: float = parameter(
        0.3, ge=0, le=1, unit="share", meaning="what a piece leaves at list price, before freight"
    )
    with_freight: bool = parameter(
        True, meaning="whether freight is taken off the margin", fair=(True, False)
    )
    returns: Literal["restate", "gross"] = parameter(
        "restate",
        meaning="returned orders: restate (never sold), gross (sold)",
        fair=("restate", "gross"),
    )
    tier_by: Literal["order", "line"] = parameter(
        "order", meaning="a tier is of the pieces of a whole order, or of one line"
    )
    piece_steps: tuple[int, ...] = parameter(
        (24, 48, 96), unit="pieces", meaning="where a tier of quantity begins"
    )
    week_steps: tuple[int, ...] = parameter(
        (10, 14, 18), unit="weeks", meaning="where a tier of weeks of advance begins"
    )
    not_goods: tuple[str, ...] = NOT_GOODS
    no_account: str = NO_ACCOUNT


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per account and period in which it booked: value is the margin of its bookings after
    discount and freight, weight their pieces.

    A tyre is 100 on the list and costs 70. Ann books ten at 90 for 20 of freight, and orders four more
    at list price; Bob books two at 95 and cancels; Cem books one at 95, and no freight is on record:

    >>> from datetime import date, datetime
    >>> from kpi_lib.example import small_company
    >>> made = [("a1", "ann", True, 20.0, None), ("a2", "ann", False, 9.0, None),
    ...         ("b1", "bob", True, 5.0, date(2026, 3, 6)), ("c1", "cem", True, None, None)]
    >>> orders = [dict(order_id=o, account_id=a, ordered_at=datetime(2026, 3, 5), booking=b, freight=f,
    ...                cancelled_on=c) for o, a, b, f, c in made]
    >>> lines = [("a1", 10, 90.0), ("a2", 4, 100.0), ("b1", 2, 95.0), ("c1", 1, 95.0)]
    >>> lines = [dict(order_id=o, line_no=1, product_id="tyre", quantity=q, list_price=100.0,
    ...               unit_price=p) for o, q, p in lines]
    >>> company = small_company(date(2026, 3, 31), orders=orders, order_lines=lines)
    >>> rows = observe(company, Params(periods=2)).order_by("account_id")
    >>> print(rows.select("account_id", "value", "weight").execute().round(2).to_string(index=False))
    account_id  value  weight
           ann  180.0    10.0
           cem   25.0     1.0
    """
    rows = bookings.by_account(tables, shown_periods(tables, params), params)
    rows = rows.select(
        "period",
        "account_id",
        unit_id=rows["account_id"],
        value=rows["margin"],
        weight=rows["pieces"],
    )
    return with_segment(tables, rows, params.segment)


def score(tables: Tables, params: Params) -> ir.Table:
    """Margin per booked piece of each account over the last 365 days: account_id, score."""
    return bookings.margins_of_year(tables, params)


def estimator(params: Params) -> Estimator:
    """The ratio of two totals, accounts as clusters."""
    del params
    return Ratio()


MONEY, RATIO, COUNT, SHARE = Unit.MONEY, Unit.RATIO, Unit.COUNT, Unit.SHARE

WHO = Part(
    name="who_books",
    title="Accounts that book",
    meaning="Of the last 365 days, the largest discount (`given`, money off list) first. `basket` is the "
    "amount of a booking, `own_basket` that of another order of the same account.",
    compute=booking_parts.who_books,
    units=dict.fromkeys(("given", "basket", "own_basket", "margin_per_piece"), MONEY)
    | {"bookings": COUNT, "pieces": COUNT, "discount": SHARE},
    for_meeting=True,
)

TIER_UNITS = dict.fromkeys(("discount", "beyond_own", "price_of_list", "margin_of_list"), SHARE) | {
    "freight_per_piece": RATIO,
    "orders": COUNT,
    "pieces": COUNT,
}

PARTS = (
    Part(
        name="by_period",
        title="What is booked, and what it leaves",
        meaning="Margin, price and freight per booked piece; the discount off list; the share of all "
        "pieces that is booked, and how many weeks ahead.",
        compute=over_periods(booking_parts.by_period),
        view="lines",
        units={"margin_per_piece": MONEY, "price_per_piece": MONEY, "freight_per_piece": RATIO}
        | {"discount": SHARE, "booked_share": SHARE, "weeks_ahead": RATIO}
        | {"orders": COUNT, "pieces": COUNT},
    ),
    Part(
        name="by_quantity",
        title="Discount by pieces",
        meaning="Price realised against list by tier. `beyond_own` is the discount beyond that of the "
        "same accounts' other orders: what the programme gives.",
        compute=over_periods(booking_parts.by_quantity),
        view="bars",
        units=TIER_UNITS,
    ),
    Part(
        name="by_weeks",
        title="Discount by weeks of advance",
        meaning="The same by weeks from the order to the delivery agreed.",
        compute=over_periods(booking_parts.by_weeks),
        view="bars",
        units=TIER_UNITS,
    ),
    Part(
        name="against_own",
        title="A booking against the same accounts' other orders",
        meaning="What an order holds and leaves. Accounts that book nothing stand below.",
        compute=over_periods(booking_parts.against_own),
        units=dict.fromkeys(("amount_per_order", "price_per_piece", "margin_per_piece"), MONEY)
        | {"pieces_per_order": RATIO, "freight_per_piece": RATIO, "discount": SHARE}
        | {"orders": COUNT, "accounts": COUNT},
    ),
    Part(
        name="moved",
        title="Orders that only moved in time",
        meaning="Pieces of accounts that book, in the last 365 days against the year before the first "
        "booking, less the growth of accounts that book nothing. What was not added was only moved; above "
        "100 % those who book bought less than that growth foretold.",
        compute=booking_parts.moved,
        units=dict.fromkeys(("moved_share", "at_least", "at_most", "growth_of_others"), SHARE)
        | dict.fromkeys(("booked", "added", "accounts_that_book", "others"), COUNT),
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="orders called bookings",
        meaning="Every order of the last 120 days is written as a booking, at the price it has.",
        edit=booking_moves.orders_called_bookings,
        given_away_by="booked_share: suddenly everything is booked",
    ),
    CheapMove(
        name="list prices lowered",
        meaning="The list, and with it the cost of goods that is taken from it, is a tenth lower.",
        edit=booking_moves.list_prices_lowered,
        given_away_by="discount: less is given off the list than before",
    ),
    CheapMove(
        name="freight booked elsewhere",
        meaning="The freight of no order is on record any more.",
        edit=booking_moves.freight_booked_elsewhere,
        given_away_by="freight_per_piece: it falls to nothing",
    ),
)

FIT_RULES = (
    FitRule(
        name="sold by contract",
        meaning="Most of the money comes under contract, so nothing is booked ahead of a season.",
        check=business_rules.sold_by_contract("revenue_retention"),
        reads=business_rules.WAYS_OF_PAYING,
    ),
    FitRule(
        name="nothing is booked",
        meaning="Hardly an account books ahead, so there is no programme to judge.",
        check=booking_rules.nothing_is_booked,
    ),
    FitRule(
        name="no discount on record",
        meaning="Booked lines are sold at list price: the discount stands elsewhere.",
        check=booking_rules.no_discount,
        severe=False,
    ),
)

FORMULA = r"""
$$M(p) = \frac{\sum_i \left( q_i u_i - (1 - m)\, q_i l_i - f_i \right)}{\sum_i q_i}, \qquad
\text{moved} = 1 - \frac{A_1 - g A_0}{B}, \quad g = \frac{O_1}{O_0}$$

- $i$: lines of bookings placed in period $p$; $q_i$: pieces; $u_i$, $l_i$: price realised and list price
  (money per piece)
- $m$: `margin_share`, what a piece leaves at list price (share)
- $f_i$: the line's part of the freight of its order, by pieces (money), 0 where none is on record
- $A_0$, $A_1$: pieces due to accounts that book in the 365 days before the first booking and in the last
  365 days; $O_0$, $O_1$: the same of accounts that book nothing; $B$: pieces booked of $A_1$
- interval of moved: percentiles of 2,000 draws of whole accounts
- cancelled orders do not count; returned ones as `returns` says
"""

KPI = Kpi(
    name="early_booking",
    title="Early booking",
    question="What does a piece that is booked ahead leave, and was it sold or only moved?",
    unit=Unit.MONEY,
    better=Better.HIGHER,
    role=Role.OUTCOME,
    cadence=Cadence.QUARTERLY,
    owner="sales",
    family=Family.COMMERCE,
    source="B2B KPIs of two companies",
    formula=FORMULA.strip(),
    needs={
        "orders": (*ORDER_COLUMNS, "deliver_on", "freight"),
        "order_lines": (
            *("order_id", "line_no", "product_id", "quantity", "list_price", "unit_price"),
        ),
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
        "A booking that replaces orders of the season is no new order: read what only moved beside it.",
        "Accounts that book choose to. They may differ from the others in more than the programme.",
        "The cost of goods is taken as a share of list price. Where it is not, the margin is a guess.",
        "A warehouse that is full in August pays for it in space and money, which stand in no table here.",
        "Two seasons a year: compare a quarter with the same one a year before.",
        "A discount for pieces and one for weeks come together, so each tier holds some of the other.",
    ),
    okr="Raise what a booked piece leaves from {value} by 5 %, with no smaller share of booked pieces that "
    "were added and not only moved.",
    okr_target=lambda _, value: value * 1.05,
    references=(
        "Davison, A. C. and Hinkley, D. V. (1997). Bootstrap methods and their application. Cambridge.",
        "Card, D. and Krueger, A. B. (1994). Minimum wages and employment. American Economic Review 84, "
        "772-793: differences in differences.",
    ),
)
