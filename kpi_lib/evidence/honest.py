"""Test 4, honest: can the number improve while the customer does not?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kpi_lib.evidence.composition import Composition, composition, sentences
from kpi_lib.evidence.finding import (
    DEFAULTS,
    NO_OTHERS,
    Finding,
    Others,
    Settings,
    cannot_tell,
    tables_of,
)
from kpi_lib.evidence.gaming import Counter, Play, played
from kpi_lib.kpi import Kpi, KpiParams, Source
from kpi_lib.wording import format_change, format_count, format_value

if TYPE_CHECKING:
    import pandas as pd

TEST = "honest"


def honest(
    kpi: Kpi,
    source: Source,
    params: KpiParams,
    settings: Settings = DEFAULTS,
    others: Others = NO_OTHERS,
) -> Finding:
    """Whether every cheap move that pays is given away by its named counter-metric.

    Each declared move edits the tables, and everything is measured again. A move pays when the KPI
    improves by the interesting change. A counter-metric among `others` gives it away by getting
    worse by its own interesting change, a figure of the KPI's own notebook by changing by a tenth
    of itself. `numbers["beside"]` says what the last change is made of (mix of segments, accounts
    that left or came) and decides nothing. Table, one row per move: name, meaning, gain, pays,
    outcome_gain (renewals as booked), given_away_by, before, after, shows, reason, told (a sentence).
    """
    tables = tables_of(source, params)
    plays = played(kpi, tables, params, others, settings)
    return found_in(plays, composition(kpi, tables, params), kpi, params, tables.currency)


def found_in(
    plays: list[Play], made_of: Composition | None, kpi: Kpi, params: KpiParams, currency: str
) -> Finding:
    """The finding on moves that were played, one per declared move, and on the last change."""
    told = [_sentence(play, kpi, params, currency) for play in plays]
    table, numbers = _table(plays, told), _numbers(kpi, plays)
    facts = sentences(made_of, kpi, currency)
    numbers["beside"] = [{"sentence": sentence} for sentence in facts]
    numbers["composition"] = asdict(made_of) if made_of else {}
    return _judged(params, plays, table, numbers)


def _table(plays: list[Play], told: list[str]) -> pd.DataFrame:
    import pandas as pd

    names = [
        "name", "meaning", "gain", "pays", "outcome_gain", "given_away_by", "before", "after",
        "shows", "reason", "told",
    ]  # fmt: skip
    rows = [_row(play) | {"told": said} for play, said in zip(plays, told, strict=True)]
    return pd.DataFrame(rows, columns=names, dtype="object")


def _row(play: Play) -> dict[str, Any]:
    counter = play.counter or Counter(play.move.given_away_by)
    return {
        "name": play.move.name,
        "meaning": play.move.meaning,
        "gain": play.gain,
        "pays": play.pays,
        "outcome_gain": play.outcome_gain,
        "given_away_by": counter.title,
        "before": counter.before,
        "after": counter.after,
        "shows": counter.shows,
        "reason": counter.reason,
    }


def _numbers(kpi: Kpi, plays: list[Play]) -> dict[str, Any]:
    paying = [play for play in plays if play.pays]
    return {
        "cheap_moves": len(kpi.cheap_moves),
        "paying": len(paying),
        "given_away": sum(_shows(play) is True for play in paying),
        "unseen": [play.move.name for play in paying if _shows(play) is False],
    }


def _shows(play: Play) -> bool | None:
    return play.counter.shows if play.counter else None


def _judged(
    params: KpiParams, plays: list[Play], table: pd.DataFrame, numbers: dict[str, Any]
) -> Finding:
    if not plays:
        return cannot_tell(TEST, "the card declares no cheap move", table, numbers)
    if not params.interesting_change:
        return cannot_tell(TEST, "no interesting_change is registered", table, numbers)
    untold = [play for play in plays if play.gain is None]
    paying = [play for play in plays if play.pays]
    unseen = [play for play in paying if _shows(play) is False]
    said = " ".join([_summary(numbers), *table["told"]])
    if unseen:
        names = " and ".join(f"'{play.move.name}'" for play in unseen)
        reason = f"nothing named gives {names} away"
        return Finding(TEST, False, said, table, reason, numbers)
    if untold:
        reason = f"there is no value to compare for '{untold[0].move.name}'"
        return cannot_tell(TEST, reason, table, numbers)
    unknown = [play for play in paying if _shows(play) is None]
    if unknown:
        reason = unknown[0].counter.reason if unknown[0].counter else ""
        return Finding(TEST, None, said, table, reason, numbers)
    return Finding(TEST, True, said, table, "", numbers)


def _summary(numbers: dict[str, Any]) -> str:
    """How many of the moves pay, and how many of those are given away."""
    moves = format_count(numbers["cheap_moves"], "cheap move")
    if not numbers["paying"]:
        return f"None of the {moves} declared pays."
    paying, given = numbers["paying"], numbers["given_away"]
    return (
        f"{moves} played through on these data: {paying} would pay, of which {given} would be seen."
    )


def _sentence(play: Play, kpi: Kpi, params: KpiParams, currency: str) -> str:
    """One move in words: what it gains, and what shows it."""
    gain, wanted = (
        format_change(value, kpi.unit, currency) for value in (play.gain, params.interesting_change)
    )
    name = f"'{play.move.name}'"
    if play.gain is None:
        return f"What {name} would gain cannot be told."
    if not play.pays:
        return f"{name} does not pay: it gains {gain}, less than the {wanted} worth acting on."
    counter = play.counter
    if counter is None or counter.shows is None:
        return f"{name} gains {gain}; {counter.reason if counter else ''}."
    moved = _moved(counter, currency)
    if counter.shows:
        return f"{name} gains {gain} and is given away by {counter.title} ({moved})."
    return f"{name} gains {gain}, and {counter.title} does not give it away ({moved})."


def _moved(counter: Counter, currency: str) -> str:
    before, after = (
        format_value(value, counter.unit, currency) for value in (counter.before, counter.after)
    )
    return f"{before} before, {after} after"
