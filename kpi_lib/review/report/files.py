"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from errno import EISDIR
from pathlib import Path
from tempfile import NamedTemporaryFile


def check_writable(path: Path) -> None:
    """Nothing; raises OSError where `path` could not be written. Leaves nothing behind."""
    if path.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(path))
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
        pass


def write_whole(path: Path, text: str) -> Path:
    """`path`, holding `text`. A reader sees the old file or the new one, never a part.

    A file that holds the text already is left alone, so that its time says when it last changed.
    """
    data = text.encode("utf-8")
    with suppress(FileNotFoundError):
        if path.read_bytes() == data:
            return path
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return path
