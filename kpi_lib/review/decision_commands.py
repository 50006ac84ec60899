"""The commands `kpi decide` and `kpi decisions`: what they print, and their exit codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from kpi_lib.review import journal
from kpi_lib.review.decisions import Choice, Decision, decide, experiments, what_changed
from kpi_lib.review.errors import InputError
from kpi_lib.wording import format_interval, format_value

NOT_SEEN = (
    "Who rewrites the log, the note of its end and all reviews together leaves no trace here: "
    "keep the hash above in another place, and give it with --head."
)


def asked(kpi: str, decision: str, reason: str, name: str, *, early: bool) -> Decision:
    """A decision as given on the command line. Raises InputError for one that nobody can take."""
    if decision not in list(Choice):
        raise InputError(f"--decision {decision}: write one of {', '.join(Choice)}")
    told = Choice(decision), reason.strip(), name.strip()
    return Decision(kpi=kpi, choice=told[0], reason=told[1], name=told[2], early=early)


def write_down(
    decision: Decision, folder: Path, review: Path | None, *, wait: bool, console: Console
) -> None:
    """Append a decision to the log and say what was written. Raises InputError for a refused one."""

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    line = decide(decision, folder, review, wait=wait, say=say)
    for told in receipt(line, journal.entries(folder)[: line["number"] - 1]):
        say(told)


def receipt(line: Mapping[str, Any], before: Sequence[dict[str, Any]]) -> list[str]:
    """What was written down, in plain words, one line each."""
    known = [*before, dict(line)]
    number = experiments(known)[-1]
    said = [
        f"decision {line['number']}: {line['title']}: {line['decision']}, by {line['name']}",
        f"  on {line['data_set']} as known on {line['as_of']}: {result_of(line)}; "
        f"suggested: {line['suggested']}",
    ]
    if line["drop_if"] and line["drop_if"]["expression"]:
        said.append(f"  {line['drop_if']['said']}")
    said += looks_of(line["looks"])
    if line["early"]:
        said.append(f"  early: the registered day is {line['decide_on']}")
    if line["decide_on"] is None:
        said.append("  no day was registered for this decision")
    if changed := what_changed(dict(line), before):
        is_new = number not in experiments(before_of(line, before))
        which = "opens a new experiment" if is_new else "goes back to an earlier experiment"
        said.append(f"  {which} (number {number} of {line['kpi']}): {changed}")
    return [*said, f"  hash {line['hash']}"]


def looks_of(looks: Mapping[str, list[str]]) -> list[str]:
    """How often was looked so far, as planned and besides; nothing where no looks are planned."""
    if not looks["planned"]:
        return []
    days = f" ({', '.join(looks['taken'])})" if looks["taken"] else ""
    said = f"  planned looks taken: {len(looks['taken'])} of {len(looks['planned'])}{days}"
    others = ", ".join(looks["unplanned"])
    return [f"{said}; not planned, so descriptive: {others}" if others else said]


def before_of(line: Mapping[str, Any], before: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The earlier decisions on the same KPI and data set."""
    own = (line["kpi"], line["data_set"])
    return [entry for entry in before if (entry["kpi"], entry["data_set"]) == own]


def result_of(line: Mapping[str, Any]) -> str:
    """Value, interval, units and period of the result that was decided on."""
    found = line["result"]
    value = format_value(found["value"], found["unit"], found["currency"])
    ends = format_interval(found["low"], found["high"], found["unit"], found["currency"], bare=True)
    level = f"{100 * (found['level'] or 0):g} %"
    return f"{value} ({level} interval {ends}; n {found['n'] or 0:,.0f}, {found['period']})"


def listed(folder: Path) -> Table | None:
    """The decisions of a log as a table, newest last; None where there is none.

    Raises InputError when the log is not whole.
    """
    entries = journal.entries(folder)
    if not entries:
        return None
    table = Table(title=f"Decisions in {folder}", title_justify="left", show_lines=True)
    for head in ("", "Decided", "KPI", "Result and suggestion", "Decision and reason"):
        table.add_column(head, overflow="fold")
    for entry, number in zip(entries, experiments(entries), strict=True):
        table.add_row(*_row(entry, number, entries[: entry["number"] - 1]))
    return table


def _row(entry: dict[str, Any], number: int, before: Sequence[dict[str, Any]]) -> list[str]:
    changed = what_changed(entry, before)
    early = f"\nearly: due {entry['decide_on']}" if entry["early"] else ""
    row = [
        str(entry["number"]),
        f"{entry['time'][:10]}\n{entry['name']}{early}",
        f"{entry['title']}\n{entry['data_set']}, known on {entry['as_of']}\n"
        f"experiment {number}{f': {changed}' if changed else ''}",
        f"{result_of(entry)}\nsuggested: {entry['suggested']}",
        f"{entry['decision']}\n{entry['reason']}",
    ]
    return [text.replace("[", r"\[") for text in row]


def check(folder: Path, head: str = "") -> tuple[list[str], int]:
    """What was found out about a log, one line each, and the exit code: 0 whole, 1 not whole.

    `head` is a hash that was kept in another place. Raises InputError when nothing can be checked.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    count, end, fault = journal.examine(folder)
    if fault:
        return [f"{folder / journal.LOG}: {fault}"], 1
    if head and not journal.holds(folder, head):
        return [f"{folder / journal.LOG}: no line has the hash {head}"], 1
    if not count:
        return [f"{folder}: no decision is logged yet"], 0
    whole = "1 decision, whole" if count == 1 else f"{count} decisions, none altered or missing"
    return [f"{folder / journal.LOG}: {whole}", f"hash of the last: {end.hash}", NOT_SEEN], 0
