"""Renewals that were kept and lost, by their number: all that a contractual retention model needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kpi_lib.stats.distributions import Floats

NO_ACCOUNTS = "no accounts"
ONE_ACCOUNT = "one account: a model of differences between accounts needs several"
NO_RENEWALS = "no account has come up for renewal yet"
NOBODY_LEFT = "nobody has left yet: how long customers stay cannot be told"
EVERYBODY_LEFT = "everybody has left: nobody is there whose stay could be told"
NOBODY_RENEWED = "everybody who came up for renewal has left: how long others stay cannot be told"


@dataclass(frozen=True)
class Renewals:
    """How many accounts were lost and kept at each renewal: (renewals,), or (draws, renewals).

    Column 0 is the first renewal. `accounts` started; all that is known of those who stay is that
    they were kept so far, so cohorts of any age add up.
    """

    lost: Floats
    kept: Floats
    accounts: Floats

    @property
    def at_risk(self) -> Floats:
        """Accounts up for renewal, at each."""
        return self.lost + self.kept

    @property
    def only_first(self) -> bool:
        """Whether no second renewal has been seen, so that a change of churn cannot be told."""
        return float(self.at_risk[..., 1:].sum()) <= 0

    def reason(self) -> str:
        """Why no model can be fitted to it, "" where one can."""
        lost, accounts = float(self.lost.sum()), float(self.accounts)
        checks = [
            (accounts <= 0, NO_ACCOUNTS),
            (accounts <= 1, ONE_ACCOUNT),
            (self.at_risk.sum() <= 0, NO_RENEWALS),
            (lost <= 0, NOBODY_LEFT),
            (lost >= accounts, EVERYBODY_LEFT),
            (self.kept.sum() <= 0, NOBODY_RENEWED),
        ]
        return next((text for fires, text in checks if fires), "")


def from_counts(*cohorts: Any) -> Renewals:
    """From the accounts of each cohort that are still there: at the start, after one renewal, ...

    Cohorts may be of different length. Raises ValueError where a cohort grows or is negative.
    """
    rows = [np.asarray(cohort, dtype=np.float64) for cohort in cohorts]
    if any((np.diff(row) > 0).any() or (row < 0).any() for row in rows):
        raise ValueError("accounts that are still there can only become fewer, and not below zero")
    longest = max(row.size for row in rows) - 1
    lost, kept = np.zeros(longest), np.zeros(longest)
    for row in rows:
        lost[: row.size - 1] -= np.diff(row)
        kept[: row.size - 1] += row[1:]
    return Renewals(lost, kept, np.asarray(sum(float(row[0]) for row in rows)))


def from_histories(repeats: Any, age: Any, counts: Any) -> Renewals:
    """From accounts by renewals kept (`repeats`) and renewals come up for (`age`).

    An account with fewer kept than come up for was lost at the next one. `counts` are (rows,), or
    (draws, rows) for resamples.
    """
    each = of_each(repeats, age)
    number = np.asarray(counts, dtype=np.float64)
    return Renewals(number @ each.lost, number @ each.kept, number.sum(axis=-1))


def of_each(repeats: Any, age: Any) -> Renewals:
    """The renewals of each account by itself, as `from_histories`: (rows, renewals) of 0 and 1."""
    stayed = np.asarray(repeats, dtype=np.int64)
    is_lost = stayed < np.asarray(age, dtype=np.int64)
    at = np.arange(int((stayed + is_lost).max(initial=0)))
    lost = is_lost[:, None] & (stayed[:, None] == at)
    kept = stayed[:, None] > at
    return Renewals(lost.astype(np.float64), kept.astype(np.float64), np.ones(len(stayed)))
