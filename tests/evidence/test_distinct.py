"""Distinct: twins are named, and the better of two says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.evidence.distinct import distinct
from kpi_lib.evidence.finding import DEFAULTS, Others, Settings
from kpi_lib.evidence.likeness import likeness
from kpi_lib.kpi import Better, Kpi, Role
from kpi_lib.schema import Tables
from tests.evidence.worlds import LAST_DAY, Plan, World, make_world, signal_kpi, signal_params

QUICK = Settings(draws=100, folds=3)


def tells(name: str, sign: float = 1.0, noise: int = 0, **changes: Any) -> Kpi:
    """A KPI whose score is the last signal of the account; `noise` replaces it by a hash of the name."""

    def score(tables: Tables, params: Any) -> Any:
        rows = tables["signals"]
        last = rows.group_by("account_id").aggregate(score=rows["level"].argmax(rows["on"]))
        value = last["score"] * sign
        if noise:
            value = (last["account_id"] + str(noise)).hash().cast("float64") / 2.0**63
        return last.select("account_id", score=value)

    return signal_kpi(name=name, title=name.title(), score=score, **changes)


def rivals(*cards: Kpi, **params: Any) -> Others:
    return {card.name: (card, signal_params(interesting_change=1.0, **params)) for card in cards}


def found(kpi: Kpi, *others: Kpi, world: World | None = None, **changes: Any) -> Any:
    source = world or make_world(Plan(accounts=40))
    params = signal_params(interesting_change=1.0)
    return distinct(kpi, source, params, replace(QUICK, **changes), rivals(kpi, *others))


def test_a_kpi_that_orders_accounts_its_own_way_is_distinct() -> None:
    finding = found(tells("one"), tells("other", noise=3))
    assert finding.passed is True
    assert finding.numbers["twins"] == []
    assert abs(finding.numbers["rho"]) < 0.8


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_twin_that_is_as_good_takes_its_place(sign: float) -> None:
    """The same order, or exactly the opposite one: both know no more than the first."""
    finding = found(tells("one"), tells("other", sign=sign))
    assert finding.numbers["rho"] == pytest.approx(sign)
    assert finding.passed is False
    assert finding.numbers["better_twins"] == ["other"]
    assert "Other says the same" in finding.reason


def test_a_twin_that_is_less_readable_takes_nothing() -> None:
    source = make_world(Plan(accounts=40))
    others = rivals(tells("other"))
    blunt = {"other": (others["other"][0], signal_params(interesting_change=0.5))}
    params = signal_params(interesting_change=1.0)
    finding = distinct(tells("one"), source, params, QUICK, blunt)
    assert (finding.numbers["twins"], finding.passed) == (["other"], True)


def test_what_looks_good_in_both_goes_along_whichever_way_they_count() -> None:
    up = tells("other", sign=-1.0, better=Better.HIGHER)
    assert found(tells("one"), up).numbers["rho"] == pytest.approx(1.0)


def test_the_control_and_kpis_without_accounts_are_no_rivals() -> None:
    control = tells("control", role=Role.CONTROL)
    people = tells("people", has_account_level=False)
    finding = found(tells("one"), control, people)
    assert finding.passed is None
    assert "no other candidate" in finding.reason
    alone = found(people, tells("one"))
    assert alone.reason == "the KPI says nothing about single accounts"


def test_too_few_accounts_in_common_cannot_be_told() -> None:
    finding = found(tells("one"), tells("other"), world=make_world(Plan(accounts=3)))
    assert (finding.passed, len(finding.table)) == (None, 1)


def test_what_it_adds_to_its_nearest_is_nothing_where_that_knows_it_all() -> None:
    world = make_world(Plan(accounts=120, effect=3.0))
    same = found(tells("one"), tells("other"), world=world)
    assert same.numbers["added"] == pytest.approx(0, abs=0.02)
    more = found(tells("one"), tells("noise", noise=5), world=world)
    assert more.numbers["added"] > 0.05


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=6, max_size=30))
def test_likeness_is_spearmans_rank_correlation(pairs: list[tuple[float, float]]) -> None:
    """Against pandas, which ranks ties alike; symmetric, and turned by turning one side."""
    one, two = (pd.Series([pair[side] for pair in pairs]) for side in (0, 1))
    said = likeness(one, two, QUICK)
    if 1 in (one.nunique(), two.nunique()):
        assert said.rho is None
        return
    expected = one.corr(two, method="spearman")
    assert said.rho == pytest.approx(expected, abs=1e-9)
    assert likeness(two, one, QUICK).rho == pytest.approx(expected, abs=1e-9)
    assert likeness(one, -two, QUICK).rho == pytest.approx(-expected, abs=1e-9)


def test_findings_are_made_once_for_an_open_data_set() -> None:
    from kpi_lib.evidence.finding import Finding
    from kpi_lib.evidence.once import once

    made = []

    class Open:
        last_day = LAST_DAY

        def as_of(self, day: Any) -> Tables:
            return Tables({}, day)

    @once
    def test(kpi: Kpi, source: Any, params: Any, settings: Settings) -> Finding:
        made.append(params)
        return Finding("x", True, "", pd.DataFrame())

    card, source = signal_kpi(), Open()
    first = test(card, source, signal_params())
    assert test(card, source, signal_params()) is first
    test(card, source, signal_params(interesting_change=9.0))
    test(signal_kpi(), source, signal_params())
    test(card, Open(), signal_params())
    test(card, source, signal_params(), replace(DEFAULTS, draws=7))
    assert len(made) == 5
