"""The declared cheap moves, played through: what the number gains, and what gives the move away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kpi_lib.engine import run
from kpi_lib.evidence.finding import Others, Settings
from kpi_lib.evidence.outcomes import history
from kpi_lib.kpi import Better, CheapMove, Kpi, KpiParams, Part
from kpi_lib.measure import Valued, outline
from kpi_lib.measure.cells import with_dates
from kpi_lib.schema import Tables
from kpi_lib.wording import known

if TYPE_CHECKING:
    import pandas as pd

YEAR_DAYS = 365


@dataclass(frozen=True)
class Counter:
    """The figure that is to give a move away, before and after it.

    `shows`: whether it moves so much that a reader would ask; None with a `reason` where it could
    not be measured.
    """

    title: str
    unit: str = ""
    before: float | None = None
    after: float | None = None
    shows: bool | None = None
    reason: str = ""


@dataclass(frozen=True)
class Play:
    """One cheap move, played on the tables of the day.

    `gain`: improvement of the KPI, in its unit, positive is better; None where it has no value.
    `outcome_gain`: change of the share of renewals of the last year as the edited books show it;
    0 where the move leaves the contracts alone, None where there are none. `counter` is None for a
    move that does not pay: nothing has to give it away.
    """

    move: CheapMove
    gain: float | None
    pays: bool | None
    outcome_gain: float | None
    counter: Counter | None


def played(
    kpi: Kpi, tables: Tables, params: KpiParams, others: Others, settings: Settings
) -> list[Play]:
    """Each declared move of the card, played. Pays: gains at least the interesting change."""
    honestly = outline(kpi, tables, params)
    return [_play(move, honestly, tables, others, settings) for move in kpi.cheap_moves]


def _play(
    move: CheapMove, honestly: Valued, tables: Tables, others: Others, settings: Settings
) -> Play:
    kpi, params = honestly.kpi, honestly.params
    edited = move.edit(tables, params)
    return play_of(
        move,
        honestly,
        outline(kpi, edited, params),
        _outcome_gain(tables, edited, settings),
        lambda: _counter(move, honestly, tables, edited, others, settings),
    )


def play_of(
    move: CheapMove,
    honestly: Valued,
    gamed: Valued,
    outcome_gain: float | None,
    counter: Callable[[], Counter],
) -> Play:
    """A move, from the KPI measured without and with it; the counter is asked for if it pays."""
    gain = _gain(honestly.kpi, honestly, gamed)
    pays = None if gain is None else gain >= honestly.params.interesting_change > 0
    return Play(move, gain, pays, outcome_gain, counter() if pays else None)


def _gain(kpi: Kpi, before: Valued, after: Valued) -> float | None:
    """How much better the figure of the same period looks."""
    was, now = before.headline.value, _value_of(after, before.headline.label)
    if was is None or now is None:
        return None
    return now - was if kpi.better is Better.HIGHER else was - now


def _value_of(measured: Valued, label: str) -> float | None:
    rows = measured.trend.loc[measured.trend["label"] == label, "value"]
    return None if rows.empty else known(rows.iloc[0])


def _outcome_gain(tables: Tables, edited: Tables, settings: Settings) -> float | None:
    if "subscriptions" not in tables:
        return None
    if edited["subscriptions"] is tables["subscriptions"]:
        return 0.0
    kept = [_kept_share(one, settings) for one in (tables, edited)]
    return None if kept[0] is None or kept[1] is None else kept[1] - kept[0]


def _kept_share(tables: Tables, settings: Settings) -> float | None:
    """Share of the last year's decisions that were renewals, found once for all moves."""
    return tables.once(("kept share", settings), lambda: _found_share(tables, settings))


def _found_share(tables: Tables, settings: Settings) -> float | None:
    import pandas as pd

    decisions = history(tables, settings).decisions
    since = pd.Timestamp(tables.as_of) - pd.Timedelta(days=YEAR_DAYS)
    recent = decisions[decisions["decision_on"] > since]
    return None if recent.empty else float(1 - recent["is_lost"].mean())


def _counter(
    move: CheapMove,
    honestly: Valued,
    tables: Tables,
    edited: Tables,
    others: Others,
    settings: Settings,
) -> Counter:
    """The named counter-metric that shows the move; else the first of them that these data can feed."""
    found = []
    for name in named_by(move):
        found.append(_counter_of(name, honestly, tables, edited, others, settings))
        if found[-1].shows:
            return found[-1]
    return next((one for one in found if one.shows is not None), found[0])


def _counter_of(
    name: str,
    honestly: Valued,
    tables: Tables,
    edited: Tables,
    others: Others,
    settings: Settings,
) -> Counter:
    """Another candidate, or a figure of its notebook or of the own one, before and after."""
    if name in others:
        return _candidate(*others[name], tables, edited)
    owner, _, figure = name.rpartition(".")
    if owner in others:
        other, its = others[owner]
        honestly = outline(other, tables, its)
    for part in honestly.kpi.parts if owner in {"", honestly.kpi.name} else ():
        if figure in part.units:
            return _figure(part, figure, honestly, tables, edited, settings)
    return Counter(name, reason=f"these data cannot feed {name}, which is to give it away")


def named_by(move: CheapMove) -> list[str]:
    """The counter-metrics a move declares before the colon, the best one first: `kpi`, `figure`, `kpi.figure`.

    Several, with `or` between them, where none of them can be had in every kind of business.
    """
    return [name.strip() for name in move.given_away_by.partition(":")[0].split(" or ")]


def _candidate(kpi: Kpi, params: KpiParams, tables: Tables, edited: Tables) -> Counter:
    return candidate_counter(outline(kpi, tables, params), outline(kpi, edited, params))


def candidate_counter(before: Valued, after: Valued) -> Counter:
    """Another KPI shows the move when it gets worse by what is worth acting on."""
    kpi, params = before.kpi, before.params
    loss = _gain(kpi, before, after)
    if loss is None:
        return Counter(kpi.title, reason=f"{kpi.title} has no value to compare")
    now = _value_of(after, before.headline.label)
    shows = -loss >= params.interesting_change > 0
    return Counter(kpi.title, kpi.unit, before.headline.value, now, shows)


def _figure(
    part: Part, name: str, honestly: Valued, tables: Tables, edited: Tables, settings: Settings
) -> Counter:
    before, after = (
        _latest(with_dates(run(part.compute(one, honestly.params))), name, honestly)
        for one in (tables, edited)
    )
    return figure_counter(name, part.units[name], before, after, settings)


def figure_counter(
    name: str, unit: str, before: float | None, after: float | None, settings: Settings
) -> Counter:
    """A figure of the notebook shows the move when it changes by a tenth of itself or more."""
    title = name.replace("_", " ")
    if before is None or after is None:
        return Counter(title, unit, reason=f"{title} has no value to compare")
    shows = abs(after - before) > settings.smallest_telling_change * abs(before)
    return Counter(title, unit, before, after, shows)


def _latest(frame: pd.DataFrame, name: str, honestly: Valued) -> float | None:
    """The figure of the headline's period; of a table without periods, of its only row."""
    rows: Any = frame
    if "period" in frame.columns:
        rows = frame[frame["period"] == honestly.headline.start]
    return known(rows[name].iloc[0]) if len(rows) == 1 else None
