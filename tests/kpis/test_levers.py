"""Levers: identities between views and models, what is said of thin or missing data, bad parameters."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from kpi_lib.customers.growth.lever_credits import credits
from kpi_lib.customers.growth.lever_paths import journeys
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.levers import KPI, Params
from kpi_lib.measure import behind, by_segment, measure, part
from kpi_lib.schema import Tables
from kpi_lib.stats.paths import MODELS

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"
SHOWN = Params(period="quarter", periods=40)


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


def shown(name: str, **params: Any) -> pd.DataFrame:
    return part(KPI, sample(), Params(**params), name)


def observed(**params: Any) -> pd.DataFrame:
    return run(KPI.observe(sample(), SHOWN.model_copy(update=params)))


def test_every_model_adds_up_to_the_outcomes() -> None:
    """The outcomes are summed here from the states and touches themselves."""
    rule = Params()
    ends = run(journeys(sample(), rule.states, list(rule.outcomes)))
    touches = run(sample()["interactions"])[["account_id", "at"]]
    met = ends.merge(touches, on="account_id")
    day = met["at"].dt.normalize()
    inside = (day <= met["ended_on"]) & (day >= met["ended_on"] - pd.Timedelta(days=365))
    inside &= met["after_on"].isna() | (day > met["after_on"])
    touched = met[inside].drop_duplicates(["account_id", "ended_on"])
    sums = shown("models").groupby("model")["credited"].sum()
    assert len(sums) == len(MODELS) + 1
    assert np.allclose(sums, touched["amount"].sum())


@pytest.mark.parametrize("order", [2, 3])
def test_longer_memory_adds_up_too(order: int) -> None:
    made = credits(sample(), Params(markov_order=order)).whole()
    assert made["markov"].sum() == pytest.approx(made["linear"].sum())


def test_the_chain_told_otherwise_splits_the_same_outcomes() -> None:
    """Each column adds up to everything, and the first are the Markov model's own shares."""
    found = shown("memory").set_index("lever")
    told = found.drop(columns="error")
    assert told.sum().to_numpy() == pytest.approx(1)
    assert (found["error"] == 0).all()
    for order in (1, 2, 3):
        made = credits(sample(), Params(markov_order=order))
        whole = pd.Series(made.whole()["markov"], [n.replace("_", " ") for n in made.levers])
        assert found[f"order_{order}"].to_numpy() == pytest.approx(
            (whole / whole.sum())[found.index].to_numpy()
        )
    models = shown("models").set_index(["model", "lever"])["share"]["markov"]
    assert found["order_1"].to_numpy() == pytest.approx(models[found.index].to_numpy())
    alone = credits(sample(), Params(journeys_used="converted")).whole()["markov"]
    assert sorted(found["converted_only"]) == pytest.approx(sorted(alone / alone.sum()))


def test_the_model_moves_money_between_levers_and_never_the_total() -> None:
    params = [SHOWN.model_copy(update={"model": model}) for model in MODELS]
    found = [measure(KPI, sample(), one).trend["value"].to_numpy() for one in params]
    for values in found[1:]:
        np.testing.assert_allclose(values, found[0], rtol=1e-9)


def test_contact_and_account_view_agree_in_their_totals() -> None:
    accounts = behind(KPI, sample(), SHOWN)
    people = part(KPI, sample(), SHOWN, "people")
    rows = observed()
    assert len(people) > len(accounts)
    for column, wanted in (("credited", "value"), ("cost", "weight")):
        assert accounts[column].sum() == pytest.approx(rows[wanted].sum())
        assert people[column].sum() == pytest.approx(rows[wanted].sum())
    assert accounts["touches"].sum() == people["touches"].sum() == len(rows)
    by_account = people.groupby("account_id")["credited"].sum()
    own = accounts.set_index("account_id")["credited"]
    np.testing.assert_allclose(by_account.reindex(own.index), own, atol=1e-6)


@pytest.mark.parametrize("name", ["by_track", "by_ideal", "by_role"])
def test_every_cut_adds_up_to_the_levers(name: str) -> None:
    cut, levers = shown(name), shown("returns")
    for column in ("credited", "cost"):
        assert cut[column].sum() == pytest.approx(levers[column].sum())
    for share in ("effort", "spending", "result"):
        assert cut[share].sum() == pytest.approx(1)


@pytest.mark.parametrize("segment", ["lever", "track", "channel", "fit", "segment"])
def test_segments_split_the_same_touches(segment: str) -> None:
    whole, split = observed(), observed(segment=segment)
    assert split["segment"].nunique() > 1
    assert split["value"].sum() == pytest.approx(whole["value"].sum())
    assert split["weight"].sum() == pytest.approx(whole["weight"].sum())


def test_the_return_of_a_lever_is_that_of_its_touches() -> None:
    rows = observed(segment="lever", periods=60)
    sums = rows.groupby("segment")[["value", "weight"]].sum()
    levers = shown("returns").set_index("lever")
    np.testing.assert_allclose(sums["value"] / sums["weight"], levers["returned"][sums.index])


def test_volume_counts_every_touch() -> None:
    levers = shown("returns")
    touches = run(sample()["interactions"]).groupby("name")["account_id"].agg(["size", "nunique"])
    own = levers.set_index("lever").loc[touches.index.str.replace("_", " ")]
    assert own["touches"].tolist() == touches["size"].tolist()
    assert own["accounts"].tolist() == touches["nunique"].tolist()


def test_the_lever_with_the_most_touches_is_not_the_one_that_brings_most() -> None:
    """The post with the many readers (planted) stands first by volume and by no model that sees all touches."""
    ranks = shown("ranks").set_index("lever")
    assert ranks.loc["post ten trends", "by_volume"] == 1
    seen = ranks.loc["post ten trends", ["linear", "time_decay", "shapley"]]
    assert seen.min() > 1


def test_a_rank_that_changes_with_the_model_is_said_to_be_unstable() -> None:
    ranks = shown("ranks").set_index("lever").drop(columns="by_volume")
    said = shown("returns").set_index("lever")["unstable"]
    changes = ranks.min(axis=1) != ranks.max(axis=1)
    assert changes.any()
    assert said.str.contains("by model").reindex(changes.index).eq(changes).all()


def test_sponsors_are_touched_less_than_administrators() -> None:
    """Planted: 85 % of the reviews after the sale go to administrators."""
    roles = shown("by_role").set_index("role")["effort"]
    assert roles["sponsor"] < roles["admin"] / 2


def test_the_planted_readings() -> None:
    found = shown("effectiveness").set_index("where")["reading"]
    assert found["executive workshop in opportunity"].startswith("goes with moving on")
    assert found["guide integration in qualified"].startswith("goes with moving on")
    assert found["post ten trends in engaged"] == "no difference to be seen"
    assert found["renewal webinar in value"].startswith("chosen")
    assert found["renewal webinar in committed"].startswith("sent at the end")


def test_saturation_draws_no_more_lines_than_there_are_colours() -> None:
    found = shown("saturation")
    assert 0 < found["where"].nunique() <= 8
    assert (found["n"] >= 10).all()


# what is missing


def firm(touches: list[dict[str, Any]], states: list[dict[str, Any]]) -> Tables:
    for number, row in enumerate(touches):
        row |= {"interaction_id": f"i{number}", "lever": "team", "name": "call"}
    return small_company(date(2026, 6, 30), interactions=touches, states=states)


def won(who: str, amount: float | None = 100.0) -> dict[str, Any]:
    return {"account_id": who, "state": "won", "entered_at": date(2026, 5, 20), "amount": amount}


def test_touches_without_a_cost_are_in_no_return() -> None:
    touches = [
        {"account_id": "a", "at": date(2026, 5, 1), "cost": 10.0},
        {"account_id": "a", "at": date(2026, 5, 2)},
        {"account_id": "b", "at": date(2026, 5, 2), "cost": 10.0},
    ]
    tables = firm(touches, [won("a"), won("b")])
    now = measure(KPI, tables, Params(periods=2)).trend.iloc[0]
    assert now["value"] == pytest.approx(150 / 20)
    assert now["n"] == 2
    lever = part(KPI, tables, Params(), "returns").iloc[0]
    assert lever["returned"] == pytest.approx(150 / 20)
    assert lever["credited"] == pytest.approx(200)


def test_without_any_cost_the_return_cannot_be_told_and_a_rule_says_so() -> None:
    tables = firm([{"account_id": "a", "at": date(2026, 5, 1)}], [won("a")])
    assert measure(KPI, tables, Params(periods=2)).trend["value"].isna().all()
    lever = part(KPI, tables, Params(), "returns").iloc[0]
    assert np.isnan(lever["returned"])
    assert lever["unstable"] == "no interval"
    rule = next(rule for rule in KPI.fit_rules if rule.name == "costs not recorded")
    outcome = rule.check(tables, Params())
    assert outcome is not None
    assert outcome.fires
    assert outcome.substitute == "acquisition_cost"


def test_an_outcome_without_an_amount_is_unknown_and_not_nothing() -> None:
    touches = [{"account_id": who, "at": date(2026, 5, 1), "cost": 10.0} for who in "ab"]
    tables = firm(touches, [won("a"), won("b", None)])
    now = measure(KPI, tables, Params(periods=2)).trend.iloc[0]
    assert now["value"] == pytest.approx(10)
    assert (now["n"], now["resolved"]) == (1, 0.5)


def test_an_outcome_nobody_touched_is_credited_to_nobody() -> None:
    touches = [{"account_id": "a", "at": date(2026, 5, 1), "cost": 10.0}]
    tables = firm(touches, [won("a"), won("b")])
    assert part(KPI, tables, Params(), "models").groupby("model")["credited"].sum().eq(100).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"outcomes": ("signed",)}, "among the states"),
        ({"outcomes": ()}, "among the states"),
        ({"first_share": 0.7}, "more than 1"),
        ({"markov_order": 4}, "less than or equal to 3"),
        ({"half_life_days": 0}, "greater than 0"),
        ({"model": "markov"}, "time_decay"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Params(**wrong)


def test_segments_of_levers_have_intervals() -> None:
    found = by_segment(KPI, sample(), SHOWN.model_copy(update={"segment": "fit"}))
    assert set(found["segment"]) == {"ideal", "other"}


def test_the_books_show_each_cheap_move() -> None:
    """Hours that are not booked are free touches; lost deals kept open leave no journey lost."""
    free, lost = KPI.cheap_moves
    before = shown("books").iloc[0]
    unbooked = part(KPI, free.edit(sample(), Params()), Params(), "books").iloc[0]
    still_open = part(KPI, lost.edit(sample(), Params()), Params(), "books").iloc[0]
    assert (before["free_share"], unbooked["free_share"]) == (0.0, 1.0)
    assert before["lost_share"] > 0.5
    assert still_open["lost_share"] == 0.0
