"""The change of a share when the same units are seen twice, and some come or leave in between."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kpi_lib.kpi import Difference
from kpi_lib.stats.cells import difference
from kpi_lib.stats.distributions import z_tail
from kpi_lib.stats.exact import mcnemar
from kpi_lib.stats.intervals import newcombe
from kpi_lib.stats.power import EXACT_PAIRS, normal_multiple, smallest_visible_pairs

_METHOD = "Newcombe interval for paired shares"


@dataclass(frozen=True)
class PairedShares:
    """Units by state, earlier then later: `lost` was 1 and is 0, `gained` was 0 and is 1.

    `left` (seen earlier only) and `came` (later only) are (successes, units).
    """

    both: int
    lost: int
    gained: int
    neither: int
    left: tuple[int, int] = (0, 0)
    came: tuple[int, int] = (0, 0)

    @property
    def pairs(self) -> int:
        """Units seen in both periods."""
        return self.both + self.lost + self.gained + self.neither

    @property
    def earlier(self) -> tuple[int, int]:
        """Successes and units of the earlier period."""
        return self.both + self.lost + self.left[0], self.pairs + self.left[1]

    @property
    def later(self) -> tuple[int, int]:
        """Successes and units of the later period."""
        return self.both + self.gained + self.came[0], self.pairs + self.came[1]


def paired_share_difference(counts: PairedShares, *, level: float, power: float) -> Difference:
    """Later minus earlier share, exactly that of the two headline figures.

    Interval: Newcombe (1998), Statistics in Medicine 17:2635, method 10, with the correlation of
    the two shares scaled to the part of the units seen twice; without units seen twice it is the
    interval for independent samples. p-value: McNemar's exact test when every unit is seen twice;
    else the z statistic for partially overlapping samples of Derrick and others (2015), Journal of
    Applied Quantitative Methods 10(3). Smallest visible: exact for McNemar, else from its error.
    """
    (first_hits, first_n), (second_hits, second_n) = counts.earlier, counts.later
    if not (first_n and second_n):
        return difference(_METHOD, "one of the periods has no units")
    overlap = counts.pairs / math.sqrt(first_n * second_n)
    low, high = newcombe(counts.earlier, counts.later, level, overlap * _correlation(counts))
    value = second_hits / second_n - first_hits / first_n
    whole = counts.pairs == first_n == second_n
    if whole:
        test, p_value = "McNemar exact test", mcnemar(counts.gained, counts.lost)
    else:
        test, p_value = "z test for overlapping samples", _overlapping_p(counts, value)
    visible = _smallest_visible(counts, whole=whole, level=level, power=power)
    return difference(
        f"{_METHOD}, {test}",
        "" if visible is not None else "too few units to see any change",
        value=value,
        low=low,
        high=high,
        p_value=p_value,
        smallest_visible=visible,
    )


def _correlation(counts: PairedShares) -> float:
    """Correlation of the two states among units seen twice, 0 when a state never varies.

    As in Newcombe's method 10, a positive cross product is reduced by half the number of pairs.
    """
    first, second = counts.both + counts.lost, counts.both + counts.gained
    n = counts.pairs
    product = first * (n - first) * second * (n - second)
    if product == 0:
        return 0.0
    cross = counts.both * counts.neither - counts.lost * counts.gained
    corrected = max(cross - n / 2, 0.0) if cross > 0 else float(cross)
    return corrected / math.sqrt(product)


def _overlapping_p(counts: PairedShares, value: float) -> float:
    """Two-sided p-value of z = change / error under one common share; 1 when nothing varies."""
    (first_hits, first_n), (second_hits, second_n) = counts.earlier, counts.later
    common = (first_hits + second_hits) / (first_n + second_n)
    spread = common * (1 - common)
    shared = counts.pairs * _plain_correlation(counts) / (first_n * second_n)
    variance = spread * (1 / first_n + 1 / second_n - 2 * shared)
    return z_tail(value / math.sqrt(variance)) if variance > 0 else 1.0


def _plain_correlation(counts: PairedShares) -> float:
    first, second = counts.both + counts.lost, counts.both + counts.gained
    n = counts.pairs
    product = first * (n - first) * second * (n - second)
    cross = counts.both * counts.neither - counts.lost * counts.gained
    return cross / math.sqrt(product) if product else 0.0


def _smallest_visible(
    counts: PairedShares, *, whole: bool, level: float, power: float
) -> float | None:
    """Exact for McNemar when all units are seen twice; else z times an error that is never 0.

    Half a unit is added to each state of the pairs, so that no change seen does not read as no
    noise: Agresti and Min (2005), Statistics in Medicine 24.
    """
    changing = (counts.gained + counts.lost + 1) / (counts.pairs + 2)
    if whole and counts.pairs <= EXACT_PAIRS:
        return smallest_visible_pairs(counts.pairs, changing, level=level, power=power)
    visible = normal_multiple(level, power) * _error(counts, changing)
    return visible if visible <= 1 else None


def _error(counts: PairedShares, changing: float) -> float:
    """Standard error of the change: changing pairs plus the units that came and left."""
    (first_hits, first_n), (second_hits, second_n) = counts.earlier, counts.later
    common = (first_hits + second_hits + 1) / (first_n + second_n + 2)
    spread = common * (1 - common)
    paired = counts.pairs * (changing - _drift(counts) ** 2) / (first_n * second_n)
    apart = spread * (counts.left[1] / first_n**2 + counts.came[1] / second_n**2)
    return math.sqrt(paired + apart)


def _drift(counts: PairedShares) -> float:
    return (counts.gained - counts.lost) / (counts.pairs + 2)
