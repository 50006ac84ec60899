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

from kpi_lib.customers import lever_paths
from kpi_lib.customers.lever_paths import paths, shares, touches
from kpi_lib.customers.subscribed import small
from kpi_lib.engine import run
from kpi_lib.schema import Tables, kept
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
    rows = paths(tables, rule)
    found = shares(rows, rule)
    rows = rows.mutate(**{name: share * rows["amount"] for name, share in found.items()})
    rows = rows.mutate(paid=ibis.ifelse(rows["cost"].notnull(), rows[rule.model], None))
    return rows.group_by("account_id", "lever").aggregate(
        **{name: rows[name].sum().fill_null(0.0) for name in (*MODELS, PAID, COST)},
        touches=rows.count(),
        costed=rows["cost"].count(),
    )


def account_moves(tables: Tables, rule: Rule, levers: list[str]) -> ir.Table:
    """One row per account and move of its journeys: account_id, origin, target, ends, n.

    States and ends as in `stats.markov.chain_of`.
    """
    rows, base = paths(tables, rule), len(levers) + 1
    if rule.journeys_used == "converted":
        rows = rows.filter(rows["converted"] == 1)
    numbers = list(range(1, base))
    codes = small({"what": levers, "code": numbers}, {"what": "string", "code": "int64"})
    rows = rows.join(codes, rows["lever"] == codes["what"]).drop("what")
    in_order = ibis.window(group_by=["account_id", "ended_on"], order_by="place")
    key = rows["code"]
    for back in range(1, rule.markov_order):
        earlier = rows["code"].lag(back).over(in_order).fill_null(0)
        key = key + earlier * base**back
    rows = rows.mutate(after=key)
    rows = rows.mutate(before=rows["after"].lag().over(in_order).fill_null(0))
    inner = rows.select("account_id", origin="before", target="after", ends=_whole(0))
    last = rows.filter(rows["place"] == rows["length"])
    how = ibis.ifelse(last["converted"] == 1, 1, 2).cast("int64")
    final = last.select("account_id", origin="after", target=_whole(0), ends=how)
    both = ibis.union(inner, final)
    return both.group_by("account_id", "origin", "target", "ends").aggregate(n=both.count())


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


def credits(tables: Tables, rule: Rule) -> Credits:
    """The credits of all journeys that have ended."""
    frame = run(account_credits(tables, rule).order_by("account_id", "lever"))
    accounts, row = np.unique(frame["account_id"].to_numpy(dtype=str), return_inverse=True)
    levers, column = np.unique(frame["lever"].to_numpy(dtype=str), return_inverse=True)
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
    order = ["account_id", "origin", "target", "ends"]
    frame = run(account_moves(tables, rule, levers).order_by(order))
    keys = frame[["origin", "target", "ends"]].to_numpy(dtype=np.int64)
    moves, column = np.unique(keys, axis=0, return_inverse=True)
    row = np.searchsorted(accounts, frame["account_id"].to_numpy(dtype=str))
    chain = chain_of(moves[:, 0], moves[:, 1], moves[:, 2], len(levers))
    return chain, _sparse(frame["n"], row, np.ravel(column), (len(accounts), len(moves)))


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
