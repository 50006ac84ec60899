"""Competitor gap: how far our figures lie behind those that competitors publish, like with like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import ibis.expr.types as ir
import numpy as np

from kpi_lib.composite import Beside, Composite, CompositeParams
from kpi_lib.customers import benchmarks
from kpi_lib.kpi import (
    Better,
    Cadence,
    CheapMove,
    Family,
    FitRule,
    Kpi,
    KpiParams,
    Unit,
    parameter,
)
from kpi_lib.schema import Tables

if TYPE_CHECKING:
    import pandas as pd

PARTS = {
    "customer_churn": Better.LOWER,
    "revenue_retention": Better.HIGHER,
    "time_to_value": Better.LOWER,
    "acquisition_cost": Better.LOWER,
    "employee_nps": Better.HIGHER,
    "cart_abandonment": Better.LOWER,
    "basket": Better.HIGHER,
    "repeat_orders": Better.HIGHER,
}
"""The KPIs that competitors' figures are set beside, and which way each is good."""


class Params(CompositeParams):
    """What may be chosen about the competitor gap."""

    threshold: float | None = parameter(
        0.0, unit="points", meaning="the gap to stay below: the chance of that is told"
    )
    unstated: Literal["refuse", "compare"] = parameter(
        "refuse",
        meaning="a figure that does not say which definition it follows: refuse, compare (as if "
        "it followed ours)",
        fair=("refuse", "compare"),
    )
    margin_high: float = parameter(
        5.0, ge=0, le=100, unit="points",
        meaning="how far off a figure of high confidence may be, nine times in ten",
    )  # fmt: skip
    margin_medium: float = parameter(
        10.0, ge=0, le=100, unit="points", meaning="the same of medium confidence"
    )
    margin_low: float = parameter(
        20.0, ge=0, le=100, unit="points", meaning="the same of low confidence, or of none stated"
    )


def combine(gaps: Mapping[str, Any]) -> Any:
    """The median of the gaps that there are, place by place; null where there is none.

    Churn lies 40 per cent behind, time to value 10 per cent behind, the basket 5 per cent ahead; of
    another KPI no competitor tells anything:

    >>> gaps = {"customer_churn": np.array([40.0]), "time_to_value": np.array([10.0]),
    ...         "basket": np.array([-5.0]), "repeat_orders": np.array([np.nan])}
    >>> combine(gaps).tolist()
    [10.0]
    """
    ordered = np.sort(np.stack(list(gaps.values())), axis=0)  # nulls stand last
    number = (~np.isnan(ordered)).sum(axis=0)[None]
    low = np.take_along_axis(ordered, np.maximum(number - 1, 0) // 2, axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(number // 2, len(ordered) - 1), axis=0)[0]
    return np.where(number[0] > 0, (low + high) / 2.0, np.nan)


def gap(part: Kpi, ours: Any, theirs: Any) -> Any:
    """How far ours lie behind theirs: per cent of theirs, or points where the KPI is one of points."""
    behind = ours - theirs if part.better is Better.LOWER else theirs - ours
    if part.unit is Unit.POINTS:
        return behind
    return 100.0 * behind / np.where(theirs > 0, theirs, np.nan)


def _definition(tables: Tables, own: KpiParams) -> benchmarks.Definition:
    return benchmarks.definition_of(own, tables.currency)


def _figures(tables: Tables, part: Kpi, own: KpiParams, params: Any) -> ir.Table:
    return benchmarks.comparable(
        tables,
        part.name,
        _definition(tables, own),
        unstated=params.unstated == "compare",
        relative=part.unit is not Unit.POINTS,
        margins={name: getattr(params, f"margin_{name}") for name in benchmarks.MARGINS},
    )


def _left_out(
    tables: Tables, ours: Mapping[str, tuple[Kpi, KpiParams]], params: Any
) -> pd.DataFrame:
    definitions = {
        name: (_definition(tables, own), part.unit is not Unit.POINTS)
        for name, (part, own) in ours.items()
    }
    return benchmarks.refused(tables, definitions, unstated=params.unstated == "compare")


BESIDE = Beside(
    needs={
        "benchmarks": (
            *("competitor", "kpi", "period", "value", "source", "confidence", "definition"),
        ),
    },
    figures=_figures,
    left_out=_left_out,
    gap=gap,
    whose="competitor",
    cheap_moves=(
        CheapMove(
            name="only the weakest competitor bought",
            meaning="Of each KPI and period only the weakest competitor's figure is kept.",
            edit=benchmarks.only_the_weakest(PARTS),
            given_away_by="figures: fewer figures stand behind each gap than a quarter ago",
        ),
    ),
    fit_rules=(
        FitRule(
            name="definitions not stated",
            meaning="Most competitors' figures do not say which definition they follow.",
            check=benchmarks.definitions_not_stated,
        ),
    ),
)

FORMULA = r"""
$$\text{gap}_p = \operatorname{median}_k \; g_{k,p}, \qquad
g_{k,p} = 100 \, s_k \, \frac{x_{k,p} - \bar y_{k,p}}{\bar y_{k,p}}$$

- $x_{k,p}$: our KPI $k$ in period $p$, as its own page gives it (in its own unit)
- $\bar y_{k,p}$: mean of the competitors' figures of KPI $k$ for period $p$ that follow our definition
- $s_k$: 1 where lower is better, -1 where higher is better, so that above 0 we are behind
- $g_{k,p}$: points, a hundredth of the competitors' figure; for a KPI that is itself counted in points
  the difference $s_k (x_{k,p} - \bar y_{k,p})$, since such a scale has no zero to take a share of
- same definition: every setting that the row names in `definition` has the value that ours has
- interval: accounts are drawn with replacement, the same ones for all our KPIs; each competitor's
  figure takes a normal error, of which `margin_high`, `margin_medium` or `margin_low` points are
  exceeded once in ten times, drawn anew for each competitor, KPI and period
- chance: share of the draws in which the gap is below `threshold`
"""

KPI = Composite(
    name="competitor_gap",
    title="Competitor gap",
    question="How far do we lie behind our competitors, where like is compared with like?",
    unit=Unit.POINTS,
    better=Better.LOWER,
    cadence=Cadence.QUARTERLY,
    owner="marketing",
    family=Family.COMMERCE,
    source="Published and purchased benchmarks",
    formula=FORMULA.strip(),
    Params=Params,
    parts=tuple(PARTS),
    combine=combine,
    beside=BESIDE,
    cautions=(
        "A median of few KPIs jumps when one more can be compared, or one fewer. Look at the gap of each "
        "KPI over time before a change of the median is believed.",
        "Competitors choose what they publish. Figures that look bad for them are missing more often.",
        "The range of a competitor's figure is our trust in its source, not a sample. Nothing in the data "
        "can check it; `margin_high`, `margin_medium` and `margin_low` say what is assumed.",
        "A row is of our definition when no setting that it names differs. What it does not name may "
        "differ all the same, customers and markets first of all.",
        "Closing the gap is no aim where the competitor's customers are of another kind. A smaller "
        "basket can be right for smaller customers.",
        "A figure counts for the period it describes, though it is often published later. Give "
        "`recorded_at` in the table, and past quarters show what was known at the time.",
    ),
    okr="Bring the median gap to competitors from {value} to {threshold} points or below, on the KPIs and competitors compared today.",
    okr_target=lambda params, value: min(params.threshold or 0.0, value),
    references=(
        "Camp, R. (1989). Benchmarking: the search for industry best practices that lead to superior "
        "performance. ASQC Quality Press.",
        "Hanley, J. and MacGibbon, B. (2006). Creating non-parametric bootstrap samples using "
        "Poisson frequencies. Computer Methods and Programs in Biomedicine 83, 57-62.",
        "JCGM 100:2008. Evaluation of measurement data: guide to the expression of uncertainty in "
        "measurement.",
    ),
)
