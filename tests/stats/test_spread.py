"""How much of a spread goes with one choice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.stats.spread import correlation_ratio

LEVELS = st.lists(st.sampled_from("abc"), min_size=2, max_size=30)


def test_by_hand() -> None:
    """Means 2 and 6 about 4: 2 x 4 + 2 x 4 = 16 between, 16 + 2 x 1 + 2 x 1 = 20 in all."""
    assert correlation_ratio([1, 3, 5, 7], ["x", "x", "y", "y"]) == pytest.approx(16 / 20)


def test_values_that_do_not_vary_have_no_spread_to_share() -> None:
    assert correlation_ratio([0.1 + 0.2, 0.3, 0.3], ["x", "y", "y"]) is None
    assert correlation_ratio([], []) is None


@given(LEVELS, st.data())
def test_a_value_made_by_the_choice_alone_is_all_between(
    groups: list[str], data: st.DataObject
) -> None:
    made = {name: data.draw(st.integers(-50, 50), label=name) for name in sorted(set(groups))}
    share = correlation_ratio([made[name] for name in groups], groups)
    assert share is None if len(set(made.values())) == 1 else share == pytest.approx(1)


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=30))
def test_the_same_choice_everywhere_explains_nothing(values: list[int]) -> None:
    assert correlation_ratio(values, ["x"] * len(values)) == (
        None if len(set(values)) == 1 else pytest.approx(0)
    )


@given(LEVELS, st.data())
def test_shares_of_a_full_plan_of_two_choices_add_up_to_at_most_one(
    groups: list[str], data: st.DataObject
) -> None:
    others = ["left", "right"]
    plan = [(first, second) for first in groups for second in others]
    values = [data.draw(st.integers(-50, 50)) for _ in plan]
    shares = [correlation_ratio(values, [pair[place] for pair in plan]) for place in (0, 1)]
    assert sum(share or 0 for share in shares) <= 1 + 1e-9


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="known"):
        correlation_ratio([1, float("nan")], ["x", "y"])
    with pytest.raises(ValueError, match="group"):
        correlation_ratio([1, 2], ["x"])
