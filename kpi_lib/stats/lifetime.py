"""Expected lifetimes under contract, discounted: of a new customer, and by tenure of the others.

Source: Fader, P. and Hardie, B. (2010), Customer-base valuation in a contractual setting: the
perils of ignoring heterogeneity, Marketing Science 29(1), 85-93. One payment is made at the start
of every contract period; `discount` is the rate per contract period.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.shifted_beta_geometric import churn_at

_LEFT_OVER = 1e-14
"""Sums end where what is left is below this share."""


def terms_needed(discount: float, horizon: int | None = None) -> int:
    """How many payments a discounted sum has to hold; at most `horizon` where one is given.

    Raises ValueError unless the discount is above 0: without one, a lifetime may be endless.
    """
    if not discount > 0:
        raise ValueError("the discount rate must be above 0")
    needed = math.ceil(-math.log(_LEFT_OVER) / math.log1p(discount)) + 1
    return needed if horizon is None else min(needed, horizon)


def discounted_lifetime(
    mean_churn: Any, spread: Any, discount: float, horizon: int | None = None
) -> Floats:
    """Expected number of payments of a new customer, discounted: the first one counts 1.

    Sum over t of S(t)/(1+d)^t. Arguments may be arrays.
    """
    return _from_renewal(mean_churn, spread, discount, 0, horizon, first_is_sure=True)


def residual_lifetime(
    mean_churn: Any, spread: Any, discount: float, renewals: Any, horizon: int | None = None
) -> Floats:
    """Expected further payments, discounted, just before the next renewal falls due.

    `renewals`: how many the customer has kept (0: in its first contract period). The next payment,
    if the contract is renewed, counts 1. The index n of the source is `renewals` + 1.
    """
    found = [
        _from_renewal(mean_churn, spread, discount, int(kept), horizon, first_is_sure=False)
        for kept in np.atleast_1d(np.asarray(renewals))
    ]
    shaped = np.array(found).reshape(np.shape(renewals) + np.shape(found[0]))
    return np.asarray(shaped, dtype=np.float64)


def _from_renewal(
    mean_churn: Any, spread: Any, discount: float, kept: int, horizon: int | None,
    *, first_is_sure: bool,
) -> Floats:  # fmt: skip
    terms = terms_needed(discount, horizon)
    stay = 1.0 - churn_at(mean_churn, spread, kept + terms)[..., kept:]
    shares = np.cumprod(stay, axis=-1)
    if first_is_sure:
        shares = np.concatenate([np.ones((*shares.shape[:-1], 1)), shares[..., :-1]], axis=-1)
    weights = (1.0 + discount) ** -np.arange(terms, dtype=np.float64)
    return np.asarray(shares @ weights, dtype=np.float64)


def constant_value(margin: float, retention: float, discount: float, timing: str) -> float:
    """The three closed forms of lifetime value under one constant retention.

    `timing`: "at once" m(1+d)/(1+d-r) counts a first payment made now; "if renewed" mr/(1+d-r)
    counts from the next renewal, at its end of period; "at the end" m/(1+d-r) has each payment made
    at the end of its period. Source: Fader, P. and Hardie, B. (2012), Reconciling and clarifying
    CLV formulas, note 024. Raises KeyError for another timing.
    """
    factor = {"at once": 1.0 + discount, "if renewed": retention, "at the end": 1.0}[timing]
    return margin * factor / (1.0 + discount - retention)


def constant_residual(retention: float, discount: float) -> float:
    """Further payments of any customer just before its next renewal under one constant retention."""
    return retention * (1.0 + discount) / (1.0 + discount - retention)


def last_retention(*cohorts: Any) -> float:
    """Accounts kept at their last renewal over those up for it, over all cohorts with one."""
    rows = [np.asarray(cohort, dtype=np.float64) for cohort in cohorts]
    due = [row for row in rows if row.size > 1]
    return float(sum(row[-1] for row in due) / sum(row[-2] for row in due))
