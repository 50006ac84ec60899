"""Control limits of shares of different sizes: which periods are more than chance around the whole.

Source: Montgomery, D. C. (2019), Introduction to statistical quality control, 8th ed., 7.2: the
p-chart with variable sample size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SIGMAS = 3.0


def share_limits(
    hits: Any, units: Any, sigmas: float = SIGMAS
) -> tuple[float, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Centre (share of all), lower and upper limit of each share, kept within 0 and 1.

    Limits are null where there are no units; the centre is null where there are none at all.
    """
    x, n = (np.asarray(one, dtype=np.float64) for one in (hits, units))
    whole = float(n.sum())
    centre = float(x.sum()) / whole if whole > 0 else float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = sigmas * np.sqrt(centre * (1.0 - centre) / np.where(n > 0, n, np.nan))
    return centre, np.clip(centre - reach, 0.0, 1.0), np.clip(centre + reach, 0.0, 1.0)
