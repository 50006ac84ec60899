"""Who will get there when: the next four quarters from occupancy and curves, tested on the past."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import ibis.expr.types as ir

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.growth.conversion import Path
from kpi_lib.customers.growth.outlook import PAST, Outlook, outlook_of
from kpi_lib.periods import complete_periods
from kpi_lib.schema import Tables, found_once
from kpi_lib.stats.intervals import wilson

if TYPE_CHECKING:
    import pandas as pd

FORECAST = {"quarter": "string"} | dict.fromkeys(
    ("expected", "low", "high", "on_the_way", "still_to_come"), "float64"
)


def forecast(tables: Tables, params: Path) -> ir.Table:
    """Journeys that reach `to_state` in the next four quarters, after the last whole one.

    Columns: quarter, expected with low and high (limits of the count), on_the_way (of those already in a state),
    still_to_come (of journeys that begin as often as in the last year). Empty without ten arrivals and a year so far.
    """
    import pandas as pd

    outlook = outlook_of(tables, params)
    last = complete_periods(tables.as_of, "quarter", 1, tables.quarter_starts_in)[-1].end
    if outlook is None or not outlook.can_tell(last):
        return table_of(None, FORECAST)
    found = [
        {
            "quarter": one.quarter.label,
            "expected": one.mean,
            "low": one.low,
            "high": one.high,
            "on_the_way": one.on_the_way,
            "still_to_come": one.mean - one.on_the_way,
        }
        for one in outlook.expected(last)
    ]
    return table_of(pd.DataFrame(found), FORECAST)


BACK_TEST = {"made_on": "date", "quarter": "string", "quarters_ahead": "string"}
BACK_TEST |= dict.fromkeys(("expected", "low", "high"), "float64")
BACK_TEST |= {"actual": "int64", "inside": "string"}


@found_once
def _tested(tables: Tables, params: Path) -> pd.DataFrame:
    """The forecasts of the last twelve quarter ends that have come true or not by now."""
    import pandas as pd

    whole = complete_periods(tables.as_of, "quarter", PAST + 1, tables.quarter_starts_in)
    outlook = outlook_of(tables, params)
    rows: list[dict[str, object]] = []
    for made in whole[:-1] if outlook is not None else []:
        if outlook is not None and outlook.can_tell(made.end):
            rows += _tried(outlook, made.end, whole[-1].end)
    return pd.DataFrame(rows)


def _tried(outlook: Outlook, made_on: date, until: date) -> list[dict[str, object]]:
    """The forecast of one day beside what came, for the quarters that have ended."""
    rows: list[dict[str, object]] = []
    for ahead, one in enumerate(outlook.expected(made_on), 1):
        if one.quarter.end > until:
            continue
        actual = outlook.actual(one.quarter)
        row: dict[str, object] = {"made_on": made_on, "quarter": one.quarter.label}
        row |= {"quarters_ahead": str(ahead), "expected": one.mean, "low": one.low}
        row |= {"high": one.high, "actual": actual}
        rows.append(row | {"inside": "yes" if one.low <= actual <= one.high else "no"})
    return rows


def back_test(tables: Tables, params: Path) -> ir.Table:
    """What would have been forecast on the last twelve quarter ends, from what was known then.

    Columns: made_on, quarter, quarters_ahead, expected, low, high, actual, inside (yes, no).
    """
    table = table_of(_tested(tables, params), BACK_TEST)
    return table.order_by("made_on", "quarters_ahead")


COVERAGE = {"quarters_ahead": "string"} | dict.fromkeys(("covered", "low", "high"), "float64")
COVERAGE |= {"bias": "float64"} | dict.fromkeys(("forecasts", "inside", "quarters"), "int64")


def coverage(tables: Tables, params: Path) -> ir.Table:
    """How often the intervals of past forecasts held what came: one row per quarters ahead, and all.

    Columns: quarters_ahead, covered (share) with low and high, bias (mean of expected - actual, journeys),
    forecasts, inside, quarters (forecast). Should be near `level`. The limits are Wilson's with as many
    cases as there are quarters: up to four forecasts of one quarter are judged by the same outcome.
    """
    import pandas as pd

    frame = _tested(tables, params)
    if frame.empty:
        return table_of(None, COVERAGE)
    groups = [*frame.groupby("quarters_ahead"), ("all", frame)]
    rows = []
    for name, part in groups:
        inside, many = int((part["inside"] == "yes").sum()), len(part)
        quarters = int(part["quarter"].nunique())
        low, high = wilson(inside / many * quarters, quarters, params.level)
        bias = float((part["expected"] - part["actual"]).mean())
        row = {"quarters_ahead": str(name), "covered": inside / many, "low": low, "high": high}
        row |= {"forecasts": many, "inside": inside, "quarters": quarters}
        rows.append(row | {"bias": bias})
    return table_of(pd.DataFrame(rows), COVERAGE)
