"""How often the verdict errs, from what it said of simulated companies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from scipy.stats import binomtest

from benchmarks.planted.company import FALSE_KINDS, KINDS

SUGGESTIONS = ("adopt", "keep testing", "not readable here", "drop")
Said = tuple[int, int, str, str]
"""Customers a quarter, seed of the company, kind of KPI, suggestion."""


def limits(count: int, companies: int) -> tuple[float, float]:
    """95 % limits of Clopper and Pearson for the share of companies in which something happened."""
    interval = binomtest(count, companies).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)


def share(count: int, companies: int) -> str:
    """A share in percent with its Monte Carlo limits: 1.2 (0.6 to 2.1)."""
    low, high = limits(count, companies)
    return f"{100 * count / companies:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def summary(said: Iterable[Said]) -> str:
    """A markdown table, one row per size: what share of companies (percent) with its limits.

    A false adopt is a company in which any of the four that should not be adopted is. The last two
    columns are of the leading KPI, then of the four others together.
    """
    names = [
        "new customers a quarter", "companies", "true adopts", "false drops", "false adopts",
        "keep testing: leading, others", "not readable: leading, others",
    ]  # fmt: skip
    return _markdown(names, [_summed(size, rows) for size, rows in _by_size(said).items()])


def _summed(size: int, rows: list[Said]) -> list[str]:
    n = len({seed for _, seed, _, _ in rows})
    leads = Counter(suggestion for _, _, kind, suggestion in rows if kind not in FALSE_KINDS)
    others = Counter(suggestion for _, _, kind, suggestion in rows if kind in FALSE_KINDS)
    wrong = {seed for _, seed, kind, s in rows if kind in FALSE_KINDS and s == "adopt"}
    shares = [
        f"{share(leads[name], n)}, {100 * others[name] / others.total():.1f}"
        for name in ("keep testing", "not readable here")
    ]
    rates = (leads["adopt"], leads["drop"], len(wrong))
    return [str(size), f"{n:,}", *(share(count, n) for count in rates), *shares]


def by_kind(said: Iterable[Said]) -> str:
    """A markdown table: one row per size and planted KPI, what share of companies (percent)."""
    lines = []
    for size, rows in _by_size(said).items():
        for kind in KINDS:
            counts = Counter(suggestion for _, _, of, suggestion in rows if of == kind)
            shares = [share(counts[name], counts.total()) for name in SUGGESTIONS]
            lines.append([str(size), kind, *shares])
    return _markdown(["new customers a quarter", "planted KPI", *SUGGESTIONS], lines)


def _by_size(said: Iterable[Said]) -> dict[int, list[Said]]:
    found: dict[int, list[Said]] = {}
    for row in sorted(said):
        found.setdefault(row[0], []).append(row)
    return found


def _markdown(names: list[str], rows: list[list[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
