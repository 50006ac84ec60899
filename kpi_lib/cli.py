"""The command `kpi`. What a command needs is imported when it runs, so that help is quick."""

from __future__ import annotations

import atexit
import gc
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kpi_lib.review import decision_cli, processes
from kpi_lib.review.shell import console_of, input_checked

if TYPE_CHECKING:
    from kpi_lib.review.status import Limits

# jsonschema builds 35 parsers of this optional library when it is imported: 2 s that nothing uses.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None blocks the import

processes.collect_rarely()
atexit.register(gc.freeze)  # looking for circles once more, when all goes anyway, takes .3 s

app = typer.Typer(
    help="Candidate KPIs on trial: run the notebooks, read the verdicts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Params = Annotated[
    list[str] | None, typer.Option("--param", "-p", help="name=value; wins over the files.")
]
Quarter = Annotated[str, typer.Option(help="As 2026Q2: known on that quarter's last day.")]
AsOf = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Last day known.")
]
CellSeconds = Annotated[float, typer.Option("--cell-timeout", min=0, help="Seconds; 0 = none.")]
NotebookSeconds = Annotated[float, typer.Option("--timeout", min=0, help="Seconds a notebook.")]
Memory = Annotated[int, typer.Option("--memory", min=0, help="MB a notebook may claim; 0 = all.")]
Names = Annotated[list[str] | None, typer.Argument(help="Notebooks; all when none is named.")]


def _limits(cell: float, notebook: float, memory: int) -> Limits:
    from kpi_lib.review.status import Limits

    return Limits(cell_seconds=cell, notebook_seconds=notebook, memory_mb=memory)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


@app.command()
def review(
    dataset: Annotated[str, typer.Argument(help="Folder of a data set, or its yaml file.")],
    quarter: Quarter = "",
    as_of: AsOf = None,
    only: Annotated[str, typer.Option(help="Names, separated by commas.")] = "",
    cadence: Annotated[str, typer.Option(help="weekly, monthly, quarterly or yearly.")] = "",
    param: Params = None,
    jobs: Annotated[int, typer.Option(min=1, help="Notebooks at once.")] = 2,
    evidence: Annotated[bool, typer.Option(help="Whether to judge the KPIs.")] = True,
    out: Annotated[Path, typer.Option(help="Folder of all reviews.")] = Path("reviews"),
    again: Annotated[bool, typer.Option(help="Run also what has not changed.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait while another review writes there.")] = True,
    cell_timeout: CellSeconds = 600,
    timeout: NotebookSeconds = 1800,
    memory: Memory = 4096,
) -> None:
    """Run all notebooks a data set can feed, and write the report."""
    from kpi_lib.review.warm import warm_kernels

    # The warm process begins with its imports before this one begins with its own.
    with input_checked(), warm_kernels(evidence):
        from kpi_lib.review import command, parameters, plan
        from kpi_lib.review.project import find_project

        request = plan.Request(
            dataset=dataset,
            quarter=quarter,
            as_of=_day(as_of),
            only=tuple(name.strip() for name in only.split(",") if name.strip()),
            cadence=plan.cadence_named(cadence),
            evidence=evidence,
            values=parameters.from_options(param or []),
            out=out,
        )
        manner = command.Manner(jobs, _limits(cell_timeout, timeout, memory), again, wait)
        console = console_of()
        done = command.review(request, manner, find_project(), console)
        for line in (*done.problems, command.summary(done)):
            console.print(line, markup=False, highlight=False)
        raise typer.Exit(done.exit_code)


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="Name of a notebook.")],
    param: Params = None,
    dataset: Annotated[str, typer.Option(help="Folder of a data set, or its yaml file.")] = "",
    quarter: Quarter = "",
    as_of: AsOf = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Executed notebook.")
    ] = None,
    cell_timeout: CellSeconds = 600,
    timeout: NotebookSeconds = 1800,
    memory: Memory = 4096,
) -> None:
    """Run one notebook, with other parameters if you like."""
    with input_checked():
        from kpi_lib.review import command, parameters, single
        from kpi_lib.review.project import find_project

        values = parameters.from_options(param or [])
        job = single.one_job(
            name,
            values,
            find_project(),
            dataset=dataset,
            quarter=quarter,
            as_of=_day(as_of),
            target=output,
        )
        manner = command.Manner(1, _limits(cell_timeout, timeout, memory))
        console = console_of()
        outcome = command.run_one_notebook(job, manner, console)
        console.print(f"notebook: {job.target}", markup=False, highlight=False)
        raise typer.Exit(int(not outcome.is_ok))


@app.command()
def ready(
    dataset: Annotated[str, typer.Argument(help="Folder of a data set, or its yaml file.")],
) -> None:
    """Say which KPIs a data set can feed, what the others lack, and what is wrong in the data.

    Exit code 2 when errors in the data keep every KPI from running.
    """
    with input_checked():
        from kpi_lib.review.project import find_project
        from kpi_lib.review.readiness import answer

        found = answer(dataset, find_project())
        for line in found.lines:
            typer.echo(line)
        raise typer.Exit(2 if found.is_blocked else 0)


@app.command()
def verdicts(
    reviews: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of reviews; the newest of each data set when none is named."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of all reviews.")] = Path("reviews"),
) -> None:
    """Put the verdicts of several companies side by side: a table, one column for each."""
    with input_checked():
        from kpi_lib.review.verdicts import beside, newest_of_each

        for line in beside(reviews or newest_of_each(out)):
            typer.echo(line)


@app.command()
def new(name: Annotated[str, typer.Argument(help="As gross_margin.")]) -> None:
    """Write the three files of a new KPI: module, parameters, notebook."""
    with input_checked():
        from kpi_lib.review.project import find_project
        from kpi_lib.review.skeleton import write_skeletons

        for path in write_skeletons(name, find_project()):
            typer.echo(f"written: {path}")


@app.command()
def tidy(
    names: Names = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if untidy.")
    ] = False,
    execute: Annotated[bool, typer.Option("--execute", help="Run them on the sample.")] = False,
) -> None:
    """Bring notebooks to their normal form."""
    with input_checked():
        from kpi_lib.review.tidy import main

        problems = main(names or (), check=check, run=execute)
        for line in problems:
            typer.echo(line, err=True)
        raise typer.Exit(int(bool(problems)))


@app.command()
def lab() -> None:
    """Open JupyterLab on the notebook that explains the rest."""
    with input_checked():
        from kpi_lib.review.project import find_project
        from kpi_lib.review.tools import open_lab

        raise typer.Exit(open_lab(find_project()))


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def warm(command: Annotated[list[str], typer.Argument(help="Program and arguments.")]) -> None:
    """Run a program whose notebooks get warm kernels: `kpi warm pytest --nbval-lax notebooks`."""
    with input_checked():
        from kpi_lib.review.tools import run_warm

        raise typer.Exit(run_warm(command))


@app.command()
def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Compile bytecode where it is missing.")
    ] = False,
) -> None:
    """Say what is set up here: compiled bytecode, warm kernels, browser, Java, Postgres."""
    with input_checked():
        from kpi_lib.review.doctor import examine

        findings = examine(fix=fix)
        for finding in findings:
            typer.echo(str(finding))
        raise typer.Exit(int(any(finding.is_wrong for finding in findings)))


decision_cli.add_to(app)


if __name__ == "__main__":
    app()
