"""Controls around the trend, made from the parameters of a KPI; the only door to ipywidgets."""

from __future__ import annotations

from functools import partial
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from kpi_lib.charts.shown import Prose
from kpi_lib.measure import measure
from kpi_lib.sections.number import number

if TYPE_CHECKING:
    from kpi_lib.experiment import Experiment
    from kpi_lib.kpi import KpiParams

NOT_HERE = {
    "dataset", "as_of", "with_evidence", "hypothesis", "drop_if", "decide_on", "looks",
    "interesting_change", "power", "compare_periods", "response_months",
}  # fmt: skip
"""Parameters that are no question to the trend: the run, the registration and the judging."""

_WIDE = {"description_width": "9em"}


class Page:
    """A sentence and a picture in the cell's output, replaced when a control moves.

    Ordinary outputs with an id, not an Output widget: that one makes the client talk back to the
    kernel while a cell runs, and under nbclient such messages can hold up the cell's own reply.
    """

    def __init__(self, *shown: Any) -> None:
        self.handles = [_display(thing) for thing in shown]

    def turn(self, *shown: Any) -> None:
        """Put these things in the place of the first ones; the rest stay."""
        for handle, thing in zip(self.handles, shown, strict=False):
            handle.update(thing)


def explore(experiment: Experiment) -> None:
    """Show one control per parameter above the trend, which follows them.

    Nothing else in the notebook depends on it. A choice that `Params` refuses is said, not raised.
    """
    made = controls(experiment.params)
    _show_grid(list(made.values()))
    page = Page(experiment.number.sentences(), experiment.trend.drawn())
    react = partial(changed, experiment, made, page)
    for widget in made.values():
        widget.observe(react, names="value")


def controls(params: KpiParams) -> dict[str, Any]:
    """The control of each parameter that is a question to the data, by name."""
    fields = type(params).model_fields
    made = {n: control(n, f, getattr(params, n)) for n, f in fields.items() if n not in NOT_HERE}
    return {name: widget for name, widget in made.items() if widget is not None}


def _show_grid(widgets: list[Any]) -> None:
    import ipywidgets
    from IPython.display import display

    layout = ipywidgets.Layout(grid_template_columns="repeat(auto-fit, minmax(300px, 1fr))")
    display(ipywidgets.GridBox(widgets, layout=layout))  # type: ignore[no-untyped-call]


def _display(thing: Any) -> Any:
    from IPython.display import DisplayHandle

    handle = DisplayHandle()  # type: ignore[no-untyped-call]  # IPython has no types
    handle.display(thing)  # type: ignore[no-untyped-call]
    return handle


def control(name: str, field: FieldInfo, value: Any) -> Any:
    """The control that fits a parameter: menu, tick box, slider or text; None where none fits."""
    import ipywidgets as widgets

    kind = _plain_kind(field.annotation)
    facts = {"description": name.replace("_", " "), "style": _WIDE, "tooltip": field.description}
    if get_origin(kind) is Literal:
        return widgets.Dropdown(options=list(get_args(kind)), value=value, **facts)
    if kind is bool:
        return widgets.Checkbox(value=value, indent=False, **facts)
    if kind is int and value is not None:
        low, high = _bounds(field, value)
        return widgets.IntSlider(value=value, min=low, max=high, continuous_update=False, **facts)
    if kind is float and value is not None:
        return widgets.FloatText(value=value, continuous_update=False, **facts)
    if kind is str:
        return widgets.Text(value=value or "", continuous_update=False, **facts)
    if get_origin(kind) is tuple:
        made = widgets.IntsInput if get_args(kind)[0] is int else widgets.TagsInput
        return made(value=list(value), allow_duplicates=False)
    return None


def _plain_kind(annotation: Any) -> Any:
    """The type of a field without its "or None"."""
    choices = [kind for kind in get_args(annotation) if kind is not NoneType]
    optional = NoneType in get_args(annotation)
    return choices[0] if optional and len(choices) == 1 else annotation


def _bounds(field: FieldInfo, value: int) -> tuple[int, int]:
    """Ends of a slider: the declared bounds, the upper one no further than useful."""
    declared = {type(rule).__name__: rule for rule in field.metadata}
    low = int(getattr(declared.get("Ge"), "ge", 0))
    high = int(getattr(declared.get("Le"), "le", max(4 * value, low + 10)))
    extra = field.json_schema_extra
    given = extra.get("fair") if isinstance(extra, dict) else None
    fair = [one for one in given if isinstance(one, int)] if isinstance(given, list) else []
    reach = max([4 * value, 2 * max(fair, default=0), low + 10])
    return low, max(value, min(high, reach))


def changed(experiment: Experiment, made: dict[str, Any], page: Page, _: Any) -> None:
    """Measure again with the values of the controls and turn the page."""
    chosen = {name: _value(widget) for name, widget in made.items()}
    try:
        params = type(experiment.params).model_validate(
            {**experiment.params.model_dump(), **chosen}
        )
    except ValidationError as refused:
        page.turn(Prose(f"Not possible: {refused.errors()[0]['msg']}."))
        return
    now = number(measure(experiment.kpi, experiment.tables, params))
    page.turn(now.sentences(), now.drawn())


def _value(widget: Any) -> Any:
    return tuple(widget.value) if isinstance(widget.value, list) else widget.value
