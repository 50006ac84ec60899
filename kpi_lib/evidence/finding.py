"""What a test of a KPI finds, and the settings that all tests share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kpi_lib.kpi import Kpi, KpiParams, Source
from kpi_lib.schema import Tables

if TYPE_CHECKING:
    import pandas as pd

TESTS = ("readable", "leading", "robust", "honest", "distinct", "fitting")
Others = Mapping[str, tuple[Kpi, KpiParams]]
"""The other candidates that the data can feed, by name, each with its registered parameters."""

NO_OTHERS: Others = MappingProxyType({})


@dataclass(frozen=True)
class Settings:
    """Fixed before the data are looked at. Shares are 0 to 1, months whole numbers.

    `alpha` is two-sided. `compare_periods` is the pooling that decides, `also_shown` is shown
    beside it. `most_definitions` bounds how many fair definitions are tried (all of them if there are
    no more, else a seeded sample that holds each fair value on its own). `most_month_ends` bounds
    how far back scores are taken; `renewal_grace_days` is how late a new contract may start and
    still count as a renewal. An account that orders goods is silent after `rhythm_multiple` of its
    usual gaps, which are known from `least_orders` order days on. `draws` are those of the bootstrap
    that decides, `permutations` those of a p-value that is shown beside it. A figure gives a cheap move away
    when it changes by `smallest_telling_change` of itself. Two KPIs whose rank correlation over
    accounts is `twin_correlation` or more are twins.
    """

    power: float = 0.8
    alpha: float = 0.1
    compare_periods: int = 1
    also_shown: tuple[int, ...] = (2, 4)
    leads: tuple[int, ...] = (1, 2, 3, 6, 9)
    response_months: int = 3
    smallest_useful_skill: float = 0.05
    least_losses: int = 10
    most_month_ends: int = 40
    renewal_grace_days: int = 31
    rhythm_multiple: float = 3.0
    least_orders: int = 4
    draws: int = 1000
    permutations: int = 1000
    folds: int = 5
    seed: int = 20200206
    most_definitions: int = 200
    largest_flip_share: float = 0.2
    least_tau: float = 0.7
    least_accounts_in_order: int = 5
    smallest_telling_change: float = 0.1
    twin_correlation: float = 0.8

    @property
    def level(self) -> float:
        """The level of two-sided intervals that go with `alpha`."""
        return 1 - self.alpha


DEFAULTS = Settings()


def settings_for(params: KpiParams, settings: Settings = DEFAULTS) -> Settings:
    """The settings with what the parameters of the KPI say: level, power, and what is compared.

    The months in which the team can respond are among the leads looked at.
    """
    return replace(
        settings,
        power=params.power,
        alpha=round(1 - params.level, 12),
        compare_periods=params.compare_periods,
        response_months=params.response_months,
        leads=tuple(sorted({*settings.leads, params.response_months})),
    )


@dataclass(frozen=True)
class Finding:
    """What one test says about a KPI.

    `passed` is None where it cannot be told; then `reason` names what is missing. `headline` is
    one plain sentence with the numbers, `table` what stands behind it, `numbers` plain values for
    records and rules.
    """

    test: str
    passed: bool | None
    headline: str
    table: pd.DataFrame
    reason: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)


def cannot_tell(
    test: str, reason: str, table: pd.DataFrame | None = None, numbers: dict[str, Any] | None = None
) -> Finding:
    """A finding that cannot be told; `reason` says what is missing (a clause, no full stop)."""
    import pandas as pd

    shown = pd.DataFrame() if table is None else table
    return Finding(test, None, f"Cannot be told: {reason}.", shown, reason, numbers or {})


def day_of(source: Source, params: KpiParams) -> date:
    """The day the KPI is judged on: that of the parameters, else the last day the source knows.

    Raises ValueError where neither is given.
    """
    day = params.as_of or getattr(source, "last_day", None)
    if not isinstance(day, date):
        raise ValueError("no day to judge on: give as_of")
    return day


def tables_of(source: Source, params: KpiParams) -> Tables:
    """The tables as known on the day the KPI is judged on."""
    return source.as_of(day_of(source, params))
