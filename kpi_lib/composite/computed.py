"""What a composite computes per cell: its parts, in points and in resamples, and what is drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.composite.card import Figures
from kpi_lib.composite.rows import CLUSTER
from kpi_lib.kpi import Estimator
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.resamples import by_content, draws_of, points_of

if TYPE_CHECKING:
    import pandas as pd

VALUE = "value"
CELL = "cell"
_ESTIMATED = (VALUE, "n", "resolved", "reason")
NOTHING_COMES = "the parts have values, and none comes of them"


@dataclass(frozen=True)
class Member:
    """A part as its composite sees it: name, title, and what estimates it."""

    name: str
    title: str
    estimator: Estimator


@dataclass(frozen=True)
class Computed:
    """Every cell of a reduced frame: keys, and by name arrays (cells,) and draws (cells, draws)."""

    keys: pd.DataFrame
    points: Figures
    draws: Figures
    parts: Mapping[str, pd.DataFrame]
    otherwise: str = ""
    """Why there is no value, where parts may be lacking and no single one is to blame."""

    def reason(self, cell: int) -> str:
        """Why a cell has no value; "" where it has one."""
        if np.isfinite(self.points[VALUE][cell]):
            return ""
        if self.otherwise:
            return self.otherwise
        lacking = [f"{name}: {rows['reason'][cell]}" for name, rows in self.parts.items()
                   if not np.isfinite(rows["value"][cell])]  # fmt: skip
        return "; ".join(lacking) or NOTHING_COMES

    def reasons(self) -> list[str]:
        """The same of every cell."""
        return [self.reason(cell) for cell in range(len(self.keys))]


def counted(found: Computed) -> dict[str, Any]:
    """value; n, the fewest of any part that counts; resolved, that of the least resolved of them."""
    least = {
        name: np.fmin.reduce(
            [part[name].to_numpy(dtype=np.float64) for part in found.parts.values()]
        )
        for name in ("n", "resolved")
    }
    number = np.nan_to_num(least["n"]).astype(np.int64)
    resolved = np.nan_to_num(least["resolved"], nan=1.0)
    return {VALUE: found.points[VALUE], "n": number, "resolved": resolved}


def not_counting(part: pd.DataFrame, left_out: np.ndarray) -> pd.DataFrame:
    """The part's estimates, n and resolved null in the cells in which it does not count."""
    return part.assign(**{name: part[name].mask(left_out) for name in ("n", "resolved")})


def cells_of(reduced: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """The cells of `by` in order, and the number of the cell of each row; one cell without `by`."""
    import pandas as pd

    if not by:
        return pd.DataFrame(index=[0]), np.zeros(len(reduced), dtype=np.int64)
    groups = reduced.groupby(list(by), dropna=False, sort=True)
    keys = reduced[list(by)].drop_duplicates().sort_values(list(by)).reset_index(drop=True)
    return keys, groups.ngroup().to_numpy(dtype=np.int64)


def points_in(member: Member, rows: pd.DataFrame, cells: int, level: float) -> pd.DataFrame:
    """The part's own estimate in every cell: value, n, resolved, reason."""
    import pandas as pd

    found = pd.DataFrame(columns=[CELL, *_ESTIMATED])
    if not rows.empty:  # of a part whose tables are not there the columns are lacking too
        found = points_of(member.estimator, rows, [CELL], level)
    found = found.set_index(CELL).reindex(range(cells))
    return found.assign(
        value=found["value"].astype("float64"),
        n=found["n"].fillna(0),
        resolved=found["resolved"].fillna(1.0).astype("float64"),
        reason=found["reason"].fillna("nothing was observed") if "reason" in found else "no value",
    )


def draws_in(
    member: Member, rows: pd.DataFrame, weights: Floats, wanted: np.ndarray, level: float
) -> Floats:
    """The part in each resample of each cell that is wanted, null in the others: (cells, draws)."""
    which = rows[CELL].to_numpy()
    found = np.full((len(wanted), len(weights)), np.nan)
    for cell in np.flatnonzero(wanted):
        mine = which == cell
        found[cell] = draws_of(member.estimator, rows[mine], weights[:, mine], level)
    return found


def places_of(frames: Mapping[str, pd.DataFrame]) -> tuple[dict[str, np.ndarray], int]:
    """The place of each row's cluster among all that are drawn, by part, and how many there are."""
    import pandas as pd

    codes, names = pd.factorize(pd.concat([rows[CLUSTER] for rows in frames.values()]))
    ends = np.cumsum([len(rows) for rows in frames.values()])[:-1]
    each = np.split(codes, ends)
    contents = [_numbers(rows) for rows in frames.values()]
    places = by_content(each, contents, len(names))
    return {name: places[code] for name, code in zip(frames, each, strict=True)}, len(names)


def _numbers(rows: pd.DataFrame) -> Floats:
    """The numbers in rows, the same ones in another cell being other numbers."""
    content = rows.drop(columns=CELL).select_dtypes("number").to_numpy(dtype=np.float64)
    cell = rows[CELL].to_numpy(dtype=np.float64)[:, None]
    return np.concatenate([np.ones_like(cell), content], axis=1) * (1.0 + cell / math.pi)
