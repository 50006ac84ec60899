"""Where the notebooks, their parameters and the reviews are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Project:
    """A folder with `notebooks` and `params`. Relative data sets are looked for here as well."""

    root: Path

    @property
    def notebooks(self) -> Path:
        """Folder of the notebooks."""
        return self.root / "notebooks"

    @property
    def params(self) -> Path:
        """Folder of the parameter files, one per notebook."""
        return self.root / "params"

    def notebook(self, name: str) -> Path:
        """The file of a notebook, whether or not it exists."""
        return self.notebooks / f"{name}.ipynb"

    def names(self) -> list[str]:
        """Stems of all notebooks, in the order of the alphabet."""
        return sorted(path.stem for path in self.notebooks.glob("*.ipynb"))

    def named(self, path: Path) -> str:
        """A path as parameters hold it: relative to the project where it lies inside it."""
        path = path.resolve()
        inside = path.is_relative_to(self.root)
        return path.relative_to(self.root).as_posix() if inside else str(path)


def find_project(start: Path | None = None) -> Project:
    """The project that holds `start` (the current folder): the nearest with notebooks and params.

    Where there is none above, the one this package stands in.
    """
    begin = (start or Path.cwd()).resolve()
    for folder in (begin, *begin.parents, PACKAGE.parent):
        if (folder / "notebooks").is_dir() and (folder / "params").is_dir():
            return Project(folder)
    return Project(begin)
