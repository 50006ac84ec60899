"""Levers side by side: credits by model, ranks, how far models agree; tracks, roles, people, accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_lib.customers.frames import table_of
from kpi_lib.customers.growth import lever_credits
from kpi_lib.customers.growth.lenses import with_ideal
from kpi_lib.customers.growth.lever_credits import COST, MARKOV, PAID, TOUCHES, credits, volume
from kpi_lib.customers.growth.lever_paths import UNSTATED, credited, journeys, paths, shares
from kpi_lib.customers.subscribed import ratio, with_account
from kpi_lib.engine import run
from kpi_lib.periods import Period, PeriodName, complete_periods
from kpi_lib.schema import Tables
from kpi_lib.stats.attribution import agreement, instability, ranks_of
from kpi_lib.stats.paths import MODELS

if TYPE_CHECKING:
    import pandas as pd

TEXT, NUMBER, COUNT = "string", "float64", "int64"
ALL_MODELS = (*MODELS, MARKOV)


class Rule(lever_credits.Rule, Protocol):
    """What the lists need besides: which periods are shown."""

    @property
    def period(self) -> PeriodName:
        """Length of one period."""
        ...

    @property
    def periods(self) -> int:
        """How many periods are shown."""
        ...


def shown_periods(tables: Tables, rule: Rule) -> list[Period]:
    """The periods of the trend, oldest first."""
    return complete_periods(tables.as_of, rule.period, rule.periods, tables.quarter_starts_in)


def returns(tables: Tables, rule: Rule) -> ir.Table:
    """One row per lever, the most credited first, over all journeys that have ended.

    lever, unstable (why its place is not to be built on, "" if nothing speaks against it), credited with
    low and high (money, by the chosen model), cost, returned with returned_low and returned_high (money
    per money, touches with a cost only), touches and accounts (all of them), reach, rank_by_volume,
    rank_by_credit.
    """
    kinds = {"lever": TEXT, "unstable": TEXT} | dict.fromkeys(_RETURNS, NUMBER)
    kinds |= dict.fromkeys(_COUNTS, COUNT)
    made = credits(tables, rule)
    if not made.levers:
        return table_of(None, kinds)
    frame = _returned(made, rule).merge(run(volume(tables, rule.lever_by)), on="lever")
    frame["rank_by_volume"] = frame["touches"].rank(ascending=False, method="min")
    frame["rank_by_credit"] = frame["credited"].round(6).rank(ascending=False, method="min")
    frame = frame.sort_values(["credited", "lever"], ascending=[False, True])
    frame["lever"] = in_words(frame["lever"])
    return ordered(frame.astype(dict.fromkeys(_COUNTS, COUNT)), kinds)


_RETURNS = (
    *("credited", "low", "high", "cost", "returned", "returned_low", "returned_high", "reach"),
)
_COUNTS = ("touches", "accounts", "rank_by_volume", "rank_by_credit")


def _returned(made: lever_credits.Credits, rule: Rule) -> pd.DataFrame:
    """Credits, cost and what came back of it, with intervals from resampled accounts."""
    import pandas as pd

    whole, drawn = made.whole(), made.drawn(rule.draws)
    cost = np.where(made.costed > 0, whole[COST], np.nan)
    low, high = _bounds(drawn[rule.model], rule.level)
    with np.errstate(divide="ignore", invalid="ignore"):
        back = np.where(cost > 0, whole[PAID] / cost, np.nan)
        below, above = _bounds(drawn[PAID] / drawn[COST], rule.level)
        gain = _bounds(drawn[PAID] - drawn[COST], rule.level)
    known = np.isfinite(back)
    columns = {"credited": whole[rule.model], "low": low, "high": high, "cost": cost}
    columns |= {"returned": back, "returned_low": np.where(known, below, np.nan)}
    columns |= {"returned_high": np.where(known, above, np.nan)}
    gain = [np.where(known, one, np.nan) for one in gain]
    unstable = instability(ranks_of(_by_model(made, whole)), *gain)
    return pd.DataFrame({"lever": made.levers} | columns | {"unstable": unstable})


def _bounds(draws: Any, level: float) -> list[Any]:
    """Quantiles over the draws in which the figure can be told; null where it never can."""
    told = np.where(np.isfinite(draws), draws, np.nan)
    empty = np.isnan(told).all(axis=0)
    tail = (1 - level) / 2
    bounds = np.nanquantile(np.where(empty, 0.0, told), [tail, 1 - tail], axis=0)
    return [np.where(empty, np.nan, one) for one in bounds]


def _by_model(made: lever_credits.Credits, whole: dict[str, Any]) -> pd.DataFrame:
    """lever and its credits by each model that can be told."""
    import pandas as pd

    told = [name for name in ALL_MODELS if np.isfinite(whole[name]).all()]
    return pd.DataFrame({"lever": made.levers} | {name: whole[name] for name in told})


def models(tables: Tables, rule: Rule) -> ir.Table:
    """One row per model and lever: model, lever, credited, low, high (money), share. Each model adds up to
    the value of the outcomes."""
    kinds = {"model": TEXT, "lever": TEXT}
    kinds |= dict.fromkeys(("credited", "low", "high", "share"), NUMBER)
    made = credits(tables, rule)
    whole, drawn = made.whole(), made.drawn(rule.draws)
    frames = [_of_model(made.levers, whole[m], drawn[m], m, rule.level) for m in ALL_MODELS]
    return ordered(stack(frames), kinds)


def _of_model(levers: list[str], whole: Any, draws: Any, name: str, level: float) -> pd.DataFrame:
    import pandas as pd

    low, high = _bounds(draws, level) if len(levers) else (whole, whole)
    total = whole.sum()
    share = whole / total if total > 0 else np.full(len(levers), np.nan)
    columns = {"credited": whole, "low": low, "high": high, "share": share}
    named = in_words(pd.Series(levers, dtype="str"))
    return pd.DataFrame({"model": name.replace("_", " "), "lever": named} | columns)


def ranks(tables: Tables, rule: Rule) -> ir.Table:
    """One row per lever, by volume: lever, by_volume, then its rank in each model (1 is the first)."""
    kinds = {"lever": TEXT, "by_volume": COUNT} | dict.fromkeys(ALL_MODELS, COUNT)
    made = credits(tables, rule)
    if not made.levers:
        return table_of(None, kinds)
    frame = ranks_of(_by_model(made, made.whole())).reindex(columns=["lever", *ALL_MODELS])
    counts = run(volume(tables, rule.lever_by)).set_index("lever")["touches"]
    frame["by_volume"] = counts.loc[frame["lever"]].rank(ascending=False, method="min").to_numpy()
    frame = frame.sort_values(["by_volume", "lever"])
    return ordered(frame.assign(lever=in_words(frame["lever"])), kinds)


def agreements(tables: Tables, rule: Rule) -> ir.Table:
    """One row per pair of models, the least alike first: pair, rank_correlation, same_first (yes, no)."""
    made = credits(tables, rule)
    frame = agreement(_by_model(made, made.whole()))
    frame["pair"] = [
        f"{one} and {other}".replace("_", " ")
        for one, other in zip(frame["one"], frame["other"], strict=True)
    ]
    frame["same_first"] = ["yes" if same else "no" for same in frame["same_first"]]
    frame = frame.sort_values(["rank_correlation", "pair"]) if made.levers else frame.iloc[:0]
    return ordered(frame, {"pair": TEXT, "rank_correlation": NUMBER, "same_first": TEXT})


def with_credit(tables: Tables, rule: Rule) -> ir.Table:
    """The touches of all journeys that have ended, with `value`, the money each is credited with."""
    rows = paths(tables, rule)
    return rows.mutate(value=shares(rows, rule)[rule.model] * rows["amount"])


def by_track(tables: Tables, rule: Rule) -> ir.Table:
    """Effort and result by conversation track; see `_effort`."""
    return _effort(with_credit(tables, rule), "track")


def by_role(tables: Tables, rule: Rule) -> ir.Table:
    """Effort and result by the role of the person touched; "not stated" where nobody knows."""
    rows = with_credit(tables, rule)
    if "contacts" not in tables:
        return _effort(rows.mutate(role=ibis.literal(UNSTATED)), "role")
    people = tables["contacts"].select("role", who="contact_id")
    rows = rows.left_join(people, rows["contact_id"] == people["who"])
    return _effort(rows.mutate(role=rows["role"].fill_null(UNSTATED)), "role")


def by_ideal(tables: Tables, rule: Rule) -> ir.Table:
    """Effort and result by fit with the ideal customer."""
    rows = with_ideal(tables, with_credit(tables, rule))
    return _effort(rows.rename(fit="is_ideal"), "fit")


def _effort(rows: ir.Table, name: str) -> ir.Table:
    """One row per group, the most credited first: its name, credited, effort, spending and result (its
    shares of all touches, cost and credit), returned, cost, touches, accounts, contacts."""
    sums = rows.group_by(name).aggregate(**_sums(rows))
    whole = ibis.window()
    shares_of = {
        word: ratio(sums[column], sums[column].sum().over(whole))
        for word, column in (("effort", "touches"), ("spending", "cost"), ("result", "credited"))
    }
    sums = sums.mutate(returned=_back(sums), **shares_of, **{name: sums[name].replace("_", " ")})
    shown = [name, "credited", *shares_of, "returned", "cost", "touches", "accounts", "contacts"]
    return sums.select(*shown).order_by(ibis.desc("credited"), name)


def _sums(rows: ir.Table) -> dict[str, ir.Value]:
    paid = ibis.ifelse(rows["cost"].notnull(), rows["value"], ibis.null("float64"))
    return {
        "credited": rows["value"].sum().fill_null(0.0),
        "paid": paid.sum(),
        "cost": rows["cost"].sum(),
        "touches": rows.count(),
        "accounts": rows["account_id"].nunique(),
        "contacts": rows["contact_id"].nunique(),
    }


def _back(sums: ir.Table) -> ir.FloatingValue:
    """Money credited per money spent, over the touches with a cost."""
    return ratio(sums["paid"], sums["cost"])


def books(tables: Tables, rule: Rule) -> ir.Table:
    """How the books are kept, in one row: touches_by_people, free_share (of them, entered at a cost of 0), ended
    (journeys), lost_share (of them, without an outcome). No row where nothing happened."""
    rows = tables["interactions"]
    rows = rows.filter(rows["lever"] == "team", rows["at"].date() <= tables.as_of)
    ends = journeys(tables, list(rule.states), list(rule.outcomes))
    team = rows.aggregate(touches_by_people=rows.count(), free=rows.count(where=rows["cost"] == 0))
    both = team.cross_join(
        ends.aggregate(ended=ends.count(), lost=ends.count(where=ends["converted"] == 0))
    )
    both = both.filter((both["touches_by_people"] > 0) | (both["ended"] > 0))
    return both.select(
        "touches_by_people",
        "ended",
        free_share=ratio(both["free"], both["touches_by_people"]),
        lost_share=ratio(both["lost"], both["ended"]),
    ).order_by("ended")


def accounts(tables: Tables, rule: Rule) -> ir.Table:
    """The accounts whose journeys ended in the periods shown, the most spent on first.

    account_id, account, owner, credited, cost (money), returned, touches, people, levers (distinct).
    """
    rows = credited(tables, shown_periods(tables, rule), rule, rule.model)
    levers = rows["lever"].nunique()
    sums = rows.group_by("account_id").aggregate(**_sums(rows), levers=levers)
    sums = with_account(tables, sums.mutate(returned=_back(sums), people=sums["contacts"]))
    names = ("account_id", "account", "owner")
    shown = (*names, "credited", "cost", "returned", "touches", "people", "levers")
    return sums.order_by(ibis.desc("cost"), "account_id").select(*shown)


def people(tables: Tables, rule: Rule) -> ir.Table:
    """The same touches by person, the most spent on first: contact_id, account_id, account, role, credited,
    cost, returned, touches. Touches of nobody known stand together per account ("" as contact_id)."""
    rows = credited(tables, shown_periods(tables, rule), rule, rule.model)
    rows = rows.mutate(contact_id=rows["contact_id"].fill_null(""))
    sums = rows.group_by("contact_id", "account_id").aggregate(
        **{n: one for n, one in _sums(rows).items() if n not in ("accounts", "contacts")}
    )
    sums = with_account(tables, sums.mutate(returned=_back(sums)))
    sums = with_role(tables, sums)
    shown = ("contact_id", "account_id", "account", "role", "credited", "cost", "returned")
    return sums.order_by(ibis.desc("cost"), "account_id", "contact_id").select(*shown, TOUCHES)


def with_role(tables: Tables, rows: ir.Table) -> ir.Table:
    """The rows of persons (contact_id) with `role`."""
    if "contacts" not in tables:
        return rows.mutate(role=ibis.literal(UNSTATED))
    known = tables["contacts"].select("role", who="contact_id")
    rows = rows.left_join(known, rows["contact_id"] == known["who"])
    return rows.mutate(role=rows["role"].fill_null(UNSTATED))


def in_words(names: pd.Series[Any]) -> pd.Series[Any]:
    """Names of levers as they are written on a page: product_demo becomes product demo."""
    return names.str.replace("_", " ")


def stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames below each other."""
    import pandas as pd

    return pd.concat(frames, ignore_index=True)


def ordered(frame: pd.DataFrame, kinds: dict[str, str]) -> ir.Table:
    """A frame as a typed table in the engine that keeps its order; what is not a number is null."""
    numbered = frame.assign(row=np.arange(len(frame)))
    return table_of(numbered, kinds | {"row": COUNT}).order_by("row").drop("row")
