"""Lifetime value of a new customer from one set of accounts: under contract, or by orders.

Each model is fitted once, and gives a matrix whose sums over accounts say all that a resample of the
accounts needs, so that a bootstrap is one matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kpi_lib.stats import purchases, spend
from kpi_lib.stats import shifted_beta_geometric as sbg
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.future_orders import discounted_orders
from kpi_lib.stats.lifetime import discounted_lifetime
from kpi_lib.stats.maximum import curvature
from kpi_lib.stats.renewals import Renewals, from_histories, of_each

CONTRACT, ORDERS = "contract", "orders"
NO_MARGIN = "the margin is not above 0: customers that cost more than they bring have no value"

_YEAR = 365.25
_FARTHEST = 3.0
"""A resample moves the log of a parameter at most so far from its fit."""


@dataclass(frozen=True)
class Terms:
    """How time is valued: yearly discount rate, months per contract period, years looked ahead (0: all)."""

    discount_rate: float
    renewal_months: int
    horizon_years: int = 0

    @property
    def per_renewal(self) -> float:
        """Discount rate per contract period."""
        return float((1.0 + self.discount_rate) ** (self.renewal_months / 12.0) - 1.0)

    @property
    def per_day(self) -> float:
        """Continuous discount rate per day."""
        return math.log1p(self.discount_rate) / _YEAR

    @property
    def horizon_payments(self) -> int | None:
        """How many contract periods are counted; None for all."""
        months = self.horizon_years * 12
        return max(1, months // self.renewal_months) if months else None

    @property
    def horizon_days(self) -> float | None:
        """How many days are counted; None for all."""
        return self.horizon_years * _YEAR or None


@dataclass(frozen=True)
class Sample:
    """Accounts by history, in rows: repeats, recency, age, mean amount, its variance, and counts.

    Under contract repeats are renewals kept, age renewals come up for, amounts margin per contract
    period. By orders they are repeat orders, and the days of the last one and of the last day
    watched since the first; amounts are margin per repeat order.
    """

    kind: str
    repeats: Floats
    recency: Floats
    age: Floats
    amounts: Floats
    variances: Floats
    counts: Floats

    @property
    def total(self) -> float:
        """Margin of all rows."""
        return float(self.amounts @ self.counts)


@dataclass(frozen=True)
class Valued:
    """A value with what a bootstrap needs; without a value, the reason.

    `matrix` is (rows, sums); `finish` turns (draws, sums), and standard normal noise (draws,) for
    the amounts within a row, into values.
    """

    value: float | None
    reason: str = ""
    matrix: Floats | None = None
    finish: Callable[[Floats, Floats], Floats] | None = None


def valued(sample: Sample, terms: Terms) -> Valued:
    """The lifetime value of a new customer like these."""
    if sample.counts.sum() > 0 and not sample.total > 0:
        return Valued(None, NO_MARGIN)
    return by_orders(sample, terms) if sample.kind == ORDERS else under_contract(sample, terms)


def under_contract(sample: Sample, terms: Terms) -> Valued:
    """Mean margin per contract period times the discounted expected lifetime in such periods."""
    whole = from_histories(sample.repeats, sample.age, sample.counts)
    fitted = fitted_retention(whole)
    if fitted.mean_churn is None:
        return Valued(None, fitted.reason)
    rate, horizon = terms.per_renewal, terms.horizon_payments
    lifetime = discounted_lifetime(fitted.mean_churn, fitted.spread, rate, horizon)
    value = sample.total / float(sample.counts.sum()) * float(lifetime)
    each = of_each(sample.repeats, sample.age)
    money = np.stack([np.ones_like(sample.counts), sample.amounts, sample.variances], axis=1)
    renewals = each.lost.shape[1]

    def finish(sums: Floats, noise: Floats) -> Floats:
        lost, kept = sums[:, :renewals], sums[:, renewals : 2 * renewals]
        accounts, amount, variance = sums[:, -3:].T
        points = sbg.refit(lost, kept, fitted)
        stays = discounted_lifetime(*sbg.parameters(points), rate, horizon)
        total = amount + noise * np.sqrt(variance)
        return np.asarray(total / np.maximum(accounts, 1.0) * stays)

    return Valued(value, "", np.concatenate([each.lost, each.kept, money], axis=1), finish)


def by_orders(sample: Sample, terms: Terms) -> Valued:
    """Mean margin per order times one order now and the discounted orders expected after it."""
    data = purchases.histories(sample.repeats, sample.recency, sample.age, sample.counts)
    rhythm, amount = fitted_rhythm(data), fitted_spend(sample)
    reason = rhythm.reason or amount.reason
    if reason:
        return Valued(None, reason)
    rate, horizon = terms.per_day, terms.horizon_days
    value = float(_worth(rhythm.parameters, amount.parameters, rate, horizon))
    first, second = np.log(rhythm.parameters), np.log(amount.parameters)
    steps = np.concatenate([_rhythm_steps(data, first), _spend_steps(sample, second)], axis=1)

    def finish(sums: Floats, noise: Floats) -> Floats:
        del noise
        move = np.clip(sums - steps.T @ sample.counts, -_FARTHEST, _FARTHEST)
        rhythms, amounts = np.exp(first + move[:, :4]), np.exp(second + move[:, 4:])
        return _worth(rhythms, amounts, rate, horizon)

    return Valued(value, "", steps, finish)


def _worth(rhythm: Floats, amount: Floats, rate: float, horizon: float | None) -> Floats:
    orders = 1.0 + discounted_orders(rhythm, rate, horizon)
    return np.asarray(spend.mean_amount(amount) * orders)


def fitted_rhythm(data: purchases.Histories) -> purchases.Fit:
    """The BG/NBD fit, remembered: other amounts and discounts need no new one."""
    return _rhythm(*(v.tobytes() for v in (data.repeats, data.recency, data.age, data.counts)))


def fitted_spend(sample: Sample) -> spend.Fit:
    """The Gamma-Gamma fit of the accounts with repeat orders, remembered."""
    return _spend(*(v.tobytes() for v in (sample.repeats, sample.amounts, sample.counts)))


def fitted_retention(renewals: Renewals) -> sbg.Fit:
    """The retention model of these renewals; the last ones are kept, since many questions share them."""
    columns = [np.ascontiguousarray(one).tobytes() for one in (renewals.lost, renewals.kept)]
    return _retention(float(renewals.accounts), *columns)


@lru_cache(maxsize=256)
def _retention(accounts: float, *columns: bytes) -> sbg.Fit:
    lost, kept = (np.frombuffer(column) for column in columns)
    return sbg.fit(Renewals(lost, kept, np.asarray(accounts)))


@lru_cache(maxsize=32)
def _rhythm(*columns: bytes) -> purchases.Fit:
    return purchases.fit(purchases.histories(*(np.frombuffer(column) for column in columns)))


@lru_cache(maxsize=32)
def _spend(*columns: bytes) -> spend.Fit:
    return spend.fit(spend.spending(*(np.frombuffer(column) for column in columns)))


def _rhythm_steps(data: purchases.Histories, point: Floats) -> Floats:
    """How each customer pulls the logs of the four parameters: (rows, 4)."""

    def surface(at: Floats) -> tuple[float, Floats]:
        height, slopes = purchases.scores(data, at)
        return float(data.counts @ height), slopes @ data.counts

    return _influence(purchases.scores(data, point)[1], curvature(surface, point))


def _spend_steps(sample: Sample, point: Floats) -> Floats:
    """How each customer pulls the logs of p, q, gamma: (rows, 3), zeros without repeat orders."""
    data = spend.spending(sample.repeats, sample.amounts, sample.counts)

    def surface(at: Floats) -> tuple[float, Floats]:
        height, slopes = spend.scores(data, at)
        return float(data.counts @ height), slopes @ data.counts

    steps = np.zeros((sample.counts.size, 3))
    rows = (sample.repeats > 0) & (sample.counts > 0)
    steps[rows] = _influence(spend.scores(data, point)[1], curvature(surface, point))
    return steps


def _influence(slopes: Floats, second: Floats) -> Floats:
    """Scores times the inverse curvature; directions the data say nothing about do not move.

    Source: Hu and Kalbfleisch (2000), the estimating function bootstrap.
    """
    values, vectors = np.linalg.eigh(-second)
    told = values > 1e-7 * max(float(values.max()), 1e-300)
    inverse = np.where(told, 1.0 / np.where(told, values, 1.0), 0.0)
    return np.asarray(slopes.T @ (vectors * inverse) @ vectors.T)
