"""Small frames that were computed here, put back into the engine as typed tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis.expr.types as ir

from kpi_lib.customers.subscribed import small

if TYPE_CHECKING:
    import pandas as pd


def stacked(frames: list[pd.DataFrame], kinds: dict[str, str]) -> ir.Table:
    """Frames below each other as one typed table in the engine."""
    import pandas as pd

    return table_of(pd.concat(frames) if frames else None, kinds)


def table_of(frame: pd.DataFrame | None, kinds: dict[str, str]) -> ir.Table:
    """A frame as a typed table in the engine; moments become days, NaN becomes null."""
    import pandas as pd

    if frame is None or frame.empty:
        return small({}, kinds)
    columns = {}
    for name, kind in kinds.items():
        column = frame[name]
        column = pd.to_datetime(column).dt.date if kind == "date" else column
        columns[name] = column.astype(object).where(column.notna(), None).tolist()
    return small(columns, kinds)
