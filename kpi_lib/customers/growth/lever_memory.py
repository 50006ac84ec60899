"""The Markov chain told otherwise: longer memory, without the lost journeys, and by Shapley over its levers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.growth.lever_credits import credits, journey_moves
from kpi_lib.customers.growth.lever_lists import NUMBER, TEXT, in_words, ordered
from kpi_lib.engine import run
from kpi_lib.schema import Tables
from kpi_lib.stats.attribution import chain_shapley
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.markov import MOST_ORDER, Chain, chain_of, markov_shares

if TYPE_CHECKING:
    import pandas as pd

MOST_STATES = 2_000
"""A chain with more states, of many levers remembered three deep, is left out: it is solved as one matrix."""
ORDERS = tuple(f"order_{order}" for order in range(1, MOST_ORDER + 1))
FIGURES = (*ORDERS, "converted_only", "shapley", "error")


def memory(tables: Tables, rule: Any) -> ir.Table:
    """One row per lever, the most credited by the first order first: lever, and its share of the outcomes.

    order_1, order_2, order_3: by removal, with as many touches remembered, all journeys. converted_only: the
    order chosen, learnt from the journeys with an outcome alone. shapley: by all sets of levers taken out of
    the chain of order 1, not one at a time, exact up to 12 levers; error: its standard error where it is
    sampled, 0 where it is exact. Null where it cannot be told.
    """
    import pandas as pd

    kinds = {"lever": TEXT} | dict.fromkeys(FIGURES, NUMBER)
    made = credits(tables, rule)
    if made.chain is None or not made.levers:
        return table_of(None, kinds)
    columns: dict[str, Floats] = {}
    for order, name in enumerate(ORDERS, 1):
        asked = {"markov_order": order, "journeys_used": "all"}
        found = _counted(tables, rule.model_copy(update=asked), made.levers)
        columns[name] = _shares(*found)
        if order == 1:
            columns["shapley"], columns["error"] = chain_shapley(*found)
    converted = rule.model_copy(update={"journeys_used": "converted"})
    columns["converted_only"] = _shares(*_counted(tables, converted, made.levers))
    frame = pd.DataFrame({"lever": in_words(pd.Series(made.levers, dtype="str"))} | columns)
    frame = frame.sort_values([ORDERS[0], "lever"], ascending=[False, True])
    return ordered(frame[list(kinds)], kinds)


def _counted(tables: Tables, rule: Any, levers: list[str]) -> tuple[Chain, Floats]:
    """The chain of all journeys together, and how often each of its moves is made."""
    moves = journey_moves(tables, rule, levers)
    keys = ("origin", "target", "ends")
    sums = moves.group_by(*keys).aggregate(n=moves["n"].sum()).order_by(*keys)
    frame: pd.DataFrame = run(sums)
    chain = chain_of(frame["origin"], frame["target"], frame["ends"], len(levers))
    return chain, frame["n"].to_numpy(dtype=np.float64)


def _shares(chain: Chain, counts: Floats) -> Floats:
    if chain.states > MOST_STATES:
        return np.full(chain.levers, np.nan)
    return np.asarray(markov_shares(chain, counts)[0], dtype=np.float64)
