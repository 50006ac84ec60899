"""One thing a notebook can say, draw and show; pictures and tables are made when asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpi_lib.charts.shown import Block, Prose

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.charts.picture import Picture

NO_PICTURE = "There is nothing to draw."
NO_TABLE = "There is nothing to list."


@dataclass(frozen=True)
class View:
    """A result in three forms. `frame` holds the rows behind it, where there are any."""

    said: str
    picture: Callable[[], Picture | None] | None = None
    table: Callable[[], Block | None] | None = None
    frame: pd.DataFrame | None = None

    def drawn(self) -> Picture | Prose:
        """The picture, or a sentence that there is none."""
        made = self.picture() if self.picture else None
        return made or Prose(NO_PICTURE if self.picture else self.said)

    def shown(self) -> Block | Prose:
        """The table or card, or a sentence that there is none."""
        made = self.table() if self.table else None
        return made or Prose(NO_TABLE if self.table else self.said)

    def sentences(self) -> Prose:
        """What it says in words."""
        return Prose(self.said)
