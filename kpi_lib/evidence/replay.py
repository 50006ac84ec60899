"""What past reviews would have said, whom they would have named, and how many of those left.

Each review is made from the data known on its day (`source.as_of`), so that nothing of what came later
is in it. Only whether somebody left is read from today's data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.alike import run_each
from kpi_lib.engine import run
from kpi_lib.evidence.dropping import dropping
from kpi_lib.evidence.finding import DEFAULTS, NO_OTHERS, Others, Settings, day_of, settings_for
from kpi_lib.evidence.leading import past_of
from kpi_lib.evidence.outcomes import History, amounts_on, notice_known
from kpi_lib.evidence.scores import scores_on
from kpi_lib.evidence.verdict import judge
from kpi_lib.evidence.warned import FOLLOWED_MONTHS, counted, lift_of
from kpi_lib.kpi import Better, Kpi, KpiParams, Part, Source
from kpi_lib.measure import Measurement, measure
from kpi_lib.periods import complete_periods
from kpi_lib.schema import Tables
from kpi_lib.sentence import sentence
from kpi_lib.wording import format_change

if TYPE_CHECKING:
    import pandas as pd

FEW_PERIODS = 8
"""Periods of each past review, where only its newest change is judged."""

WORST_SHARE = 0.2
"""Where the card has no list for a meeting, the worst fifth by score is the list."""

DAYS_PER_MONTH = 365.25 / 12
WARNED = [
    "review",
    "day",
    "account_id",
    "account",
    "is_named",
    "left_on",
    "has_left",
    "months_before",
]


@dataclass(frozen=True)
class Replay:
    """The past reviews of one KPI, oldest first.

    `reviews`, one row each: review (2025Q4), day, period, value, low, high, n, said, judged (what else
    the review says), at_risk, left, named, named_left (accounts), precision, base_rate, recall (shares;
    null without a divisor), months_followed. `accounts`, one row per review and account at risk: see
    `WARNED`; left_on is the earlier of notice and end, within `FOLLOWED_MONTHS`. `lift` is precision
    over base rate of all reviews together, with its interval over accounts (null where none).
    `reason` says why nobody is named, where that is so.
    """

    kpi: Kpi
    params: KpiParams
    as_of: date
    list_title: str
    reviews: pd.DataFrame
    accounts: pd.DataFrame
    lift: tuple[float | None, float | None, float | None]
    reason: str = ""


def replay(
    kpi: Kpi,
    source: Source,
    params: KpiParams,
    quarters: int = 8,
    settings: Settings = DEFAULTS,
    *,
    whole: bool = False,
    others: Others = NO_OTHERS,
) -> Replay:
    """The reviews of the last `quarters` quarter ends before the day of the KPI.

    `whole` judges the KPI in full on each day, beside the `others`, which takes as long as so many
    reviews; without it only readability is judged.
    Raises ValueError where no day is given.
    """
    import pandas as pd

    as_of = day_of(source, params)
    own, today = settings_for(params, settings), source.as_of(as_of)
    days = review_days(today, quarters)
    parts: list[pd.DataFrame] = []
    reason = _no_list(kpi, today)
    beside = others if whole else None
    rows = [_review(kpi, source, params, when, own, beside) for when in days]
    if not reason:
        past = past_of(today, own)
        lists = _named(kpi, source, params, [day for _, day in days])
        for when, named in zip(days, lists, strict=True):
            parts.append(_accounts(source.as_of(when[1]), named, past, when))
    nothing = pd.DataFrame(columns=WARNED)
    accounts = pd.concat(parts, ignore_index=True) if parts else nothing
    reviews = pd.DataFrame(rows)
    reviews = counted(reviews, accounts, as_of) if len(reviews) else reviews
    title = part.title if (part := meeting_part(kpi)) else f"the worst fifth by {kpi.title.lower()}"
    return Replay(kpi, params, as_of, title, reviews, accounts, lift_of(accounts, own), reason)


def review_days(today: Tables, quarters: int) -> list[tuple[str, date]]:
    """Label and last day of the newest quarters that ended before the day of the tables."""
    ended = complete_periods(
        today.as_of - timedelta(days=1), "quarter", quarters, today.quarter_starts_in
    )
    return [(quarter.label, quarter.end) for quarter in ended]


def meeting_part(kpi: Kpi) -> Part | None:
    """The list of the card that names accounts for a meeting, None where there is none."""
    return kpi.who if kpi.who is not None and kpi.who.for_meeting else None


def _no_list(kpi: Kpi, tables: Tables) -> str:
    if not kpi.has_account_level:
        return "the KPI says nothing about single accounts"
    if not {"subscriptions", "orders"} & set(tables):
        return "there are neither subscriptions nor orders, so that nothing says who stayed"
    return ""


def _review(
    kpi: Kpi,
    source: Source,
    params: KpiParams,
    when: tuple[str, date],
    settings: Settings,
    others: Others | None,
) -> dict[str, Any]:
    """What the review of a day says: the figure, and what is judged of it (in full beside `others`)."""
    label, day = when
    few = min(params.periods, FEW_PERIODS) if others is None else params.periods
    then = params.model_copy(update={"as_of": day, "periods": few})
    measured = measure(kpi, source.as_of(day), then)
    cell = measured.headline
    return {
        "review": label,
        "day": day,
        "period": cell.label,
        "value": cell.value,
        "low": cell.low,
        "high": cell.high,
        "n": cell.n,
        "said": sentence(measured),
        "judged": _visible(measured)
        if others is None
        else _judged(kpi, source, measured, settings, others),
    }


def _judged(
    kpi: Kpi, source: Source, measured: Measurement, settings: Settings, others: Others
) -> str:
    """The verdict and the registered condition, the others as they were on that day."""
    then = {"as_of": measured.as_of}
    beside = {name: (card, its.model_copy(update=then)) for name, (card, its) in others.items()}
    found = judge(kpi, source, measured.params, settings, beside)
    said = f"Suggested: {found.suggestion}. {found.because}"
    return f"{said} {dropping(measured, found.findings).said}"


def _visible(measured: Measurement) -> str:
    """How large a change of the newest period could be seen, against what we look for."""
    change, unit, currency = measured.change, measured.kpi.unit, measured.currency
    if change.smallest_visible is None:
        return f"Which change could be seen cannot be told: {change.reason or 'too few units'}."
    seen = f"It shows changes of {format_change(change.smallest_visible, unit, currency)} or more"
    wanted = measured.params.interesting_change
    return f"{seen}; we look for {format_change(wanted, unit, currency)}." if wanted else f"{seen}."


def _accounts(
    tables: Tables, named: set[str], past: History, when: tuple[str, date]
) -> pd.DataFrame:
    """Who was at risk on a day, who was named, and who left afterwards (from `past`, of today)."""
    import pandas as pd

    label, day = when
    at_risk, names = _at_risk(past_of(tables), day), _names(tables)
    left = _left_after(past, day)
    rows = at_risk.merge(left, on="account_id", how="left")
    months = (rows["left_on"] - pd.Timestamp(day)).dt.days / DAYS_PER_MONTH
    rows = rows.assign(
        review=label,
        day=pd.Timestamp(day),
        is_named=rows["account_id"].isin(named),
        has_left=rows["left_on"].notna(),
        months_before=months,
        account=[names.get(one, one) for one in rows["account_id"]],
    )
    return rows[WARNED].sort_values("account_id", ignore_index=True)


def _at_risk(known: History, day: date) -> pd.DataFrame:
    """account_id of who pays on the day (or orders, in its rhythm) and has not given notice by then."""
    import pandas as pd

    ids = known.rows["account_id"].drop_duplicates().sort_values(ignore_index=True)
    asked = pd.DataFrame({"account_id": ids, "on": pd.Timestamp(day)})
    stays = (amounts_on(known.rows, asked) > 0) & ~notice_known(known.rows, asked)
    return asked.loc[stays.to_numpy(), ["account_id"]].reset_index(drop=True)


def _left_after(past: History, day: date) -> pd.DataFrame:
    """account_id and left_on of the first loss after a day, within `FOLLOWED_MONTHS`."""
    import pandas as pd

    until = pd.Timestamp(day) + pd.DateOffset(months=FOLLOWED_MONTHS)
    lost = past.decisions[past.decisions["is_lost"]]
    after = lost[(lost["acted_on"] > pd.Timestamp(day)) & (lost["acted_on"] <= until)]
    first = after.groupby("account_id")["acted_on"].min()
    return first.rename("left_on").reset_index()


def _named(kpi: Kpi, source: Source, params: KpiParams, days: list[date]) -> list[set[str]]:
    """The accounts on the list of each day: the card's for a meeting, else the worst by score."""
    import pandas as pd

    part = meeting_part(kpi)
    if part is not None:
        lists = (
            part.compute(source.as_of(day), params.model_copy(update={"as_of": day}))
            for day in days
        )
        return [set(frame["account_id"]) for frame in run_each(lists)]
    scores = scores_on(kpi, source, params, days).dropna(subset=["score"])
    risk = scores["score"] if kpi.better is Better.LOWER else -scores["score"]
    asked = [scores["on"] == pd.Timestamp(day) for day in days]
    return [set(scores["account_id"][one][_worst(risk[one])]) for one in asked]


def _worst(risk: pd.Series[float]) -> pd.Series[bool]:
    """The worst fifth; ties at its edge are in, unless they would double it."""
    wanted = int(np.ceil(WORST_SHARE * len(risk)))
    if not wanted:
        return risk > np.inf
    edge = float(risk.nlargest(wanted).iloc[-1])
    inside = risk >= edge
    return inside if inside.sum() <= 2 * wanted else risk > edge


def _names(tables: Tables) -> dict[str, str]:
    if "accounts" not in tables:
        return {}
    frame = run(tables["accounts"].select("account_id", "name"))
    pairs = zip(frame["account_id"], frame["name"], strict=True)
    return {str(account): str(name) for account, name in pairs if name}
