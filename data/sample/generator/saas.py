"""Harbour Analytics: all its tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.sample.generator import saas_customers as customers
from data.sample.generator import saas_money as money
from data.sample.generator.saas_accounts import make_company
from data.sample.generator.saas_deals import company_ids, leads_table, make_deals
from data.sample.generator.saas_states import states_table
from data.sample.generator.saas_surveys import answers_and_invited, benchmarks_table
from data.sample.generator.saas_touches import interactions_table
from data.sample.generator.saas_usage import usage_blocks
from data.sample.generator.tools import dates, ids, write_csv, write_dataset, write_parquet


def make_saas(folder: Path, *, scale: int, seed: int, effect: float) -> None:
    """Write the tables and dataset.yaml of Harbour Analytics."""
    accounts, terms = make_company(seed, scale, effect)
    plan = customers.plan_onboarding(accounts, seed)
    deals = make_deals(accounts, seed, scale)
    contacts = _buyers_known_early(customers.plan_contacts(accounts, plan, seed), deals)
    buyers = _buyers(contacts, deals)
    subscriptions = customers.subscriptions_table(accounts, terms, seed)
    answers, invited = answers_and_invited(accounts, contacts, deals, seed, scale)
    own = customers.contacts_table(accounts, contacts)
    tables = {
        "accounts": customers.accounts_table(accounts, terms, plan),
        "contacts": pd.concat([own, _prospects(accounts, deals, buyers)], ignore_index=True),
        "subscriptions": subscriptions,
        "onboarding": customers.onboarding_table(accounts, plan),
        "account_history": customers.history_table(accounts, subscriptions, seed),
        "leads": leads_table(accounts, deals, buyers),
        "states": states_table(accounts, terms, plan, deals),
        "interactions": interactions_table(accounts, terms, deals, buyers, seed),
        "spend": money.spend_table(accounts, subscriptions, seed),
        "costs": money.costs_table(accounts, subscriptions, seed),
        "answers": answers,
        "invited": invited,
        "benchmarks": benchmarks_table(seed),
    }
    for name, table in tables.items():
        write_csv(table, folder, name)
    write_parquet(usage_blocks(accounts, terms, plan, contacts, seed), folder, "usage")
    write_dataset(folder, name="Harbour Analytics", currency="EUR", timezone="Europe/Paris")


def _buyers_known_early(contacts: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """The buyer of an account is known from the day of its lead."""
    created = deals[deals["account"] >= 0].set_index("account")["created"]
    is_buyer = contacts["place"] == 0
    early = contacts["account"].map(created).where(is_buyer, contacts["created"])
    return contacts.assign(created=early.astype(np.int64))


def _buyers(contacts: pd.DataFrame, deals: pd.DataFrame) -> NDArray[np.object_]:
    """Return the contact of each deal: the account's buyer, or a person at the prospect."""
    first = contacts[contacts["place"] == 0].reset_index().set_index("account")["index"]
    account = deals["account"].to_numpy()
    own = ids("C", first.reindex(np.maximum(account, 0)).to_numpy(), 5)
    return np.where(account >= 0, own, ids("CP", np.arange(len(deals)), 5))


def _prospects(
    accounts: pd.DataFrame, deals: pd.DataFrame, buyers: NDArray[np.object_]
) -> pd.DataFrame:
    """Return the contacts at companies that are not (or not yet) customers."""
    frame = pd.DataFrame(
        {
            "contact_id": buyers,
            "account_id": company_ids(accounts, deals),
            "role": "buyer",
            "created_on": dates(deals["created"].to_numpy()),
            "is_service": False,
        }
    )
    return frame[(deals["account"] < 0).to_numpy()]
