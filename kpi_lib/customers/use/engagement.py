"""How far an account is engaged: six parts of a score, each from 0 to 100 points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import last_days, marked_usage, ratio, within
from kpi_lib.customers.use.by_month import seen
from kpi_lib.periods import Period
from kpi_lib.schema import Tables, kept
from kpi_lib.stats.composite import FULL, SLACK

PARTS = ("active_share", "breadth", "frequency", "recency", "depth", "sponsors")
"""The parts of the score, in the order in which they are shown."""

MONTH = 28
"""Days to which the thresholds of frequency and depth refer."""


class Rule(Protocol):
    """The parameters that say what engaged means."""

    @property
    def window_days(self) -> int:
        """Length of the window that ends on the day asked about."""
        ...

    @property
    def sponsor_days(self) -> int:
        """Length of the window in which a sponsor must have been touched."""
        ...

    @property
    def core_features(self) -> tuple[str, ...]:
        """Names of the events that are core features; empty for any."""
        ...

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of each part."""
        ...

    @property
    def thresholds(self) -> Mapping[str, float]:
        """What gives the full 100 points, by part (recency has none)."""
        ...

    @property
    def missing(self) -> Literal["leave_out", "zero"]:
        """What an unknown part counts."""
        ...

    @property
    def rounded(self) -> bool:
        """Whether parts and score are whole numbers, a half rounded up."""
        ...


def scored(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """One row per account paying on the last day of a period, with its score.

    Columns: period, account_id, amount (money per month), is_api (served by machine), the points of
    each part (0 to 100, null where unknown), score (null where no part is known).
    """
    rows = with_points(tables, periods, rule)
    return rows.mutate(score=_score(rows, rule))


def with_points(tables: Tables, periods: Sequence[Period], rule: Rule) -> ir.Table:
    """The rows of `scored` without the score."""
    rows = _measured(tables, periods, rule.window_days, rule.sponsor_days, rule.core_features)
    full, scale = rule.thresholds, rule.window_days / MONTH
    people = rows["people"].fill_null(0)
    share = ratio(people, rows["seats"])
    depth = ratio(rows["acts"], rows["people"])
    idle = rows["idle_days"].fill_null(rule.window_days).cast("float64")
    nobody = rows["features"].isnull()
    points = {
        "active_share": _points(share, full["active_share"]),
        "breadth": _points(rows["features"].fill_null(0), full["breadth"]),
        "frequency": _points(rows["days"].fill_null(0), full["frequency"] * scale),
        "recency": _points(ibis.literal(rule.window_days) - idle, float(rule.window_days)),
        "depth": _points(ibis.ifelse(nobody, 0.0, depth), full["depth"] * scale),
        "sponsors": _points(rows["touched"], full["sponsors"]),
    }
    if rule.rounded:
        points = {name: _half_up(value) for name, value in points.items()}
    return rows.select("period", "account_id", "amount", "is_api", **points)


def _points(amount: ir.NumericValue, full: float) -> ir.FloatingValue:
    """100 points at `full` and beyond, in proportion below; null stays null (`least` would skip it)."""
    points = amount.cast("float64") * FULL / ibis.literal(full).cast("float64")
    return ibis.ifelse(points > FULL, ibis.literal(FULL).cast("float64"), points)


def _half_up(value: ir.FloatingValue) -> ir.FloatingValue:
    return (value + (0.5 + SLACK)).floor().cast("float64")


def _score(rows: ir.Table, rule: Rule) -> ir.FloatingValue:
    """The weighted mean of the parts; see `stats.composite.composite`, which is the same on arrays."""
    used = {name: weight for name, weight in rule.weights.items() if weight > 0}
    nothing = ibis.literal(0).cast("float64")
    sums = [rows[name].fill_null(0.0) * weight for name, weight in used.items()]
    whole = [
        ibis.ifelse(rows[name].notnull(), ibis.literal(weight).cast("float64"), nothing)
        for name, weight in used.items()
    ]
    known = sum(whole[1:], start=whole[0])
    total = known if rule.missing == "leave_out" else ibis.literal(sum(used.values()))
    score = sum(sums[1:], start=sums[0]) / total.cast("float64").nullif(0.0)
    score = ibis.ifelse(known > 0, score, ibis.null("float64"))
    return _half_up(score) if rule.rounded else score


@kept
def _measured(
    tables: Tables,
    periods: Sequence[Period],
    window_days: int,
    sponsor_days: int,
    core_features: tuple[str, ...],
) -> ir.Table:
    """Paying accounts with what was counted: people, acts, features, days, idle_days, seats, touched.

    What rules that differ in weights and thresholds share.
    """
    rows = _paying_seats(tables, periods)
    extras = [_use(tables, periods, window_days, core_features), _machine(tables, periods)]
    extras.append(_touched(tables, periods, sponsor_days))
    for extra in extras:
        keys = [rows["period"] == extra["at"], rows["account_id"] == extra["of"]]
        rows = rows.left_join(extra, keys).drop("at", "of")
    return rows.mutate(is_api=rows["is_api"].fill_null(False))


def _paying_seats(tables: Tables, periods: Sequence[Period]) -> ir.Table:
    """period, account_id, amount, seats: those of the contracts paid on the day, else the account's."""
    rows, days = tables["subscriptions"], last_days(periods)
    rows = rows.filter(rows["monthly_amount"] > 0)
    covers = [rows["started_on"] <= days["on_day"], rows["ended_on"] > days["on_day"]]
    joined = days.join(rows, covers)
    sums = joined.group_by("period", "account_id").aggregate(
        amount=joined["monthly_amount"].cast("float64").sum(),
        agreed=joined["seats"].cast("float64").sum(),
    )
    accounts = tables["accounts"]
    known = accounts.select(key="account_id", own=accounts["seats"].cast("float64"))
    sums = sums.left_join(known, sums["account_id"] == known["key"]).drop("key")
    seats = ibis.coalesce(sums["agreed"], sums["own"])
    return sums.mutate(seats=seats.nullif(0.0)).drop("agreed", "own")


def _use(
    tables: Tables, periods: Sequence[Period], window_days: int, core_features: tuple[str, ...]
) -> ir.Table:
    """What people did with core features in the window: at, of, people, acts, features, days, idle_days.

    `people` is null where no event says who it was.
    """
    usage = marked_usage(tables)
    usage = usage.filter(~usage["is_machine"])
    if core_features:
        usage = usage.filter(usage["event"].isin(list(core_features)))
    windows, usage = last_days(periods, window_days), within(usage, periods, window_days)
    inside = [usage["day"] > windows["after_day"], usage["day"] <= windows["on_day"]]
    rows = windows.join(usage, inside)
    sums = rows.group_by(at=rows["period"], of=rows["account_id"]).aggregate(
        people=rows["person"].nunique(),
        acts=rows.count(),
        features=rows["event"].nunique(),
        days=rows["day"].nunique(),
        idle_days=rows["on_day"].max().delta(rows["day"].max(), unit="day"),
    )
    return sums.mutate(people=sums["people"].nullif(0))


def _machine(tables: Tables, periods: Sequence[Period]) -> ir.Table:
    """Which accounts are served by machine: at, of, is_api."""
    return seen(tables, periods).drop("is_started").rename(at="period", of="account_id")


def _touched(tables: Tables, periods: Sequence[Period], sponsor_days: int) -> ir.Table:
    """Sponsors touched in their window: at, of, touched (0 with a sponsor whom nobody touched).

    Accounts without a known sponsor have no row; without the table of interactions none has.
    """
    windows = last_days(periods, sponsor_days)
    contacts = tables["contacts"]
    sponsors = contacts.filter(contacts["role"] == "sponsor")
    sponsors = sponsors.select("created_on", who="contact_id", of="account_id")
    known = windows.join(sponsors, sponsors["created_on"] <= windows["on_day"])
    if "interactions" not in tables:
        known = known.mutate(hit=ibis.null("string")).limit(0)
    else:
        touches = tables["interactions"]
        touches = touches.select(hit=touches["contact_id"], day=touches["at"].date())
        inside = [
            known["who"] == touches["hit"],
            touches["day"] > known["after_day"],
            touches["day"] <= known["on_day"],
        ]
        known = known.left_join(touches, inside)
    return known.group_by(at=known["period"], of=known["of"]).aggregate(
        touched=known["hit"].nunique()
    )
