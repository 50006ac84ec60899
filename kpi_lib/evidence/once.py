"""What several tests ask for is made once for the same open data set."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from kpi_lib.evidence.finding import DEFAULTS, Finding, Settings, day_of
from kpi_lib.evidence.shelf import found_once, is_of_package, place_for, values_of
from kpi_lib.kpi import Kpi, KpiParams, Source

Test = Callable[..., Finding]
T = TypeVar("T")

_MADE: WeakKeyDictionary[Any, dict[Hashable, tuple[Kpi | None, Any]]] = WeakKeyDictionary()
"""By open data set, which is forgotten with what was made; each entry keeps its card alive."""


def remembered(source: Source, kpi: Kpi | None, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives for that card (None: for all cards alike), made when it is first asked for.

    A source that compares by its contents (a company in memory, in a test) is asked every time.
    """
    if type(source).__hash__ is not object.__hash__:
        return make()
    made = _MADE.setdefault(source, {})
    whole = (id(kpi), key)
    if whole not in made:
        made[whole] = (kpi, make())
    return cast("T", made[whole][1])


def shelved(
    source: Source, kpi: Kpi, params: KpiParams, key: tuple[Hashable, ...], make: Callable[[], T]
) -> T:
    """As `remembered`, and for other processes too: what every candidate asks about every other.

    `key` says in its `repr` all that the answer depends on besides the data, the card and `params`.
    """
    find = partial(found_once, partial(_place, source, kpi, params, key), make)
    return remembered(source, kpi, (*key, params), find)


def _place(source: Source, kpi: Kpi, params: KpiParams, key: tuple[Hashable, ...]) -> Path | None:
    """Where it stands on the shelf; nowhere for a card that is not the package's own."""
    if not is_of_package(kpi):
        return None
    asked = (kpi.name, values_of(params), day_of(source, params), key)
    return place_for(source, f"{kpi.name}-{key[0]}", asked)


def once(test: Test) -> Test:
    """The test, made once for the same source, card, parameters and settings."""

    @wraps(test)
    def made_once(
        kpi: Kpi, source: Source, params: KpiParams, settings: Settings = DEFAULTS
    ) -> Finding:
        key = (test.__qualname__, settings)
        return shelved(source, kpi, params, key, lambda: test(kpi, source, params, settings))

    return made_once
