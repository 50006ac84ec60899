"""Does the conclusion survive other fair definitions?"""

from __future__ import annotations

from typing import Any

import pytest

from kpi_lib.evidence.definitions import direction
from kpi_lib.evidence.finding import Settings
from kpi_lib.evidence.robust import robust
from kpi_lib.kpi import Difference, KpiParams, parameter
from kpi_lib.schema import Tables
from tests.evidence.worlds import (
    LAST_DAY,
    Plan,
    SignalParams,
    World,
    make_world,
    observe_signal,
    signal_kpi,
    signal_params,
    with_signals,
)


class Flipping(SignalParams):
    sign: int = parameter(1, meaning="direction", fair=(1, -1))
    days_back: int = parameter(31, meaning="days")


class Steady(SignalParams):
    days_back: int = parameter(31, meaning="days", fair=(30, 31))


def jump(size: float, accounts: int = 30) -> World:
    """Every account's signal moves by `size` between the last two months; the order stays."""
    levels = [
        {"account_id": f"a{n:03d}", "on": day, "level": n * 0.01 + extra + 0.02 * ((n * 7) % 5)}
        for n in range(accounts)
        for day, extra in ((LAST_DAY.replace(month=11, day=25), 0.0), (LAST_DAY, size))
    ]
    return with_signals(make_world(Plan(accounts=accounts)), levels)


def params_of(kind: type[SignalParams]) -> Any:
    return kind(period="month", as_of=LAST_DAY)


def test_an_opposite_distinguishable_change_is_a_flip() -> None:
    finding = robust(signal_kpi(Params=Flipping), jump(1.0), params_of(Flipping))
    assert finding.table["direction"].tolist() == [1, -1]
    assert finding.table["is_flip"].tolist() == [False, True]
    assert finding.passed is False
    assert "more than 20%" in finding.reason


def test_a_definition_that_changes_nothing_passes() -> None:
    finding = robust(signal_kpi(Params=Steady), jump(1.0), params_of(Steady))
    assert finding.passed is True
    assert finding.numbers["flips"] == 0
    assert finding.numbers["median_tau"] == pytest.approx(1.0)


def test_when_the_last_change_is_noise_the_order_of_accounts_decides() -> None:
    upside_down = robust(signal_kpi(Params=Flipping), jump(0.0), params_of(Flipping))
    assert upside_down.numbers["direction_is_judged"] is False
    assert upside_down.passed is False
    assert upside_down.numbers["median_tau"] == pytest.approx(-1.0)
    alone = robust(
        signal_kpi(Params=Flipping, has_account_level=False), jump(0.0), params_of(Flipping)
    )
    assert alone.passed is None
    assert "noise" in alone.reason


def test_segments_told_apart_by_both_must_stand_in_one_order() -> None:
    """The default sees north above south; the other sign turns them round: a flip without a change."""
    names = [f"a{n:03d}" for n in range(30)]
    levels = [
        {"account_id": name, "on": day, "level": (n % 2) * 2.0 + 0.03 * n}
        for n, name in enumerate(names)
        for day in (LAST_DAY.replace(month=11, day=25), LAST_DAY)
    ]
    world = with_signals(make_world(Plan(accounts=30)), levels)
    finding = robust(signal_kpi(Params=Flipping), world, params_of(Flipping))
    assert finding.table["direction"].tolist() == [0, 0]
    assert finding.table["is_flip"].tolist() == [False, True]


def test_no_other_fair_values_cannot_be_told() -> None:
    class Fixed(KpiParams):
        days_back: int = 31
        sign: int = 1

    finding = robust(signal_kpi(Params=Fixed), jump(1.0), Fixed(period="month", as_of=LAST_DAY))
    assert finding.passed is None
    assert "no other fair values" in finding.reason


@pytest.mark.parametrize("accounts", [0, 1])
def test_thin_data_cannot_be_told(accounts: int) -> None:
    finding = robust(signal_kpi(), make_world(Plan(accounts=accounts)), signal_params())
    assert finding.passed is None
    assert finding.reason


def test_many_definitions_are_sampled_and_hold_each_value_on_its_own() -> None:
    class Many(SignalParams):
        days_back: int = parameter(31, meaning="days", fair=(31, 45, 60, 75))
        sign: int = parameter(1, meaning="sign", fair=(1, 2, 3, 4))

    finding = robust(
        signal_kpi(Params=Many), jump(1.0), params_of(Many), Settings(most_definitions=9)
    )
    assert len(finding.table) == 9
    assert finding.table["is_default"].tolist() == [True] + [False] * 8
    labels = set(finding.table["label"])
    assert {"days_back 45", "days_back 60", "days_back 75", "sign 2", "sign 3", "sign 4"} <= labels


def test_cohorts_are_compared_as_independent_samples() -> None:
    finding = robust(signal_kpi(paired=False), make_world(Plan(accounts=40)), signal_params())
    assert len(finding.table) == 3
    assert finding.table["change"].notna().all()


def test_the_direction_of_a_change() -> None:
    def made(value: float | None, p: float | None) -> Difference:
        return Difference(value, None, None, p, None, "")

    found = [
        direction(made(*case), 0.9)
        for case in [(1.0, 0.01), (-1.0, 0.01), (1.0, 0.5), (None, None)]
    ]
    assert found == [1, -1, 0, None]


def test_each_definition_reads_the_same_tables() -> None:
    seen: list[Tables] = []

    def observe(tables: Tables, params: SignalParams) -> Any:
        seen.append(tables)
        return observe_signal(tables, params)

    robust(signal_kpi(observe=observe), jump(1.0), signal_params())
    assert len({tables.as_of for tables in seen}) == 1


def test_the_setting_that_moves_the_figure_most_is_named() -> None:
    """`sign` multiplies the figure, `days_back` of 30 or 31 changes nothing."""

    class Two(SignalParams):
        days_back: int = parameter(31, meaning="days", fair=(30, 31))
        sign: int = parameter(1, meaning="sign", fair=(1, 2, 3))

    finding = robust(signal_kpi(Params=Two), jump(1.0), params_of(Two))
    assert finding.numbers["main_setting"] == "sign"
    assert finding.numbers["main_setting_share"] == pytest.approx(1.0)
    assert sorted(set(finding.table["sign"])) == ["1", "2", "3"]


def test_where_no_definition_moves_the_figure_no_setting_is_named() -> None:
    numbers = robust(signal_kpi(Params=Steady), jump(1.0), params_of(Steady)).numbers
    assert numbers["main_setting"] is None
    assert numbers["main_setting_share"] is None
