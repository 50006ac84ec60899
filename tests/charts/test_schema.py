"""Nothing is checked while pictures are drawn, so every kind of picture is checked here, whole."""

from __future__ import annotations

from typing import Any

import pytest

from kpi_lib.charts.encode import small_chart
from kpi_lib.charts.layers import layered
from kpi_lib.charts.picture import Picture, finished
from kpi_lib.charts.theme import alt, unchecked
from tests.charts.gallery import EXAMPLES

every_picture = pytest.mark.parametrize("name", EXAMPLES)


@every_picture
def test_its_specification_is_vega_lite(name: str) -> None:
    alt.TopLevelSpec.validate(EXAMPLES[name]().spec)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mark": {"type": "barr"}},
        {"encoding": {"x": {"field": "a", "type": "quantity"}}},
        {"encoding": {"x3": {"field": "a", "type": "quantitative"}}},
        {"width": "wide"},
    ],
)
def test_a_specification_that_is_not_is_seen(wrong: dict[str, Any]) -> None:
    right = {"data": {"name": "a"}, "mark": "bar", "encoding": {"x": {"field": "a"}}}
    alt.TopLevelSpec.validate(right)
    with pytest.raises(Exception, match=r"valid|expected"):
        alt.TopLevelSpec.validate(right | wrong)


@every_picture
def test_no_channel_is_left_for_altair_to_look_up(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_up(*_: Any, **__: Any) -> None:
        raise AssertionError("a channel is written as text")

    monkeypatch.setattr(alt.SchemaBase, "from_dict", looked_up)
    EXAMPLES[name]()


@unchecked
def test_layers_are_those_of_altair() -> None:
    base = small_chart([{"a": 1, "b": 2}]).encode(x=alt.X("a:Q"))
    other = small_chart([{"a": 3}]).mark_rule().encode(x=alt.X("a:Q"))
    line, dots = base.mark_line(), base.mark_point().encode(y=alt.Y("b:Q"))
    for parts in ([line, dots], [line, dots, other], [line]):
        theirs = alt.layer(*parts)
        assert finished(layered(*parts), "t").spec == finished(theirs, "t").spec
    assert "data" in Picture(layered(line, dots)).spec
    assert "data" not in Picture(layered(line, other)).spec
