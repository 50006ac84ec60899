"""How vendors compute churn and retention: each preset a few switches on one ledger.

The formulas are the vendors' published ones, applied to one window: ChartMogul, help articles on
gross and net MRR churn rate and customer churn rate; Stripe, support articles on subscriber churn
rate and churned revenue, and its definition of MRR growth; Baremetrics, help article on user and
revenue churn and changelog on net revenue retention; Tidemill, its documented definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

PresetName = Literal["cohort", "chartmogul", "stripe", "baremetrics", "tidemill"]


@dataclass(frozen=True)
class Preset:
    """What a way of counting adds, leaves out, and divides by.

    `reactivation`, `contraction`: whether net retention counts them. `whole_churn`: whether revenue
    churn counts contraction, else only what left. `new_below`: whether customers that came in the
    window are in the denominator of customer churn. `passed`: whether those that came and left in
    it count as lost. `returned`: whether those that left and came back in it count as lost.
    """

    difference: str
    reactivation: bool = True
    contraction: bool = True
    whole_churn: bool = True
    new_below: bool = False
    passed: bool = False
    returned: bool = False


PRESETS: Mapping[PresetName, Preset] = {
    "cohort": Preset(
        "Accounts that paid at the start of the window, and no others.",
        reactivation=False,
    ),
    "chartmogul": Preset(
        "Net adds what accounts pay that had left before the window and are back; revenue churn "
        "counts contraction.",
    ),
    "stripe": Preset(
        "Revenue as ChartMogul; customer churn is over the customers at the start and the new ones.",
        new_below=True,
        passed=True,
    ),
    "baremetrics": Preset(
        "Net leaves out contraction, which revenue churn counts; who came and left within the "
        "window is lost.",
        reactivation=False,
        contraction=False,
        passed=True,
    ),
    "tidemill": Preset(
        "Net adds reactivation; revenue churn is only what left entirely; who left and came back "
        "within the window is lost.",
        whole_churn=False,
        returned=True,
    ),
}

MONEY = ("opening", "new", "expansion", "reactivation", "contraction", "churn", "closing")
HEADS = ("start", "added", "lost", "passed", "returned")
"""Customers at the start; that came for the first time and stayed; lost; came and left; left and back."""

FIGURES = ("net", "gross", "revenue_churn", "customer_churn")


def figures(preset: Preset, sums: Mapping[str, float]) -> dict[str, float | None]:
    """`FIGURES` of one window under a preset, from the sums of `MONEY` and the counts of `HEADS`.

    Gross retention is what is left of the opening after contraction and churn under every preset.
    None where nothing was paid at the start. Missing counts are 0.
    """
    opening = sums["opening"]
    gross = opening - sums["contraction"] - sums["churn"]
    net = gross + sums["expansion"]
    net += sums["reactivation"] if preset.reactivation else 0.0
    net += 0.0 if preset.contraction else sums["contraction"]
    gone = sums["churn"] + (sums["contraction"] if preset.whole_churn else 0.0)
    lost = sums.get("lost", 0.0) + sums.get("passed", 0.0) * preset.passed
    lost += sums.get("returned", 0.0) * preset.returned
    there = sums.get("start", 0.0)
    if preset.new_below:
        there += sums.get("added", 0.0) + sums.get("passed", 0.0)
    return {
        "net": _over(net, opening),
        "gross": _over(gross, opening),
        "revenue_churn": _over(gone, opening),
        "customer_churn": _over(lost, there),
    }


def _over(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None
