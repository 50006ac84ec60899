"""Competitors' figures as the table `benchmarks` holds them, and whose definition each of them follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from kpi_lib.editing import with_table
from kpi_lib.engine import run
from kpi_lib.kpi import Better, KpiParams, RuleOutcome
from kpi_lib.schema import Tables

if TYPE_CHECKING:
    import pandas as pd

MARGINS = ("high", "medium", "low")
"""What a source may be trusted to; anything else counts as low."""

_HALF_WIDTH = 1.6448536269514722
"""Standard errors from the middle to either end of a range that holds the truth nine times in ten."""

Definition = Mapping[str, str]
"""What is chosen about a KPI: the name of each setting and its value, as they are written in a row."""


def definition_of(params: KpiParams, currency: str) -> Definition:
    """Every setting that says what is counted: the length of a period, the currency, and the KPI's own.

    >>> definition_of(KpiParams(period="month"), "EUR")
    {'period': 'month', 'currency': 'eur'}
    """
    own = {n: v for n, v in params.model_dump().items() if n not in KpiParams.model_fields}
    settings = {"period": params.period, "currency": currency} | own
    settings["currency"] = settings["currency"] or currency
    return {name: _written(value) for name, value in settings.items()}


def _written(value: Any) -> str:
    """A value as a row of benchmarks writes it: lower case, no spaces, 48 for 48.0."""
    if isinstance(value, list | tuple):
        return ",".join(map(_written, value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).lower().replace(" ", "")


def differs(definition: str, ours: Definition) -> list[str]:
    """What a stated definition says otherwise than ours, setting by setting; empty where all is alike.

    >>> differs("period = month; currency=EUR", {"period": "quarter", "currency": "eur"})
    ['period=month (ours: quarter)']
    >>> differs("per seat", {"period": "quarter"})
    ['per seat (ours has no such setting)']
    """
    found = []
    for one in definition.split(";"):
        name, _, value = (text.strip() for text in one.partition("="))
        if not one.strip() or ours.get(name.lower()) == _written(value):
            continue
        known = ours.get(name.lower())
        found.append(
            f"{one.strip()} (ours has no such setting)"
            if known is None
            else f"{name}={value} (ours: {known or 'none'})"
        )
    return found


def stated(tables: Tables, kpi: str, ours: Definition) -> ir.Table:
    """All figures of one KPI: those of benchmarks, `is_stated`, and `is_ours` where nothing differs."""
    rows = tables["benchmarks"]
    rows = rows.filter(rows["kpi"] == kpi)
    text = rows["definition"].fill_null("").lower().replace(" ", "")
    rows = rows.mutate(left=ibis.literal(";") + text + ibis.literal(";"), is_stated=text != "")
    left = rows["left"]
    for name, value in ours.items():
        left = left.replace(f";{name}={value};", ";")
    return rows.mutate(is_ours=left.isin([";", ";;"])).drop("left")


def comparable(
    tables: Tables,
    kpi: str,
    ours: Definition,
    *,
    unstated: bool,
    relative: bool,
    margins: Mapping[str, float],
) -> ir.Table:
    """One row per competitor and period: unit_id, of (the competitor), period, value, error.

    Only figures of our definition, or of none with `unstated`. `margins` are half-widths of a range
    that holds the truth nine times in ten, in points, by confidence: per cent of the figure where
    it is `relative` (then only figures above 0 count), else points of its scale. Several sources are
    averaged, and as uncertain as the least certain of them.
    """
    rows = stated(tables, kpi, ours)
    rows = rows.filter(rows["is_ours"] if unstated else rows["is_ours"] & rows["is_stated"])
    rows = rows.filter(rows["value"] > 0) if relative else rows
    trusted = rows["confidence"].fill_null("").lower()
    margin = ibis.cases(
        *((trusted == name, float(margins[name])) for name in MARGINS[:-1]),
        else_=float(margins[MARGINS[-1]]),
    )
    rows = rows.mutate(error=margin / _HALF_WIDTH * (rows["value"] / 100.0 if relative else 1.0))
    rows = rows.rename(of="competitor")
    found = rows.group_by(["of", "period"]).aggregate(
        value=rows["value"].mean(), error=rows["error"].max()
    )
    return found.mutate(unit_id=found["of"] + ibis.literal(" ") + found["period"].cast("string"))


def refused(
    tables: Tables, ours: Mapping[str, tuple[Definition, bool]], *, unstated: bool
) -> pd.DataFrame:
    """Figures that may not be compared: kpi, of, period, value, definition, source, reason.

    `ours` holds our definition of each KPI, and whether its gap is a per cent of the figure.
    """
    others = tables["benchmarks"]
    others = others.filter(others["kpi"].notin(list(ours)))
    found = [_listed(run(others), lambda row: "a KPI that is not compared on this page")]
    for kpi, (definition, relative) in ours.items():
        rows = run(stated(tables, kpi, definition))
        found.append(_listed(rows, _judge(definition, unstated, relative)))
    import pandas as pd

    return pd.concat([one for one in found if len(one)] or found[:1])


def _judge(ours: Definition, unstated: bool, relative: bool) -> Callable[[Any], str]:
    """Says why a row of `stated` may not be compared, "" where it may."""

    def reason(row: Any) -> str:
        if not row["is_ours"]:
            return "another definition: " + "; ".join(differs(row["definition"], ours))
        if not row["is_stated"] and not unstated:
            return "it does not say which definition it follows"
        if relative and not row["value"] > 0:
            return "no gap in per cent of a figure that is not above 0"
        return ""

    return reason


def _listed(rows: pd.DataFrame, reason: Callable[[Any], str]) -> pd.DataFrame:
    rows = rows.rename(columns={"competitor": "of"})
    rows = rows.assign(reason=[reason(row) for row in rows.to_dict("records")])
    rows["period"] = rows["period"].dt.date
    kept = rows["reason"] != ""
    return rows.loc[kept, ["kpi", "of", "period", "value", "definition", "source", "reason"]]


def only_the_weakest(better: Mapping[str, Better]) -> Any:
    """A cheap move: of each KPI and period only the weakest competitor's figure is bought."""

    def edit(tables: Tables, params: object) -> Tables:
        del params
        rows = tables["benchmarks"]
        higher = rows["kpi"].isin([name for name, way in better.items() if way is Better.HIGHER])
        strength = ibis.ifelse(higher, rows["value"], -rows["value"])
        rows = rows.mutate(strength=strength)
        weakest = rows.group_by(["kpi", "period"]).mutate(least=rows["strength"].min())
        kept = weakest.filter(weakest["strength"] == weakest["least"])
        return with_table(tables, "benchmarks", kept.select(*tables["benchmarks"].columns))

    return edit


def definitions_not_stated(tables: Tables, params: object) -> RuleOutcome | None:
    """Fires when most figures do not say what they measure: then there is little to compare."""
    del params
    rows = tables["benchmarks"]
    text = rows["definition"].fill_null("").replace(" ", "")
    found = run(rows.aggregate(n=rows.count(), said=(text != "").sum().fill_null(0)))
    number, said = int(found["n"].iloc[0]), int(found["said"].iloc[0])
    if not number:
        return None
    return RuleOutcome(
        2 * said < number,
        f"{said} of {number} competitors' figures say which definition they follow.",
    )
