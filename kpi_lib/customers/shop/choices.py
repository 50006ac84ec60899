"""Parameters that several KPIs of orders share, worded once."""

from __future__ import annotations

from typing import Any

from kpi_lib.kpi import parameter

REPEATED_LINES: Any = parameter(
    "keep", meaning="equal lines of one order: keep (both were bought), drop (entered twice)"
)
NOT_GOODS: Any = parameter((), meaning="product codes that are no goods: postage, fees")
NO_ACCOUNT: Any = parameter("", meaning="account id that stands for buyers not known; left out")
RETURNS: Any = parameter(
    "net",
    meaning="returned orders: net (taken off when they come back), restate (never sold), gross",
    fair=("net", "restate", "gross"),
)
