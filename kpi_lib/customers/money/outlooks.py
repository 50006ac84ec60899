"""What is still to come from each customer, and how much of it is at risk: models met with accounts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kpi_lib.customers.money.families import available
from kpi_lib.customers.money.lifetimes import ORDERS, Rule, lives
from kpi_lib.customers.subscribed import only, with_account
from kpi_lib.engine import run
from kpi_lib.schema import Tables
from kpi_lib.stats import lifetime, purchases, spend
from kpi_lib.stats import shifted_beta_geometric as sbg
from kpi_lib.stats.future_orders import discounted_orders, residual_orders
from kpi_lib.stats.renewals import Renewals, from_histories
from kpi_lib.stats.value_models import Sample, Terms, Valued, valued

if TYPE_CHECKING:
    import pandas as pd

YEAR = 365.25
SILENT_DAYS = 365.0
"""Days without an order after which the simple formula counts a customer as gone."""

FIGURES = ("chance_to_leave", "residual_value", "at_risk", "constant_value")


class Choice(Rule, Protocol):
    """The parameters of lifetime value."""

    @property
    def discount_rate(self) -> float:
        """Discount per year."""
        ...

    @property
    def horizon_years(self) -> int:
        """Years looked ahead, 0 for all."""
        ...


def terms_of(params: Choice) -> Terms:
    """How time is valued."""
    return Terms(params.discount_rate, params.renewal_months, params.horizon_years)


@dataclass(frozen=True)
class Base:
    """All accounts as known on one day: one row each, sorted, with the model's sample of them."""

    family: str
    accounts: pd.DataFrame
    terms: Terms

    @cached_property
    def sample(self) -> Sample:
        """The accounts as the model takes them."""
        return sample_from(self.family, self.accounts)

    @cached_property
    def renewals(self) -> Renewals:
        """Renewals kept and lost."""
        sample = self.sample
        return from_histories(sample.repeats, sample.age, sample.counts)

    @cached_property
    def valued(self) -> Valued:
        """The value of a new customer."""
        return valued(self.sample, self.terms)

    @cached_property
    def rhythm(self) -> purchases.Fit:
        """The BG/NBD fit."""
        one = self.sample
        return purchases.fit(purchases.histories(one.repeats, one.recency, one.age, one.counts))

    @cached_property
    def spending(self) -> spend.Fit:
        """The Gamma-Gamma fit."""
        one = self.sample
        return spend.fit(spend.spending(one.repeats, one.amounts, one.counts))


def sample_from(family: str, accounts: pd.DataFrame) -> Sample:
    """Accounts as a sample, one row each."""
    repeats, recency, age, value = (
        accounts[name].to_numpy(dtype=np.float64) for name in ("repeats", "recency", "age", "value")
    )
    ones = np.ones(len(accounts))
    return Sample(family, repeats, recency, age, value, 0.0 * ones, ones)


def base_of(tables: Tables, params: Choice) -> Base:
    """All accounts as known on the day of the tables; no rows where there are no tables for it."""
    rows = lives(tables, only(tables.as_of), params)
    frame = run(with_account(tables, rows).order_by("account_id"))
    family = str(frame["kind"].iloc[0]) if len(frame) else available(tables)[0]
    return Base(family, frame, terms_of(params))


def outlook(base: Base) -> pd.DataFrame:
    """The accounts still here with `FIGURES`; without rows where no value can be told.

    chance_to_leave: at the next renewal, or to have gone already (orders). residual_value: margin
    still expected (money). at_risk: the chance to leave times what a renewal would bring; by orders,
    times the residual value, so that customers surely gone count for nothing. constant_value: the
    residual value under one constant churn.
    """
    here = base.accounts[base.accounts["is_here"].astype(bool)].reset_index(drop=True)
    if base.valued.value is None:
        return here.iloc[:0].assign(**dict.fromkeys(FIGURES, 0.0))
    figures = _orders(base, here) if base.family == ORDERS else _contracts(base, here)
    return here.assign(**dict(zip(FIGURES, figures, strict=True)))


def constant_retention(renewals: Renewals) -> float:
    """Renewals kept over renewals come up for, over all accounts and tenures."""
    return float(renewals.kept.sum() / renewals.at_risk.sum())


def _contracts(base: Base, here: pd.DataFrame) -> tuple[Any, ...]:
    renewals, terms = base.renewals, base.terms
    fitted = sbg.fit(renewals)
    assert fitted.mean_churn is not None
    assert fitted.spread is not None
    kept, place = np.unique(here["repeats"].to_numpy(dtype=np.int64), return_inverse=True)
    stays = lifetime.residual_lifetime(
        fitted.mean_churn, fitted.spread, terms.per_renewal, kept, terms.horizon_payments
    )[place]
    leaves = (fitted.mean_churn / (1.0 + kept * fitted.spread))[place]
    margin = here["value"].to_numpy(dtype=np.float64)
    one = sbg.LOW[1]
    flat = lifetime.residual_lifetime(
        1.0 - constant_retention(renewals),
        np.exp(one),
        terms.per_renewal,
        0,
        terms.horizon_payments,
    )
    residual = margin * stays
    return leaves, residual, residual / (1.0 - leaves) * leaves, margin * flat


def _orders(base: Base, here: pd.DataFrame) -> tuple[Any, ...]:
    terms, rhythm = base.terms, base.rhythm.parameters
    repeats, recency, age = (
        here[name].to_numpy(dtype=np.float64) for name in ("repeats", "recency", "age")
    )
    amount = spend.expected_amount(base.spending.parameters, repeats, here["value"].to_numpy())
    alive = purchases.chance_alive(rhythm, repeats, recency, age)
    orders = residual_orders(rhythm, repeats, recency, age, terms.per_day, terms.horizon_days)
    residual = amount * orders
    rate, leaving = constant_rates(here)
    still = age - recency <= SILENT_DAYS
    flat = constant_orders(rate, leaving, terms.per_day, terms.horizon_days or np.inf)
    mean = float(here["value"].mean())
    return (
        1.0 - alive,
        residual,
        residual * (1.0 - alive),
        np.where(still, mean * flat, 0.0),
    )


def constant_rates(accounts: pd.DataFrame) -> tuple[float, float]:
    """Orders per day while here, and leaving per day, one figure for all customers.

    A customer silent for over `SILENT_DAYS` counts as gone since its last order.
    """
    age, recency = (accounts[name].to_numpy(dtype=np.float64) for name in ("age", "recency"))
    silent = age - recency > SILENT_DAYS
    watched = float(np.where(silent, recency, age).sum())
    if not watched > 0:
        return 0.0, 0.0
    return float(accounts["repeats"].sum()) / watched, float(silent.sum()) / watched


def constant_orders(rate: float, leaving: float, discount: float, horizon: float) -> float:
    """Discounted orders under constant rates: rate / (discount + leaving), up to the horizon."""
    total = discount + leaving
    return float(rate / total * -np.expm1(-total * horizon)) if total > 0 else float(rate * horizon)


def new_customer_orders(base: Base) -> float:
    """Discounted repeat orders expected of a new customer."""
    terms = base.terms
    return float(discounted_orders(base.rhythm.parameters, terms.per_day, terms.horizon_days))
