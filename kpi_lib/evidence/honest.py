"""Test 4, honest: can the number improve while the customer does not?"""

from __future__ import annotations

from kpi_lib.evidence.finding import DEFAULTS, NOT_TESTED, Finding, Settings
from kpi_lib.kpi import Kpi, KpiParams, Source


def honest(kpi: Kpi, source: Source, params: KpiParams, settings: Settings = DEFAULTS) -> Finding:
    """Not tested in this version; the table lists the cheap moves that the card declares.

    Table: name, meaning, given_away_by.
    """
    import pandas as pd

    del source, params, settings
    moves = [(move.name, move.meaning, move.given_away_by) for move in kpi.cheap_moves]
    table = pd.DataFrame(moves, columns=["name", "meaning", "given_away_by"], dtype="object")
    count = len(moves)
    declared = f"The card declares {count} cheap move{'' if count == 1 else 's'}"
    headline = f"{declared}; whether they pay off is {NOT_TESTED}."
    return Finding("honest", None, headline, table, NOT_TESTED, {"cheap_moves": count})
