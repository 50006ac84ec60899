"""The figure under other fair definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kpi_lib.charts import lines
from kpi_lib.charts.table import table
from kpi_lib.kpi import Unit
from kpi_lib.measure import Measurement, cell_of, headline_position
from kpi_lib.sweep import Variation
from kpi_lib.view import View
from kpi_lib.wording import format_interval, format_value, in_a_sentence

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.charts.picture import Picture

Trends = Mapping[int, "pd.DataFrame"]


def sweep(measurement: Measurement, chosen: Sequence[Variation], trends: Trends) -> View:
    """The trend under each fair definition, one parameter changed at a time."""
    if len(chosen) < 2:
        return View("The card names no other fair definition.")
    kpi = measurement.kpi
    headlines = headlines_of(measurement, chosen, trends)
    units = dict.fromkeys(("value", "low", "high"), kpi.unit) | {"n": Unit.COUNT}
    return View(
        sweep_sentence(measurement, headlines),
        picture=lambda: _panels(measurement, chosen, trends),
        table=lambda: table(headlines, units=units, currency=measurement.currency),
        frame=headlines,
    )


def headlines_of(
    measurement: Measurement, chosen: Sequence[Variation], trends: Trends
) -> pd.DataFrame:
    """The headline of each definition: definition, period, value, low, high, n; ours first."""
    import pandas as pd

    rows = []
    for variation in chosen:
        trend = trends[variation.number]
        cell = cell_of(trend, headline_position(trend, measurement.kpi.paired))
        name = "as chosen" if not variation.changed else variation.label
        rows.append((name, cell.label, cell.value, cell.low, cell.high, cell.n))
    return pd.DataFrame(rows, columns=["definition", "period", "value", "low", "high", "n"])


def sweep_sentence(measurement: Measurement, headlines: pd.DataFrame) -> str:
    """How far the value moves between fair definitions, and the two ends."""
    kpi, currency = measurement.kpi, measurement.currency
    told = headlines.dropna(subset=["value"])
    if len(told) < 2:
        return "Fewer than two fair definitions give a value."
    low, high = (
        told.iloc[int(place)] for place in (told["value"].argmin(), told["value"].argmax())
    )
    if low["value"] == high["value"]:
        same = format_value(float(low["value"]), kpi.unit, currency)
        return f"{'Both' if len(told) == 2 else f'All {len(told)}'} fair definitions give {same}."
    span = format_interval(float(low["value"]), float(high["value"]), kpi.unit, currency)
    return (
        f"{len(told)} fair definitions give values from {span}. "
        f"Lowest: {low['definition']}. Highest: {high['definition']}."
    )


def _panels(measurement: Measurement, chosen: Sequence[Variation], trends: Trends) -> Picture:
    kpi = measurement.kpi
    return lines.small_multiples(
        panel_rows(chosen, trends),
        title="The same trend under other fair definitions",
        what=in_a_sentence(kpi.title),
        unit=kpi.unit,
        currency=measurement.currency,
    )


def panel_rows(chosen: Sequence[Variation], trends: Trends) -> pd.DataFrame:
    """One row per parameter, definition and period; the chosen definition stands in every panel."""
    import pandas as pd

    single = [one for one in chosen if len(one.changed) == 1]
    names = list(dict.fromkeys(next(iter(one.changed)) for one in single))
    lines = [(trends[chosen[0].number], name, "as chosen", True) for name in names]
    lines += [(trends[v.number], next(iter(v.changed)), v.label, False) for v in single]
    rows = [
        (label, value, name.replace("_", " "), setting, is_default)
        for trend, name, setting, is_default in lines
        for label, value in zip(trend["label"].tolist(), trend["value"].tolist(), strict=True)
    ]
    return pd.DataFrame(rows, columns=["label", "value", "parameter", "setting", "is_default"])
