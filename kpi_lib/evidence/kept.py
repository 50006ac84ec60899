"""What was found about a KPI, kept on disk, so that a review judges each candidate once.

The notebook of a KPI and the comparison of all candidates ask for the same findings, which take
seconds of computing; see `shelf` for where they stand and under what.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kpi_lib.evidence.finding import (
    DEFAULTS,
    NO_OTHERS,
    Finding,
    Others,
    Settings,
    day_of,
    settings_for,
)
from kpi_lib.evidence.shelf import found_once, place_for, values_of
from kpi_lib.evidence.verdict import Verdict, concluded, findings_of
from kpi_lib.kpi import Kpi, KpiParams, Source

Findings = Mapping[str, Finding]


def judge_once(
    kpi: Kpi,
    source: Source,
    params: KpiParams,
    settings: Settings = DEFAULTS,
    others: Others = NO_OTHERS,
) -> Verdict:
    """As `verdict.judge` for a card of the catalogue, from findings kept earlier where there are any."""
    own = settings_for(params, settings)
    found: Findings = found_once(
        lambda: _place(kpi, source, params, own, others),
        lambda: findings_of(kpi, source, params, own, others),
    )
    return concluded(kpi, found)


def _place(
    kpi: Kpi, source: Source, params: KpiParams, settings: Settings, others: Others
) -> Path | None:
    """The file of just these findings; None where nothing can be kept."""
    values = [(name, values_of(its)) for name, (_, its) in sorted(others.items())]
    asked = (kpi.name, values_of(params), values, day_of(source, params), settings)
    return place_for(source, kpi.name, asked)
