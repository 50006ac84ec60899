"""The small company as files and databases that a user would have."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from tests.company import Rows

SETTINGS = "name: Small company\nsource: {source}\ncurrency: EUR\ntimezone: UTC\n"


def columns_of(rows: list[dict[str, Any]]) -> list[str]:
    """Every column that some row states, in the order of the first row."""
    return list(dict.fromkeys(name for row in rows for name in row))


def write_settings(
    folder: Path, source: str = ".", tables: Mapping[str, str] | None = None
) -> Path:
    """The dataset.yaml of the company; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mapped = "".join(f"  {name}: {{from: {of}}}\n" for name, of in (tables or {}).items())
    text = SETTINGS.format(source=source) + (f"tables:\n{mapped}" if mapped else "")
    (folder / "dataset.yaml").write_text(text, encoding="utf-8")
    return folder


def write_csv(folder: Path, rows: Rows) -> Path:
    """One CSV file per table."""
    write_settings(folder)
    for name, lines in rows.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns_of(lines), restval="")
            writer.writeheader()
            writer.writerows(lines)
    return folder


def arrow(lines: list[dict[str, Any]]) -> pa.Table:
    """The rows as an Arrow table."""
    return pa.table({name: [row.get(name) for row in lines] for name in columns_of(lines)})


def write_parquet(folder: Path, rows: Rows) -> Path:
    """One Parquet file per table."""
    write_settings(folder)
    for name, lines in rows.items():
        pyarrow.parquet.write_table(arrow(lines), folder / f"{name}.parquet")
    return folder
