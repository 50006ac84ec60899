"""The same value reached by other formulas, and why they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kpi_lib.customers.money.outlooks import (
    YEAR,
    Base,
    constant_orders,
    constant_rates,
    constant_retention,
    new_customer_orders,
)
from kpi_lib.stats import discrete_weibull, lifetime
from kpi_lib.stats.value_models import ORDERS

if TYPE_CHECKING:
    import pandas as pd

CONTRACT_WAYS = {
    "shifted-beta-geometric": "headline: likely leavers leave first",
    "beta-discrete-Weibull": "check: own churn may change with tenure",
    "constant, paid at once": "m(1+d)/(1+d-r): cuts long stayers short",
    "constant, after renewal": "mr/(1+d-r): without the first payment m",
    "constant, paid at the end": "m/(1+d-r): each payment a period later",
    "margin / churn": "ARPA x margin / churn: no discount",
}
ORDER_WAYS = {
    "BG/NBD and Gamma-Gamma": "headline: customers differ",
    "constant rates": "one rhythm, one churn for all, discounted",
    "margin per year / churn": "ARPA x margin / churn: no discount",
    "brought so far": "looks back only",
}
"""Each formula, and why it differs: m margin per contract period, r retention, d discount."""


def ways(base: Base) -> pd.DataFrame:
    """One row per formula: way, value, difference (to the headline), lifetime_years, why.

    Lifetimes are discounted where the formula discounts. No rows where no value can be told.
    """
    import pandas as pd

    columns = ["way", "value", "difference", "lifetime_years", "why"]
    if base.valued.value is None:
        return pd.DataFrame(columns=columns)
    rows = _orders(base) if base.family == ORDERS else _contract(base)
    words = ORDER_WAYS if base.family == ORDERS else CONTRACT_WAYS
    headline = base.valued.value
    return pd.DataFrame(
        [
            (way, value, None if value is None else value - headline, years, words[way])
            for way, (value, years) in rows.items()
        ],
        columns=columns,
    )


Rows = dict[str, tuple[float | None, float | None]]


def _contract(base: Base) -> Rows:
    margin, rate = float(base.accounts["value"].mean()), base.terms.per_renewal
    renewals, headline = base.renewals, base.valued.value or 0.0
    kept, years = constant_retention(renewals), base.terms.renewal_months / 12.0
    check = discrete_weibull.value_of(discrete_weibull.fit(renewals), rate)
    found = {
        "shifted-beta-geometric": headline,
        "beta-discrete-Weibull": None if check is None else margin * check,
        "constant, paid at once": lifetime.constant_value(margin, kept, rate, "at once"),
        "constant, after renewal": lifetime.constant_value(margin, kept, rate, "if renewed"),
        "constant, paid at the end": lifetime.constant_value(margin, kept, rate, "at the end"),
        "margin / churn": margin / (1.0 - kept),
    }
    return {
        way: (value, None if value is None else value / margin * years)
        for way, value in found.items()
    }


def _orders(base: Base) -> Rows:
    accounts, terms = base.accounts, base.terms
    headline = base.valued.value or 0.0
    mean = headline / (1.0 + new_customer_orders(base))
    rate, leaving = constant_rates(accounts)
    ahead = constant_orders(rate, leaving, terms.per_day, terms.horizon_days or np.inf)
    so_far = float(((accounts["repeats"] + 1.0) * accounts["value"]).mean())
    age = float(accounts["age"].mean()) / YEAR
    return {
        "BG/NBD and Gamma-Gamma": (headline, None),
        "constant rates": (
            mean * (1.0 + ahead),
            1.0 / (leaving + terms.per_day) / YEAR,
        ),
        "margin per year / churn": (mean * rate / leaving, 1.0 / leaving / YEAR)
        if leaving > 0
        else (None, None),
        "brought so far": (so_far, age),
    }
