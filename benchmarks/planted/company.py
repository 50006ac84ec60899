"""One simulated company: contracts, and how often each account uses five features in each month.

The five features are the candidates. What they are is planted:

leads     three of four accounts that will give notice use it less from 4 to 8 months before the notice
          on; one account in five has such a spell for three months for no reason
lags      falls only after the customer has decided, which is up to 40 days before the notice
noise     has a level of its own for each account, and nothing to do with who stays
gamed     leads as the first one does, but a script can lift it and nothing named gives that away
survivor  grows with the months an account has stayed, whoever it is; who leaves mostly does so at the
          end of the first term, so that the mean rises as the others are gone, and tells nothing that
          tenure and the last renewal do not tell

An account that stays as it is and is a bad risk from its first day on is not planted as an artefact:
it is known early who that is, so that it leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

KINDS = ("leads", "lags", "noise", "gamed", "survivor")
FALSE_KINDS = KINDS[1:]
"""Those that should not be adopted."""

FIRST_YEAR, FIRST_MONTH = 2023, 7
QUARTERS, MONTHS, TERM = 12, 36, 12
LAST_DAY = date(2026, 6, 30)
NEVER = 10_000
"""A month, or with `NO_DAY` a day, that does not come."""
NO_DAY = 10_000_000

USUAL, SPREAD, MOST = 15.0, 5.0, 28
"""Uses a month: the usual number, its standard deviation, and the largest number."""
TRAIT = 0.8
"""Share of the variance between accounts and months that belongs to the account."""


def month_start(month: int) -> date:
    """The first day of a month counted from the first month of the company."""
    count = FIRST_YEAR * 12 + FIRST_MONTH - 1 + month
    return date(count // 12, count % 12 + 1, 1)


MONTH_ENDS: Ints = np.array([month_start(m + 1).toordinal() - 1 for m in range(MONTHS)])
"""The last day of each month, as an ordinal."""


@dataclass(frozen=True)
class Plan:
    """What a company is drawn from. Effects are in standard deviations of the monthly use."""

    per_quarter: int
    seed: int
    least_drop: float = 1.0
    largest_drop: float = 1.6
    goes_quiet: float = 0.75
    ahead_days: tuple[int, int] = (125, 250)
    notice_days: tuple[int, int] = (30, 90)
    decided_days: int = 40


@dataclass(frozen=True)
class Terms:
    """Contract terms of a year, one entry each: the account, its first month, lost at its end or not."""

    account: Ints
    start: Ints
    is_lost: Flags


@dataclass(frozen=True)
class Company:
    """Accounts (arrays over them) and their use: kind -> (accounts, months), 0 where not a customer.

    `started` is the first month of an account, `stopped` the first month after it (`NEVER` where it
    goes on), `notice` the day it gives notice (`NO_DAY`), `drop` what was planted.
    """

    plan: Plan
    started: Ints
    stopped: Ints
    notice: Ints
    amount: Floats
    segment: Ints
    terms: Terms
    uses: Mapping[str, Ints]
    drop: float

    @cached_property
    def paying(self) -> Flags:
        """Whether an account pays at the end of each month: (accounts, months)."""
        months = np.arange(MONTHS)
        return (self.started[:, None] <= months) & (months < self.stopped[:, None])

    @cached_property
    def names(self) -> list[str]:
        """The ids of the accounts, in order: no two companies of one size share one."""
        return [f"C{self.plan.seed:05d}A{number:05d}" for number in range(len(self.started))]


def simulate(plan: Plan) -> Company:
    """A company that wins `per_quarter` customers in each of twelve quarters, seen on `LAST_DAY`."""
    rng = np.random.default_rng([plan.per_quarter, plan.seed])
    count = plan.per_quarter * QUARTERS
    started = np.repeat(np.arange(QUARTERS) * 3, plan.per_quarter) + rng.integers(0, 3, count)
    size = rng.standard_normal(count)
    terms, stopped = _terms(rng, started, size)
    before = rng.integers(*plan.notice_days, count, endpoint=True)
    ends = np.array([month_start(month).toordinal() for month in range(MONTHS + TERM + 1)])
    notice = np.where(stopped < NEVER, ends[np.minimum(stopped, MONTHS + TERM)] - before, NO_DAY)
    drop = float(rng.uniform(plan.least_drop, plan.largest_drop))
    company = Company(
        plan=plan,
        started=started,
        stopped=stopped,
        notice=notice,
        amount=np.round(np.exp(6.5 + 0.6 * size), 2),
        segment=rng.integers(0, 2, count),
        terms=terms,
        uses={},
        drop=drop,
    )
    drawn = {kind: _uses(rng, company, _effect(rng, company, kind)) for kind in KINDS}
    return replace(company, uses=drawn)


def _terms(rng: np.random.Generator, started: Ints, size: Floats) -> tuple[Terms, Ints]:
    """Yearly terms, lost at their end by chance: a third of the first ones, an eighth of later ones.

    Small accounts and those that fit badly, which nobody sees, are lost more often.
    """
    fit = rng.standard_normal(len(started))
    company = rng.normal(0.0, 0.3)
    stopped = np.full(len(started), NEVER, dtype=np.int64)
    found: list[tuple[Ints, Ints, Flags]] = []
    for number in range(MONTHS // TERM):
        start = started + TERM * number
        here = np.flatnonzero((start < MONTHS) & (stopped == NEVER))
        log_odds = company + (-0.8 if number == 0 else -2.1) - 0.6 * fit[here] - 0.3 * size[here]
        lost = rng.random(here.size) < 1 / (1 + np.exp(-log_odds))
        stopped[here[lost]] = start[here[lost]] + TERM
        found.append((here, start[here], lost))
    account, start, is_lost = (np.concatenate(column) for column in zip(*found, strict=True))
    return Terms(account, start, is_lost), stopped


def _effect(rng: np.random.Generator, company: Company, kind: str) -> Floats | float:
    """What is planted, in standard deviations: (accounts, months)."""
    plan, count = company.plan, len(company.started)
    if kind in ("leads", "gamed"):
        ahead = rng.integers(*plan.ahead_days, count, endpoint=True)
        ahead[rng.random(count) >= plan.goes_quiet] = -NO_DAY
        begun = rng.random((count, MONTHS)) < 0.01
        for_nothing = begun.copy()
        for back in (1, 2):
            for_nothing[:, back:] |= begun[:, :-back]
        return -company.drop * (_after(company.notice - ahead) | for_nothing)
    if kind == "lags":
        decided = company.notice - rng.integers(0, plan.decided_days, count, endpoint=True)
        return -2 * company.drop * _after(decided)
    if kind == "survivor":
        stayed = np.arange(MONTHS) - company.started[:, None] + 1
        return 2.4 * (1 - np.exp(-np.maximum(stayed, 0) / 12)) - 1.2
    return 0.0


def _after(day: Ints) -> Flags:
    """Whether each month ends on or after a day: (accounts, months)."""
    return day[:, None] <= MONTH_ENDS


def _uses(rng: np.random.Generator, company: Company, effect: Floats | float) -> Ints:
    count = len(company.started)
    trend = np.cumsum(rng.normal(0.0, 0.05, MONTHS))
    own = np.sqrt(TRAIT) * rng.standard_normal((count, 1))
    passing = np.sqrt(1 - TRAIT) * rng.standard_normal((count, MONTHS))
    level = USUAL + SPREAD * (own + passing + trend + effect)
    return np.where(company.paying, np.clip(np.round(level), 0, MOST), 0).astype(np.int64)
