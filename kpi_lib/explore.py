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
    from kpi_lib.charts.picture import Picture
    from kpi_lib.experiment import Experiment
    from kpi_lib.kpi import KpiParams

NOT_HERE = {
    "dataset", "as_of", "with_evidence", "hypothesis", "drop_if", "decide_on", "looks",
    "interesting_change",
}  # fmt: skip
"""Parameters that are no question to the data: the run and the registration."""

_WIDE = {"description_width": "9em"}


def controls(experiment: Experiment) -> Any:
    """A box with one control per parameter above the trend, which follows them.

    Nothing else in the notebook depends on it. A choice that `Params` refuses is said, not raised.
    """
    import ipywidgets as widgets

    made = {name: widget for name, widget in _widgets(experiment.params).items() if widget}
    page = widgets.Output()
    react = partial(_changed, experiment, made, page)
    for widget in made.values():
        widget.observe(react, names="value")
    _redraw(experiment, experiment.params, page, fresh=False)
    layout = widgets.Layout(grid_template_columns="repeat(auto-fit, minmax(300px, 1fr))")
    return widgets.VBox([widgets.GridBox(list(made.values()), layout=layout), page])


def _widgets(params: KpiParams) -> dict[str, Any]:
    fields = type(params).model_fields
    return {n: control(n, f, getattr(params, n)) for n, f in fields.items() if n not in NOT_HERE}


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
        return widgets.TagsInput(value=list(value), allow_duplicates=False)
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


def _changed(experiment: Experiment, made: dict[str, Any], page: Any, _: Any) -> None:
    chosen = {name: _value(widget) for name, widget in made.items()}
    try:
        params = type(experiment.params).model_validate(
            {**experiment.params.model_dump(), **chosen}
        )
    except ValidationError as refused:
        return _fill(page, Prose(f"Not possible: {refused.errors()[0]['msg']}."))
    _redraw(experiment, params, page)


def _value(widget: Any) -> Any:
    return tuple(widget.value) if isinstance(widget.value, list) else widget.value


def _redraw(experiment: Experiment, params: KpiParams, page: Any, *, fresh: bool = True) -> None:
    """The trend under `params`; the notebook's own measurement where nothing was changed yet."""
    result = measure(experiment.kpi, experiment.tables, params) if fresh else experiment.measurement
    view = number(result)
    _fill(page, view.sentences(), view.drawn())


def _fill(page: Any, *shown: Picture | Prose | None) -> None:
    """Make these the whole content of the page.

    They are set as its state. To print into it (`with page`) makes whoever runs the notebook send
    messages to the kernel in the middle of the cell, and now and then the run never ends.
    """
    page.outputs = tuple(
        {"output_type": "display_data", "data": one._repr_mimebundle_(), "metadata": {}}
        for one in shown
        if one is not None
    )
