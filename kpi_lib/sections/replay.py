"""What past reviews would have said and whom they would have named, in words, picture and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpi_lib.charts.lines import lines
from kpi_lib.charts.table import table
from kpi_lib.evidence.replay import Replay
from kpi_lib.evidence.warned import FOLLOWED_MONTHS
from kpi_lib.kpi import Unit
from kpi_lib.view import View
from kpi_lib.wording import format_count, format_interval, format_number, format_value

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.charts.picture import Picture

NO_REVIEW = "No quarter ended before this day, so no past review can be replayed."
_SHARES = {"precision": "of those named", "base_rate": "of all at risk"}


def replayed(found: Replay, currency: str) -> View:
    """The past reviews: figure, list and what became of it, one row each."""
    if found.reviews.empty:
        return View(NO_REVIEW)
    units: dict[str, Unit | str] = {"value": found.kpi.unit}
    units |= dict.fromkeys(("precision", "base_rate", "recall"), Unit.SHARE)
    counts = ("at_risk", "left", "named", "named_left")
    units |= dict.fromkeys(counts, Unit.COUNT)
    columns = ["review", "value", *counts, *_SHARES, "recall", "months_followed"]
    shown = found.reviews[columns].rename(columns={"base_rate": "base rate"})
    units["base rate"] = Unit.SHARE
    return View(
        summary(found),
        picture=lambda: _picture(found),
        table=lambda: table(shown, units=units, currency=currency, noun="review"),
        frame=found.reviews,
    )


def words(found: Replay) -> View:
    """What each past review would have said, oldest first."""
    told = [f"{row.review}: {row.said} {row.judged}" for row in found.reviews.itertuples()]
    frame = found.reviews[["review", "said", "judged"]] if told else None
    return View(
        "\n\n".join(told) or NO_REVIEW,
        table=lambda: table(frame, noun="review") if frame is not None else None,
        frame=frame,
    )


def leavers(found: Replay) -> View:
    """Those that left after a list named them: when first named, when they left, months before."""
    frame = first_warnings(found)
    shown = frame.drop(columns="account_id") if frame["account"].is_unique else frame
    return View(_leavers(found, frame), table=lambda: table(shown, noun="loss"), frame=frame)


def first_warnings(found: Replay) -> pd.DataFrame:
    """One row per account and loss that a list had named: account, named_on, left_on, months_before."""
    rows = found.accounts
    caught = rows[rows["is_named"].astype(bool) & rows["has_left"].astype(bool)]
    first = caught.sort_values("day").drop_duplicates(["account_id", "left_on"])
    columns = ["account_id", "account", "named_on", "left_on", "months_before"]
    shown = first.rename(columns={"day": "named_on"})[columns]
    ordered = shown.sort_values(["left_on", "account_id"], ignore_index=True)
    return ordered.assign(months_before=ordered["months_before"].astype("float64").round(1))


def summary(found: Replay) -> str:
    """How many were named, how many of them left and how early, against the base rate."""
    reviews = found.reviews
    span = f"{format_count(len(reviews), 'review')}, {reviews['review'].iloc[0]} to {reviews['review'].iloc[-1]}"
    if found.reason:
        return f"{span}. Nobody is named: {found.reason}."
    rows = found.accounts
    named = rows[rows["is_named"].astype(bool)]
    title = found.list_title[:1].upper() + found.list_title[1:]
    who = f"{title}: {span}, each from what was known on its day"
    if named.empty:
        return f"{who}. They would have named nobody."
    left = int(named["has_left"].sum())
    said = (
        f"{who}. They would have named {format_count(named['account_id'].nunique(), 'account')} "
        f"({format_count(len(named), 'time')} in all); {format_value(left / len(named), Unit.SHARE)} of "
        f"the times the account left within {FOLLOWED_MONTHS} months (precision)"
    )
    return f"{said}{_against(found)} {_recall(found)}{_still_open(found)}"


def _against(found: Replay) -> str:
    """Precision against the base rate, with the interval of their ratio."""
    rows, (value, low, high) = found.accounts, found.lift
    base = format_value(float(rows["has_left"].mean()), Unit.SHARE)
    said = f", against {base} of all accounts at risk (base rate)"
    if value is None:
        return f"{said}."
    level = f"{100 * found.params.level:g} %"
    ends = (
        f" ({level} interval {format_interval(low, high, Unit.RATIO)})" if low is not None else ""
    )
    chance = ""
    if low is not None:
        is_chance = low <= 1 <= (high or 0)
        chance = ": this could be chance" if is_chance else ": more than chance explains"
    return f"{said}, {format_number(value, Unit.RATIO)} times as often{ends}{chance}."


def _recall(found: Replay) -> str:
    rows, frame = found.accounts, first_warnings(found)
    gone = rows[rows["has_left"].astype(bool)].drop_duplicates(["account_id", "left_on"])
    if gone.empty:
        return "Nobody left in that time."
    early = (
        f", in the median {frame['months_before'].median():.1f} months before" if len(frame) else ""
    )
    return (
        f"Of {format_count(len(gone), 'loss')} in that time a list had named {len(frame)} "
        f"({format_value(len(frame) / len(gone), Unit.SHARE)}, the recall){early}."
    )


def _still_open(found: Replay) -> str:
    """The reviews after which less than the whole time is known."""
    young = found.reviews[found.reviews["months_followed"] < FOLLOWED_MONTHS]
    if young.empty:
        return ""
    labels = ", ".join(young["review"])
    return f" After {labels} less than {FOLLOWED_MONTHS} months are known, for the named and for all alike."


def _leavers(found: Replay, frame: pd.DataFrame) -> str:
    if found.reason:
        return f"Nobody is named: {found.reason}."
    if frame.empty:
        return "None of those that left had been named before."
    last = frame.iloc[-1]
    return (
        f"{format_count(len(frame), 'loss')} had been named before. The latest: {last['account']}, named "
        f"on {last['named_on']:%Y-%m-%d}, left on {last['left_on']:%Y-%m-%d}, "
        f"{last['months_before']:.1f} months later."
    )


def _picture(found: Replay) -> Picture | None:
    """The share that left of those named, beside that of all at risk, by review."""
    long = found.reviews.melt("review", list(_SHARES), "who", "share").dropna(subset=["share"])
    if long.empty:
        return None
    return lines(
        long.assign(who=long["who"].map(_SHARES), share=long["share"].astype("float64")),
        title="Left after the review, of those it names and of all",
        what=f"left within {FOLLOWED_MONTHS} months",
        unit=Unit.SHARE,
        x="review",
        y="share",
        group="who",
        across="review",
    )
