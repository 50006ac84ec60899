"""A registered condition: what is let in, what it says in words, and when it holds."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kpi_lib.condition import Known, in_words, parsed, tell
from kpi_lib.condition.names import NAMES, OF_THE_KPI, RANGES, UNITS
from kpi_lib.condition.parsing import names_in
from kpi_lib.kpi import KpiParams, Unit

REFUSED = {
    "leading.leed_months < 3": "leading.leed_months is no result; known are value, low,",
    "churn < 3": "churn is no result; known are",
    "leading < 3": "leading is no result",
    "n": "n is a number; compare it, as n < 3",
    "leading.passed < 1": "leading.passed is yes or no; it cannot be compared",
    "n < leading.passed": "leading.passed is yes or no; it cannot be compared",
    "n < 'three'": "`'three'` is neither a number nor a result",
    "n < True": "`True` is neither a number nor a result",
    "n < None": "`None` is neither a number nor a result",
    "n < 2 * low": "`2 * low` is neither a number nor a result",
    "n < -low": "`-low` is neither a number nor a result",
    "n < 3j": "`3j` is neither a number nor a result",
    "1 < 2": "compares two numbers and names no result",
    "n < 1e999": "is too large a number",
    "True": "`True` is not yes or no",
    "n in (1, 2)": "`In` compares no numbers",
    "n is 3": "`Is` compares no numbers",
    "It does not lead": "not a condition; write it as",
    "n <": "not a condition",
    "n < 3; n": "not a condition",
    "n = 3": "not a condition",
    "(n < 3, n)": "is not yes or no",
    "n if n else n": "is not yes or no",
    "lambda: n": "is not yes or no",
    "__import__('os').system('true')": "is not yes or no",
    "n.__class__ < 3": "n.__class__ is no result",
    "leading.lead_months.real < 3": "is neither a number nor a result",
    "(n := 3) < 4": "is neither a number nor a result",
    "f'{n}' < 3": "is neither a number nor a result",
    "\0": "not a condition",
    "n < 3 " + "and n < 3 " * 100: "at most 400 letters",
    "(" * 190 + "n < 3" + ")" * 190: None,
    "not " * 90 + "n < 3": None,
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_condition_is_refused_when_it_is_read(text: str) -> None:
    expected = REFUSED[text]
    if expected is None:
        KpiParams(drop_if=text)
        return
    with pytest.raises(ValidationError) as refused:
        KpiParams(drop_if=text)
    assert expected in str(refused.value)


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_may_be_registered(text: str) -> None:
    assert KpiParams(drop_if=text).drop_if == text


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Never another error than a refusal, which pydantic turns into a line for the user."""
    with suppress(ValueError):
        assert names_in(parsed(text))


def known(**values: float | None) -> dict[str, Known]:
    """Results by name (`__` for the dot); None with the reason that it is missing."""
    return {
        name.replace("__", "."): Known(value, value, "" if value is not None else f"no {name}")
        for name, value in values.items()
    }


HELD = [
    ("share > 0.2 and leading.lead_months < 3", (0.3, 2.0), True),
    ("share > 0.2 and leading.lead_months < 3", (0.3, 3.0), False),
    ("share > 0.2 and leading.lead_months < 3", (0.2, 2.0), False),
    ("share > 0.2 and leading.lead_months < 3", (0.1, None), False),
    ("share > 0.2 and leading.lead_months < 3", (0.3, None), None),
    ("share > 0.2 or leading.lead_months < 3", (0.3, None), True),
    ("share > 0.2 or leading.lead_months < 3", (0.1, None), None),
    ("not (share > 0.2 or leading.lead_months < 3)", (0.1, None), None),
    ("not share > 0.2 or leading.lead_months < 3", (0.1, None), True),
    ("0.1 <= share <= 0.2 and 3 > leading.lead_months", (0.2, 2.5), True),
    ("share == 0.2 or leading.lead_months != 3", (0.1, 3.0), False),
]


@pytest.mark.parametrize(("text", "values", "holds"), HELD)
def test_a_condition_is_true_false_or_cannot_be_told(
    text: str, values: tuple[float | None, ...], holds: bool | None
) -> None:
    told = tell(parsed(text), known(share=values[0], leading__lead_months=values[1]))
    assert told.holds is holds
    assert told.reason == ("no leading__lead_months" if holds is None else "")


SIDES = st.sampled_from(["n", "low", "leading.lead_months", "0", "1", "2.5", "-1"])
PAIRS = st.tuples(SIDES, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), SIDES)
COMPARED = PAIRS.filter(lambda pair: any(side in NAMES for side in (pair[0], pair[2]))).map(
    " ".join
)
CONDITIONS = st.recursive(
    COMPARED,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(
            lambda t: f"({''.join(t)})"
        ),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=5,
)
NUMBERS = st.sampled_from([-1.0, 0.0, 1.0, 2.0, 2.5])


class Namespace:
    """Results as Python would see them."""

    def __init__(self, lead_months: float) -> None:
        self.lead_months = lead_months


def by_python(text: str, n: float, low: float, lead: float) -> bool:
    return bool(eval(text, {"n": n, "low": low, "leading": Namespace(lead)}))


@given(CONDITIONS, NUMBERS, NUMBERS, NUMBERS)
def test_known_results_decide_as_python_would(text: str, n: float, low: float, lead: float) -> None:
    told = tell(parsed(text), known(n=n, low=low, leading__lead_months=lead))
    assert told.holds is by_python(text, n, low, lead)


@given(CONDITIONS, NUMBERS, NUMBERS)
def test_an_answer_without_a_result_holds_whatever_the_result_is(
    text: str, n: float, low: float
) -> None:
    told = tell(parsed(text), known(n=n, low=low, leading__lead_months=None))
    possible = {by_python(text, n, low, lead) for lead in (-9.0, -1.0, 0.0, 1.0, 2.0, 2.5, 9.0)}
    if told.holds is not None:
        assert possible == {told.holds}
    else:
        assert told.reason == "no leading__lead_months"


@given(CONDITIONS, NUMBERS, NUMBERS, st.integers(0, 3), st.integers(0, 3))
def test_an_answer_on_a_range_holds_for_every_value_of_it(
    text: str, n: float, low: float, start: int, width: int
) -> None:
    ends = Known(float(start), float(start + width), "the lead is a range")
    told = tell(parsed(text), known(n=n, low=low) | {"leading.lead_months": ends})
    values = [start + step / 2 for step in range(2 * width + 1)]
    if told.holds is not None:
        assert {by_python(text, n, low, value) for value in values} == {told.holds}


WORDS = {
    "leading.lead_months < 3": "the lead time is below 3 months",
    "3 > leading.lead_months": "the lead time is below 3 months",
    "robust.flip_share > 0.2": ("the share of fair definitions that contradict it is above 20.0 %"),
    "readable.smallest_visible > 40": "the smallest visible change is above 40 points",
    "change < -5": "the last change is below -5 points",
    "not leading.passed or n < 10": (
        "it is not so that the test leading is passed or the number of units is below 10"
    ),
    "n < 10 and (low < 1 or high > 9)": (
        "the number of units is below 10 and (the lower end of its interval is below 1 point or "
        "the upper end of its interval is above 9 points)"
    ),
    "value > previous": "the figure is above the figure of the period before",
}


@pytest.mark.parametrize("text", WORDS)
def test_a_condition_in_plain_words_with_units(text: str) -> None:
    assert in_words(parsed(text), "points") == WORDS[text]


def test_money_is_told_in_its_currency() -> None:
    said = in_words(parsed("value < 70000"), "money per month", "EUR")
    assert said == "the figure is below EUR 70,000 per month"


def test_the_figure_may_be_called_by_each_unit() -> None:
    assert set(UNITS) == {unit.value.split()[0] for unit in Unit}
    assert all(NAMES[unit].unit == OF_THE_KPI for unit in UNITS)
    assert set(RANGES) <= set(NAMES)


def test_names_are_listed_once_in_their_order() -> None:
    assert names_in(parsed("n < 3 and (low > 1 or not n > 2)")) == ("n", "low")


def test_every_name_can_stand_in_a_condition() -> None:
    for name, one in NAMES.items():
        parsed(name if one.kind == "yes or no" else f"{name} < 1")


@pytest.mark.parametrize("folder", ["params"])
def test_every_registered_condition_is_one(folder: str) -> None:
    from kpi_lib.registered import read

    files = sorted((Path(__file__).parents[1] / folder).glob("*.yaml"))
    rules: list[Any] = [read(file).get("drop_if") for file in files]
    assert sum(bool(rule) for rule in rules) >= 10
    for rule in filter(None, rules):
        assert names_in(parsed(rule))
