"""The objective a KPI suggests: where we stand, where to, and the chance of seeing the step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpi_lib.charts.units import day
from kpi_lib.measure import Measurement
from kpi_lib.sections.progress import is_reached, progress_sentences
from kpi_lib.sentence import noun_of
from kpi_lib.stats.power import chance_to_see
from kpi_lib.view import View
from kpi_lib.wording import format_change, format_count, format_value

if TYPE_CHECKING:
    from kpi_lib.evidence.progress import Progress


def objective(measured: Measurement, since: Progress | None = None) -> View:
    """The objective in words, or that it is reached; its progress; the chance of seeing the step.

    `measured` is the figure that the objective is about (`Kpi.okr_measured`), `since` how far it has
    come since its baseline.
    """
    target = since.goal if since else target_of(measured)
    baseline = since.baseline if since and target is not None else None
    begun = (baseline or measured.headline).value
    text = _reached(measured, target) or _suggested(measured, begun)
    told = progress_sentences(measured, since) if since else ""
    parts = (text, told, _chance(measured, target))
    return View(" ".join(part for part in parts if part))


def target_of(measured: Measurement) -> float | None:
    """The value that the objective asks for; None where the card names none, or nothing is known."""
    value, ask = measured.headline.value, measured.kpi.okr_target
    return None if ask is None or value is None else float(ask(measured.params, value))


def _reached(measured: Measurement, target: float | None) -> str:
    kpi, cell = measured.kpi, measured.headline
    if target is None or cell.value is None or not is_reached(kpi, cell.value, target):
        return ""
    there, goal = (format_value(n, kpi.unit, measured.currency) for n in (cell.value, target))
    units = format_count(cell.n, noun_of(kpi))
    return (
        f"The figure of the objective is {there} ({units}, {cell.label}) and so already at the "
        f"target of {goal}: name a new one, or ask whether it holds."
    )


def _suggested(measured: Measurement, value: float | None) -> str:
    kpi = measured.kpi
    if not kpi.okr:
        return "No objective is suggested."
    known = {name: _readable(one) for name, one in measured.params.model_dump().items()}
    told = format_value(value, kpi.unit, measured.currency)
    return kpi.okr.format_map(
        known | {"value": told if value is not None else "a value not known yet"}
    )


def _chance(measured: Measurement, target: float | None) -> str:
    """How often the step would be seen in the next period of the same size."""
    kpi, value, change = measured.kpi, measured.headline.value, measured.change
    named = measured.params.interesting_change
    is_step = target is not None and value is not None and not is_reached(kpi, value, target)
    step = abs(target - value) if is_step and target is not None and value is not None else named
    if not step:
        return ""
    what = "The step" if is_step else "The smallest change worth acting on"
    size = format_change(step, kpi.unit, measured.currency)
    if change.smallest_visible is None:
        reason = change.reason or "too little was observed"
        return f"{what} is {size}; whether it could be seen cannot be told: {reason}."
    level, power = measured.params.level, measured.params.power
    chance = chance_to_see(step, change.smallest_visible, level=level, power=power)
    units = format_count(measured.headline.n, noun_of(kpi))
    return (
        f"{what} is {size}. With {units} in a {measured.params.period}, a true change of that size "
        f"from one {measured.params.period} to the next would be told from noise in about "
        f"{max(1, min(99, round(100 * chance)))} of 100 cases."
    )


def _readable(value: Any) -> Any:
    if value is None:
        return "a day still to be named"
    return day(value) if hasattr(value, "isoformat") else value
