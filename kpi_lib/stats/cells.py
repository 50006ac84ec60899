"""Small helpers on the frames that estimators take and give."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.kpi import Difference

if TYPE_CHECKING:
    import pandas as pd


def sum_cells(reduced: pd.DataFrame, by: Sequence[str], sums: Sequence[str]) -> pd.DataFrame:
    """One row per cell of `by` with the sums of `sums` as floats; exactly one row without `by`."""
    import pandas as pd

    plain = reduced[[*by, *sums]]
    others = [name for name in sums if plain[name].dtype != np.float64]
    numbers = plain.astype(dict.fromkeys(others, "float64")) if others else plain
    if by and not numbers.duplicated(list(by)).any():
        return numbers.sort_values(list(by), kind="stable", ignore_index=True)
    if by:
        return numbers.groupby(list(by), dropna=False, sort=True)[list(sums)].sum().reset_index()
    return pd.DataFrame({name: [float(numbers[name].sum())] for name in sums})


def added_up(keys: Sequence[Any], amounts: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Rows with equal keys as one: where one of each stands, in the order of the keys, and the sums.

    Keys and amounts are arrays of one length. For figures that add up hundreds of small sets, where
    a frame's groupby takes longer than all the rest.
    """
    order = np.lexsort(tuple(reversed(keys)))
    if not order.size:
        return order, [np.asarray(amount, dtype=np.float64) for amount in amounts]
    new = np.zeros(order.size, dtype=bool)
    new[0] = True
    for key in keys:
        new[1:] |= key[order][1:] != key[order][:-1]
    first = np.flatnonzero(new)
    return order[first], [np.add.reduceat(amount[order], first) for amount in amounts]


def total_of(reduced: pd.DataFrame, sums: Sequence[str]) -> dict[str, float]:
    """The sums of the named columns over all rows."""
    numbers = reduced[list(sums)].to_numpy(dtype=np.float64, na_value=np.nan)
    return dict(zip(sums, np.nansum(numbers, axis=0).tolist(), strict=True))


def estimates(
    cells: pd.DataFrame, by: Sequence[str], columns: Mapping[str, Any], reasons: Sequence[str]
) -> pd.DataFrame:
    """The frame every `estimate` gives: *by, the columns, then `reason` ("" where all is known).

    Numbers that are not finite become null.
    """
    import pandas as pd

    made = {
        name: finite(numbers) if np.asarray(numbers).dtype.kind == "f" else numbers
        for name, numbers in columns.items()
    }
    said = {"reason": np.asarray(reasons, dtype=object)}
    return pd.DataFrame({name: cells[name] for name in by} | made | said, index=cells.index)


def finite(numbers: Any) -> Any:
    """The numbers as float64, infinities turned into null (NaN)."""
    values = np.asarray(numbers, dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def share_of(part: Any, whole: Any) -> Any:
    """part / whole, null where the whole is zero."""
    wholes = np.asarray(whole, dtype=np.float64)
    safe = np.where(wholes == 0, np.nan, wholes)
    return np.asarray(part, dtype=np.float64) / safe


def difference(method: str, reason: str = "", **numbers: float | None) -> Difference:
    """A `Difference` in which everything that is not finite or not given is None."""
    names = ("value", "low", "high", "p_value", "smallest_visible")
    known = {name: _or_none(numbers.get(name)) for name in names}
    return Difference(**known, method=method, reason=reason)


def _or_none(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)
