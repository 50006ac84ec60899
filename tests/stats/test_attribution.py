"""Attribution: published figures, identities, and what must hold for any paths."""

from __future__ import annotations

from itertools import permutations
from math import comb
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_lib.stats.attribution import (
    agreement,
    chain_shapley,
    credit_draws,
    credits_of,
    instability,
    ranks_of,
)
from kpi_lib.stats.markov import chances_with, markov_shares, moves, removal_effects
from kpi_lib.stats.paths import MODELS, CountedPaths, Rules, counted_paths, lever_shares
from kpi_lib.stats.shapley import cumulative, sampled_shapley, shapley_values

ALL = (*MODELS, "markov")
NAMES = "abcd"

a_path = st.lists(st.sampled_from(NAMES), min_size=1, max_size=6)
some_paths = st.lists(
    st.tuples(a_path, st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8
).filter(lambda rows: sum(converted for _, converted, _ in rows) > 0)


def made(rows: list[tuple[list[str], int, int]]) -> CountedPaths:
    """Counted paths with ages 7 days apart and an odd value."""
    ages = [[7.0 * back for back in reversed(range(len(path)))] for path, _, _ in rows]
    return counted_paths(
        [path for path, _, _ in rows],
        [converted for _, converted, _ in rows],
        [lost for _, _, lost in rows],
        [3.7 * converted for _, converted, _ in rows],
        ages,
    )


def credit(paths: CountedPaths, model: str, **rules: float) -> dict[str, float]:
    """What each lever gets."""
    found = credits_of(paths, rules=Rules(**rules)).set_index("lever")[model]
    return {str(lever): float(value) for lever, value in found.items()}


# published


def puzyrov() -> CountedPaths:
    return counted_paths([["ga"], ["mail"], ["ga", "mail"]], [2, 1, 1], [1, 0, 0])


def test_markov_as_published_by_puzyrov() -> None:
    """Puzyrov: chance .8, removal effects .75 and .5, conversions 2.4 and 1.6."""
    chain, who = moves(puzyrov())
    paths = puzyrov()
    chance, effects = removal_effects(chain, who.T @ np.r_[paths.converted, paths.lost])
    assert chance[0] == pytest.approx(0.8, abs=0.05)
    assert effects[0] == pytest.approx([0.75, 0.5], abs=0.005)
    found = credit(paths, "markov")
    assert found["ga"] == pytest.approx(2.4, abs=0.05)
    assert found["mail"] == pytest.approx(1.6, abs=0.05)


def test_shapley_of_the_runway() -> None:
    """Littlechild and Owen's airport game with needs of 8, 11, 13, 18: 2, 3, 4, 9."""
    needs = (8, 11, 13, 18)
    worth = [max((need for bit, need in enumerate(needs) if s >> bit & 1), default=0)
             for s in range(16)]  # fmt: skip
    assert shapley_values(worth) == pytest.approx([2, 3, 4, 9], abs=0.5e-9)


# by hand


def one_path() -> CountedPaths:
    return counted_paths([list("abbc")], [2], value=[10.0], ages=[[60.0, 30.0, 30.0, 0.0]])


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("first", {"a": 10, "b": 0, "c": 0}),
        ("last", {"a": 0, "b": 0, "c": 10}),
        ("linear", {"a": 2.5, "b": 5, "c": 2.5}),
        ("position", {"a": 4, "b": 2, "c": 4}),
        ("time_decay", {"a": 10 / 9, "b": 40 / 9, "c": 40 / 9}),
        ("shapley", {"a": 10 / 3, "b": 10 / 3, "c": 10 / 3}),
        ("markov", {"a": 10 / 3, "b": 10 / 3, "c": 10 / 3}),
    ],
)
def test_one_path_by_hand(model: str, wanted: dict[str, float]) -> None:
    assert credit(one_path(), model) == pytest.approx(wanted)


def test_rules_are_heeded() -> None:
    found = credit(one_path(), "position", first=0.5, last=0.2)
    assert found == pytest.approx({"a": 5, "b": 3, "c": 2})
    found = credit(one_path(), "time_decay", half_life=15.0)
    assert found == pytest.approx({"a": 10 / 25, "b": 80 / 25, "c": 160 / 25})


def test_a_path_of_two_shares_by_its_ends() -> None:
    paths = counted_paths([["a", "b"]], [1])
    assert credit(paths, "position") == pytest.approx({"a": 0.5, "b": 0.5})
    assert credit(paths, "position", first=0.6, last=0.2) == pytest.approx({"a": 0.75, "b": 0.25})


def test_time_so_long_that_all_weights_vanish_still_adds_up() -> None:
    paths = counted_paths([["a", "b"]], [1], ages=[[90_000.0, 80_000.0]])
    assert sum(credit(paths, "time_decay", half_life=1.0).values()) == pytest.approx(1)


# any paths


@given(some_paths, st.integers(1, 3), st.booleans())
@settings(max_examples=60, deadline=None)
def test_credits_sum_to_the_outcome(
    rows: list[tuple[list[str], int, int]], order: int, with_lost: bool
) -> None:
    paths = made(rows)
    found = credits_of(paths, order=order, with_lost=with_lost)
    for model in ALL:
        assert found[model].sum() == pytest.approx(paths.value.sum())
        assert (found[model] > -1e-9).all()


@given(some_paths, st.permutations(list(NAMES)))
@settings(max_examples=40, deadline=None)
def test_levers_are_only_names(rows: list[tuple[list[str], int, int]], names: list[str]) -> None:
    renamed = dict(zip(NAMES, names, strict=True))
    other = made([([renamed[lever] for lever in path], won, lost) for path, won, lost in rows])
    for model in ALL:
        before, after = credit(made(rows), model), credit(other, model)
        assert after == pytest.approx({renamed[name]: value for name, value in before.items()})


@given(some_paths, st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_symmetric_levers_get_the_same(rows: list[tuple[list[str], int, int]], order: int) -> None:
    swap = {"a": "b", "b": "a", "c": "c", "d": "d"}
    both = rows + [([swap[lever] for lever in path], won, lost) for path, won, lost in rows]
    found = credits_of(made(both), order=order).set_index("lever")
    if "a" in found.index:
        for model in ALL:
            assert found.loc["a", model] == pytest.approx(found.loc["b", model])


@given(some_paths)
@settings(max_examples=40, deadline=None)
def test_a_lever_on_no_converting_path_gets_nothing(
    rows: list[tuple[list[str], int, int]],
) -> None:
    """In every model that splits paths, and in the chain that has seen converting paths only."""
    paths = made([*rows, (["idle", "a"], 0, 3)])
    found = credits_of(paths, with_lost=False).set_index("lever")
    assert found.loc["idle"].abs().max() == pytest.approx(0)


def test_a_first_order_chain_may_credit_what_never_converted() -> None:
    """It forgets how it came to b, and so sees a way from idle over b to the outcome."""
    paths = counted_paths([["b"], ["idle", "b"]], [1, 0], [0, 1])
    assert credit(paths, "markov")["idle"] > 0.1
    assert credits_of(paths, order=2).set_index("lever").loc["idle", "markov"] == pytest.approx(0)


@given(some_paths)
@settings(max_examples=40, deadline=None)
def test_the_chain_converts_as_often_as_the_paths(
    rows: list[tuple[list[str], int, int]],
) -> None:
    """Flow is kept, in every order."""
    paths = made(rows)
    share = paths.converted.sum() / (paths.converted.sum() + paths.lost.sum())
    for order in (1, 2, 3):
        chain, who = moves(paths, order)
        chance, _ = removal_effects(chain, who.T @ np.r_[paths.converted, paths.lost])
        assert chance[0] == pytest.approx(share)


@given(some_paths, st.sampled_from(NAMES))
@settings(max_examples=40, deadline=None)
def test_removal_in_a_long_memory_is_what_the_paths_say(
    rows: list[tuple[list[str], int, int]], gone: str
) -> None:
    """A chain that remembers whole paths loses exactly the converting paths with the lever."""
    short = [(path[:3], won, lost) for path, won, lost in rows]
    paths = made(short)
    chain, who = moves(paths, 3)
    _, effects = removal_effects(chain, who.T @ np.r_[paths.converted, paths.lost])
    with_it = sum(won for path, won, _ in short if gone in path)
    if gone in paths.levers:
        found = effects[0][paths.levers.index(gone)]
        assert found == pytest.approx(with_it / sum(won for _, won, _ in short))


@given(some_paths)
@settings(max_examples=40, deadline=None)
def test_the_closed_form_is_a_removal(rows: list[tuple[list[str], int, int]]) -> None:
    """The same effect by taking the states out and solving what is left, the long way."""
    paths = made(rows)
    chain, who = moves(paths, 2)
    counts = who.T @ np.r_[paths.converted, paths.lost]
    chance, effects = removal_effects(chain, counts)
    flows = np.zeros((chain.states, chain.states + 2))
    np.add.at(flows, (chain.origin, chain.target), counts)
    leaving = flows.sum(axis=1, keepdims=True)
    shares = flows / np.where(leaving > 0, leaving, 1)
    for lever in range(chain.levers):
        left = shares.copy()
        left[:, np.flatnonzero(chain.lever == lever)] = 0
        inner, outcome = left[:, : chain.states], left[:, chain.states]
        rest = np.linalg.solve(np.eye(chain.states) - inner, outcome)[0]
        assert effects[0, lever] == pytest.approx(1 - rest / chance[0])


@given(some_paths)
@settings(max_examples=40, deadline=None)
def test_shapley_of_cumulative_worth_splits_each_path_among_its_levers(
    rows: list[tuple[list[str], int, int]],
) -> None:
    """A path's outcome is a game that needs all its levers: so an equal split (Shapley's carrier
    axiom). The general formula over all subsets must find the same."""
    paths = made(rows)
    sets = np.zeros(2 ** len(paths.levers))
    for row, codes in enumerate(paths.codes):
        sets[sum(1 << int(code) for code in set(codes[codes >= 0]))] += paths.value[row]
    by_subsets = shapley_values(cumulative(sets))
    assert by_subsets == pytest.approx(paths.value @ lever_shares(paths, "shapley"))


# Shapley in general


@given(st.lists(st.floats(-5, 5), min_size=8, max_size=8))
@settings(max_examples=40, deadline=None)
def test_shapley_is_the_mean_over_all_orders(worth: list[float]) -> None:
    added = np.zeros(3)
    for order in permutations(range(3)):
        seen = 0
        for player in order:
            added[player] += worth[seen | 1 << player] - worth[seen]
            seen |= 1 << player
    assert shapley_values(worth) == pytest.approx(added / 6)


def test_sampling_comes_within_its_error_of_the_truth() -> None:
    needs = np.array([8.0, 11, 13, 18] + [1.0] * 10)
    exact = {8: 7 / 4, 11: 3 / 3, 13: 2 / 2, 18: 5}
    shared = 1 / 14
    truth = shared + np.r_[np.cumsum(list(exact.values())), np.zeros(10)]
    found = sampled_shapley(lambda sets: (sets * needs).max(axis=1), 14, orders=4_000, seed=1)
    assert found["value"].sum() == pytest.approx(18)
    assert (abs(found["value"] - truth) <= 4 * found["error"] + 1e-9).all()
    assert found["error"].max() < 0.2
    fewer = sampled_shapley(lambda sets: (sets * needs).max(axis=1), 14, orders=400, seed=1)
    assert fewer["error"].max() > 2 * found["error"].max()


def test_an_additive_game_has_no_sampling_error() -> None:
    parts = np.arange(15.0)
    found = sampled_shapley(lambda sets: sets @ parts, 15, orders=10)
    assert found["value"].to_numpy() == pytest.approx(parts)
    assert found["error"].max() == pytest.approx(0, abs=1e-12)


def all_sets(levers: int) -> Any:
    return np.arange(2**levers)[:, None] >> np.arange(levers) & 1


@given(some_paths)
@settings(max_examples=30, deadline=None)
def test_the_chain_with_all_levers_less_one_is_its_removal(
    rows: list[tuple[list[str], int, int]],
) -> None:
    paths = made(rows)
    chain, who = moves(paths)
    counts = who.T @ np.r_[paths.converted, paths.lost]
    chance, effects = removal_effects(chain, counts)
    found = chances_with(chain, counts, 1 - np.eye(chain.levers))
    assert found == pytest.approx(chance[0] * (1 - effects[0]), abs=1e-12)
    alone = chances_with(chain, counts, np.ones((1, chain.levers)))
    assert alone[0] == pytest.approx(chance[0])


def test_shapley_over_the_chain_by_hand() -> None:
    """Puzyrov's paths. With ga alone 4 of 5 go there and 2 of these 4 convert; with mail alone 1 of 5 goes there and
    converts; with both 4 of 5. ga adds 0.4 when it joins first and 0.6 when it joins last."""
    paths = puzyrov()
    chain, who = moves(paths)
    counts = who.T @ np.r_[paths.converted, paths.lost]
    none, ga, mail, both = chances_with(chain, counts, [[0, 0], [1, 0], [0, 1], [1, 1]])
    assert [none, ga, mail, both] == pytest.approx([0, 0.4, 0.2, 0.8])
    shares, errors = chain_shapley(chain, counts)
    assert shares == pytest.approx([((0.4 + 0.6) / 2) / 0.8, ((0.2 + 0.4) / 2) / 0.8])
    assert (errors == 0).all()


def test_shapley_over_many_levers_is_sampled_with_its_error() -> None:
    """Fourteen levers, of which the exact values follow from all 16,384 sets."""
    random = np.random.default_rng(2)
    names = [f"l{n:02}" for n in range(14)]
    rows = [
        (list(random.choice(names, random.integers(1, 5))), int(won), int(1 - won))
        for won in random.integers(0, 2, 120)
    ]
    paths = made(rows)
    chain, who = moves(paths)
    counts = who.T @ np.r_[paths.converted, paths.lost]
    worth = np.concatenate(
        [chances_with(chain, counts, some) for some in np.array_split(all_sets(14), 8)]
    )
    sizes = all_sets(14).sum(axis=1)
    weight = np.array([1 / (14 * comb(13, k)) for k in range(14)])
    exact = []
    for lever in range(14):
        rest = np.flatnonzero(all_sets(14)[:, lever] == 0)
        exact.append(weight[sizes[rest]] @ (worth[rest | 1 << lever] - worth[rest]))
    shares, errors = chain_shapley(chain, counts)
    assert shares.sum() == pytest.approx(1)
    assert (errors > 0).all()
    assert (abs(shares - np.array(exact) / sum(exact)) <= 4 * errors + 1e-9).all()


# bad input


@pytest.mark.parametrize("worth", [[0.0], [0.0, 1, 2], np.zeros(2**13)])
def test_worth_that_is_no_table_of_subsets(worth: list[float]) -> None:
    with pytest.raises(ValueError, match="entries"):
        shapley_values(worth)


def test_paths_and_orders_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="at least one touch"):
        counted_paths([[]], [1])
    with pytest.raises(ValueError, match="1 to 3"):
        moves(puzyrov(), 4)
    with pytest.raises(ValueError, match="days"):
        lever_shares(puzyrov(), "time_decay")
    with pytest.raises(ValueError, match="does not split"):
        lever_shares(puzyrov(), "markov")


def test_without_an_outcome_nothing_can_be_told() -> None:
    paths = counted_paths([["a", "b"]], [0], [4])
    chain, who = moves(paths)
    assert np.isnan(markov_shares(chain, who.T @ np.r_[paths.converted, paths.lost])).all()


# draws, agreement


def test_weights_of_accounts_give_what_their_paths_give() -> None:
    rows = [(list("ab"), 1, 0), (list("ca"), 1, 1), (list("b"), 0, 2), (list("abc"), 2, 0)]
    paths = made(rows)
    chain, who = moves(paths)
    both = who[: len(rows)].multiply(paths.converted[:, None]) + who[len(rows) :].multiply(
        paths.lost[:, None]
    )
    table = {name: paths.value[:, None] * lever_shares(paths, name) for name in MODELS}
    weights = np.array([[1.0, 1, 1, 1], [2.0, 0, 1, 1]])
    drawn = credit_draws(table, chain, both.tocsr(), paths.value, weights)
    twice = credits_of(made([rows[0], rows[0], rows[2], rows[3]]))
    whole = credits_of(paths)
    for model in ALL:
        assert drawn[model][0] == pytest.approx(whole[model].to_numpy())
        assert drawn[model][1] == pytest.approx(twice[model].to_numpy())


def test_agreement_and_instability() -> None:
    table = pd.DataFrame(
        {"lever": ["x", "y", "z"], "first": [5.0, 3, 1], "last": [5.0, 1, 3], "even": [2.0, 2, 2]}
    )
    found = agreement(table).set_index(["one", "other"])["rank_correlation"]
    assert found[("first", "last")] == pytest.approx(0.5)
    assert np.isnan(found[("first", "even")])
    ranks = ranks_of(table[["lever", "first", "last"]])
    assert ranks["last"].tolist() == [1, 3, 2]
    said = instability(ranks, [0.5, -1.0, np.nan], [2.0, 2.0, 1.0])
    assert said == [
        "",
        "rank 2 to 3 by model; interval spans zero",
        "rank 2 to 3 by model; no interval",
    ]
