"""The data set that a command asks for: found, and opened once for the day it is asked about."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from kpi_lib.data import Config, DataError, Dataset, open_dataset, read_config
from kpi_lib.periods import quarter_end
from kpi_lib.review.errors import InputError
from kpi_lib.review.project import Project


def find_data(dataset: str, project: Project) -> Path:
    """Where a data set is looked for: from the current folder, then from the project's."""
    inside = project.root / dataset
    return inside if not Path(dataset).exists() and inside.exists() else Path(dataset)


def config_of(dataset: str, project: Project) -> Config:
    """What the data set's yaml says. Raises InputError with what is wrong in it."""
    try:
        return read_config(find_data(dataset, project))
    except DataError as problem:
        raise InputError(*problem.lines) from problem


def name_of(config: Config, project: Project) -> str:
    """The data set as a notebook's parameter names it: its folder, or its yaml of another name."""
    usual = config.path.name == "dataset.yaml"
    return project.named(config.path.parent if usual else config.path)


def day_of(config: Config, quarter: str, as_of: date | None) -> date | None:
    """The day asked for, None where none is. Raises InputError for no quarter, or for both.

    Quarters are those of the data set, so its yaml is read before its tables are.
    """
    if quarter and as_of:
        raise InputError("give --quarter or --as-of, not both")
    if not quarter:
        return as_of
    try:
        return quarter_end(quarter, config.quarter_starts_in)
    except (ValueError, OverflowError) as problem:
        raise InputError(f"--quarter: {problem}") from problem


def open_data(config: Config, day: date | str | None) -> Dataset:
    """The data set as known on `day`, checked. Raises InputError with its errors, one line each.

    What is recorded after the day can neither stop a review of it nor show in it.
    """
    try:
        return open_dataset(config.path, as_of=day)
    except DataError as problem:
        raise InputError(*problem.lines) from problem
