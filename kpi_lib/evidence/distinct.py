"""Test 5, distinct: does it tell something the others do not?"""

from __future__ import annotations

from kpi_lib.evidence.finding import DEFAULTS, NOT_TESTED, Finding, Settings
from kpi_lib.kpi import Kpi, KpiParams, Source


def distinct(kpi: Kpi, source: Source, params: KpiParams, settings: Settings = DEFAULTS) -> Finding:
    """Not tested in this version."""
    import pandas as pd

    del source, params, settings
    headline = f"Whether {kpi.title} tells more than the other candidates is {NOT_TESTED}."
    return Finding("distinct", None, headline, pd.DataFrame(), NOT_TESTED)
