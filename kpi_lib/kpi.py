"""What a KPI is: a frozen card around two pure functions, `observe` and an estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol

import ibis.expr.types as ir
from pydantic import BaseModel, ConfigDict, Field

from kpi_lib.condition import Condition
from kpi_lib.periods import PeriodName
from kpi_lib.schema import Tables

if TYPE_CHECKING:
    import pandas as pd


class Better(StrEnum):
    """Which direction is good."""

    HIGHER = "higher"
    LOWER = "lower"


class Role(StrEnum):
    """What the KPI is tried as; the verdict requires other tests of each role."""

    LEADING = "leading"
    OUTCOME = "outcome"
    CONTROL = "control"


class Cadence(StrEnum):
    """How often people look."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


class Unit(StrEnum):
    """What the value is counted in."""

    DAYS = "days"
    SHARE = "share"
    MONEY = "money"
    MONEY_PER_MONTH = "money per month"
    RATIO = "ratio"
    POINTS = "points"
    COUNT = "count"


class Family(StrEnum):
    """Where in the catalogue the KPI stands."""

    STARTER = "starter"
    SAAS = "b2b saas"
    GROWTH = "converged growth"
    COMMERCE = "commerce"


def parameter(
    default: Any, *, meaning: str, unit: str = "", fair: Sequence[Any] = (), **bounds: Any
) -> Any:
    """A field of `KpiParams`: default, plain meaning, unit, and the values a fair person might choose.

    `fair` drives the robustness test and the sweep; `bounds` are pydantic's (ge, le, ...).
    Keep `meaning` free of "=", since papermill's inspector drops such lines.
    """
    extra: dict[str, Any] = {"unit": unit, "fair": list(fair)}
    return Field(default=default, description=meaning, json_schema_extra=extra, **bounds)


class KpiParams(BaseModel):
    """Parameters every KPI has: the run, and the registration of the experiment.

    Subclasses add the KPI's own. Frozen; unknown names are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = parameter(
        "data/sample/saas", meaning="folder or yaml file of the data set, relative to the project"
    )
    as_of: date | None = parameter(
        None, meaning="last day known, as 2026-06-30; empty means the last day in the data"
    )
    period: PeriodName = parameter("quarter", meaning="length of one period: week, month, quarter")
    periods: int = parameter(8, ge=2, le=104, unit="periods", meaning="how many periods to show")
    segment: str = parameter("", meaning="column of accounts to split by, or empty")
    level: float = parameter(
        0.9, gt=0.5, lt=1, unit="share", meaning="confidence level of the intervals"
    )
    power: float = parameter(
        0.8, gt=0.5, lt=1, unit="share", meaning="chance to see a change that is there"
    )
    compare_periods: int = parameter(
        1, ge=1, le=8, unit="periods", meaning="how many periods are compared with as many before"
    )
    response_months: int = parameter(
        3, ge=1, le=12, unit="months", meaning="how early it must warn for us to act"
    )
    with_evidence: bool = parameter(True, meaning="whether to judge the KPI, which takes longer")
    hypothesis: str = parameter("", meaning="what we expect this KPI to do for us")
    drop_if: Condition = parameter("", meaning="the result that would make us drop it")
    decide_on: date | None = parameter(None, meaning="the day on which we decide")
    looks: tuple[date, ...] = parameter((), meaning="planned review dates")
    interesting_change: float = parameter(
        0.0, ge=0, meaning="smallest change worth acting on, in the unit of the KPI"
    )


@dataclass(frozen=True)
class Difference:
    """A change between two periods, later minus earlier, with what could have been seen.

    `low`, `high`: interval of `value` at the level asked for. `smallest_visible`: the smallest true
    change that would be detected with the power asked for at these sizes (two-sided). `reason` is
    filled where the value cannot be told (then the numbers are None).
    """

    value: float | None
    low: float | None
    high: float | None
    p_value: float | None
    smallest_visible: float | None
    method: str
    reason: str = ""


class Estimator(Protocol):
    """Turns observations into a value with an interval, from counts and sums made in the engine.

    `reduce` gives an additive frame: summing its rows over periods pools the periods.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """Observation columns read besides unit_id, account_id, period, value."""
        ...

    def counted(self, observations: ir.Table) -> ir.Table:
        """The rows that make the headline number (all of them, for most estimators)."""
        ...

    def reduce(self, observations: ir.Table, by: Sequence[str]) -> ir.Table:
        """Counts and sums per cell of `by`, computed in the engine."""
        ...

    def estimate(self, reduced: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
        """One row per cell: *by, value, low, high, standard_error, n, resolved (share of units)."""
        ...

    def difference(
        self, earlier: pd.DataFrame, later: pd.DataFrame, *, level: float, power: float
    ) -> Difference:
        """Change between two independent samples, each given as its reduced rows."""
        ...

    def reduce_pairs(self, observations: ir.Table, earlier: date, later: date) -> ir.Table:
        """Sufficient statistics of units seen in either of two periods (for the same accounts)."""
        ...

    def paired_difference(self, pairs: pd.DataFrame, *, level: float, power: float) -> Difference:
        """Change between two periods in which the same units are seen."""
        ...

    def units_needed(
        self, reduced: pd.DataFrame, change: float, *, level: float, power: float
    ) -> int | None:
        """Units per period that would make `change` visible; None where it cannot be told."""
        ...


PartView = Literal["table", "bars", "waterfall", "timeline", "curve", "lines"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something the figure is made of, or a list behind it: a table made in the engine, and its picture."""

    name: str
    title: str
    meaning: str
    compute: Callable[[Tables, Any], ir.Table]
    view: PartView = "table"
    units: Mapping[str, Unit] = field(default_factory=dict)
    for_meeting: bool = False
    """True for a list that the review's report shows on its own (inactive customers)."""


@dataclass(frozen=True, kw_only=True)
class CheapMove:
    """A way to improve the number while nothing improves for the customer: edits the tables."""

    name: str
    meaning: str
    edit: Callable[[Tables, Any], Tables]
    given_away_by: str
    """What shows it: `kpi`, `figure` (of a part), `kpi.figure`, or several with `or`; a reason after a colon."""


@dataclass(frozen=True)
class RuleOutcome:
    """What a fit rule found in the data."""

    fires: bool
    sentence: str
    substitute: str = ""


@dataclass(frozen=True, kw_only=True)
class FitRule:
    """A reason, found from the data, why the KPI suits this business badly.

    `check` returns None when its tables are absent; `severe` means not fitting, else a caution.
    A rule about the business says which tables it `reads`: it can be checked without the KPI's own.
    """

    name: str
    meaning: str
    check: Callable[[Tables, Any], RuleOutcome | None]
    severe: bool = True
    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """The card of one candidate KPI.

    `observe(tables, params)` returns one row per unit of analysis: unit_id, account_id (or null),
    period (first day), value, the segment column when `params.segment` names one (called
    `segment`), and the columns the estimator names. It reads only `needs`, `optional` and
    `one_of`, knows the day from `tables.as_of`, and runs inside the engine.
    """

    name: str
    title: str
    question: str
    unit: Unit
    better: Better
    role: Role
    cadence: Cadence
    owner: str
    family: Family
    source: str
    formula: str
    """Markdown: the formula, then each symbol with its unit."""
    needs: Mapping[str, tuple[str, ...]]
    optional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    one_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Tables of which at least one must be there."""
    Params: type[KpiParams]
    observe: Callable[[Tables, Any], ir.Table]
    estimator: Callable[[Any], Estimator]
    paired: bool = False
    """True when the same accounts are seen in every period (stocks), False for cohorts."""
    looks_back: Callable[[Any], int] | None = None
    """Days that the value of a period looks back from its end; None: the days of the period."""
    score: Callable[[Tables, Any], ir.Table] | None = None
    """account_id, score per account on `tables.as_of`; default: its own observation."""
    has_account_level: bool = True
    segments: tuple[str, ...] = ()
    """What it can be split by besides the columns of accounts."""
    noun: str = ""
    """What one unit is called in a sentence; default: customer, or case without account level."""
    is_scoreboard: bool | None = None
    """True for a company scoreboard, False for customer value; None: told by the tables it needs."""
    parts: tuple[Part, ...] = ()
    who: Part | None = None
    """Replaces the generic list of who is behind the number."""
    cheap_moves: tuple[CheapMove, ...] = ()
    fit_rules: tuple[FitRule, ...] = ()
    cautions: tuple[str, ...] = ()
    okr: str = ""
    """The objective it suggests, with {name} places for fields of the parameters and `value`."""
    okr_measured: Callable[[Any], KpiParams] | None = None
    """The parameters under which the objective is judged, where they differ from those chosen."""
    okr_target: Callable[[Any, float], float] | None = None
    """The value the objective asks for, from the parameters and the present value."""
    references: tuple[str, ...] = ()

    def observed(self, tables: Tables, params: KpiParams) -> ir.Table:
        """The observations, made once for the same tables and parameters."""
        key = (self.observe, params)
        return tables.once(key, lambda: tables.name(self.observe(tables, params)))


class Source(Protocol):
    """Anything that can say what was known on a day: an open data set."""

    def as_of(self, day: date) -> Tables:
        """The tables as known at the end of `day`."""
        ...
