"""The same tables in different stores, and servers to put them on, for tests of every backend.

`copy_to(dataset, kind, folder, ...)` writes all tables of an open data set somewhere else and
returns a dataset.yaml that opens them there. The fixtures give a Postgres URL and a Spark session,
or skip by name. Import them into a conftest or a test module to use them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import duckdb
import ibis
import pytest

from kpi_lib.contract import CONTRACT
from kpi_lib.data import Dataset
from kpi_lib.engine import run
from kpi_lib.schema import OPEN_END

Kind = Literal["csv", "parquet", "duckdb", "postgres", "spark"]
POSTGRES = "KPI_TEST_POSTGRES"


def copy_to(dataset: Dataset, kind: Kind, folder: Path, server: Any = None) -> Path:
    """A dataset.yaml in `folder` that opens a copy of all tables (also what came later).

    `server` is what the fixture of that name gives: a URL for Postgres, where the tables get a
    schema of their own; an Ibis backend for Spark, where they become views of the one session.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source, origin = ".", "{name}"
    if kind == "csv":
        _write_csv(dataset, folder)
    elif kind == "parquet":
        _write_parquet(dataset, folder)
    elif kind == "duckdb":
        _write_duckdb(dataset, folder)
        source = "duckdb:///copy.duckdb"
    elif kind == "postgres":
        source, origin = (
            f"${{{POSTGRES}_COPY}}",
            _write_postgres(dataset, folder, server) + ".{name}",
        )
        os.environ[f"{POSTGRES}_COPY"] = server
    else:
        prefix = _write_spark(dataset, folder, server)
        source, origin = "pyspark://", prefix + "{name}"
    return _write_yaml(dataset, folder, source, origin)


def _write_yaml(dataset: Dataset, folder: Path, source: str, origin: str) -> Path:
    lines = [
        f"name: {dataset.name}",
        f"source: {source}",
        f"currency: '{dataset.currency}'",
        "timezone: UTC",
        f"quarter_starts_in: {dataset.quarter_starts_in}",
        f"as_of: {dataset.last_day}",
    ]
    if source != ".":
        lines += [
            "tables:",
            *(f"  {name}: {{from: {origin.format(name=name)}}}" for name in dataset.tables),
        ]
    path = folder / "dataset.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _present(dataset: Dataset, name: str) -> list[str]:
    """The columns a table has at its source, in the order of the contract."""
    return [c.name for c in CONTRACT[name].columns if c.name in dataset.knowledge.present[name]]


def _as_at_the_source(dataset: Dataset, name: str) -> Any:
    """The table with open ends empty again."""
    table = dataset.tables[name].select(*_present(dataset, name))
    ends = [c for c in CONTRACT[name].columns if c.open_ended and c.name in table.columns]
    changed = {}
    for column in ends:
        far = ibis.literal(str(OPEN_END)).cast(column.engine_type)
        changed[column.name] = table[column.name].nullif(far)
    return table.mutate(**changed) if changed else table


def _write_csv(dataset: Dataset, folder: Path) -> None:
    for name in dataset.tables:
        frame = run(_as_at_the_source(dataset, name))
        for column in frame.columns:
            if CONTRACT[name][column].kind == "date":
                frame[column] = frame[column].dt.strftime("%Y-%m-%d")
            elif CONTRACT[name][column].kind == "integer":
                frame[column] = frame[column].astype("Int64")
        frame.to_csv(folder / f"{name}.csv", index=False)


def _write_parquet(dataset: Dataset, folder: Path) -> None:
    for name in dataset.tables:
        _as_at_the_source(dataset, name).to_parquet(folder / f"{name}.parquet")


def _write_duckdb(dataset: Dataset, folder: Path) -> None:
    """A DuckDB file, by way of Parquet, so that any engine can be copied from."""
    with tempfile.TemporaryDirectory() as scratch:
        _write_parquet(dataset, Path(scratch))
        with duckdb.connect(str(folder / "copy.duckdb")) as connection:
            for name in dataset.tables:
                connection.execute(f"create table {name} as from '{scratch}/{name}.parquet'")


def _write_postgres(dataset: Dataset, folder: Path, url: str) -> str:
    """The schema of Postgres that now holds the tables, loaded with COPY from CSV."""
    import psycopg

    schema = f"kpi_{uuid4().hex[:12]}"
    _write_csv(dataset, folder)
    kinds = {
        "id": "text", "text": "text", "date": "date", "at": "timestamp", "money": "double precision",
        "number": "double precision", "integer": "bigint", "flag": "boolean",
    }  # fmt: skip
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create schema {schema}".encode())
        for name in dataset.tables:
            columns = _present(dataset, name)
            shown = ", ".join(f'"{c}" {kinds[CONTRACT[name][c].kind]}' for c in columns)
            connection.execute(f"create table {schema}.{name} ({shown})".encode())
            _copy_in(connection, f"{schema}.{name}", columns, folder / f"{name}.csv")
    return schema


def _write_spark(dataset: Dataset, folder: Path, backend: Any) -> str:
    """What the names of the views begin with that now stand for the tables in the session."""
    prefix = f"kpi_{uuid4().hex[:12]}_"
    _write_parquet(dataset, folder)
    for name in dataset.tables:
        backend.read_parquet(str(folder / f"{name}.parquet"), table_name=f"{prefix}{name}")
    return prefix


def _copy_in(connection: Any, table: str, columns: list[str], file: Path) -> None:
    """Loads a CSV file and takes it away."""
    names = ", ".join(f'"{column}"' for column in columns)
    text = f"copy {table} ({names}) from stdin with (format csv, header true)"
    with connection.cursor().copy(text) as copy:
        copy.write(file.read_text(encoding="utf-8"))
    file.unlink()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A Postgres server: the one KPI_TEST_POSTGRES names, or a private one started for the tests."""
    if url := os.environ.get(POSTGRES):
        yield url
        return
    tools = _postgres_tools()
    if tools is None:
        pytest.skip(f"Postgres: no server in {POSTGRES}, and no initdb on this machine")
    folder = Path(tempfile.mkdtemp(prefix="kpi-postgres-"))
    try:
        yield _start_postgres(tools, folder)
    finally:
        _as_owner(
            [str(tools / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop"], folder
        )
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_tools() -> Path | None:
    """The folder of initdb and pg_ctl, the newest one found."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    usable = [one for one in candidates if (one / "initdb").exists() and (one / "pg_ctl").exists()]
    return usable[0] if usable else None


def _start_postgres(tools: Path, folder: Path) -> str:
    """The URL of a fresh server that listens on a socket in `folder` only."""
    if os.geteuid() == 0:
        shutil.chown(folder, user=_owner())
    data = folder / "data"
    _as_owner(
        [str(tools / "initdb"), "-D", str(data), "-U", "kpi", "-A", "trust", "-E", "UTF8", "-N"],
        folder,
    )
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    _as_owner(
        [
            str(tools / "pg_ctl"),
            "-D",
            str(data),
            "-w",
            "-l",
            str(folder / "log"),
            "-o",
            options,
            "start",
        ],
        folder,
    )
    return f"postgresql://kpi@/postgres?host={folder}"


def _owner() -> str:
    """A user who may run Postgres, which refuses to run as root."""
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return name
    pytest.skip("Postgres: refuses to run as root, and there is no user postgres or nobody")


def _as_owner(command: list[str], folder: Path) -> None:
    """Runs a command as the user who owns the server's folder. Raises where it fails."""
    user = _owner() if os.geteuid() == 0 else None
    done = subprocess.run(
        command, cwd=folder, user=user, capture_output=True, text=True, check=False, timeout=60,
        stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr[-500:]}")


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A local Spark session as an Ibis backend, where PySpark and Java are installed."""
    pyspark = pytest.importorskip("pyspark", reason="Spark: PySpark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Spark: Java is not installed")
    session = (
        pyspark.sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .getOrCreate()
    )
    yield ibis.pyspark.connect(session)
    session.stop()
