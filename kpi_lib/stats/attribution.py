"""What each lever is credited with, by several models side by side, and how far they agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.markov import Chain, chances_with, markov_shares, moves
from kpi_lib.stats.paths import MODELS, CountedPaths, Rules, lever_shares
from kpi_lib.stats.shapley import MOST_PLAYERS, sampled_shapley, shapley_values

if TYPE_CHECKING:
    import pandas as pd


def credits_of(
    paths: CountedPaths, *, order: int = 1, rules: Rules | None = None, with_lost: bool = True
) -> pd.DataFrame:
    """One row per lever: lever, and its part of the outcomes' value by each model.

    Every column adds up to the value of all paths. `with_lost`: whether paths without the outcome
    teach the Markov chain. Time decay is left out where the ages of the touches are not known.
    """
    import pandas as pd

    known = [name for name in MODELS if name != "time_decay" or paths.ages is not None]
    columns = {name: paths.value @ lever_shares(paths, name, rules) for name in known}
    chain, made = moves(paths, order)
    weights = np.concatenate([paths.converted, paths.lost * with_lost])
    columns["markov"] = paths.value.sum() * markov_shares(chain, made.T @ weights)[0]
    return pd.DataFrame({"lever": list(paths.levers)} | columns)


def credit_draws(
    credits: Mapping[str, Any], chain: Chain, made: Any, value: Any, weights: Any
) -> dict[str, Floats]:
    """The credits of each model under each row of weights (draws, accounts): (draws, levers).

    `credits`: per model what each account gives each lever (accounts, levers), dense or sparse. `made`:
    how often each account makes each move (accounts, moves). `value`: of each account's outcomes.
    Resampled accounts are weights; products of matrices stand for the loop.
    """
    drawn = {name: np.asarray((table.T @ weights.T).T) for name, table in credits.items()}
    counts = np.asarray((made.T @ weights.T).T)
    worth = np.asarray(weights @ np.asarray(value, dtype=np.float64))
    return drawn | {"markov": worth[:, None] * markov_shares(chain, counts)}


SAMPLED_ORDERS = 1_000
"""Random orders in which more than 12 levers join."""


def chain_shapley(chain: Chain, counts: Any) -> tuple[Floats, Floats]:
    """The share of the outcome each lever gets by Shapley's value, and its standard error (0 where exact).

    What a set of levers is worth is the chance of the outcome with these alone. Removal takes one lever out
    of all the others and counts what two do only together twice; this takes the mean over all sets. Exact
    up to 12 levers, beyond from random orders. NaN without outcomes.
    """
    levers = chain.levers
    if levers <= MOST_PLAYERS:
        sets = np.arange(2**levers)[:, None] >> np.arange(levers) & 1
        values = shapley_values(chances_with(chain, counts, sets))
        errors = np.zeros(levers)
    else:
        found = sampled_shapley(
            lambda sets: chances_with(chain, counts, sets), levers, orders=SAMPLED_ORDERS
        )
        values, errors = found["value"].to_numpy(), found["error"].to_numpy()
    whole = values.sum()
    whole = whole if whole > 0 else np.nan
    return values / whole, errors / whole


def ranks_of(credits: pd.DataFrame) -> pd.DataFrame:
    """The rank of each lever in each model, 1 for the largest credit; ties share the better rank."""
    models = [name for name in credits if name != "lever"]
    ranked = credits[models].round(9).rank(ascending=False, method="min")
    return ranked.astype("int64").assign(lever=credits["lever"])[["lever", *models]]


def agreement(credits: pd.DataFrame) -> pd.DataFrame:
    """One row per pair of models: one, other, rank_correlation (Spearman), same_first (flag).

    Null for fewer than two levers, or where a model credits all alike.
    """
    import pandas as pd

    models = [str(name) for name in credits if name != "lever"]
    ranked = credits[models].round(9).rank()
    rows = []
    for place, one in enumerate(models):
        for other in models[place + 1 :]:
            pair = ranked[[one, other]].to_numpy()
            varies = len(pair) > 1 and (np.ptp(pair, axis=0) > 0).all()
            rho = float(np.corrcoef(pair.T)[0, 1]) if varies else np.nan
            first = credits[one].idxmax() == credits[other].idxmax() if len(pair) else False
            rows.append((one, other, rho, bool(first)))
    return pd.DataFrame(rows, columns=["one", "other", "rank_correlation", "same_first"])


def instability(ranks: pd.DataFrame, low: Any, high: Any) -> list[str]:
    """Why each lever's place is not to be built on; "" where nothing speaks against it.

    `low`, `high`: the interval of what is asked of the lever (its return less what it costs, say).
    """
    models = [name for name in ranks if name != "lever"]
    places = ranks[models].to_numpy()
    reasons = []
    bounds = zip(places, np.asarray(low, float), np.asarray(high, float), strict=True)
    for own, below, above in bounds:
        said = []
        if own.min() != own.max():
            said.append(f"rank {own.min()} to {own.max()} by model")
        if not np.isfinite([below, above]).all():
            said.append("no interval")
        elif below <= 0 <= above:
            said.append("interval spans zero")
        reasons.append("; ".join(said))
    return reasons
