"""The commands `kpi decide`, `kpi decisions` and `kpi replay` as typer knows them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from kpi_lib.review.shell import console_of, input_checked

log = typer.Typer(help="The log of decisions.", invoke_without_command=True)
REVIEWS = Path("reviews")


def add_to(app: typer.Typer) -> None:
    """Give the command line the three commands."""
    app.command()(decide)
    app.add_typer(log, name="decisions")
    app.command()(replay)


def decide(
    name: Annotated[str, typer.Argument(metavar="KPI", help="As inactive_customers.")],
    decision: Annotated[str, typer.Option(help="adopt, keep-testing or drop.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence.")],
    by: Annotated[str, typer.Option("--name", help="Who decides.")],
    review: Annotated[Path | None, typer.Option(help="Folder of the review decided on.")] = None,
    early: Annotated[bool, typer.Option("--early", help="Before the registered day.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of all reviews.")] = REVIEWS,
    wait: Annotated[bool, typer.Option(help="Wait while another decision is written.")] = True,
) -> None:
    """Write down what the team decides about a KPI, on the newest review of it."""
    with input_checked():
        from kpi_lib.review import decision_commands as commands

        asked = commands.asked(name, decision, reason, by, early=early)
        commands.write_down(asked, out, review, wait=wait, console=console_of())


def replay(
    name: Annotated[str, typer.Argument(metavar="KPI", help="As inactive_customers.")],
    quarters: Annotated[int, typer.Option(min=1, max=40, help="How many past quarters.")] = 8,
    dataset: Annotated[str, typer.Option(help="Folder of a data set, or its yaml file.")] = "",
    quarter: Annotated[str, typer.Option(help="As 2026Q2: from that quarter's last day.")] = "",
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Last day known.")
    ] = None,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="name=value.")] = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Judge in full on each day (slow).")
    ] = False,
) -> None:
    """Say what past reviews would have said, whom they would have named, and who left."""
    with input_checked():
        from kpi_lib.review import parameters, replay_command
        from kpi_lib.review.project import find_project

        asked = replay_command.Asked(
            kpi=name,
            quarters=quarters,
            dataset=dataset,
            quarter=quarter,
            as_of=as_of.date() if as_of else None,
            whole=evidence,
        )
        values = parameters.from_options(param or [])
        for paragraph in replay_command.replay_lines(asked, values, find_project()):
            typer.echo(f"{paragraph}\n")


@log.callback()
def decisions(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder of all reviews.")] = REVIEWS,
) -> None:
    """List the decisions; `kpi decisions check` proves the log whole."""
    context.obj = out
    if context.invoked_subcommand is None:
        with input_checked():
            from rich.console import Console

            from kpi_lib.review.decision_commands import listed

            Console().print(listed(out) or f"{out}: no decision is logged yet")


@log.command()
def check(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="Folder of all reviews.")] = None,
    head: Annotated[str, typer.Option(help="A hash of the log that you kept elsewhere.")] = "",
) -> None:
    """Find any altered, removed, moved or inserted line. Exit code 0 whole, 1 not, 2 bad input."""
    with input_checked():
        from kpi_lib.review.decision_commands import check as examined

        lines, exit_code = examined(out or context.obj, head)
        for line in lines:
            typer.echo(line)
        raise typer.Exit(exit_code)
