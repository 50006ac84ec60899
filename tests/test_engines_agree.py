"""The same result from CSV, Parquet, DuckDB, Postgres and Spark, to 1e-9, for every KPI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kpi_lib.catalogue import catalogue
from kpi_lib.data import Dataset, open_dataset
from kpi_lib.kpi import Kpi
from kpi_lib.schema import Tables
from tests.backends.stores import Kind, copy_to, postgres_url, spark
from tests.company import AS_OF, all_rows
from tests.files import write_csv
from tests.lawful import CARDS, Frames, assert_same, everything, name_of

__all__ = ["postgres_url", "spark"]

each_kpi = pytest.mark.parametrize("kpi", CARDS, ids=name_of)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The company from CSV files."""
    folder = tmp_path_factory.mktemp("source")
    return open_dataset(write_csv(folder, all_rows()), require_clean=False)


@pytest.fixture(scope="module")
def from_csv(source: Dataset) -> dict[str, Frames]:
    """What each KPI says of it."""
    return {name: everything(kpi, source.as_of(AS_OF)) for name, kpi in catalogue().items()}


def copied(source: Dataset, kind: Kind, folder: Path, server: Any = None) -> Tables:
    """The company from a copy in another store, as known on the same day."""
    copy = open_dataset(copy_to(source, kind, folder, server), require_clean=False)
    return copy.as_of(AS_OF)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("copies")


@pytest.fixture(scope="module", params=["parquet", "duckdb"])
def from_files(request: pytest.FixtureRequest, source: Dataset, folder: Path) -> Tables:
    return copied(source, request.param, folder / request.param)


@pytest.fixture(scope="module")
def on_postgres(source: Dataset, folder: Path, postgres_url: str) -> Tables:
    return copied(source, "postgres", folder / "postgres", postgres_url)


@pytest.fixture(scope="module")
def on_spark(source: Dataset, folder: Path, spark: Any) -> Tables:
    return copied(source, "spark", folder / "spark", spark)


@each_kpi
def test_other_files_say_the_same(
    kpi: Kpi, from_files: Tables, from_csv: dict[str, Frames]
) -> None:
    assert not from_csv[kpi.name]["observe"].empty
    assert_same(from_csv[kpi.name], everything(kpi, from_files))


@each_kpi
def test_postgres_says_the_same(kpi: Kpi, on_postgres: Tables, from_csv: dict[str, Frames]) -> None:
    assert_same(from_csv[kpi.name], everything(kpi, on_postgres))


@pytest.mark.slow
@each_kpi
def test_spark_says_the_same(kpi: Kpi, on_spark: Tables, from_csv: dict[str, Frames]) -> None:
    assert_same(from_csv[kpi.name], everything(kpi, on_spark))
