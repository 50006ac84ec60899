"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile


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
