"""Fingerprints: whether a finished run would come out the same if it were run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kpi_lib.review.project import PACKAGE

_RUNNER = ("review", "cli.py")
"""Parts of the package that run notebooks and show them, and cannot change what is in them."""


def of_run(notebook: Path, parameters: Mapping[str, Any], data: str) -> str:
    """The fingerprint of one run: notebook, parameters, data (its own fingerprint) and package."""
    values = json.dumps(parameters, sort_keys=True, default=str)
    source = notebook.read_bytes()
    return _digest([source, values.encode(), data.encode(), of_package().encode()])


@cache
def of_package(package: Path = PACKAGE) -> str:
    """The fingerprint of all source code that computes something."""
    files = sorted(package.rglob("*.py"))
    chosen = [f for f in files if f.relative_to(package).parts[0] not in _RUNNER]
    return _digest(_named(chosen, package))


def of_files(files: Iterable[Path], root: Path) -> str:
    """The fingerprint of the content and names of data files, wherever `root` was copied to."""
    return _digest(_named(sorted(files), root))


def _named(files: Iterable[Path], root: Path) -> Iterable[bytes]:
    for file in files:
        name = file.relative_to(root) if file.is_relative_to(root) else file
        yield name.as_posix().encode()
        with file.open("rb") as content:
            yield hashlib.file_digest(content, "blake2b").digest()


def _digest(parts: Iterable[bytes]) -> str:
    total = hashlib.blake2b(digest_size=16)
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()
