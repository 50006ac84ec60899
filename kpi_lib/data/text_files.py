"""How a CSV file is written: its encoding, separator and columns, found from its first records."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from kpi_lib.data.config import CsvOptions
from kpi_lib.data.errors import DataError

_CHUNK = 1 << 20
_HEAD = 1 << 16
_RECORDS = 50
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATORS = (",", ";", "\t", "|")
SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True)
class TextFile:
    """A CSV file as UTF-8 on disk (`path`, perhaps a temporary copy), and how it is written."""

    path: Path
    encoding: str
    separator: str
    columns: tuple[str, ...]
    sure: bool
    """False where the encoding is only likely (bytes that are not UTF-8)."""


def inspect_text(file: Path, options: CsvOptions, scratch: Path) -> TextFile:
    """How `file` is written, and where it can be read as UTF-8.

    A file in another encoding is copied to the folder `scratch`. Raises DataError for a file
    without a header, with a repeated column, or in an encoding that does not fit.
    """
    encoding, sure = (options.encoding, True) if options.encoding else _encoding(file)
    path = file if encoding in {"utf-8", "utf-8-sig"} else _as_utf8(file, encoding, scratch)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        head = stream.read(_HEAD)
    separator = options.separator or _find_separator(head)
    columns = _header(head, separator, file.name)
    return TextFile(path, encoding, separator, columns, sure)


def _encoding(file: Path) -> tuple[str, bool]:
    """The encoding, and whether it is certain."""
    with file.open("rb") as stream:
        start = stream.read(4096)
        for mark, name in _MARKS:
            if start.startswith(mark):
                return name, True
        if start.count(0) > len(start) // 4:
            return (
                "utf-16-le" if start[1::2].count(0) > start[0::2].count(0) else "utf-16-be"
            ), False
        stream.seek(0)
        if _decodes(stream, "utf-8"):
            return "utf-8", True
        stream.seek(0)
        return ("cp1252" if _decodes(stream, "cp1252") else "latin-1"), False


def _decodes(stream: io.BufferedReader, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := stream.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _as_utf8(file: Path, encoding: str, scratch: Path) -> Path:
    """A copy of the file in UTF-8."""
    target = scratch / f"{len(list(scratch.iterdir()))}-{file.name}"
    try:
        with (
            file.open(encoding=encoding, newline="") as source,
            target.open("w", encoding="utf-8", newline="") as copy,
        ):
            copy.writelines(_chunks(source))
    except (UnicodeError, LookupError):
        raise DataError(
            f"{file.name}: cannot be read as {encoding}; name its encoding under csv: {{encoding: ...}}"
        ) from None
    return target


def _chunks(stream: io.TextIOWrapper) -> Iterator[str]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _find_separator(head: str) -> str:
    """The separator that cuts the first records into the same, largest number of fields."""
    best, best_width = ",", 1
    for separator in _SEPARATORS:
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=separator)
        records = list(islice(reader, _RECORDS))
        widths = Counter(len(record) for record in records[:-1] or records if record)
        if not widths:
            continue
        width, times = widths.most_common(1)[0]
        if width > best_width and len(records[0]) == width and times >= 0.8 * sum(widths.values()):
            best, best_width = separator, width
    return best


def _header(head: str, separator: str, name: str) -> tuple[str, ...]:
    first = next(csv.reader(io.StringIO(head, newline=""), delimiter=separator), [])
    columns = tuple(column.strip() for column in first)
    if not any(columns):
        raise DataError(f"{name}: the first line must name the columns")
    repeated = [column for column, times in Counter(columns).items() if times > 1]
    if repeated:
        raise DataError(f"{name}: column {repeated[0]!r} stands twice in the first line")
    return columns
