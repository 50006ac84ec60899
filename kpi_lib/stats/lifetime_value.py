"""Lifetime value of a new customer, as the history of all accounts known by the end of a period says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.kpi import Difference
from kpi_lib.stats.cells import difference, estimates
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.power import normal_multiple
from kpi_lib.stats.value_draws import (
    drawn_with,
    draws_of,
    joint_draws,
    p_value,
    sample_of,
    spread,
)
from kpi_lib.stats.value_models import ORDERS, Terms, Valued, valued

if TYPE_CHECKING:
    import pandas as pd

_METHOD = "seeded bootstrap of accounts"
_STATE = ("repeats", "recency", "age")
_KEYS = ("kind", *_STATE, "amount")
_SUMS = ("units", "amount_sum", "amount_squares")
_ABSENT = -1.0


@dataclass(frozen=True)
class LifetimeValue:
    """Margin that a new customer brings over its life, discounted.

    `kind` says the family. "contract": repeats are renewals kept, age renewals come up for, value is
    margin per contract period. "orders": repeats are repeat orders, recency and age the days of the
    last one and of today since the first, value is margin per repeat order (of the first order where
    there is none). A period holds everything known by its end, so a pool of periods is its last.
    """

    terms: Terms

    @property
    def columns(self) -> tuple[str, ...]:
        """`kind`, `repeats`, `recency`, `age`."""
        return ("kind", *_STATE)

    def counted(self, observations: ir.Table) -> ir.Table:
        """All rows with a value."""
        return observations.filter(observations["value"].notnull())

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """Accounts and sums of amounts per cell of `by` and history, in the engine.

        Under contract there are as many rows as tenures. By orders the amount is part of the
        history, because its model needs each: at most one row per account.
        """
        rows = self.counted(observations)
        value = rows["value"].cast("float64")
        nothing = ibis.literal(0).cast("float64")
        rows = rows.mutate(
            amount=ibis.ifelse(rows["kind"] == ORDERS, value, nothing),
            **{name: rows[name].cast("float64") for name in _STATE},
        )
        return rows.aggregate(
            by=[*by, *_KEYS],
            units=rows.count().cast("float64"),
            amount_sum=value.sum(),
            amount_squares=(value * value).sum(),
        )

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """*by, value, low, high, standard_error, n, resolved, reason per cell.

        The interval is a percentile interval; a cell without a value has a reason.
        """
        return self._cells(reduced, by, level)

    def points(self, reduced: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        """As `estimate`, with null in place of the interval, which takes most of the time."""
        return self._cells(reduced, by, None)

    def _cells(self, reduced: pd.DataFrame, by: Sequence[str], level: float | None) -> pd.DataFrame:
        import pandas as pd

        frame = _newest(reduced, by)
        groups = frame.groupby(list(by), dropna=False, sort=True) if by else [((), frame)]
        found = [(key, self._cell(rows, level)) for key, rows in groups]
        cells = pd.DataFrame([key for key, _ in found], columns=list(by))
        names = ("value", "low", "high", "standard_error")
        numbers = {n: [cell[n] for _, cell in found] for n in names}
        columns = {n: pd.Series(v, dtype="float64").to_numpy() for n, v in numbers.items()}
        columns["n"] = pd.Series([c["n"] for _, c in found], dtype="int64").to_numpy()
        columns["resolved"] = pd.Series([1.0] * len(found), dtype="float64").to_numpy()
        return estimates(cells, by, columns, [str(cell["reason"]) for _, cell in found])

    def _cell(self, rows: pd.DataFrame, level: float | None) -> dict[str, Any]:
        sample = sample_of(rows)
        found = valued(sample, self.terms)
        low = high = error = math.nan
        if level is not None:
            low, high, error = spread(draws_of(sample, found), level)
        return {
            "value": math.nan if found.value is None else found.value,
            "low": low,
            "high": high,
            "standard_error": error,
            "n": round(float(sample.counts.sum())),
            "reason": found.reason,
        }

    def draws(self, reduced: pd.DataFrame, weights: Floats) -> Floats:
        """The value in resamples made elsewhere: (draws,); `weights` is (draws, rows).

        The model is fitted once; each resample moves its parameters as the bootstrap here does.
        """
        is_newest = reduced.index.isin(_newest(reduced, []).index)
        sample = sample_of(reduced[is_newest], np.ones(int(is_newest.sum()), dtype=bool))
        return drawn_with(weights[:, is_newest], sample, valued(sample, self.terms))

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Later minus earlier of two independent sets of accounts."""
        samples = [sample_of(_newest(rows, [])) for rows in (earlier, later)]
        first, second = (valued(sample, self.terms) for sample in samples)
        before = draws_of(samples[0], first)
        after = draws_of(samples[1], second, seed=1)
        return _change(first, second, after - before, level, power)

    def reduce_pairs(self, observations: ir.Table, earlier: date, later: date) -> ir.Table:
        """Accounts by their history at the ends of both periods; -1 where an account is not there."""
        rows = self.counted(observations)
        rows = rows.filter(rows["period"].isin([earlier, later]))
        is_later = rows["period"] == ibis.literal(later)
        sides = {"earlier": ~is_later, "later": is_later}
        absent = ibis.literal(-1).cast("float64")
        state = {
            f"{name}_{side}": rows[name].cast("float64").max(where=here).fill_null(absent)
            for side, here in sides.items()
            for name in _STATE
        }
        value = {
            f"value_{side}": rows["value"].cast("float64").mean(where=here).fill_null(absent)
            for side, here in sides.items()
        }
        each = rows.group_by("unit_id").aggregate(kind=rows["kind"].max(), **state, **value)
        return _pair_sums(each, list(state))

    def paired_difference(self, pairs: pd.DataFrame, *, level: float, power: float) -> Difference:
        """Later minus earlier, the same accounts drawn for both."""
        samples = [
            sample_of(_side(pairs, side), pairs[f"age_{side}"].to_numpy() != _ABSENT)
            for side in ("earlier", "later")
        ]
        first, second = (valued(sample, self.terms) for sample in samples)
        return _change(first, second, joint_draws(pairs, samples, (first, second)), level, power)

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """Accounts in each of two independent sets that make `change` visible, at this spread."""
        sample = sample_of(_newest(reduced, []))
        error = spread(draws_of(sample, valued(sample, self.terms)), level)[2]
        if not error > 0 or not change > 0:
            return None
        ratio = normal_multiple(level, power) * error * math.sqrt(2) / change
        return math.ceil(float(sample.counts.sum()) * ratio**2)


def _newest(reduced: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The rows of the last period of each cell, where periods are pooled."""
    if "period" not in reduced.columns or "period" in by or reduced.empty:
        return reduced
    last = reduced.groupby(list(by))["period"].transform("max") if by else reduced["period"].max()
    return reduced[reduced["period"] == last]


def _pair_sums(each: ir.Table, state: list[str]) -> ir.Table:
    """One row per joint history with its sums; by orders the amounts are part of the history."""
    nothing = ibis.literal(0).cast("float64")
    is_orders = each["kind"] == ORDERS
    one, two = each["value_earlier"], each["value_later"]
    keyed = each.mutate(
        amount_earlier=ibis.ifelse(is_orders, one, nothing),
        amount_later=ibis.ifelse(is_orders, two, nothing),
    )
    return keyed.aggregate(
        by=["kind", *state, "amount_earlier", "amount_later"],
        units=keyed.count().cast("float64"),
        sum_earlier=keyed["value_earlier"].sum(),
        sum_later=keyed["value_later"].sum(),
        squares_earlier=(keyed["value_earlier"] * keyed["value_earlier"]).sum(),
        squares_later=(keyed["value_later"] * keyed["value_later"]).sum(),
        products=(keyed["value_earlier"] * keyed["value_later"]).sum(),
    ).order_by(["kind", *state, "amount_earlier", "amount_later"])


def _side(pairs: pd.DataFrame, side: str) -> pd.DataFrame:
    """The joint rows as the reduced rows of one of the two periods."""
    names = {f"{name}_{side}": name for name in (*_STATE, "amount")}
    names |= {f"sum_{side}": "amount_sum", f"squares_{side}": "amount_squares"}
    return pairs[["kind", "units", *names]].rename(columns=names)


def _change(first: Valued, second: Valued, draws: Any, level: float, power: float) -> Difference:
    reason = second.reason or first.reason
    if first.value is None or second.value is None:
        return difference(_METHOD, reason)
    low, high, error = spread(draws, level)
    value = second.value - first.value
    if not error > 0:
        return difference(
            _METHOD, "no spread between accounts: the noise cannot be told", value=value
        )
    visible = normal_multiple(level, power) * error
    return difference(
        _METHOD,
        value=value,
        low=low,
        high=high,
        p_value=p_value(draws),
        smallest_visible=visible,
    )
