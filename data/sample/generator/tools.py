"""Random streams, calendar arithmetic and deterministic writing, shared by both companies."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data.sample.generator.truth import TRUTH

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NEVER = 10_000_000
"""A day that never comes (days are counted from 1970-01-01)."""
LAST_DAY = int(np.datetime64(TRUTH.last_day, "D").astype(np.int64))
FIRST_DAY = int(np.datetime64(TRUTH.first_day, "D").astype(np.int64))
MINUTE = 60_000_000
DAY = 1440 * MINUTE


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the random stream of that name; a new name never changes another stream."""
    keys = tuple(zlib.crc32(str(name).encode()) for name in names)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=keys))


def day(text: str) -> int:
    """Return an ISO date as a day number."""
    return int(np.datetime64(text, "D").astype(np.int64))


def add_months(days: Ints, months: Ints | int) -> Ints:
    """Return the same day of the month, `months` later (its last day where there is none)."""
    month = days.astype("M8[D]").astype("M8[M]")
    day_of_month = days - month.astype("M8[D]").astype(np.int64)
    later = month + np.asarray(months).astype("m8[M]")
    length = ((later + 1).astype("M8[D]") - later.astype("M8[D]")).astype(np.int64)
    first = later.astype("M8[D]").astype(np.int64)
    return np.asarray(first + np.minimum(day_of_month, length - 1), dtype=np.int64)


def month_start(days: Ints) -> Ints:
    """Return the first day of the month of each day."""
    return np.asarray(days.astype("M8[D]").astype("M8[M]").astype("M8[D]").astype(np.int64))


def year_of(days: Ints) -> Ints:
    """Return the calendar year of each day."""
    return np.asarray(days.astype("M8[D]").astype("M8[Y]").astype(np.int64) + 1970)


def weekday(days: Ints) -> Ints:
    """Return the weekday, 0 = Monday."""
    return np.asarray((days + 3) % 7)


def next_workday(days: Ints) -> Ints:
    """Return the day itself, or the Monday after a weekend."""
    return np.asarray(np.where(weekday(days) >= 5, days + 7 - weekday(days), days))


def dates(days: Ints, *, hide_after: int | None = None) -> pd.Series:
    """Return a date column; NEVER, and days after `hide_after`, become empty."""
    limit = NEVER - 1 if hide_after is None else hide_after
    shown = np.where(days <= limit, days, np.iinfo(np.int64).min)
    return pd.Series(shown.astype("M8[D]")).astype("datetime64[s]")


def moments(micros: Ints) -> pd.Series:
    """Return a timestamp column from microseconds (UTC); NEVER days and beyond become empty."""
    shown = np.where(micros < NEVER * DAY, micros, np.iinfo(np.int64).min)
    return pd.Series(shown.astype("M8[us]"))


def office_minutes(rng: np.random.Generator, size: int) -> Ints:
    """Return moments within a working day (07:00 to 16:59) in microseconds."""
    return np.asarray(rng.integers(7 * 60, 17 * 60, size) * MINUTE, dtype=np.int64)


def ids(prefix: str, numbers: Ints, width: int = 4) -> NDArray[np.object_]:
    """Return ids such as A0001 for numbers counted from 0."""
    return np.array(
        [f"{prefix}{number + 1:0{width}d}" for number in numbers.tolist()], dtype=object
    )


def pick(rng: np.random.Generator, choices: dict[str, float], size: int) -> NDArray[np.object_]:
    """Return random labels with the given weights."""
    weights = np.array(list(choices.values()))
    index = rng.choice(len(choices), size=size, p=weights / weights.sum())
    return np.array(list(choices), dtype=object)[index]


def within_group(counts: Ints) -> Ints:
    """Return 0, 1, ... restarting for every group of the given sizes."""
    return np.asarray(np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts))


def with_mean(values: Ints, mean: int, low: int, high: Ints | int) -> Ints:
    """Return whole numbers near `values`, between the bounds, whose mean is exactly `mean`."""
    result = np.clip(np.rint(values * mean / values.mean()).astype(np.int64), low, high)
    while gap := mean * len(result) - int(result.sum()):
        step = int(np.sign(gap))
        free = np.flatnonzero((result + step >= low) & (result + step <= high))
        result[free[: abs(gap)]] += step
    return np.asarray(result)


def where(keep: Flags, values: NDArray[np.object_] | pd.Series) -> NDArray[np.object_]:
    """Return the values where `keep`, and nothing elsewhere."""
    result = np.array(values, dtype=object)
    result[~keep] = None
    return result


def write_csv(frame: pd.DataFrame, folder: Path, table: str) -> None:
    """Write a table as UTF-8 CSV with ISO dates; flags as true and false."""
    shown = frame.copy()
    for column in shown.columns:
        if shown[column].dtype == np.bool_:
            shown[column] = shown[column].map({True: "true", False: "false"})
    moment_columns = shown.select_dtypes("datetime64[us]").columns
    for column in moment_columns:
        shown[column] = shown[column].dt.strftime("%Y-%m-%d %H:%M:%S")
    shown.to_csv(folder / f"{table}.csv", index=False, lineterminator="\n", date_format="%Y-%m-%d")


def write_parquet(blocks: Iterable[pa.Table], folder: Path, table: str) -> None:
    """Write blocks of a table one after another, so that memory stays small."""
    writer: pq.ParquetWriter | None = None
    for block in blocks:
        if writer is None:
            writer = pq.ParquetWriter(
                folder / f"{table}.parquet",
                block.schema,
                compression="zstd",
                compression_level=9,
                use_dictionary=[c for c in block.column_names if c not in ("at", "order_id")],
                column_encoding={
                    c: "DELTA_BINARY_PACKED" if c == "at" else "DELTA_BYTE_ARRAY"
                    for c in block.column_names
                    if c in ("at", "order_id")
                },
                store_schema=False,
            )
        writer.write_table(block)
    if writer is not None:
        writer.close()


def labels(codes: Ints, names: NDArray[np.object_]) -> pa.DictionaryArray:
    """Return a text column from codes into `names`; code -1 is empty."""
    mask = codes < 0
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32), mask=mask), pa.array(names, pa.string())
    )


def write_dataset(folder: Path, *, name: str, currency: str, timezone: str) -> None:
    """Write dataset.yaml for the tables found in the folder."""
    lines = [
        f"name: {name}",
        "source: .",
        f"currency: {currency}",
        f"timezone: {timezone}",
        "quarter_starts_in: 1",
        "tables:",
    ]
    files = sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")])
    width = max(len(file.stem) for file in files) + 1
    lines += [f"  {file.stem + ':':<{width}} {{from: {file.name}}}" for file in files]
    (folder / "dataset.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
