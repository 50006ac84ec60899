"""Executing an expression gives plain, documented pandas types on every engine."""

from __future__ import annotations

from datetime import date, datetime

import ibis
import pandas as pd

from kpi_lib.engine import run
from kpi_lib.schema import OPEN_END


def test_types() -> None:
    schema = ibis.schema(
        {
            "text": "string",
            "day": "date",
            "moment": "timestamp",
            "money": "float64",
            "small": "int8",
            "flag": "boolean",
        }
    )
    rows = {
        "text": ["a", None],
        "day": [OPEN_END, None],
        "moment": [datetime(2024, 1, 1, 12), None],
        "money": [1.25, None],
        "small": [1, 2],
        "flag": [True, None],
    }
    table = ibis.memtable(rows, schema=schema).cast({"money": "decimal(10, 2)"})
    frame = run(table.order_by("small"))
    assert dict(frame.dtypes.astype(str)) == {
        "text": "str",
        "day": "datetime64[us]",
        "moment": "datetime64[us]",
        "money": "float64",
        "small": "int64",
        "flag": "object",
    }
    assert frame["day"].iloc[0] == pd.Timestamp(2999, 12, 31)
    assert frame["money"].iloc[0] == 1.25
    assert frame["flag"].to_list() == [True, None]
    assert frame[["text", "day", "moment", "money"]].iloc[1].isna().all()


def test_no_rows_keep_their_types() -> None:
    table = ibis.memtable({"day": [date(2024, 1, 1)]}, schema=ibis.schema({"day": "date"}))
    frame = run(table.filter(table["day"] > date(2025, 1, 1)))
    assert frame.empty
    assert str(frame["day"].dtype) == "datetime64[us]"
