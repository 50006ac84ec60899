"""What each lever is credited with: sums per account made in the engine, models and draws on them.

Three small frames leave the engine: credits per account and lever (models that split a journey among
its touches), moves per account (Markov chain) and volume per lever. Resampled accounts are weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.growth import lever_paths
from kpi_lib.customers.growth.lever_paths import (
    JOURNEY,
    decayed,
    in_order,
    journeys,
    on_the_way,
    position_ends,
    touches,
)
from kpi_lib.customers.subscribed import number_of, ratio, small
from kpi_lib.engine import run
from kpi_lib.schema import Tables, found_once, kept, named
from kpi_lib.stats.attribution import credit_draws
from kpi_lib.stats.bootstrap import cluster_weights
from kpi_lib.stats.distributions import Floats
from kpi_lib.stats.markov import Chain, chain_of
from kpi_lib.stats.paths import MODELS

if TYPE_CHECKING:
    import pandas as pd

MARKOV = "markov"
PAID, COST, TOUCHES = "paid", "cost", "touches"
SEED = 11


class Rule(lever_paths.Rule, Protocol):
    """What else attribution needs."""

    @property
    def model(self) -> str:
        """The model whose credits are compared with the cost."""
        ...

    @property
    def markov_order(self) -> int:
        """How many touches the chain remembers."""
        ...

    @property
    def journeys_used(self) -> str:
        """Which journeys teach the chain: all, converted."""
        ...

    @property
    def draws(self) -> int:
        """Resamples of accounts."""
        ...

    @property
    def level(self) -> float:
        """Confidence level of the intervals."""
        ...


@kept
def account_credits(tables: Tables, rule: Rule) -> ir.Table:
    """One row per account and lever: its credits by model (money), touches, cost, costed (touches with
    one), paid (credits by the chosen model of those)."""
    rows = lever_sums(tables, rule)
    every, paid = _shares_of(rows, rule, ""), _shares_of(rows, rule, "_costed")
    money = {name: share * rows["amount"] for name, share in every.items()}
    rows = rows.mutate(**money, **{PAID: paid[rule.model] * rows["amount"]})
    whose = journeys(tables, list(rule.states), list(rule.outcomes))
    whose = whose.select("account_id", of="journey")
    rows = rows.join(whose, rows[JOURNEY] == whose["of"])
    return rows.group_by("account_id", "lever").aggregate(
        **{name: rows[name].sum().fill_null(0.0) for name in (*MODELS, PAID, COST)},
        touches=rows["n"].sum(),
        costed=rows["n_costed"].sum(),
    )


@named
def lever_sums(tables: Tables, rule: Rule) -> ir.Table:
    """One row per journey and lever: what all models need, without a share for each touch.

    n, decay (sum), from_place and to_place (first and last of its places in the journey), the same of the
    touches with a cost (`_costed`), cost, amount; length, distinct and decay_all are the journey's.
    """
    rows = on_the_way(tables, rule)
    ends = rows.group_by(of=rows[JOURNEY]).aggregate(nearest=rows["age"].min())
    rows = rows.join(ends, rows[JOURNEY] == ends["of"]).drop("of")
    rows = rows.mutate(
        place=ibis.row_number().over(in_order()) + 1, decay=decayed(rows, rule.half_life_days)
    )
    known = rows["cost"].notnull()
    sums = rows.group_by(JOURNEY, "lever").aggregate(
        amount=rows["amount"].max(),
        cost=rows["cost"].sum(),
        **_places(rows, None, ""),
        **_places(rows, known, "_costed"),
    )
    whole = ibis.window(group_by=JOURNEY)
    return sums.mutate(
        length=sums["n"].sum().over(whole),
        distinct=sums.count().over(whole),
        decay_all=sums["decay"].sum().over(whole),
    )


def _places(rows: ir.Table, where: ir.BooleanValue | None, ending: str) -> dict[str, ir.Value]:
    return {
        f"n{ending}": rows.count(where=where),
        f"decay{ending}": rows["decay"].sum(where=where).fill_null(0.0),
        f"from_place{ending}": rows["place"].min(where=where),
        f"to_place{ending}": rows["place"].max(where=where),
    }


def _shares_of(rows: ir.Table, rule: Rule, ending: str) -> dict[str, ir.FloatingValue]:
    """The share of its journey that a lever gets by each model: sums of `lever_paths.shares`."""
    number = rows[f"n{ending}"].cast("float64")
    first = number_of(rows[f"from_place{ending}"].fill_null(0) == 1)
    last = number_of(rows[f"to_place{ending}"].fill_null(0) == rows["length"])
    ends, middle = position_ends(rows["length"], rule), 1 - rule.first_share - rule.last_share
    between = (number - first - last) * middle / (rows["length"] - 2).cast("float64").nullif(0.0)
    by_ends = first * ends[0] + last * ends[1]
    return {
        "first": first,
        "last": last,
        "linear": ratio(number, rows["length"]),
        "position": ibis.cases(
            (rows["length"] == 1, number),
            (rows["length"] == 2, by_ends),
            else_=by_ends + between,
        ),
        "time_decay": ratio(rows[f"decay{ending}"], rows["decay_all"]),
        "shapley": ratio(number, rows["n"] * rows["distinct"]),
    }


def journey_moves(tables: Tables, rule: Rule, levers: list[str]) -> ir.Table:
    """One row per journey and move in it: journey, origin, target, ends, n.

    States and ends as in `stats.markov.chain_of`. One order of the touches serves all.
    """
    rows, base = on_the_way(tables, rule), len(levers) + 1
    if rule.journeys_used == "converted":
        rows = rows.filter(rows["converted"] == 1)
    numbers = list(range(1, base))
    codes = small({"what": levers, "code": numbers}, {"what": "string", "code": "int64"})
    rows = rows.join(codes, rows["lever"] == codes["what"]).drop("what")
    back = [rows["code"]]
    back += [
        rows["code"].lag(n).over(in_order()).fill_null(0) for n in range(1, 1 + rule.markov_order)
    ]
    rows = rows.select(
        JOURNEY,
        "converted",
        origin=_key(back[1:], base),
        after=_key(back[:-1], base),
        is_last=rows["code"].lead().over(in_order()).isnull(),
    )
    how = ibis.ifelse(rows["converted"] == 1, 1, 2).cast("int64")
    steps = rows.mutate(ends=ibis.ifelse(rows["is_last"], how, _whole(0)))
    counted = steps.group_by(JOURNEY, "origin", "after", "ends").aggregate(n=steps.count())
    inner = counted.select(JOURNEY, "origin", "n", target="after", ends=_whole(0))
    final = counted.filter(counted["ends"] > 0)
    final = final.select(JOURNEY, "n", "ends", origin="after", target=_whole(0))
    return ibis.union(inner, final.select(*inner.columns))


def _key(codes: list[ir.IntegerValue], base: int) -> ir.IntegerValue:
    """The state of these levers, the last one first; see `stats.markov.state_keys`."""
    parts = [code * base**place for place, code in enumerate(codes)]
    return sum(parts[1:], start=parts[0]).cast("int64")


def _whole(number: int) -> ir.IntegerScalar:
    return ibis.literal(number).cast("int64")


@dataclass(frozen=True)
class Credits:
    """The frames as matrices: accounts by levers for each model, paid, cost and touches; accounts by moves.

    `models` are the names of what adds up to the value of the outcomes.
    """

    levers: list[str]
    tables: dict[str, Any]
    chain: Chain | None
    made: Any
    value: Floats
    costed: Floats

    def under(self, weights: Floats) -> dict[str, Floats]:
        """Credits of each model, paid, cost and touches under each row of weights (draws, levers)."""
        if self.chain is None:
            drawn = {name: np.asarray((one.T @ weights.T).T) for name, one in self.tables.items()}
            return drawn | {MARKOV: np.full((len(weights), len(self.levers)), np.nan)}
        return credit_draws(self.tables, self.chain, self.made, self.value, weights)

    def whole(self) -> dict[str, Floats]:
        """The same with every account once: one number per lever."""
        return {name: one[0] for name, one in self.under(np.ones((1, len(self.value)))).items()}

    def drawn(self, draws: int) -> dict[str, Floats]:
        """The same under resampled accounts."""
        return self.under(cluster_weights(np.arange(len(self.value)), draws, SEED))


@found_once
def credits(tables: Tables, rule: Rule) -> Credits:
    """The credits of all journeys that have ended."""
    import pandas as pd

    frame = run(account_credits(tables, rule))
    row, accounts = pd.factorize(frame["account_id"], sort=True)
    column, levers = pd.factorize(frame["lever"], sort=True)
    shape = (len(accounts), len(levers))
    columns = (*MODELS, PAID, COST, TOUCHES)
    made = {name: _sparse(frame[name], row, column, shape) for name in columns}
    value = np.asarray(made["linear"].sum(axis=1), dtype=np.float64).ravel()
    counts = np.bincount(column, frame["costed"].to_numpy(float), minlength=len(levers))
    names = [str(name) for name in levers]
    chain, moves = _chain(tables, rule, names, accounts) if value.any() else (None, None)
    return Credits(names, made, chain, moves, value, counts.astype(np.float64))


def _chain(tables: Tables, rule: Rule, levers: list[str], accounts: Any) -> tuple[Chain, Any]:
    """The chain, and how often each account makes each move."""
    frame = run(journey_moves(tables, rule, levers))
    base = (len(levers) + 1) ** rule.markov_order
    keys = (frame["ends"] * base + frame["origin"]) * base + frame["target"]
    moves, column = np.unique(keys.to_numpy(dtype=np.int64), return_inverse=True)
    ends = run(journeys(tables, list(rule.states), list(rule.outcomes)))
    places = np.empty(int(ends[JOURNEY].max()) + 1, dtype=np.int64)
    places[ends[JOURNEY]] = accounts.get_indexer(ends["account_id"])
    chain = chain_of(moves // base % base, moves % base, moves // base**2, len(levers))
    row = places[frame[JOURNEY].to_numpy(dtype=np.int64)]
    return chain, _sparse(frame["n"], row, column, (len(accounts), len(moves)))


def _sparse(values: pd.Series[Any], row: Any, column: Any, shape: tuple[int, int]) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix((values.to_numpy(dtype=np.float64), (row, column)), shape=shape)


@kept
def volume(tables: Tables, lever_by: lever_paths.LeverBy) -> ir.Table:
    """One row per lever: touches, accounts, contacts, reach (its accounts over all that were touched).

    All touches count, also those of journeys that have not ended.
    """
    rows = touches(tables, lever_by)
    everyone = rows.aggregate(everyone=rows["account_id"].nunique())
    found = rows.group_by("lever").aggregate(
        touches=rows.count(),
        accounts=rows["account_id"].nunique(),
        contacts=rows["contact_id"].nunique(),
    )
    found = found.cross_join(everyone)
    share = found["accounts"].cast("float64") / found["everyone"].cast("float64").nullif(0.0)
    return found.mutate(reach=share).drop("everyone")
