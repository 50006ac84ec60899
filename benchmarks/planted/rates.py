"""How often the verdict errs, from what it said of simulated companies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

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


def table(said: Iterable[Said]) -> str:
    """A markdown table: one row per size and kind, shares of companies in percent."""
    counts: Counter[tuple[int, str, str]] = Counter()
    for size, _, kind, suggestion in said:
        counts[size, kind, suggestion] += 1
    sizes = sorted({size for size, _, _ in counts})
    lines = [
        "| new customers a quarter | planted KPI | companies | adopt | keep testing | not readable here | drop |",
        "|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        for kind in KINDS:
            row = [counts[size, kind, suggestion] for suggestion in SUGGESTIONS]
            total = sum(row)
            cells = [share(count, total) for count in row] if total else ["" for _ in row]
            lines.append(" | ".join([f"| {size}", kind, str(total), *cells]) + " |")
    return "\n".join(lines)


def goals(said: Sequence[Said]) -> str:
    """One line per size: false adopts, true adopts, false drops, each with its limits."""
    lines = []
    for size in sorted({one[0] for one in said}):
        own = [one for one in said if one[0] == size]
        companies = {seed for _, seed, _, _ in own}
        adopted = Counter(kind for _, _, kind, suggestion in own if suggestion == "adopt")
        wrong = {seed for _, seed, kind, s in own if kind in FALSE_KINDS and s == "adopt"}
        dropped = sum(kind == "leads" and s == "drop" for _, _, kind, s in own)
        worst = max(FALSE_KINDS, key=lambda kind: adopted[kind])
        n = len(companies)
        lines.append(
            f"{size} a quarter, {n} companies: false adopts {share(adopted[worst], n)} % of the "
            f"worst kind ({worst}), {share(len(wrong), n)} % with any of the four; true adopts "
            f"{share(adopted['leads'], n)} %; false drops {share(dropped, n)} %"
        )
    return "\n".join(lines)
