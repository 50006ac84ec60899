"""Demand states of companies before and after the sale."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.sample.generator.saas_customers import account_ids
from data.sample.generator.saas_deals import PRE_SALE, company_ids
from data.sample.generator.tools import DAY, LAST_DAY, MINUTE, NEVER, Ints, ids, moments, where

_POST_SALE = ("won", "live", "adopted", "value", "expanded", "renewed")


def states_table(
    accounts: pd.DataFrame, terms: pd.DataFrame, plan: pd.DataFrame, deals: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per company and state it entered by the last day."""
    before = _before_sale(accounts, deals)
    after = _after_sale(accounts, terms, plan, deals)
    frame = pd.concat([before, after], ignore_index=True)
    frame = frame.sort_values(["entered", "account_id"], kind="stable")
    left = frame["left"].where(frame["left"] <= (LAST_DAY + 1) * DAY, NEVER * DAY)
    return frame.assign(
        entered_at=moments(frame["entered"].to_numpy()).to_numpy(),
        left_at=moments(left.to_numpy()).to_numpy(),
    )[["account_id", "state", "entered_at", "left_at", "opportunity_id", "amount"]]


def _before_sale(accounts: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    entered = deals[[f"begins_{state}" for state in PRE_SALE]].to_numpy()
    frame = _rows(entered, deals["ends"].to_numpy(), PRE_SALE, 0)
    row, at_opportunity = frame.pop("row").to_numpy(), frame["state"].isin(PRE_SALE[2:]).to_numpy()
    return frame.assign(
        account_id=company_ids(accounts, deals)[row],
        opportunity_id=where(at_opportunity, ids("O", np.arange(len(deals)), 5)[row]),
        amount=deals["amount"].to_numpy()[row],
    ).assign(amount=lambda rows: rows["amount"].where(at_opportunity))


def _after_sale(
    accounts: pd.DataFrame, terms: pd.DataFrame, plan: pd.DataFrame, deals: pd.DataFrame
) -> pd.DataFrame:
    frame = _rows(
        _post_sale_days(accounts, terms, plan), accounts["gone"].to_numpy(), _POST_SALE, 4
    )
    row = frame.pop("row").to_numpy()
    customers = deals[deals["account"] >= 0].sort_values("account")
    opportunity = ids("O", np.arange(len(deals)), 5)[customers.index]
    return frame.assign(
        account_id=account_ids(accounts)[row],
        opportunity_id=opportunity[row],
        amount=12 * accounts["amount"].to_numpy()[row],
    )


def _post_sale_days(accounts: pd.DataFrame, terms: pd.DataFrame, plan: pd.DataFrame) -> Ints:
    """Return the day each post-sale state began, one column per state, in their order."""
    signed = accounts["signed"].to_numpy()
    renewed = _first(terms[~terms["lost"]], "end", len(accounts))
    grown = _first(terms[terms["change_on"] != NEVER], "change_on", len(accounts))
    live = signed + plan["access_end"].to_numpy()
    value = signed + accounts["wait"].to_numpy()
    value = np.where(value < renewed, value, NEVER)
    until = np.minimum(value, signed + 150)
    begin = signed + plan["begin"].to_numpy()
    adopted = begin + np.maximum(0, (until - begin) * 6 // 10)
    grown = np.where((grown > value) & (grown > adopted) & (grown < renewed), grown, NEVER)
    return np.column_stack([signed, live, adopted, value, grown, renewed])


def _first(terms: pd.DataFrame, column: str, size: int) -> Ints:
    first = terms.groupby("account")[column].min()
    result = np.full(size, NEVER)
    result[first.index.to_numpy()] = first.to_numpy()
    return result


def _rows(entered: Ints, gone: Ints, names: tuple[str, ...], hour: int) -> pd.DataFrame:
    """Return one row per state entered: it is left when the next one begins, or for good."""
    entered = np.where((entered <= LAST_DAY) & (entered < gone[:, None]), entered, NEVER)
    minutes = (7 + hour + np.arange(len(names))) * 60 * MINUTE
    moment = np.where(entered == NEVER, NEVER * DAY, entered * DAY + minutes)
    following = np.column_stack([moment[:, 1:], np.minimum(gone, NEVER) * DAY + 7 * 60 * MINUTE])
    left = np.minimum.accumulate(following[:, ::-1], axis=1)[:, ::-1]
    row, state = np.nonzero(entered != NEVER)
    return pd.DataFrame(
        {
            "row": row,
            "state": np.array(names, dtype=object)[state],
            "entered": moment[row, state],
            "left": left[row, state],
        }
    )


def state_names() -> NDArray[np.object_]:
    """Return all states in their order."""
    return np.array([*PRE_SALE, *_POST_SALE], dtype=object)
