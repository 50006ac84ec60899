"""What could be seen: smallest visible changes and units needed, for tests at level alpha = 1 - level.

"Visible" means that a true change of that size would be found with the chance `power`, two-sided.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from kpi_lib.stats.distributions import Floats, t_two_sided, z_quantile, z_two_sided
from kpi_lib.stats.exact import fisher_power, mcnemar_power

EXACT_TABLES = 62_500
"""Up to this product of sizes (250 in each sample) Fisher's power is exact, above it approximate."""

EXACT_PAIRS = 2_000
MANY_DEGREES = 1_000.0
"""From here on the t distribution is the normal one to three digits."""


def normal_multiple(level: float, power: float) -> float:
    """How many standard errors of the difference a visible change has (2.49 at 0.9 and 0.8)."""
    return z_two_sided(level) + z_quantile(power)


def chance_to_see(change: float, smallest_visible: float, *, level: float, power: float) -> float:
    """Chance that a true change is seen, where `smallest_visible` is seen with the chance `power`.

    Normal approximation; the far tail of the two-sided test counts too.
    """
    if not smallest_visible > 0:
        return 1.0 if change else 1 - level
    root = math.sqrt(2)
    shift, limit = change * normal_multiple(level, power) / smallest_visible, z_two_sided(level)
    return float((math.erfc((limit - shift) / root) + math.erfc((limit + shift) / root)) / 2)


def t_power(shift: float, degrees: float, level: float) -> float:
    """Chance that a two-sided t test sees a change of `shift` standard errors.

    The noncentral t distribution, integrated over the estimated standard deviation (scipy's own
    gives NaN for some arguments): Johnson, Kotz, Balakrishnan (1995), chapter 31.
    """
    ratio, chance = _deviation_grid(degrees)
    limit = float(t_two_sided(level, degrees)) * ratio
    return float(chance @ (_below(shift - limit) + _below(-shift - limit)))


@lru_cache(maxsize=256)
def _deviation_grid(degrees: float) -> tuple[Floats, Floats]:
    """Values of estimated over true standard deviation, and the chance that goes with each."""
    from scipy.special import chdtri, gammaln

    ends = np.sqrt(np.array([chdtri(degrees, 1 - _TAIL), chdtri(degrees, _TAIL)]) / degrees)
    nodes, weights = _nodes()
    ratio = ends[0] + (ends[1] - ends[0]) * (nodes + 1) / 2
    log_density = (degrees - 1) * np.log(ratio) - degrees * ratio**2 / 2
    log_density += math.log(2) + degrees / 2 * math.log(degrees / 2) - gammaln(degrees / 2)
    return ratio, weights * np.exp(log_density) * (ends[1] - ends[0]) / 2


@lru_cache(maxsize=1)
def _nodes() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


def _below(z: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(z), dtype=np.float64)


_TAIL = 1e-12
_NODES = 120


def t_multiple(degrees: float, level: float, power: float) -> float:
    """How many standard errors of the difference a change has that a t test sees."""
    if degrees >= MANY_DEGREES:
        return normal_multiple(level, power)
    top = float(t_two_sided(level, degrees)) + float(t_two_sided(2 * power - 1, degrees)) + 1.0
    while t_power(top, degrees, level) < power:
        top *= 2
    return _smallest(lambda shift: t_power(shift, degrees, level) >= power, top)


def proportion_power(
    sizes: tuple[int, int], shares: tuple[float, float], level: float
) -> tuple[float, bool]:
    """Chance to see two true shares differ by Fisher's test, and whether that chance is exact.

    Above `EXACT_TABLES` it is the normal approximation with Yates' correction, which follows
    Fisher's test closely: Casagrande, Pike, Smith (1978), Biometrics 34.
    """
    if sizes[0] * sizes[1] <= EXACT_TABLES:
        return fisher_power(sizes, shares, 1 - level), True
    return _corrected_power(sizes, shares, level), False


def _corrected_power(sizes: tuple[int, int], shares: tuple[float, float], level: float) -> float:
    weights = 1 / sizes[0] + 1 / sizes[1]
    pooled = (sizes[0] * shares[0] + sizes[1] * shares[1]) / (sizes[0] + sizes[1])
    spread = math.sqrt(pooled * (1 - pooled) * weights)
    alone = [share * (1 - share) / size for share, size in zip(shares, sizes, strict=True)]
    distance = abs(shares[1] - shares[0]) - weights / 2 - z_two_sided(level) * spread
    error = math.sqrt(sum(alone))
    if error == 0:
        return 1.0 if distance > 0 else 0.0
    return 0.5 * math.erfc(-distance / error / math.sqrt(2))


def smallest_visible_proportion(
    share: float, sizes: tuple[int, int], *, level: float, power: float
) -> float | None:
    """The smallest change from `share` that Fisher's test would see, as a positive number.

    Both directions are searched over the later share; the smaller change of the two is given, so it
    is the best that these sizes allow. None when not even a later share of 0 or 1 would be seen.
    """

    def visible(direction: int) -> Callable[[float], bool]:
        def check(change: float) -> bool:
            shares = (share, share + direction * change)
            return proportion_power(sizes, shares, level)[0] >= power

        return check

    found = [
        _smallest(visible(direction), room)
        for direction, room in ((1, 1 - share), (-1, share))
        if room > 0 and visible(direction)(room)
    ]
    return min(found, default=None)


def smallest_visible_pairs(
    pairs: int, changing: float, *, level: float, power: float
) -> float | None:
    """The smallest change of a share that McNemar's exact test would see among `pairs` units.

    `changing` is the share of units that change state either way; where the change itself is
    larger, as many as it needs are taken to change. None when nothing could be seen.
    """

    def visible(change: float) -> bool:
        share = min(max(changing, change), 1.0)
        return mcnemar_power(pairs, share, change, 1 - level) >= power

    return _smallest(visible, 1.0) if pairs > 0 and visible(1.0) else None


def units_for_proportion(share: float, change: float, *, level: float, power: float) -> int | None:
    """Units in each of two periods with which a change of `change` from `share` becomes visible.

    The direction that needs fewer units counts, as in `smallest_visible_proportion`. None where no
    number would do (no change, or a share outside 0..1 both ways).
    """
    others = [other for other in (share + change, share - change) if 0 <= other <= 1]
    if change <= 0 or not others:
        return None
    return min(_units_for_shares(share, other, level, power) for other in others)


def _units_for_shares(share: float, other: float, level: float, power: float) -> int:
    """The approximate answer first; where it is small, the exact one is searched close to it."""

    def nearly(units: int) -> bool:
        return _corrected_power((units, units), (share, other), level) >= power

    def enough(units: int) -> bool:
        return proportion_power((units, units), (share, other), level)[0] >= power

    top = 2
    while not nearly(top):
        top *= 2
    guess = _smallest_whole(nearly, top)
    if guess**2 > EXACT_TABLES:
        return guess
    top = guess
    while not enough(top):
        top += max(1, guess // 16)
    return _smallest_whole(enough, top, guess // 2)


def units_for_spread(spread: float, change: float, *, level: float, power: float) -> int | None:
    """Units in each of two periods with which a t test sees `change`.

    `spread` is the standard deviation per unit, in the unit of `change`. None without a spread or
    a change.
    """
    if not (change > 0 and spread > 0):
        return None
    ratio = 2 * (spread / change) ** 2

    def enough(units: int) -> bool:
        return units >= ratio * t_multiple(2.0 * units - 2, level, power) ** 2

    top = max(2, math.ceil(ratio * normal_multiple(level, power) ** 2))
    while not enough(top):
        top = 2 * top if top < MANY_DEGREES else top + 1
    return _smallest_whole(enough, top)


def _smallest(holds: Callable[[float], bool], top: float) -> float:
    """The smallest number up to `top` for which `holds` is true, by halving (it holds at `top`)."""
    low, high = 0.0, top
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _smallest_whole(holds: Callable[[int], bool], top: int, below: int = 1) -> int:
    """The smallest whole number above `below` and up to `top` that holds (it holds at `top`)."""
    low, high = below, top
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
