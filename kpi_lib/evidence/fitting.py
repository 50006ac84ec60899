"""Test 6, fitting: is it a KPI for this kind of business?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpi_lib.evidence.beside import Fact, beside
from kpi_lib.evidence.finding import DEFAULTS, Finding, Settings, cannot_tell, tables_of
from kpi_lib.kpi import FitRule, Kpi, KpiParams, RuleOutcome, Source

if TYPE_CHECKING:
    import pandas as pd

TEST = "fitting"
Checked = tuple[FitRule, RuleOutcome | None]


def fitting(kpi: Kpi, source: Source, params: KpiParams, settings: Settings = DEFAULTS) -> Finding:
    """Whether no severe rule of the card fires on these data.

    A rule that fires names the substitute; one that is not severe is a caution. None when none of
    the rules could be checked. `numbers["beside"]` is shown and decides nothing: what kind of KPI it
    is, who can move it, cost and delay of measuring. Table: name, meaning, is_severe, fires (null: not checked), sentence,
    substitute.
    """
    del settings
    tables = tables_of(source, params)
    checked = [(rule, rule.check(tables, params)) for rule in kpi.fit_rules]
    return found_in(checked, kpi, beside(kpi, tables))


def not_fitting(kpi: Kpi, source: Source, params: KpiParams) -> Finding | None:
    """The finding on a KPI whose tables are not there because the business has no such thing.

    Only the rules about the business are checked, which do not need the KPI's own tables. None where
    no severe one fires: then the tables are only not handed in, and nothing is said about the KPI.
    """
    tables = tables_of(source, params)
    checked = [(rule, rule.check(tables, params)) for rule in kpi.fit_rules if rule.reads]
    found = found_in(checked, kpi, [])
    return found if found.passed is False else None


def said_against(finding: Finding) -> str:
    """Why a KPI that does not fit is dropped, and what to use instead."""
    return f"It does not fit this business: {finding.headline}"


def found_in(checked: list[Checked], kpi: Kpi, facts: list[Fact]) -> Finding:
    """The finding on rules that were checked, and on what is shown beside them."""
    table = _table(checked)
    fired = [(rule, found) for rule, found in checked if found is not None and found.fires]
    severe = [found for rule, found in fired if rule.severe]
    known = sum(found is not None for _, found in checked)
    numbers = {
        "rules": len(checked), "checked": known, "severe": len(severe),
        "cautions": [found.sentence for rule, found in fired if not rule.severe],
        "substitutes": sorted({found.substitute for found in severe if found.substitute}),
        "owner": kpi.owner, "cadence": str(kpi.cadence), "beside": facts,
    }  # fmt: skip
    if severe:
        said = " ".join(dict.fromkeys(_with_substitute(found) for found in severe))
        return Finding(TEST, False, said, table, severe[0].sentence.rstrip("."), numbers)
    if checked and not known:
        return cannot_tell(TEST, "the tables that its rules look at are absent", table, numbers)
    return Finding(TEST, True, _fits(numbers), table, "", numbers)


def _table(checked: list[Checked]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {
            "name": rule.name,
            "meaning": rule.meaning,
            "is_severe": rule.severe,
            "fires": None if found is None else found.fires,
            "sentence": "not checked: a table is absent" if found is None else found.sentence,
            "substitute": "" if found is None else found.substitute,
        }
        for rule, found in checked
    ]
    names = ["name", "meaning", "is_severe", "fires", "sentence", "substitute"]
    return pd.DataFrame(rows, columns=names)


def _with_substitute(found: RuleOutcome) -> str:
    return (
        f"{found.sentence} Use {found.substitute} instead." if found.substitute else found.sentence
    )


def _fits(numbers: dict[str, Any]) -> str:
    if not numbers["rules"]:
        return "The card names no kind of business that it does not fit."
    said = f"None of the {numbers['checked']} rules checked speaks against it here."
    return " ".join([said, *(f"Caution: {sentence}" for sentence in numbers["cautions"])])
