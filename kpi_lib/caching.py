"""Files kept for the next run, which may go at any time: what cannot be kept is made anew. A leaf."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def keep(file: Path, content: bytes) -> None:
    """Write a file whole or not at all. Where that is not allowed, nothing happens."""
    with suppress(OSError):
        handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)


def make_room(folder: Path, family: Iterable[Path], most: int) -> None:
    """Remove the other folders of a family, and the older half of a folder with more than `most` files."""
    for other in family:
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    there = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)
    for file in there[: len(there) // 2] if len(there) > most else []:
        file.unlink(missing_ok=True)
