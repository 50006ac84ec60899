"""The evidence: six findings as a card, the lead-time curve, the specification curve."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from kpi_lib.charts import judged
from kpi_lib.charts.shown import STYLE, Block
from kpi_lib.charts.theme import BLUE, GREEN, GREY, ORANGE, RED
from kpi_lib.evidence.dropping import Dropping
from kpi_lib.evidence.finding import Finding
from kpi_lib.evidence.verdict import Verdict
from kpi_lib.measure import Measurement
from kpi_lib.view import View
from kpi_lib.wording import format_count, format_value

if TYPE_CHECKING:
    from kpi_lib.charts.picture import Picture

SWITCHED_OFF = "Judging is switched off: set `with_evidence` to True to see the evidence."

QUESTIONS = {
    "readable": "Could we see a change at our size?",
    "leading": "Does it move early enough to act on?",
    "robust": "Does the conclusion survive other fair definitions?",
    "honest": "Can the number improve while the customer does not?",
    "distinct": "Does it tell something the others do not?",
    "fitting": "Is it a KPI for this kind of business?",
}
_ANSWERS = {True: ("passed", GREEN), False: ("not passed", RED), None: ("cannot be told", GREY)}
_CHIPS = {"adopt": GREEN, "keep testing": BLUE, "drop": RED, "not readable here": ORANGE}


def verdict(found: Verdict | None, dropping: Dropping, looks: View) -> View:
    """The suggestion with its reason, the six findings as a card, and what was registered."""
    if found is None:
        return View(SWITCHED_OFF)
    said = f"{summary(found)}\n\n{dropping.said}\n\n{looks.said}"
    return View(said, table=lambda: verdict_card(found, dropping))


def summary(found: Verdict) -> str:
    """The suggestion, and which tests were passed, not passed, or cannot be told."""
    groups: dict[str, list[str]] = {word: [] for word in ("passed", "not passed", "cannot be told")}
    for finding in found.findings.values():
        groups[answer(finding)].append(finding.test)
    told = [f"{name}: {', '.join(tests)}" for name, tests in groups.items() if tests]
    return f"Suggested: {found.suggestion} ({'; '.join(told)}). The team decides."


def verdict_card(found: Verdict, dropping: Dropping | None = None) -> Block:
    """The six findings, answer and sentence each, under the suggestion and the registered condition."""
    rows = "".join(_row(finding) for finding in found.findings.values())
    head = f"<p><b>Suggested:</b> {_chip(found.suggestion, _CHIPS[found.suggestion])}</p>"
    because = f"<p>{html.escape(found.because)}</p>"
    registered = [dropping.said] if dropping else []
    because += "".join(f"<p>{html.escape(said)}</p>" for said in registered)
    page = f"{STYLE}<div class='kpi-card'>{head}{because}<table>{rows}</table></div>"
    lines = [line for finding in found.findings.values() for line in _lines(finding)]
    first = f"Suggested: {found.suggestion}. {found.because}"
    return Block(page, "\n".join([first, *registered, *lines]))


def _lines(finding: Finding) -> list[str]:
    beside = [f"  {fact['sentence']}" for fact in finding.numbers.get("beside", ())]
    return [f"{finding.test}: {answer(finding)}. {finding.headline}", *beside]


def answer(finding: Finding) -> str:
    """The answer of one test in words."""
    return _ANSWERS[finding.passed][0]


def _row(finding: Finding) -> str:
    word, colour = _ANSWERS[finding.passed]
    question = html.escape(QUESTIONS.get(finding.test, ""))
    return (
        f"<tr><th>{html.escape(finding.test)}<br>{_chip(word, colour)}</th>"
        f"<td><span class='kpi-small'>{question}</span><br>{html.escape(finding.headline)}"
        f"{_beside(finding)}</td></tr>"
    )


def _beside(finding: Finding) -> str:
    """What a finding shows without judging it, a small line each."""
    sentences = [html.escape(fact["sentence"]) for fact in finding.numbers.get("beside", ())]
    return "".join(f"<br><span class='kpi-small'>{sentence}</span>" for sentence in sentences)


def _chip(word: str, colour: str) -> str:
    style = f"color:{colour};border:1.5px solid {colour}"
    return f"<span class='kpi-chip' style='{style}'>{html.escape(word)}</span>"


def lead(found: Verdict | None) -> View:
    """How early the score tells lost from renewed accounts."""
    if found is None:
        return View(SWITCHED_OFF)
    finding = found.findings["leading"]
    return View(finding.headline, picture=lambda: lead_picture(finding), frame=finding.table)


def lead_picture(finding: Finding) -> Picture | None:
    """The lead-time curve, None where the test has no table."""
    frame = finding.table
    if frame.empty or frame["auc"].isna().all():
        return None
    needed = finding.numbers.get("response_months")
    names = {"lead_months": "lead", "auc_low": "low", "auc_high": "high", "losses": "lost"}
    told = frame[[*names, "auc", "n"]].rename(columns=names)
    return judged.lead_curve(
        told,
        title="How early it tells who will leave",
        needed=float(needed) if needed else None,
        subtitle="band: interval that holds for all leads at once",
    )


def specification(measurement: Measurement, found: Verdict | None) -> View:
    """The last change under every fair definition, sorted."""
    if found is None:
        return View(SWITCHED_OFF)
    finding = found.findings["robust"]
    said = " ".join([finding.headline, *_spread(measurement, finding)])
    return View(said, picture=lambda: _curve(measurement, finding), frame=finding.table)


def _spread(measurement: Measurement, finding: Finding) -> list[str]:
    """How far the figure goes over the definitions, and the setting that moves it most."""
    numbers = finding.numbers
    if numbers.get("main_setting") is None:
        return []
    values = finding.table["value"].dropna()
    low, high = (
        format_value(float(end), measurement.kpi.unit, measurement.currency)
        for end in (values.min(), values.max())
    )
    return [
        f"The number itself goes from {low} to {high} over {format_count(len(values), 'fair definition')}"
        f" of {finding.table['period'].iloc[0]};"
        f" the setting that matters most is `{numbers['main_setting']}`, which goes with"
        f" {100 * numbers['main_setting_share']:.0f} % of that spread."
    ]


def _curve(measurement: Measurement, finding: Finding) -> Picture | None:
    frame = finding.table
    if frame.empty or frame["change"].isna().all():
        return None
    names = {"label": "setting", "change": "value", "change_low": "low", "change_high": "high"}
    told = frame[[*names, "is_default"]].rename(columns=names).dropna(subset=["value"])
    return judged.specification_curve(
        told,
        title=f"The last change under {len(told)} fair definitions",
        what="last change",
        unit=measurement.kpi.unit,
        currency=measurement.currency,
    )
