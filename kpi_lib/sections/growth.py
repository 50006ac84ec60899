"""The growth system: touches, demand states, money, joined by what the KPIs measure between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kpi_lib.candidates import candidates, readiness
from kpi_lib.catalogue import catalogue
from kpi_lib.charts.chain import Item, chain, folded
from kpi_lib.charts.table import table
from kpi_lib.evidence.finding import settings_for
from kpi_lib.evidence.readable import readable
from kpi_lib.kpi import Kpi, KpiParams, Unit
from kpi_lib.measure import behind, measure
from kpi_lib.sentence import noun_of, sentence
from kpi_lib.view import View
from kpi_lib.wording import format_count, format_interval, format_value

if TYPE_CHECKING:
    import pandas as pd

    from kpi_lib.charts.picture import Picture
    from kpi_lib.data import Dataset
    from kpi_lib.schema import Tables

NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Place:
    """An arrow of the chain, or one of the two boxes it ends in.

    `per` follows the figure in the picture. `reads` is "figure" for the headline of the KPI, "list" for the mean of a column of its list.
    """

    kpi: str
    leads: str
    title: str = ""
    per: str = ""
    is_arrow: bool = True
    with_params: Mapping[str, Any] = field(default_factory=dict)
    reads: str = "figure"


TOUCHES, STATES, MONEY = "Touches", "Moves between demand states", "Money of accounts"
VALUE, PROFIT = "Customer lifetime value", "Customer profitability"
LIFT_TO_VALUE, LIFT_TO_PROFIT = "Lift to lifetime value", "Lift to profitability"

PLACES = (
    Place("levers", f"{TOUCHES} to {STATES.lower()}", per="back per 1 spent"),
    Place("stage_conversion", f"{STATES} to {MONEY.lower()}", per="move on"),
    Place("stage_velocity", f"{STATES} to {MONEY.lower()}"),
    Place("lift", f"{MONEY} to {VALUE.lower()}", LIFT_TO_VALUE, "per exposure",
          with_params={"counts": "whole"}),
    Place("lift", f"{MONEY} to {PROFIT.lower()}", LIFT_TO_PROFIT, "per exposure",
          with_params={"counts": "observed"}),
    Place("customer_lifetime_value", "where it ends", VALUE, "per customer", is_arrow=False),
    Place("lift", "where it ends", PROFIT, "per account", is_arrow=False, reads="list"),
)  # fmt: skip
"""In the order of the picture, from top to bottom and from left to right."""


@dataclass(frozen=True)
class Told:
    """What a place says: its figure with its interval, or why there is none.

    `state`: readable, not readable here, cannot be told, missing, counted, or not judged.
    """

    place: Place
    kpi: Kpi
    state: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    count: str = ""
    period: str = ""
    because: str = ""
    currency: str = ""

    @property
    def title(self) -> str:
        """What stands above the figure."""
        return self.place.title or self.kpi.title

    @property
    def figure(self) -> str:
        """The value with its unit, or the state of a place without one."""
        if self.value is None:
            return self.state
        return format_value(self.value, self.unit, self.currency)

    @property
    def interval(self) -> str:
        """Both ends, empty where there are none."""
        if self.low is None and self.high is None:
            return ""
        return format_interval(self.low, self.high, self.unit, self.currency, bare=True)


def growth_told(data: Dataset, tables: Tables, judged: bool, run: Mapping[str, Any]) -> list[Told]:
    """Every place of the chain measured with the registered parameters, in the order of `PLACES`."""
    able, needs = candidates(data, **run), readiness(data)
    found = []
    for place in PLACES:
        if place.kpi in able:
            kpi, params = able[place.kpi]
            asked = params.model_copy(update=dict(place.with_params))
            found.append(_told(place, kpi, tables, asked, data if judged else None))
        else:
            lacks = "; ".join(needs[place.kpi].lacks)
            found.append(Told(place, catalogue()[place.kpi], "missing", because=lacks))
    return found


def _told(
    place: Place, kpi: Kpi, tables: Tables, params: KpiParams, judge_on: Dataset | None
) -> Told:
    if place.reads == "list":
        return _counted(place, kpi, tables, params)
    measured = measure(kpi, tables, params)
    cell = measured.headline
    count = format_count(cell.n, noun_of(kpi))
    shown: dict[str, Any] = {"unit": kpi.unit, "count": count, "period": cell.label}
    shown |= {"currency": measured.currency}
    if cell.value is None:
        because = _first(sentence(measured))
        return Told(place, kpi, "cannot be told", because=because, **shown)
    shown |= {"value": cell.value, "low": cell.low, "high": cell.high}
    if judge_on is None:
        return Told(place, kpi, NOT_JUDGED, **shown)
    finding = readable(kpi, judge_on, params, settings_for(params))
    states = {True: "readable", False: "not readable here", None: "cannot be told"}
    return Told(place, kpi, states[finding.passed], because=_first(finding.headline), **shown)


def _first(text: str) -> str:
    """The first sentence of several."""
    return text.split(". ")[0].rstrip(".") + "."


def _counted(place: Place, kpi: Kpi, tables: Tables, params: KpiParams) -> Told:
    """Profit per account in the last year, from the list of accounts."""
    rows = behind(kpi, tables, params)
    if rows.empty:
        because = "no account paid in the last year"
        return Told(place, kpi, "cannot be told", because=because, unit=Unit.MONEY)
    return Told(
        place,
        kpi,
        "counted",
        value=float(rows["profit"].mean()),
        unit=Unit.MONEY,
        count=format_count(len(rows), "account"),
        period=f"365 days to {tables.as_of}",
        because="a count of all accounts has no interval",
        currency=tables.currency,
    )


def growth_view(told: list[Told], level: float) -> View:
    """The chain as a picture, the same figures as a table, and what can be read of it in words."""
    frame = growth_frame(told)
    return View(
        growth_sentence(told),
        picture=lambda: growth_picture(told, level),
        table=lambda: table(_columns(told)),
        frame=frame,
    )


def growth_frame(told: list[Told]) -> pd.DataFrame:
    """One row per place: link, kpi, title, state, value, low, high, count, period, owner, because."""
    import pandas as pd

    rows = [
        {
            "link": one.place.leads,
            "kpi": one.kpi.name,
            "title": one.title,
            "state": one.state,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "count": one.count,
            "period": one.period,
            "owner": one.kpi.owner,
            "because": one.because,
        }
        for one in told
    ]
    return pd.DataFrame(rows)


def _columns(told: list[Told]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {
            "figure": one.title,
            "value": _with_interval(one),
            "can it be read": f"{one.state}: {one.because}" if one.because else one.state,
            "counted": ", ".join(part for part in (one.count, one.period) if part),
            "who moves it": one.kpi.owner,
        }
        for one in told
    ]
    return pd.DataFrame(rows)


def _with_interval(one: Told) -> str:
    if one.value is None:
        return "none"
    return f"{one.figure} ({one.interval})" if one.interval else one.figure


def growth_sentence(told: list[Told]) -> str:
    """How many links carry a figure, and which cannot be read."""
    arrows = [one for one in told if one.place.is_arrow]
    with_figure = [one for one in arrows if one.value is not None]
    said = f"{len(with_figure)} of {format_count(len(arrows), 'link')} carry a figure here."
    for state, words in (
        ("missing", "Missing"),
        ("cannot be told", "Cannot be told"),
        ("not readable here", "Not readable at this size"),
    ):
        names = [_named(one) for one in arrows if one.state == state]
        if names:
            said += f" {words}: {'; '.join(names)}."
    return said


def _named(one: Told) -> str:
    """The title of a link, and why it has no figure."""
    return one.title if one.value is not None else f"{one.title} ({one.because.rstrip('.')})"


def growth_picture(told: list[Told], level: float) -> Picture:
    """Boxes for touches, demand states and money; an arrow for each KPI between them."""
    levers, conversion, velocity, to_value, to_profit, value, profit = map(_item, told)
    rows = [
        [Item(TOUCHES, ("before and after the sale",))],
        [levers],
        [Item(STATES, ("how many move on, and how fast",))],
        [conversion, velocity],
        [Item(MONEY, ("exposed against comparable accounts",))],
        [to_value, to_profit],
        [value, profit],
    ]
    subtitle = f"{level:.0%} intervals; a dashed arrow cannot be read here or is missing".replace(
        "%", " %"
    )
    return chain(rows, title="Levers, conversion and velocity, lift", subtitle=subtitle)


def _item(told: Told) -> Item:
    lines: tuple[str, ...] = (told.figure,)
    if told.value is None:
        lines += folded(told.because)
    else:
        lines = (f"{told.figure} {told.place.per}".strip(),)
    if told.interval:
        lines += (told.interval,)
    if told.state in ("not readable here", "cannot be told", "counted") and told.value is not None:
        lines += (told.state,)
    page = "" if told.state == "missing" else told.kpi.name
    firm = told.state in ("readable", NOT_JUDGED, "counted")
    return Item(told.title, lines, page, firm)
