"""Sums made inside the engine (ibis): one row per cluster, then the moments of the clusters.

A cluster is an account within a period; a unit without an account is its own. The period belongs to
it, so that the sums of several periods are the sums of their union.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

SUMS = (
    "units",
    "n",
    "clusters",
    "value_sum",
    "weight_sum",
    "value_squares",
    "weight_squares",
    "products",
)
"""Rows, rows with a value, clusters, and the first and second moments of the cluster totals."""

PAIR_FIRST = ("value_earlier", "weight_earlier", "value_later", "weight_later")
PAIR_PRODUCTS = tuple(
    f"{first}__{second}" for place, first in enumerate(PAIR_FIRST) for second in PAIR_FIRST[place:]
)
PAIR_SUMS = ("clusters", "in_both", "n_earlier", "n_later", *PAIR_FIRST, *PAIR_PRODUCTS)


def cluster_moments(
    observations: ir.Table, by: Sequence[str], weight: ir.FloatingColumn | None = None
) -> ir.Table:
    """`SUMS` per cell of `by`; `weight` defaults to 1 for each row with a value.

    Rows without a value or weight are counted in `units` only.
    """
    clusters = _cluster_totals(observations, list(by), weight)
    value, weights = clusters["value_total"], clusters["weight_total"]
    return clusters.aggregate(
        by=list(by),
        units=_sum(clusters["units"].cast("float64")),
        n=_sum(clusters["n"].cast("float64")),
        clusters=_count_where(clusters["n"] > 0),
        value_sum=_sum(value),
        weight_sum=_sum(weights),
        value_squares=_sum(value * value),
        weight_squares=_sum(weights * weights),
        products=_sum(value * weights),
    )


def _cluster_totals(
    observations: ir.Table, by: list[str], weight: ir.FloatingColumn | None
) -> ir.Table:
    rows = _prepared(observations, weight)
    keys = list(dict.fromkeys([*by, "period", "account_id", "unit_alone"]))
    return rows.group_by(keys).aggregate(
        units=rows.count(),
        n=rows["value_known"].count(),
        value_total=_sum(rows["value_known"]),
        weight_total=_sum(rows["weight_known"]),
    )


def _prepared(observations: ir.Table, weight: ir.FloatingColumn | None) -> ir.Table:
    """Values and weights as doubles, both null unless both are known, and the key of the cluster."""
    value = observations["value"].cast("float64")
    weights = (ibis.literal(1) if weight is None else weight).cast("float64")
    known = value.notnull() & weights.notnull()
    nothing = ibis.null("float64")
    return observations.mutate(
        value_known=ibis.ifelse(known, value, nothing),
        weight_known=ibis.ifelse(known, weights, nothing),
        unit_alone=ibis.ifelse(
            observations["account_id"].isnull(),
            observations["unit_id"].cast("string"),
            ibis.null("string"),
        ),
    )


def pair_moments(
    observations: ir.Table,
    earlier: date,
    later: date,
    weight: ir.FloatingColumn | None = None,
) -> ir.Table:
    """One row of `PAIR_SUMS` over the accounts seen in either of two periods; absent counts as 0."""
    rows = _prepared(observations, weight)
    rows = rows.filter(rows["value_known"].notnull() & rows["period"].isin([earlier, later]))
    is_later = rows["period"] == ibis.literal(later)
    pairs = rows.group_by(["account_id", "unit_alone"]).aggregate(
        n_earlier=_count_where(~is_later),
        n_later=_count_where(is_later),
        value_earlier=_sum_where(rows["value_known"], ~is_later),
        weight_earlier=_sum_where(rows["weight_known"], ~is_later),
        value_later=_sum_where(rows["value_known"], is_later),
        weight_later=_sum_where(rows["weight_known"], is_later),
    )
    return pairs.aggregate(**_pair_sums(pairs))


def _pair_sums(pairs: ir.Table) -> dict[str, ir.FloatingScalar]:
    both = (pairs["n_earlier"] > 0) & (pairs["n_later"] > 0)
    sums = {
        "clusters": pairs.count().cast("float64"),
        "in_both": _count_where(both),
        "n_earlier": _sum(pairs["n_earlier"]),
        "n_later": _sum(pairs["n_later"]),
    }
    sums |= {name: _sum(pairs[name]) for name in PAIR_FIRST}
    for product in PAIR_PRODUCTS:
        first, second = product.split("__")
        sums[product] = _sum(pairs[first] * pairs[second])
    return sums


def _sum(column: ir.FloatingColumn) -> ir.FloatingScalar:
    return column.sum().fill_null(0.0)


def _sum_where(column: ir.FloatingColumn, condition: ir.BooleanColumn) -> ir.FloatingScalar:
    return _sum(ibis.ifelse(condition, column, _ZERO))


def _count_where(condition: ir.BooleanColumn) -> ir.FloatingScalar:
    return _sum(ibis.ifelse(condition, 1, 0).cast("float64"))


_ZERO = ibis.literal(0).cast("float64")
"""A true double: engines read 0.0 as a decimal, and ibis drops a cast it holds for needless."""
