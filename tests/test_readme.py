"""What the README says of the catalogue is what the catalogue holds."""

from __future__ import annotations

import re
from pathlib import Path

from kpi_lib.catalogue import catalogue

README = Path(__file__).parents[1] / "README.md"
_ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| (\w+) \|$", re.MULTILINE)


def test_its_table_says_nothing_untrue() -> None:
    """A new KPI need not stand there (it is three files and no more), but what stands there holds."""
    told = dict(_ROW.findall(README.read_text(encoding="utf-8")))
    assert len(told) >= 4
    assert told.items() <= {name: card.role.value for name, card in catalogue().items()}.items()
