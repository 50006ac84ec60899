"""The data contract itself: every table a data set may have. A leaf, read by the data side.

Three rules beyond what the tables say. Every table may have `recorded_at`, the moment a row was
loaded; a row is then known at the later of its own date and that moment. A lead's account without
`account_linked_on` counts as known with the lead, which the checks report. A contract without a
fixed term has `term_ends_on` 2999-12-31.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kpi_lib.schema import Column, Kind, Order, Reference, TableContract


def _need(name: str, kind: Kind, **facts: Any) -> Column:
    return Column(name=name, kind=kind, **facts)


def _may(name: str, kind: Kind, **facts: Any) -> Column:
    return Column(name=name, kind=kind, required=False, **facts)


def _later(name: str, kind: Kind, **facts: Any) -> Column:
    """A date filled in later, known on itself."""
    return Column(name=name, kind=kind, required=False, known_on=(name,), **facts)


def _of(table: str, column: str, *, strict: bool = True) -> Reference:
    return Reference(column=column, table=table, target=column, strict=strict)


def _table(name: str, meaning: str, *columns: Column, **facts: Any) -> TableContract:
    recorded = _may("recorded_at", "at")
    return TableContract(name=name, meaning=meaning, columns=(*columns, recorded), **facts)


ACCOUNT = _of("accounts", "account_id")
PROSPECT = _of("accounts", "account_id", strict=False)
CONTACT = _of("contacts", "contact_id", strict=False)

ACCOUNTS = _table(
    "accounts",
    "customer companies",
    _need("account_id", "id"),
    _need("name", "text"),
    _need("signed_on", "date"),
    _later("kickoff_on", "date", ahead=True),
    _may("segment", "text", current_only=True),
    _may("industry", "text"),
    _may("country", "text"),
    _may("product_type", "text", allowed=("people", "api", "mixed")),
    _may("is_ideal", "flag", current_only=True),
    _may("seats", "integer", minimum=0, current_only=True),
    _may("owner", "text", current_only=True),
    key=("account_id",),
    known_on="signed_on",
    orders=(Order(earlier="signed_on", later="kickoff_on"),),
)
CONTACTS = _table(
    "contacts",
    "people and service users of an account",
    _need("contact_id", "id"),
    _need("account_id", "id"),
    _may("role", "text", allowed=("buyer", "user", "admin", "sponsor")),
    _need("created_on", "date"),
    _may("is_service", "flag"),
    key=("contact_id",),
    known_on="created_on",
    references=(PROSPECT,),
)
SUBSCRIPTIONS = _table(
    "subscriptions",
    "one row is one price period of a contract",
    _need("subscription_id", "id"),
    _need("account_id", "id"),
    _need("started_on", "date"),
    _may("ended_on", "date", known_on=("ended_on", "cancelled_on"), open_ended=True),
    _later("cancelled_on", "date"),
    _need("term_ends_on", "date", ahead=True),
    _need("monthly_amount", "money", minimum=0),
    _need("billing_months", "integer", minimum=1),
    _may("plan", "text"),
    _may("seats", "integer", minimum=0),
    _may("currency", "text"),
    _may("reason", "text", known_on=("ended_on", "cancelled_on")),
    key=("subscription_id", "started_on"),
    known_on="started_on",
    references=(ACCOUNT,),
    orders=(
        Order(earlier="started_on", later="ended_on", tolerated=0),
        Order(earlier="started_on", later="cancelled_on"),
        Order(earlier="started_on", later="term_ends_on"),
    ),
    no_overlap=("subscription_id", "started_on", "ended_on"),
)
USAGE = _table(
    "usage",
    "things people and programs did in the product",
    _need("account_id", "id"),
    _may("contact_id", "id"),
    _need("at", "at"),
    _need("event", "text"),
    _may("channel", "text", allowed=("ui", "api")),
    _may("quantity", "number", minimum=0),
    known_on="at",
    references=(ACCOUNT, CONTACT),
    silence="every account would look inactive",
)
ONBOARDING = _table(
    "onboarding",
    "stages between signing and first value, and in whose hands each was",
    _need("account_id", "id"),
    _need("stage", "text"),
    _need("owner", "text"),
    _need("entered_at", "at"),
    _later("left_at", "at", open_ended=True),
    known_on="entered_at",
    references=(ACCOUNT,),
    orders=(Order(earlier="entered_at", later="left_at", tolerated=0),),
)
LEADS = _table(
    "leads",
    "people or companies who showed interest",
    _need("lead_id", "id"),
    _may("account_id", "id", known_on=("account_linked_on",)),
    _later("account_linked_on", "date"),
    _may("contact_id", "id"),
    _need("created_on", "date"),
    _need("source", "text"),
    _may("campaign", "text"),
    _may("plan", "text"),
    _may("segment", "text", current_only=True),
    _may("is_ideal", "flag", current_only=True),
    _later("demo_on", "date", ahead=True),
    _later("won_on", "date"),
    _later("lost_on", "date"),
    _may("lost_reason", "text", known_on=("lost_on",)),
    key=("lead_id",),
    known_on="created_on",
    references=(PROSPECT, CONTACT),
    orders=(
        Order(earlier="created_on", later="demo_on"),
        Order(earlier="created_on", later="won_on"),
        Order(earlier="created_on", later="lost_on"),
    ),
)
STATES = _table(
    "states",
    "demand states, before and after the sale",
    _need("account_id", "id"),
    _may("contact_id", "id"),
    _need("state", "text"),
    _need("entered_at", "at"),
    _later("left_at", "at", open_ended=True),
    _may("opportunity_id", "id"),
    _may("amount", "money", minimum=0),
    known_on="entered_at",
    references=(PROSPECT, CONTACT),
    orders=(Order(earlier="entered_at", later="left_at", tolerated=0),),
)
INTERACTIONS = _table(
    "interactions",
    "touches by content, team or channel",
    _need("interaction_id", "id"),
    _need("account_id", "id"),
    _may("contact_id", "id"),
    _need("at", "at"),
    _need("lever", "text", allowed=("content", "team", "channel")),
    _need("name", "text"),
    _may("channel", "text"),
    _may("track", "text"),
    _may("cost", "money", minimum=0),
    key=("interaction_id",),
    known_on="at",
    references=(PROSPECT, CONTACT),
)
SPEND = _table(
    "spend",
    "money spent by a department in a month",
    _need("month", "date"),
    _need("department", "text", allowed=("marketing", "sales", "support", "success")),
    _may("channel", "text"),
    _may("campaign", "text"),
    _may("purpose", "text", allowed=("acquisition", "retention")),
    _need("amount", "money", minimum=0),
    known_on="month",
    known_at="end of month",
)
COSTS = _table(
    "costs",
    "what serving an account cost in a month",
    _need("account_id", "id"),
    _need("month", "date"),
    _need("kind", "text", allowed=("goods", "service")),
    _need("amount", "money", minimum=0),
    known_on="month",
    known_at="end of month",
    references=(ACCOUNT,),
)
ORDERS = _table(
    "orders",
    "orders of goods",
    _need("order_id", "id"),
    _need("account_id", "id"),
    _need("ordered_at", "at"),
    _later("shipped_on", "date", ahead=True),
    _later("cancelled_on", "date"),
    _later("returned_on", "date"),
    _may("channel", "text"),
    _may("booking", "flag"),
    _may("deliver_on", "date", ahead=True),
    _may("freight", "money", minimum=0),
    key=("order_id",),
    known_on="ordered_at",
    references=(ACCOUNT,),
    orders=(
        Order(earlier="ordered_at", later="shipped_on"),
        Order(earlier="ordered_at", later="cancelled_on"),
        Order(earlier="ordered_at", later="returned_on"),
    ),
    silence="every customer would look lost",
)
ORDER_LINES = _table(
    "order_lines",
    "the goods of an order",
    _need("order_id", "id"),
    _need("line_no", "integer"),
    _need("product_id", "id"),
    # Few negative quantities are goods taken back; many of them are a mistake.
    _need("quantity", "number", minimum=0, tolerated=0.05),
    _need("list_price", "money", minimum=0),
    _need("unit_price", "money", minimum=0),
    key=("order_id", "line_no"),
    known_with=("orders", "order_id"),
    references=(_of("orders", "order_id"),),
)
CARTS = _table(
    "carts",
    "baskets of the web shop, ordered or left",
    _need("cart_id", "id"),
    _may("account_id", "id"),
    _may("session_id", "id"),
    _need("created_at", "at"),
    _later("ordered_at", "at"),
    _may("order_id", "id", known_on=("ordered_at",)),
    _need("amount", "money", minimum=0),
    _need("items", "integer", minimum=0),
    key=("cart_id",),
    known_on="created_at",
    references=(PROSPECT, _of("orders", "order_id", strict=False)),
    orders=(Order(earlier="created_at", later="ordered_at"),),
)
PAGE_VIEWS = _table(
    "page_views",
    "pages seen in the web shop",
    _need("session_id", "id"),
    _may("account_id", "id"),
    _need("at", "at"),
    _need("page", "text"),
    _may("product_id", "id"),
    _may("in_stock", "flag"),
    known_on="at",
    references=(PROSPECT,),
)
TARGETS = _table(
    "targets",
    "what we mean to sell to an account in a year",
    _need("account_id", "id"),
    _need("year", "integer", minimum=1900),
    _need("set_on", "date"),
    _need("target_amount", "money", minimum=0),
    _may("potential_amount", "money", minimum=0),
    key=("account_id", "year"),
    known_on="set_on",
    references=(ACCOUNT,),
)
ANSWERS = _table(
    "answers",
    "answers to a survey question",
    _need("answer_id", "id"),
    _need("question", "text"),
    _need("respondent_id", "id"),
    _may("team", "text"),
    _may("account_id", "id"),
    _need("answered_on", "date"),
    _need("score", "number", minimum=0),
    _need("scale_max", "integer", allowed=(10, 5)),
    _may("comment", "text"),
    key=("answer_id",),
    known_on="answered_on",
    references=(PROSPECT,),
)
INVITED = _table(
    "invited",
    "how many people were asked",
    _need("question", "text"),
    _may("team", "text"),
    _need("period", "date"),
    _need("people", "integer", minimum=0),
    key=("question", "team", "period"),
    known_on="period",
)
BENCHMARKS = _table(
    "benchmarks",
    "figures of competitors, published or bought",
    _need("competitor", "text"),
    _need("kpi", "text"),
    _need("period", "date"),
    _need("value", "number"),
    _need("source", "text"),
    _may("confidence", "text"),
    # The settings that the figure follows, as "period=quarter; churn_on=end"; empty: not stated.
    _may("definition", "text"),
    known_on="period",
)
ACCOUNT_HISTORY = _table(
    "account_history",
    "when a field of an account took a value",
    _need("account_id", "id"),
    _need("field", "text", allowed=("segment", "owner", "is_ideal", "seats")),
    _may("value", "text"),
    _need("from_on", "date"),
    key=("account_id", "field", "from_on"),
    known_on="from_on",
    references=(ACCOUNT,),
)

CONTRACT: Mapping[str, TableContract] = {
    table.name: table
    for table in (
        ACCOUNTS,
        CONTACTS,
        SUBSCRIPTIONS,
        USAGE,
        ONBOARDING,
        LEADS,
        STATES,
        INTERACTIONS,
        SPEND,
        COSTS,
        ORDERS,
        ORDER_LINES,
        CARTS,
        PAGE_VIEWS,
        TARGETS,
        ANSWERS,
        INVITED,
        BENCHMARKS,
        ACCOUNT_HISTORY,
    )
}
"""Every table a data set may have, by name."""
