"""Honest: cheap moves that pay must be given away; what the last change is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.editing import with_table
from kpi_lib.evidence.composition import composition, sentences
from kpi_lib.evidence.finding import Others
from kpi_lib.evidence.honest import honest
from kpi_lib.kpi import Better, CheapMove, Kpi, Part, Unit
from kpi_lib.schema import Tables
from tests.evidence.worlds import LAST_DAY, World, signal_kpi, signal_params, table

ACCOUNTS = ("a1", "a2", "a3", "a4")
MONTHS = (date(2025, 11, 15), date(2025, 12, 15))


def world(levels: dict[str, tuple[float | None, float | None]], **segments: str) -> World:
    """Levels of the signal in November and December by account; None: no signal that month."""
    signals = [
        {"account_id": account, "on": day, "level": level}
        for account, pair in levels.items()
        for day, level in zip(MONTHS, pair, strict=True)
        if level is not None
    ]
    accounts = [
        {"account_id": account, "name": account, "owner": "Kim", "segment": segments.get(account)}
        for account in levels
    ]
    contracts = [
        {
            "subscription_id": account, "account_id": account, "started_on": date(2024, 1, 1),
            "ended_on": date(2999, 12, 31), "cancelled_on": None,
            "term_ends_on": date(2025, 6, 30), "monthly_amount": 100.0,
        }
        for account in levels
    ]  # fmt: skip
    tables: dict[str, list[dict[str, Any]]] = {
        "signals": signals,
        "accounts": accounts,
        "subscriptions": contracts,
    }
    return World({name: table(name, rows) for name, rows in tables.items()})


USUAL = world(dict.fromkeys(ACCOUNTS, (10.0, 10.0)))


def lowered(by: float, **also: Any) -> CheapMove:
    """Everybody's signal falls, and so it looks better; `also` is done to the tables besides."""

    def edit(tables: Tables, params: Any) -> Tables:
        signals = tables["signals"]
        lower = with_table(tables, "signals", signals.mutate(level=signals["level"] - by))
        return also["edit"](lower) if "edit" in also else lower

    given = also.get("given_away_by", "other: gets worse")
    return CheapMove(name="script", meaning="a script", edit=edit, given_away_by=given)


def other(card: Kpi | None = None, **changes: Any) -> Others:
    """A counter-metric in the catalogue: the same signal, but higher is better."""
    kpi = card or signal_kpi(name="other", title="Other", better=Better.HIGHER)
    return {"other": (kpi, signal_params(**({"interesting_change": 2.0} | changes)))}


def finding(move: CheapMove, others: Others, source: World = USUAL, **changes: Any) -> Any:
    kpi = signal_kpi(cheap_moves=(move,), **changes)
    return honest(kpi, source, signal_params(interesting_change=2.0), others=others)


def test_a_move_that_pays_and_is_given_away_passes() -> None:
    found = finding(lowered(3.0), other())
    assert found.passed is True
    row = found.table.iloc[0]
    assert (row["gain"], row["pays"], row["shows"]) == (pytest.approx(3.0), True, True)
    assert (row["before"], row["after"]) == (pytest.approx(10.0), pytest.approx(7.0))
    assert "'script' gains 3 points and is given away by Other" in found.headline


def test_a_move_that_pays_unseen_fails_and_is_named() -> None:
    found = finding(lowered(3.0), other(interesting_change=3.5))
    assert found.passed is False
    assert found.numbers["unseen"] == ["script"]
    assert "'script'" in found.reason


def test_a_counter_metric_that_improves_gives_nothing_away() -> None:
    same = signal_kpi(name="other", title="Other")
    assert finding(lowered(3.0), other(same)).passed is False


def test_a_move_that_does_not_pay_needs_no_counter_metric() -> None:
    found = finding(lowered(1.9), {})
    assert found.passed is True
    assert found.table["pays"].tolist() == [False]
    assert "does not pay" in found.headline


def test_a_counter_metric_that_the_data_cannot_feed_leaves_it_open() -> None:
    found = finding(lowered(3.0), {})
    assert found.passed is None
    assert "cannot feed other" in found.reason


BLIND = signal_kpi(name="blind", title="Blind")
"""A counter-metric that improves with the move."""


@pytest.mark.parametrize(
    ("named", "passed", "told"),
    [
        ("gone or other", True, "Other"),  # the first cannot be fed
        ("blind or other", True, "Other"),  # the first does not see it
        ("other or gone", True, "Other"),
        ("gone or blind", False, "Blind"),
        ("blind or gone", False, "Blind"),
        ("gone or away", None, "gone"),
    ],
)
def test_of_several_counter_metrics_one_that_the_business_has_is_enough(
    named: str, passed: bool | None, told: str
) -> None:
    others = {**other(), "blind": (BLIND, signal_params(interesting_change=2.0))}
    found = finding(lowered(3.0, given_away_by=f"{named}: gets worse"), others)
    assert found.passed is passed
    assert found.table["given_away_by"].tolist() == [told]


@pytest.mark.parametrize(("step", "shows"), [(0.9, False), (1.1, True), (-1.1, True)])
def test_a_figure_of_the_notebook_shows_it_by_a_tenth_of_itself(step: float, shows: bool) -> None:
    def figure(tables: Tables, params: Any) -> ir.Table:
        return tables["signals"].aggregate(depth=tables["signals"]["level"].max())

    def louder(tables: Tables) -> Tables:
        row = {"account_id": "a9", "on": date(2020, 1, 1), "level": 10.0 + step}
        kept = tables["signals"].mutate(level=ibis.literal(0.0))
        return with_table(tables, "signals", kept.union(table("signals", [row])))

    part = Part(name="p", title="", meaning="", compute=figure, units={"depth": Unit.POINTS})
    move = lowered(3.0, edit=louder, given_away_by="depth: rises")
    found = finding(move, {}, parts=(part,))
    assert found.table["given_away_by"].tolist() == ["depth"]
    assert found.table["shows"].tolist() == [shows]


def test_a_figure_of_another_notebook_shows_it_too() -> None:
    def figure(tables: Tables, params: Any) -> ir.Table:
        return tables["signals"].aggregate(depth=tables["signals"]["level"].max())

    part = Part(name="p", title="", meaning="", compute=figure, units={"depth": Unit.POINTS})
    card = signal_kpi(name="other", title="Other", parts=(part,))
    found = finding(lowered(3.0, given_away_by="other.depth: falls"), other(card))
    assert found.table["shows"].tolist() == [True]
    assert finding(lowered(3.0, given_away_by="other.width"), other(card)).passed is None


def test_books_that_are_edited_show_it_in_the_renewals() -> None:
    """Half of the accounts left in the last year; the move keeps their contracts open."""
    ends = ibis.ifelse(
        USUAL.tables["subscriptions"]["account_id"] > "a2",
        ibis.literal(date(2025, 9, 1)),
        ibis.literal(date(2999, 12, 31)),
    )
    contracts = USUAL.tables["subscriptions"].mutate(ended_on=ends)
    source = World({**USUAL.tables, "subscriptions": contracts})

    def reopened(tables: Tables) -> Tables:
        rows = tables["subscriptions"].mutate(ended_on=ibis.literal(date(2999, 12, 31)))
        return with_table(tables, "subscriptions", rows)

    honestly = finding(lowered(3.0), other(), source)
    assert honestly.table["outcome_gain"].tolist() == [0.0]
    booked = finding(lowered(3.0, edit=reopened), other(), source)
    # 4 renewals at the term end in June and 2 losses in September; then none of the losses
    assert booked.table["outcome_gain"].tolist() == [pytest.approx(1 - 4 / 6)]


def test_without_an_interesting_change_it_cannot_be_told() -> None:
    kpi = signal_kpi(cheap_moves=(lowered(3.0),))
    found = honest(kpi, USUAL, signal_params(), others=other())
    assert (found.passed, found.reason) == (None, "no interesting_change is registered")


def test_an_empty_world_is_an_answer() -> None:
    found = finding(lowered(3.0), other(), world({}))
    assert found.passed is None
    assert "no value to compare" in found.reason


LEVELS = st.floats(-100, 100).map(lambda value: round(value, 3))
SEEN = st.one_of(st.none(), LEVELS)


@settings(max_examples=25)
@given(st.dictionaries(st.sampled_from([f"a{n}" for n in range(8)]), st.tuples(SEEN, SEEN)))
def test_the_pieces_of_a_change_add_up_to_it(levels: dict[str, tuple[Any, Any]]) -> None:
    segments = {account: "north" if account < "a4" else "south" for account in levels}
    source = world(levels, **segments)
    found = composition(signal_kpi(), source.as_of(LAST_DAY), signal_params())
    if found is None:
        return
    if found.from_mix is not None and found.from_rate is not None:
        assert found.from_mix + found.from_rate == pytest.approx(found.change, abs=1e-9)
    if found.from_stayed is not None:
        pieces = (found.from_left or 0) + found.from_stayed + (found.from_joined or 0)
        assert pieces == pytest.approx(found.change, abs=1e-9)


def test_an_improvement_that_is_only_the_worst_leaving_is_said_to_be_that() -> None:
    """Three accounts stay at 10, the one at 50 leaves: the mean falls from 20 to 10."""
    source = world({"a1": (10, 10), "a2": (10, 10), "a3": (10, 10), "a4": (50, None)})
    found = composition(signal_kpi(), source.as_of(LAST_DAY), signal_params())
    assert found is not None
    pieces = [found.change, found.from_left, found.from_stayed, found.from_joined]
    assert pieces == pytest.approx([-10, -10, 0, 0])
    said = sentences(found, signal_kpi(), "")
    assert any("those who left account for -10 points" in sentence for sentence in said)


def test_another_mix_alone_is_all_mix() -> None:
    """North stays at 10, south at 30; one of the south leaves: (10+30+30)/3 to (10+30)/2."""
    source = world(
        {"a1": (10, 10), "a2": (30, 30), "a3": (30, None)}, a1="north", a2="south", a3="south"
    )
    found = composition(signal_kpi(), source.as_of(LAST_DAY), signal_params())
    assert found is not None
    assert found.from_rate == pytest.approx(0)
    assert found.from_mix == pytest.approx(20 - 70 / 3)


def test_a_figure_without_a_mean_is_not_taken_apart_by_segment() -> None:
    from kpi_lib.stats.total import Total

    totals = replace(signal_kpi(), estimator=lambda params: Total())
    found = composition(totals, USUAL.as_of(LAST_DAY), signal_params())
    assert found is not None
    assert (found.from_mix, found.from_stayed) == (None, None)
