"""The five assumptions behind consumer KPIs, checked on the data of a business that sells to companies.

After Mironov (2020), Starter KPIs for B2B/Enterprise. Where they fail, KPIs from consumer companies
(traffic, net promoter score, cost per campaign) fit badly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from kpi_lib.charts.values import plain
from kpi_lib.engine import run
from kpi_lib.schema import Tables, found_once
from kpi_lib.view import View
from kpi_lib.wording import format_count, format_value

if TYPE_CHECKING:
    from kpi_lib.charts.shown import Block

QUICK_DAYS = 30
MANY = 1000
SMALL_SHARE = 0.1
HALF = 0.5
YEAR = 365


FROM_CONSUMERS = ("channel_cost", "lead_conversion")
"""What consumer companies look at first: cost per campaign, leads from traffic. A net promoter score
of customers is a third; that of employees, which the catalogue holds, asks other people."""


@dataclass(frozen=True)
class Assumption:
    """One assumption: whether it holds here (None: cannot be told), and what the data say."""

    name: str
    holds: bool | None
    sentence: str


def assumptions(tables: Tables) -> View:
    """The five assumptions with what the data say about each."""
    found = checked(tables)
    told = [one for one in found if one.holds is not None]
    if not told:
        none = "None of the five assumptions can be checked on these tables."
        return View(none, table=lambda: _table(found))
    said = _said(sum(bool(one.holds) for one in told), len(told))
    if mostly_fail(found):
        said += " KPIs copied from consumer companies are likely to mislead, and are marked below."
    return View(said, table=lambda: _table(found))


@found_once
def checked(tables: Tables) -> list[Assumption]:
    """The five assumptions, checked."""
    return [check(tables) for check in CHECKS]


def mostly_fail(found: Sequence[Assumption]) -> bool:
    """Whether fewer than half hold of those that can be told; False where none can."""
    told = [one for one in found if one.holds is not None]
    return sum(bool(one.holds) for one in told) * 2 < len(told)


def marked(tables: Tables) -> tuple[str, ...]:
    """The KPIs that come from consumer companies, where what those rest on mostly fails; else none."""
    return FROM_CONSUMERS if mostly_fail(checked(tables)) else ()


def _said(holding: int, told: int) -> str:
    if told == 1:
        holds = "holds" if holding else "does not hold"
        return f"The one assumption that can be checked here {holds}."
    verb = "holds" if holding < 2 else "hold"
    count = format_count(told, "assumption")
    return f"{holding or 'None'} of the {count} that can be checked here {verb}."


def _table(found: list[Assumption]) -> Block:
    import pandas as pd

    from kpi_lib.charts.table import table

    words = {True: "holds", False: "does not hold", None: "cannot be told"}
    rows = [(one.name, words[one.holds], one.sentence) for one in found]
    return table(pd.DataFrame(rows, columns=["assumption", "here", "what the data say"]))


def _number(expression: ir.Scalar) -> float | None:
    """The value of an aggregate, None for nothing."""
    value = plain(run(expression.as_table()).iloc[0, 0])
    return None if value is None else float(value)


def buyer_is_user(tables: Tables) -> Assumption:
    """Whether at least half of the people who bought have ever used the product."""
    name = "The buyer is the user"
    if not {"accounts", "contacts", "usage"} <= set(tables):
        return Assumption(name, None, "People and their use are not in the data.")
    buyers = tables["contacts"].filter(tables["contacts"]["role"] == "buyer")
    buyers = buyers.semi_join(tables["accounts"], "account_id")
    used = buyers.semi_join(tables["usage"], "contact_id")
    bought, active = _number(buyers.count()) or 0.0, _number(used.count()) or 0.0
    if not bought:
        return Assumption(name, None, "No person is marked as a buyer.")
    share = active / bought
    said = f"{format_value(share, 'share')} of {format_count(bought, 'buyer')} have ever used the product."
    return Assumption(name, share >= HALF, said)


def quick_decisions(tables: Tables) -> Assumption:
    """Whether the median won lead decides within a month."""
    name = "Buying decisions are made quickly"
    if "leads" not in tables:
        return Assumption(name, None, "Leads are not in the data.")
    won = tables["leads"].filter(tables["leads"]["won_on"].notnull())
    days = won["won_on"].delta(won["created_on"], unit="day").cast("float64")
    median = _number(won.mutate(days=days)["days"].quantile(0.5))
    if median is None:
        return Assumption(name, None, "No lead has been won.")
    said = (
        f"The median won lead took {format_value(median, 'days')} from first contact to signature."
    )
    return Assumption(name, median <= QUICK_DAYS, said)


def easy_to_try(tables: Tables) -> Assumption:
    """Whether at least half of the customers used the product before they signed."""
    name = "The product is easy to try before purchase"
    if not {"accounts", "usage"} <= set(tables):
        return Assumption(name, None, "Accounts and their use are not in the data.")
    usage, accounts = tables["usage"], tables["accounts"]
    first = usage.group_by(of=usage["account_id"]).aggregate(first=usage["at"].cast("date").min())
    joined = accounts.join(first, accounts["account_id"] == first["of"])
    early = joined["first"] < joined["signed_on"]
    share = _number(early.cast("float64").mean())
    if share is None:
        return Assumption(name, None, "No account has used the product.")
    said = f"{format_value(share, 'share')} of the accounts that use it did so before they signed."
    return Assumption(name, share >= HALF, said)


def many_prospects(tables: Tables) -> Assumption:
    """Whether there are a thousand new leads a year or more."""
    name = "There are hundreds of prospects to talk to"
    if "leads" not in tables:
        return Assumption(name, None, "Leads are not in the data.")
    since = ibis.literal(tables.as_of - timedelta(days=YEAR))
    count = _number(tables["leads"].filter(tables["leads"]["created_on"] > since).count()) or 0.0
    said = f"{format_count(count, 'lead')} came in during the last {YEAR} days."
    return Assumption(name, count >= MANY, said)


def many_small_sales(tables: Tables) -> Assumption:
    """Whether a thousand customers or more sign in a year, the ten largest being less than a tenth."""
    name = "Sales are many and each is small"
    amounts = _amounts(tables)
    if "accounts" not in tables or amounts is None:
        return Assumption(name, None, "Accounts and what they pay are not in the data.")
    since = ibis.literal(tables.as_of - timedelta(days=YEAR))
    accounts = tables["accounts"]
    count = _number(accounts.filter(accounts["signed_on"] > since).count()) or 0.0
    share = _largest_ten(amounts)
    if share is None:
        return Assumption(name, None, "No account pays.")
    said = (
        f"{format_count(count, 'customer')} signed in the last {YEAR} days; "
        f"the ten largest pay {format_value(share, 'share')} of it all."
    )
    return Assumption(name, count >= MANY and share < SMALL_SHARE, said)


def _amounts(tables: Tables) -> ir.Table | None:
    """account_id, amount: what each account pays per month now, else what it ordered in a year."""
    day = ibis.literal(tables.as_of)
    if "subscriptions" in tables:
        rows = tables["subscriptions"]
        paying = rows.filter(rows["started_on"] <= day, rows["ended_on"] > day)
        return paying.group_by("account_id").aggregate(amount=paying["monthly_amount"].sum())
    if not {"orders", "order_lines"} <= set(tables):
        return None
    orders, lines = tables["orders"], tables["order_lines"]
    since = ibis.literal(tables.as_of - timedelta(days=YEAR))
    recent = orders.filter(orders["ordered_at"].cast("date") > since)
    rows = lines.join(recent.select("order_id", "account_id"), "order_id")
    amount = rows["quantity"] * rows["unit_price"]
    return rows.group_by("account_id").aggregate(amount=amount.sum())


def _largest_ten(amounts: ir.Table) -> float | None:
    frame = run(amounts.order_by(ibis.desc("amount"), "account_id"))
    whole = float(frame["amount"].sum()) if len(frame) else 0.0
    return float(frame["amount"].head(10).sum()) / whole if whole else None


CHECKS: tuple[Callable[[Tables], Assumption], ...] = (
    buyer_is_user,
    quick_decisions,
    easy_to_try,
    many_prospects,
    many_small_sales,
)
