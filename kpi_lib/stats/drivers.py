"""A change of a product of factors, split among its factors without a rest.

Log-mean Divisia index: with L(a, b) = (a - b) / (ln a - ln b), the effect of factor x on the change
of X from X0 to X1 is L(X1, X0) ln(x1 / x0), and the effects add up to X1 - X0. Source: Ang, B. W.
(2005), The LMDI approach to decomposition analysis: a practical guide, Energy Policy 33, 867-871.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_NEAR = 1e-6


def log_mean(one: npt.ArrayLike, other: npt.ArrayLike) -> Floats:
    """The logarithmic mean of positive numbers; null where one of them is not above 0."""
    a, b = np.broadcast_arrays(np.asarray(one, dtype=float), np.asarray(other, dtype=float))
    known = (a > 0) & (b > 0)
    x, y = np.where(known, a, 1.0), np.where(known, b, 1.0)
    apart = np.log(x / y)
    close = np.abs(apart) < _NEAR
    # Near each other the quotient loses digits; the arithmetic mean is then right to 1e-13.
    mean = np.where(close, (x + y) / 2, (x - y) / np.where(close, 1.0, apart))
    return np.where(known, mean, np.nan)


def effects(
    earlier: Mapping[str, npt.ArrayLike], later: Mapping[str, npt.ArrayLike]
) -> dict[str, Floats]:
    """What each factor did to the change of the product of all: the effects add up to it.

    Null where a factor is not above 0 on both sides. Raises ValueError when the factors differ.
    """
    if set(earlier) != set(later):
        raise ValueError("both sides need the same factors")
    first = {name: np.asarray(earlier[name], dtype=float) for name in earlier}
    second = {name: np.asarray(later[name], dtype=float) for name in earlier}
    known = np.all([(first[n] > 0) & (second[n] > 0) for n in first], axis=0)
    whole = [np.prod([side[n] for n in first], axis=0) for side in (second, first)]
    mean = log_mean(np.where(known, whole[0], np.nan), np.where(known, whole[1], np.nan))
    with np.errstate(divide="ignore", invalid="ignore"):
        return {n: np.where(known, mean * np.log(second[n] / first[n]), np.nan) for n in first}
