"""Composites: accounts drawn once for all parts, parts refused, reasons given, several figures."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from kpi_lib import catalogue
from kpi_lib.composite import Composite, CompositeParams, compose
from kpi_lib.composite.combined import Combined
from kpi_lib.composite.computed import Computed, Member
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpi import Better, Cadence, Estimator, Family, Kpi, Role, Unit
from kpi_lib.kpis import clv_to_cac
from kpi_lib.measure import behind, measure, reduce_by
from kpi_lib.registered import registered, with_parts
from kpi_lib.review.plan import Request, make_plan
from kpi_lib.review.project import Project
from kpi_lib.schema import Tables
from kpi_lib.sentence import sentence
from kpi_lib.stats import Mean
from kpi_lib.stats.cost_per_unit import CostPerUnit
from kpi_lib.stats.resamples import DRAWS, draws_of, shared_weights
from tests.company import company

SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "saas"
CLV, CAC, MRR, CHURN = (
    *("customer_lifetime_value", "acquisition_cost"),
    *("recurring_revenue", "customer_churn"),
)


def card(name: str, parts: tuple[str, ...], combine: Any, **more: Any) -> Composite:
    words: dict[str, Any] = {
        "title": name.capitalize(), "question": "How much?", "unit": Unit.RATIO,
        "better": Better.HIGHER, "cadence": Cadence.QUARTERLY, "owner": "finance",
        "family": Family.SAAS, "source": "a test", "formula": "$$x$$", "Params": CompositeParams,
    }  # fmt: skip
    return Composite(name=name, parts=parts, combine=combine, **words | more)


def kpi_of(*cards: Composite) -> Any:
    """The KPI of the first card; the others stand beside those of the folder."""
    there = {one.name: one for one in cards}
    return catalogue.kpi_of(cards[0], lambda name: there.get(name) or catalogue.get(name))


@cache
def tables() -> Tables:
    return company()


def computed(kpi: Kpi, on: Tables | None = None, **params: Any) -> Computed:
    """Points and draws of every period."""
    chosen = kpi.Params(**params)
    combined = kpi.estimator(chosen)
    assert isinstance(combined, Combined)
    reduced = reduce_by(combined, kpi.observe(on or tables(), chosen), ["period"])
    return combined.computed(reduced, ["period"], 0.9)


def itself(part: str) -> Any:
    return lambda values: values[part]


@pytest.mark.parametrize("part", [CLV, CAC, MRR, CHURN, "time_to_value", "lead_conversion"])
def test_a_composite_of_one_kpi_has_the_value_of_that_kpi(part: str) -> None:
    alone = catalogue.get(part)
    params = alone.Params()
    same = {"period": params.period, "periods": 4}
    composite = kpi_of(card("alone", (part,), itself(part)))
    found = measure(composite, tables(), composite.Params(**same)).trend
    wanted = measure(alone, tables(), alone.Params(**same)).trend
    for column in ("value", "n", "resolved"):
        np.testing.assert_allclose(found[column].astype(float), wanted[column].astype(float))


def test_its_draws_are_the_estimates_of_the_accounts_drawn() -> None:
    """By hand: each account's value as often as it was drawn, over how often accounts were drawn."""
    values = {"ann": 1.0, "bob": 4.0, "cem": 10.0, "dee": 3.0}
    reduced = reduced_means(values)
    weights = np.concatenate(list(shared_weights(4)))
    drawn = draws_of(Mean(), reduced, weights, 0.9)
    numbers = np.array(list(values.values()))
    total = weights.sum(axis=1)
    by_hand = (weights @ numbers) / np.where(total > 0, total, np.nan)
    assert weights.shape == (DRAWS, 4)
    np.testing.assert_allclose(drawn, by_hand)


def reduced_means(values: dict[str, float]) -> pd.DataFrame:
    import ibis

    rows = pd.DataFrame({"account_id": list(values), "value": list(values.values())})
    rows = rows.assign(
        unit_id=rows["account_id"], drawn=rows["account_id"], period=date(2026, 1, 1)
    )
    frame = run(Mean().reduce(ibis.memtable(rows), ["drawn"]))
    return frame.set_index("drawn").loc[list(values)].reset_index()


def test_money_that_is_decided_is_not_drawn() -> None:
    """Cost per unit keeps all the money and draws the units; where none is drawn it has no end."""
    reduced = pd.DataFrame({"cost": [50.0, 50.0], "units": [1.0, 1.0], "rows": 1, "known": 1})
    weights = np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert CostPerUnit().draws(reduced, weights).tolist() == [50.0, 50.0, 100.0, math.inf]


@pytest.mark.parametrize("part", [CLV, CAC, MRR, CHURN])
def test_a_kpi_over_itself_is_one_in_every_draw(part: str) -> None:
    """Two parts drawn apart would differ: the accounts are drawn once for both.

    The part stands once under its own name and once as a composite, whose rows go another way.
    """
    copy = card("copy", (part,), itself(part), unit=Unit.MONEY)
    ratio = card("over_itself", (part, "copy"), lambda values: values[part] / values["copy"])
    found = computed(kpi_of(ratio, copy), periods=2)
    draws, points = found.draws["value"], found.points["value"]
    assert np.isfinite(points).any()
    told = np.isfinite(draws)
    assert told.mean() > 0.25  # a share over itself is not told in a draw where nobody was lost
    np.testing.assert_allclose(draws[told], 1.0, rtol=1e-12)
    np.testing.assert_allclose(points[np.isfinite(points)], 1.0, rtol=1e-12)


def test_parts_that_share_accounts_move_together() -> None:
    """Revenue and lifetime value rest on the same accounts: where large ones are drawn, both rise."""
    both = card("both", (CLV, MRR), lambda v: {"clv": v[CLV], "mrr": v[MRR]},
                also={"mrr": Unit.MONEY})  # fmt: skip
    found = computed(kpi_of(both), sample(), periods=2)
    one, other = found.draws["value"][-1], found.draws["mrr"][-1]
    assert np.corrcoef(one, other)[0, 1] > 0.3


def test_combine_holds_for_a_draw_as_for_the_point() -> None:
    values = {CLV: np.array([3.0, 4.0, 5.0]), CAC: np.array([1.0, 2.0, np.inf])}
    whole = clv_to_cac.combine(values)
    each = [clv_to_cac.combine({n: v[i : i + 1] for n, v in values.items()})[0] for i in range(3)]
    assert whole.tolist() == each == [3.0, 2.0, 0.0]


def test_what_is_made_of_itself_is_refused() -> None:
    one = card("one", ("two",), itself("two"))
    two = card("two", ("three",), itself("three"))
    three = card("three", ("one",), itself("one"))
    with pytest.raises(TypeError, match="part of itself: one -> two -> three -> one"):
        kpi_of(one, two, three)
    with pytest.raises(TypeError, match="part of itself: one -> one"):
        kpi_of(card("one", ("one",), itself("one")))


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(TypeError, match=r"made of a KPI that there is not: .*'happiness'"):
        kpi_of(card("lost", (CLV, "happiness"), itself(CLV)))
    with pytest.raises(TypeError, match="needs parts"):
        kpi_of(card("empty", (), itself(CLV)))
    with pytest.raises(TypeError, match="no part has the cheap move lying"):
        kpi_of(card("moved", (CLV,), itself(CLV), cheap_moves={"lying": "nothing"}))


def test_a_composite_of_composites() -> None:
    half = card("half", (CAC,), lambda values: values[CAC] / 2)
    whole = card("whole", (CLV, "half"), lambda values: values[CLV] / values["half"])
    direct = card("direct", (CLV, CAC), lambda values: 2 * values[CLV] / values[CAC])
    one, other = (computed(kpi_of(*cards), periods=2) for cards in ((whole, half), (direct,)))
    np.testing.assert_allclose(one.points["value"], other.points["value"])


def test_several_figures_each_with_an_interval() -> None:
    chain = card("chain", (CLV, CAC), lambda v: {"gain": v[CLV] - v[CAC], "twice": 2 * v[CLV]},
                 also={"twice": Unit.MONEY}, unit=Unit.MONEY)  # fmt: skip
    kpi = kpi_of(chain)
    trend = measure(kpi, sample(), kpi.Params(periods=2)).trend
    np.testing.assert_allclose(trend["value"], trend[CLV] - trend[CAC])
    np.testing.assert_allclose(trend["twice"], 2 * trend[CLV])
    assert (trend["twice_low"] < trend["twice"]).all()
    assert (trend["twice"] < trend["twice_high"]).all()


def test_the_chance_is_the_share_of_draws_on_the_better_side() -> None:
    for better in Better:
        kpi = kpi_of(card("ratio", (CLV, CAC), clv_to_cac.combine, better=better))
        params = kpi.Params(periods=2, threshold=2.5, window_periods=4)
        found = computed(kpi, sample(), periods=2, threshold=2.5, window_periods=4)
        draws = found.draws["value"][-1]
        share = sum(draws > 2.5) if better is Better.HIGHER else sum(draws < 2.5)
        trend = measure(kpi, sample(), params).trend
        assert trend["chance"].iloc[-1] == share / DRAWS


def test_no_threshold_no_chance() -> None:
    kpi = kpi_of(card("ratio", (CLV, CAC), clv_to_cac.combine))
    measured = measure(kpi, tables(), kpi.Params())
    assert measured.trend["chance"].isna().all()
    assert "chance that it" not in sentence(measured)


def test_names_and_order_of_accounts_do_not_move_the_interval() -> None:
    kpi: Any = catalogue.get("clv_to_cac")
    plain = tables()
    renamed = replace(plain, tables={
        name: table.mutate(account_id=("z" + table["account_id"].reverse()))
        if "account_id" in table.columns else table
        for name, table in plain.items()
    })  # fmt: skip
    columns = ["value", "low", "high", "chance"]
    one, other = (measure(kpi, on, kpi.Params()).trend[columns] for on in (plain, renamed))
    assert one["low"].notna().any()
    pd.testing.assert_frame_equal(one, other)


def paid(who: str, day: date, end: date | None = None) -> dict[str, Any]:
    row = {"subscription_id": who, "account_id": who, "started_on": day, "monthly_amount": 100.0}
    return row | ({"ended_on": end} if end else {})


def little(*months: date) -> Tables:
    """Two customers of 2024, one lost in 2025; money spent in the months given."""
    customers = [paid("ann", date(2024, 2, 1)), paid("bob", date(2024, 3, 1), date(2025, 3, 1))]
    spend = [{"month": month, "department": "sales", "amount": 100.0} for month in months]
    return small_company(date(2026, 6, 30), subscriptions=customers, spend=spend)


def test_a_part_without_a_value_gives_the_reason() -> None:
    kpi: Any = catalogue.get("clv_to_cac")
    on = little(date(2025, 7, 1), date(2026, 6, 1))
    measured = measure(kpi, on, kpi.Params())
    assert measured.headline.value is None
    assert measured.headline.low is None
    reason = "Acquisition cost: money was spent, and no unit came of it"
    assert measured.trend["reason"].iloc[-1] == reason
    assert reason in sentence(measured)
    listed = behind(kpi, on, kpi.Params()).set_index("part")
    assert listed.loc["Acquisition cost", "figure"] == "cannot be told"
    assert "no unit came" in str(listed.loc["Acquisition cost", "reason"])
    assert "EUR" not in str(listed.loc["Acquisition cost", "interval"])


def test_cases_are_pooled_over_the_window_and_stocks_are_not() -> None:
    """Four quarters of 100 with two customers in the first: 200 a customer over four, none over one."""
    months = [date(2024, month, 1) for month in (1, 4, 7, 12)]
    on = replace(little(*months), as_of=date(2024, 12, 31))
    kpi = kpi_of(card("cost", (CAC,), itself(CAC)))
    year = measure(kpi, on, kpi.Params(periods=2, window_periods=4))
    assert (year.headline.value, year.headline.n) == (200.0, 2)
    assert measure(kpi, on, kpi.Params(periods=2, window_periods=1)).headline.value is None


def test_parts_take_the_values_given() -> None:
    kpi: Any = catalogue.get("clv_to_cac")
    usual, other = (
        measure(kpi, sample(), kpi.Params(periods=2, part_values=lines)).headline.value
        for lines in ((), (f"{CLV}.discount_rate: 0.2",))
    )
    assert usual is not None
    assert other is not None
    assert other < usual
    with pytest.raises(ValueError, match=r"write <part>\.<parameter>: <value>"):
        kpi.observe(tables(), kpi.Params(part_values=("discount_rate: 0.2",)))
    with pytest.raises(ValidationError):
        kpi.observe(tables(), kpi.Params(part_values=(f"{CLV}.discount_rate: 7",)))


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


def test_parts_take_what_is_registered_for_them(tmp_path: Path) -> None:
    """A data set's own file of a part counts for the composite too, and its own word counts last."""
    kpi: Any = catalogue.get("clv_to_cac")
    data = open_dataset(SAMPLE)
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / f"{CLV}.yaml").write_text("discount_rate: 0.15\n", encoding="utf-8")
    there: Any = Renamed(data, tmp_path)
    found = registered(kpi, there)
    assert isinstance(found, CompositeParams)
    assert f"{CLV}.discount_rate: 0.15" in found.part_values
    own = kpi.Params(part_values=(f"{CLV}.discount_rate: 0.08",))
    assert with_parts(kpi, own, there).model_dump()["part_values"][-1].endswith("0.08")
    plain = catalogue.get(CLV)
    assert with_parts(plain, plain.Params(), there) == plain.Params()


class Renamed:
    """A data set whose folder is another."""

    def __init__(self, data: Any, folder: Path) -> None:
        self.data, self.folder = data, folder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.data, name)


def test_a_review_runs_a_page_again_when_a_part_is_registered_anew(tmp_path: Path) -> None:
    """The parameters of a part count into the fingerprint of the composite, and of no other KPI."""
    root = Path(__file__).parents[1]
    shutil.copytree(root / "params", tmp_path / "params")
    shutil.copytree(root / "notebooks", tmp_path / "notebooks")
    only = ("clv_to_cac", CAC, CHURN)
    asked = Request(dataset=str(SAMPLE), quarter="2026Q2", only=only)

    def marks() -> dict[str, str]:
        return {job.name: job.fingerprint for job in make_plan(asked, Project(tmp_path)).jobs}

    before = marks()
    file = tmp_path / "params" / f"{CLV}.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("discount_rate: 0.1", "discount_rate: 0.15"), encoding="utf-8")
    after = marks()
    assert {name for name in only if before[name] != after[name]} == {"clv_to_cac", CAC}


def test_the_figure_on_the_sample_is_that_of_its_parts() -> None:
    """The same quotient as from the pages of the two parts; the data card plants about 3."""
    kpi: Any = catalogue.get("clv_to_cac")
    data = open_dataset(SAMPLE)
    measured = measure(kpi, sample(), registered(kpi, data))
    value = measure(catalogue.get(CLV), sample(), registered(catalogue.get(CLV), data, segment=""))
    cost: Any = run(
        catalogue.get(CAC).parts[1].compute(sample(), registered(catalogue.get(CAC), data))
    ).set_index("variant")
    assert measured.headline.value is not None
    assert value.headline.value is not None
    by_hand = value.headline.value / cost.loc["all", "cac"]
    assert measured.headline.value == pytest.approx(by_hand, rel=1e-9)
    assert measured.headline.n == cost.loc["all", "customers"]
    assert measured.headline.low is not None
    assert measured.headline.high is not None
    assert measured.headline.low < by_hand < measured.headline.high


def test_what_a_composite_reads_is_what_its_parts_read() -> None:
    kpi: Any = catalogue.get("clv_to_cac")
    assert set(kpi.needs) == {"spend", "subscriptions"}
    assert not kpi.one_of
    assert (
        catalogue.ready(kpi, {"subscriptions": ["account_id"]}).lacks[0].startswith("table spend")
    )
    assert catalogue.related(CAC) == (CAC, "clv_to_cac", CLV)
    assert catalogue.related(CHURN) == (CHURN,)
    assert catalogue.parts_of(CHURN) == ()


def test_the_estimator_of_a_composite_is_an_estimator() -> None:
    kpi: Any = catalogue.get("clv_to_cac")
    method: Estimator = kpi.estimator(kpi.Params())
    assert isinstance(method, Combined)
    assert [type(member) for member in method.members] == [Member, Member]
    assert kpi.role is Role.OUTCOME
    assert compose(clv_to_cac.KPI, {n: catalogue.get(n) for n in (CLV, CAC)}).name == kpi.name
