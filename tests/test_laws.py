"""The laws every KPI keeps, whatever it counts. A KPI added to the folder is held to them at once."""

from __future__ import annotations

import doctest
from functools import cache
from importlib import import_module

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest

from kpi_lib.catalogue import catalogue
from kpi_lib.composite import Composite
from kpi_lib.contract import CONTRACT
from kpi_lib.editing import append_rows
from kpi_lib.engine import run
from kpi_lib.evidence.gaming import named_by
from kpi_lib.kpi import Kpi, Unit
from kpi_lib.measure import measure, outline
from kpi_lib.schema import Tables
from kpi_lib.stats import Total
from tests.company import all_rows, company, known_rows
from tests.lawful import (
    CARDS,
    COMMON,
    Frames,
    assert_same,
    assert_same_trend,
    declared,
    edited,
    everything,
    expressions,
    limited,
    name_of,
    trend,
    variants,
)

each_kpi = pytest.mark.parametrize("kpi", CARDS, ids=name_of)
of_accounts = pytest.mark.parametrize(
    "kpi", [kpi for kpi in CARDS if kpi.has_account_level], ids=name_of
)
"""Laws about accounts. A KPI without an account level (people, leads) is named by its card and has no
score."""

CONTRACTS = {"subscriptions", "usage", "states", "leads", "onboarding"}
ORDERS = {"orders", "order_lines", "carts", "page_views", "targets"}

MONEY = {Unit.MONEY, Unit.MONEY_PER_MONTH}


@cache
def usual() -> Tables:
    """The company as it is, made once."""
    return company()


SAID: dict[str, Frames] = {}
TRENDS: dict[str, pd.DataFrame] = {}


def said(kpi: Kpi) -> Frames:
    """Everything a KPI says about it, computed once (a card cannot be a key, its name can)."""
    if kpi.name not in SAID:
        SAID[kpi.name] = everything(kpi, usual())
    return SAID[kpi.name]


def usual_trend(kpi: Kpi) -> pd.DataFrame:
    """The trend of a KPI on it, computed once."""
    if kpi.name not in TRENDS:
        TRENDS[kpi.name] = trend(kpi, usual())
    return TRENDS[kpi.name]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return usual()


@each_kpi
def test_the_columns_declared_suffice(kpi: Kpi, tables: Tables) -> None:
    """A KPI reads nothing that its card does not name."""
    assert set(declared(kpi)) <= set(CONTRACT)
    for name, columns in declared(kpi).items():
        assert set(columns) <= set(CONTRACT[name].by_name), name
    less = limited(tables, declared(kpi))
    assert_same(said(kpi), everything(kpi, less))
    for rule in kpi.fit_rules:
        own = limited(tables, rule.reads) if rule.reads else less
        assert rule.check(own, kpi.Params()) == rule.check(tables, kpi.Params()), rule.name


@each_kpi
def test_rules_about_the_business_need_no_table_of_the_kpi(kpi: Kpi, tables: Tables) -> None:
    """They are what is asked of a business that has no such tables: each alone, and all together."""
    for rule in (rule for rule in kpi.fit_rules if rule.reads):
        assert set(rule.reads) <= set(CONTRACT)
        for name, columns in rule.reads.items():
            assert set(columns) <= set(CONTRACT[name].by_name), name
            rule.check(limited(tables, {name: columns}), kpi.Params())
        assert rule.check(limited(tables, {}), kpi.Params()) is None


@each_kpi
def test_a_kpi_that_does_not_fit_names_another_to_use(kpi: Kpi) -> None:
    """Told on a company that only sells orders and one that only sells contracts."""
    rows = known_rows()
    for absent in (CONTRACTS, ORDERS):
        tables = company({name: its for name, its in rows.items() if name not in absent})
        for rule in (rule for rule in kpi.fit_rules if rule.reads and rule.severe):
            found = rule.check(tables, kpi.Params())
            if found is not None and found.fires:
                assert found.substitute in set(catalogue()) - {kpi.name}


@each_kpi
def test_it_runs_on_what_it_needs_alone(kpi: Kpi, tables: Tables) -> None:
    """Optional tables may be absent, and one of `one_of` is enough."""
    for choice in list(kpi.one_of) or [""]:
        wanted = dict(kpi.needs) | ({choice: kpi.one_of[choice]} if choice else {})
        if choice == "orders":
            wanted["order_lines"] = kpi.optional["order_lines"]
        found = everything(kpi, limited(tables, wanted))
        assert not found["observe"].empty


@each_kpi
def test_observations_have_the_columns_of_their_estimator(kpi: Kpi, tables: Tables) -> None:
    for params in variants(kpi):
        rows = kpi.observe(tables, params)
        extra = kpi.estimator(params).columns
        assert set(rows.columns) == {*COMMON, *extra}, params
        kinds = rows.schema()
        assert kinds["unit_id"].is_string()
        assert kinds["account_id"].is_string()
        assert kinds["period"].is_date()
        assert kinds["value"].is_float64()
        assert kinds["segment"].is_string()


@each_kpi
def test_units_stand_once_per_period(kpi: Kpi, tables: Tables) -> None:
    rows = kpi.estimator(kpi.Params()).counted(kpi.observe(tables, kpi.Params()))
    frame = run(rows)
    assert not frame.empty
    assert not frame.duplicated(["unit_id", "period"]).any()
    assert frame["unit_id"].notna().all()
    assert frame["value"].notna().all()


@of_accounts
def test_scores_are_one_number_per_account(kpi: Kpi, tables: Tables) -> None:
    assert kpi.score is not None
    rows = kpi.score(tables, kpi.Params())
    assert list(rows.columns) == ["account_id", "score"]
    frame = run(rows)
    assert frame["account_id"].is_unique
    assert frame["score"].dtype == np.float64
    assert frame["score"].notna().all()


def test_a_kpi_without_an_account_level_has_no_score() -> None:
    assert [kpi.name for kpi in CARDS if not kpi.has_account_level and kpi.score is not None] == []


@of_accounts
def test_segments_split_the_same_rows(kpi: Kpi, tables: Tables) -> None:
    whole = kpi.observe(tables, kpi.Params())
    split = kpi.observe(tables, kpi.Params(segment="segment"))
    found = run(split)
    assert set(found["segment"]) == {"small", "large", "not stated"}
    assert set(run(whole)["segment"]) == {""}
    same = run(split.mutate(segment=ibis.literal("")).select(*whole.columns))
    assert_same({"observe": run(whole)}, {"observe": same})


@each_kpi
def test_a_segment_that_is_no_column_is_refused(kpi: Kpi, tables: Tables) -> None:
    with pytest.raises(ValueError, match="segment 'planet' is not a column of accounts"):
        kpi.observe(tables, kpi.Params(segment="planet"))


@each_kpi
def test_inputs_are_left_alone(kpi: Kpi, tables: Tables) -> None:
    before = dict(tables)
    counts = {name: run(table.order_by(table.columns)) for name, table in tables.items()}
    expressions(kpi, tables, kpi.Params())
    run(kpi.observe(tables, kpi.Params()))
    for move in kpi.cheap_moves:
        move.edit(tables, kpi.Params())
    assert all(tables[name] is table for name, table in before.items())
    for name, table in tables.items():
        pd.testing.assert_frame_equal(run(table.order_by(table.columns)), counts[name])


@each_kpi
def test_the_order_of_rows_does_not_matter(kpi: Kpi) -> None:
    shuffled = company({name: rows[1::2][::-1] + rows[::2] for name, rows in known_rows().items()})
    assert_same(said(kpi), everything(kpi, shuffled))


@each_kpi
def test_twice_gives_the_same(kpi: Kpi, tables: Tables) -> None:
    rows = kpi.observe(tables, kpi.Params())
    assert_same({"observe": said(kpi)["observe"]}, {"observe": run(rows)})


@each_kpi
def test_money_in_cents_scales_amounts_and_leaves_ratios(kpi: Kpi, tables: Tables) -> None:
    def cents(name: str, table: ir.Table) -> ir.Table:
        money = [column.name for column in CONTRACT[name].columns if column.kind == "money"]
        return table.mutate(**{column: table[column] * 100.0 for column in money})

    for params in (kpi.Params(), *[p for p in variants(kpi) if getattr(p, "weight", "") == "mrr"]):
        one, other = trend(kpi, tables, params), trend(kpi, edited(tables, cents), params)
        assert_same_trend(one, other, value=100.0 if kpi.unit in MONEY else 1.0)


@each_kpi
def test_other_names_for_accounts_change_nothing(kpi: Kpi, tables: Tables) -> None:
    """Names that sort the other way round: z99 for a00, z98 for a01 and so on."""

    def renamed(table: ir.Table, back: bool) -> ir.Table:
        if "account_id" not in table.columns:
            return table
        number = table["account_id"].substr(1, 2).cast("int64")
        other = (99 - number).cast("string")
        name = "a" + other.lpad(2, "0") if back else "z" + other
        return table.mutate(account_id=name)

    other = edited(tables, lambda name, table: renamed(table, back=False))
    params = kpi.Params()
    one = {"observe": run(kpi.observe(tables, params).drop("unit_id"))}
    two = {"observe": run(renamed(kpi.observe(other, params), back=True).drop("unit_id"))}
    assert_same(one, two)
    assert_same_trend(usual_trend(kpi), trend(kpi, other))


@each_kpi
def test_every_account_twice_doubles_counts_and_leaves_rates(kpi: Kpi, tables: Tables) -> None:
    ids = ("account_id", "contact_id", "subscription_id", "order_id", "lead_id")
    people = ("answer_id", "respondent_id", "cart_id", "session_id")

    def doubled(name: str, table: ir.Table) -> ir.Table:
        names = [column for column in (*ids, *people) if column in table.columns]
        return append_rows(table, table.mutate(**{c: table[c] + "-again" for c in names}))

    one, two = usual_trend(kpi), trend(kpi, edited(tables, doubled))
    is_total = isinstance(kpi.estimator(kpi.Params()), Total)
    assert_same_trend(one, two, n=2.0, value=2.0 if is_total else 1.0)


@each_kpi
def test_empty_tables_give_empty_results(kpi: Kpi) -> None:
    nothing = company({name: [] for name in all_rows()})
    found = everything(kpi, nothing)
    full = said(kpi)
    assert found["observe"].empty
    assert kpi.score is None or found["score"].empty
    for name, frame in found.items():
        assert list(frame.columns) == list(full[name].columns), name
    values = trend(kpi, nothing)
    assert values["value"].isna().all()
    assert (values["n"] == 0).all()
    assert all(rule.check(nothing, kpi.Params()) is None for rule in kpi.fit_rules)


@each_kpi
def test_values_asked_for_alone_are_those_of_the_measurement(kpi: Kpi, tables: Tables) -> None:
    """To the last bit, also where nothing was observed."""
    for some in (tables, company({name: [] for name in all_rows()})):
        whole, bare = (ask(kpi, some, kpi.Params()) for ask in (measure, outline))
        same = ["period", "label", "value", "n", "resolved", "is_open"]
        pd.testing.assert_frame_equal(
            bare.trend[same], whole.trend[same], check_exact=True, check_dtype=False
        )
        assert bare.headline.start == whole.headline.start


@each_kpi
def test_every_part_names_its_units(kpi: Kpi) -> None:
    for part in (*kpi.parts, *([kpi.who] if kpi.who else [])):
        rows = said(kpi)[part.name]
        assert set(part.units) <= set(rows.columns), part.name
        assert not rows.empty, part.name


@each_kpi
def test_every_cheap_move_moves_the_number(kpi: Kpi, tables: Tables) -> None:
    """In the direction the card calls better, while the accounts do nothing else."""
    sign = 1 if kpi.better.value == "higher" else -1
    before = usual_trend(kpi)["value"]
    assert kpi.cheap_moves
    for move in kpi.cheap_moves:
        after = trend(kpi, move.edit(tables, kpi.Params()))["value"]
        gain = sign * (after - before)
        assert gain.max() > 0, move.name
        assert gain.min() >= -1e-9, move.name
        for name in named_by(move):
            assert _is_a_figure(kpi, name), (move.name, name)


def _is_a_figure(kpi: Kpi, name: str) -> bool:
    """Whether that is another candidate, or a column of a part, which a reader can look up."""
    owner, _, figure = name.rpartition(".")
    parts = (catalogue()[owner] if owner else kpi).parts
    return name in catalogue() or any(figure in part.units for part in parts)


@each_kpi
def test_the_card_is_complete(kpi: Kpi) -> None:
    assert kpi.title
    assert kpi.question.endswith(("?", ")"))
    assert kpi.formula
    assert "$$" in kpi.formula
    assert kpi.cautions
    assert kpi.fit_rules
    assert kpi.references
    assert kpi.okr
    assert kpi.who is not None
    names = [part.name for part in (*kpi.parts, kpi.who)]
    assert len(set(names)) == len(names)


@each_kpi
def test_the_worked_example_stands_in_observe_and_is_right(kpi: Kpi) -> None:
    """A composite's stands in `combine`: what it observes is written once for all of them."""
    module = import_module(f"kpi_lib.kpis.{kpi.name}")
    name = "combine" if isinstance(module.KPI, Composite) else "observe"
    finder = doctest.DocTestFinder()
    example = finder.find(getattr(module, name), name, globs=vars(module).copy())[0]
    assert example.examples, f"{name} has no worked example"
    outcome = doctest.DocTestRunner(verbose=False).run(example)
    assert outcome.failed == 0
