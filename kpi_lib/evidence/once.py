"""What several tests ask for is made once for the same open data set."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from kpi_lib.evidence.finding import DEFAULTS, Finding, Settings
from kpi_lib.kpi import Kpi, KpiParams, Source

Test = Callable[..., Finding]
T = TypeVar("T")

_MADE: WeakKeyDictionary[Any, dict[Hashable, tuple[Kpi, Any]]] = WeakKeyDictionary()
"""By open data set, which is forgotten with what was made; each entry keeps its card alive."""


def remembered(source: Source, kpi: Kpi, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives for that card, made when it is first asked for.

    A source that compares by its contents (a company in memory, in a test) is asked every time.
    """
    if type(source).__hash__ is not object.__hash__:
        return make()
    made = _MADE.setdefault(source, {})
    whole = (id(kpi), key)
    if whole not in made:
        made[whole] = (kpi, make())
    return cast("T", made[whole][1])


def once(test: Test) -> Test:
    """The test, made once for the same source, card, parameters and settings."""

    @wraps(test)
    def made_once(
        kpi: Kpi, source: Source, params: KpiParams, settings: Settings = DEFAULTS
    ) -> Finding:
        key = (test.__qualname__, params, settings)
        return remembered(source, kpi, key, lambda: test(kpi, source, params, settings))

    return made_once
