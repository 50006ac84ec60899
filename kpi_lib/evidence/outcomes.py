"""What became of each account: renewed or lost at each term end, or left in between.

Built from `subscriptions`, where one row is one price period. Everything is dated, so that a
question about a past day uses only what had happened by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.engine import run
from kpi_lib.evidence.finding import DEFAULTS, Settings
from kpi_lib.schema import Tables

if TYPE_CHECKING:
    import pandas as pd

_DATES = ["started_on", "ended_on", "cancelled_on", "term_ends_on"]


@dataclass(frozen=True)
class Words:
    """What a decision and its two ends are called: nouns in the singular, and the size of an account."""

    account: str
    loss: str
    decision: str
    kept: str
    size: str


RENEWAL = Words(
    account="lost account", loss="loss", decision="decision", kept="renewal", size="contract size"
)


@dataclass(frozen=True)
class History:
    """The contracts of all accounts and what became of them.

    `rows`: paying price periods (account_id, the four dates, monthly_amount). `decisions`: one row
    per decision: account_id, spell_from (paying without a break since then), first_paid_on,
    decision_on (term end, or the day paying stopped), notice_on (null unless notice was given),
    acted_on (the earlier of notice and end; for a renewal the term end minus `notice_days`),
    is_lost. `notice_days`: median days between acting and the end among the lost. `settle_days`:
    days after a decision from which on the new amount counts, None where amounts are no outcome.
    `as_of`: the last day known.
    """

    rows: pd.DataFrame
    decisions: pd.DataFrame
    notice_days: int
    as_of: date
    words: Words = RENEWAL
    settle_days: int | None = None

    @property
    def losses(self) -> int:
        """How many decisions were losses."""
        return int(self.decisions["is_lost"].sum())

    @property
    def losses_per_year(self) -> float:
        """The present rate: losses of the year up to `as_of`."""
        since = np.datetime64(self.as_of) - np.timedelta64(365, "D")
        recent = self.decisions["decision_on"] > since
        return float((self.decisions["is_lost"] & recent).sum())


def history(tables: Tables, settings: Settings = DEFAULTS) -> History:
    """The contracts and decisions known in `tables`. Raises KeyError without `subscriptions`."""
    return history_of(_rows(tables), tables.as_of, settings)


def history_of(rows: pd.DataFrame, as_of: date, settings: Settings = DEFAULTS) -> History:
    """The decisions that price periods show by the end of `as_of`; `rows` as in `History`.

    A renewed account did not act, so the day on which it could have is taken: its term end minus
    the median notice of the lost. Both kinds of account are thus scored at the same distance from
    their decision. A contract that goes on within `renewal_grace_days` counts as renewed.
    """
    ordered = rows.sort_values(["account_id", "started_on"], kind="stable", ignore_index=True)
    return history_from(ordered, *ends_of(ordered, as_of, settings), as_of, settings)


def ends_of(
    ordered: pd.DataFrame, as_of: date, settings: Settings = DEFAULTS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Losses and renewals, account by account, of price periods ordered by account and start."""
    grace_days = settings.renewal_grace_days
    spells = _spells(ordered, grace_days)
    lost = _losses(ordered, spells, as_of, grace_days)
    return lost, _renewals(ordered, spells, as_of, grace_days)


def history_from(
    ordered: pd.DataFrame,
    lost: pd.DataFrame,
    renewed: pd.DataFrame,
    as_of: date,
    settings: Settings = DEFAULTS,
) -> History:
    """The history of one company, from its rows and from what `ends_of` gives for them."""
    import pandas as pd

    days = (lost["decision_on"] - lost["acted_on"]).dt.days
    notice_days = int(days.median()) if len(days) else 0
    could_act = renewed["decision_on"] - pd.Timedelta(days=notice_days)
    decisions = decisions_of(lost, renewed.assign(acted_on=could_act))
    return History(ordered, decisions, notice_days, as_of, settle_days=settings.renewal_grace_days)


def amounts_on(rows: pd.DataFrame, asked: pd.DataFrame) -> pd.Series[float]:
    """Monthly amount of each asked (account_id, on) in the order asked; 0 where nothing is paid."""
    joined = _keys(asked).merge(rows, on="account_id")
    runs = (joined["started_on"] <= joined["on"]) & (joined["on"] < joined["ended_on"])
    sums = joined[runs].groupby("asked")["monthly_amount"].sum()
    return sums.reindex(range(len(asked)), fill_value=0.0).astype("float64")


def net_change(past: History, asked: pd.DataFrame) -> pd.Series[float]:
    """Change of the monthly amount from each asked day to after its decision, as a share of it.

    `asked` has account_id, on and decision_on. -1 for who left; null where nothing was paid on the
    asked day, where the amount after is not known yet, and where amounts are no outcome.
    """
    import pandas as pd

    if past.settle_days is None:
        return pd.Series(np.full(len(asked), np.nan))
    before = amounts_on(past.rows, asked)
    settled_on = asked["decision_on"].reset_index(drop=True) + np.timedelta64(past.settle_days, "D")
    after = amounts_on(past.rows, asked.reset_index(drop=True).assign(on=settled_on))
    return (after / before.where(before > 0)) - 1


def notice_known(rows: pd.DataFrame, asked: pd.DataFrame) -> pd.Series[bool]:
    """Whether a cancellation was known, and not yet in force, on each asked (account_id, on)."""
    given = rows.dropna(subset=["cancelled_on"])
    joined = _keys(asked).merge(given, on="account_id")
    known = (joined["cancelled_on"] <= joined["on"]) & (joined["on"] < joined["ended_on"])
    return joined[known].groupby("asked").size().reindex(range(len(asked)), fill_value=0) > 0


def last_outcome(decisions: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """Columns renewed_before and lost_before (0 or 1): the newest decision by each asked day."""
    joined = _keys(asked).merge(decisions, on="account_id")
    past = joined[joined["decision_on"] <= joined["on"]].sort_values("decision_on")
    newest = past.groupby("asked")["is_lost"].last().reindex(range(len(asked)))
    renewed, lost = (newest.eq(flag).fillna(False).astype("float64") for flag in (False, True))
    return renewed.to_frame("renewed_before").assign(lost_before=lost)


def _keys(asked: pd.DataFrame) -> pd.DataFrame:
    return asked[["account_id", "on"]].reset_index(names="asked")


def _rows(tables: Tables) -> pd.DataFrame:
    import pandas as pd

    table = tables["subscriptions"]
    paid = table.filter(table["monthly_amount"] > 0)
    order = ["account_id", "started_on", "ended_on", "monthly_amount"]
    frame = run(paid.select("account_id", *_DATES, "monthly_amount").order_by(order))
    moments = {name: pd.to_datetime(frame[name]).astype("datetime64[us]") for name in _DATES}
    frame = frame.assign(**moments)
    return frame[frame["ended_on"] > frame["started_on"]].reset_index(drop=True)


def _spells(rows: pd.DataFrame, grace_days: int) -> pd.DataFrame:
    """Spells of paying without a break: account_id, spell, spell_from, spell_to, first_paid_on."""
    import pandas as pd

    covered = rows.groupby("account_id")["ended_on"].cummax()
    before = covered.groupby(rows["account_id"]).shift()
    breaks = before.isna() | (rows["started_on"] > before + pd.Timedelta(days=grace_days))
    keyed = rows.assign(spell=breaks.cumsum())
    spells = keyed.groupby(["account_id", "spell"], as_index=False).agg(
        spell_from=("started_on", "min"), spell_to=("ended_on", "max")
    )
    first = spells.groupby("account_id")["spell_from"].transform("min")
    return spells.assign(first_paid_on=first)


def _losses(rows: pd.DataFrame, spells: pd.DataFrame, as_of: date, grace_days: int) -> pd.DataFrame:
    """Spells that ended: a loss is certain once notice was given or the grace days have passed."""
    import pandas as pd

    day = pd.Timestamp(as_of)
    ended = spells[spells["spell_to"] <= day].rename(columns={"spell_to": "decision_on"})
    given = rows.rename(columns={"ended_on": "decision_on", "cancelled_on": "notice_on"})
    given = given.dropna(subset=["notice_on"])
    notices = given.groupby(["account_id", "decision_on"], as_index=False)["notice_on"].min()
    lost = ended.merge(notices, on=["account_id", "decision_on"], how="left")
    settled = lost["decision_on"] + pd.Timedelta(days=grace_days) <= day
    lost = lost[settled | lost["notice_on"].notna()]
    acted_on = lost[["notice_on", "decision_on"]].min(axis=1)
    return lost.assign(acted_on=acted_on, is_lost=True)


def _renewals(
    rows: pd.DataFrame, spells: pd.DataFrame, as_of: date, grace_days: int
) -> pd.DataFrame:
    """Term ends that the account outlived by more than the grace days."""
    import pandas as pd

    terms = rows[["account_id", "term_ends_on"]].dropna().drop_duplicates()
    terms = terms.rename(columns={"term_ends_on": "decision_on"})
    inside = terms.merge(spells, on="account_id")
    outlived = inside["spell_to"] > inside["decision_on"] + pd.Timedelta(days=grace_days)
    past = inside["decision_on"] <= pd.Timestamp(as_of)
    inside = inside[outlived & past & (inside["decision_on"] > inside["spell_from"])]
    nothing = pd.Series(pd.NaT, index=inside.index, dtype="datetime64[us]")
    return inside.assign(notice_on=nothing, is_lost=False)


def decisions_of(*parts: pd.DataFrame) -> pd.DataFrame:
    """The decisions of a `History` from frames that have its columns, in the order of accounts and days."""
    import pandas as pd

    columns = [
        "account_id", "spell_from", "first_paid_on", "decision_on", "notice_on", "acted_on",
        "is_lost",
    ]  # fmt: skip
    filled = [part[columns].astype(_kinds(columns)) for part in parts]
    together = pd.concat(filled, ignore_index=True)
    return together.sort_values(["account_id", "decision_on"]).reset_index(drop=True)


def _kinds(columns: list[str]) -> dict[Any, Any]:
    kinds: dict[str, Any] = {"account_id": object, "is_lost": np.bool_}
    return {name: kinds.get(name, "datetime64[us]") for name in columns}
