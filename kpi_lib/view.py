"""One thing a notebook can say, draw and show; pictures and tables are made when asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
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

    def drawn(self) -> Picture | Prose | None:
        """The picture; a sentence where nothing can be drawn; None for a result in words only."""
        return (self._made or Prose(NO_PICTURE)) if self.picture else None

    @cached_property
    def _made(self) -> Picture | None:
        """The picture made once, however often it is shown."""
        return self.picture() if self.picture else None

    def shown(self) -> Block | Prose | None:
        """The table or card; a sentence where nothing is listed; None for a result in words only."""
        return (self.table() or Prose(NO_TABLE)) if self.table else None

    def sentences(self) -> Prose:
        """What it says in words."""
        return Prose(self.said)
