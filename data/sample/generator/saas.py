"""Harbour Analytics: all its tables."""

from __future__ import annotations

from pathlib import Path

from data.sample.generator import saas_customers as customers
from data.sample.generator.saas_accounts import make_company
from data.sample.generator.saas_usage import usage_blocks
from data.sample.generator.tools import write_csv, write_dataset, write_parquet


def make_saas(folder: Path, *, scale: int, seed: int, effect: float) -> None:
    """Write the tables and dataset.yaml of Harbour Analytics."""
    accounts, terms = make_company(seed, scale, effect)
    plan = customers.plan_onboarding(accounts, seed)
    contacts = customers.plan_contacts(accounts, plan, seed)
    subscriptions = customers.subscriptions_table(accounts, terms, seed)
    tables = {
        "accounts": customers.accounts_table(accounts, terms, plan),
        "contacts": customers.contacts_table(accounts, contacts),
        "subscriptions": subscriptions,
        "onboarding": customers.onboarding_table(accounts, plan),
        "account_history": customers.history_table(accounts, subscriptions, seed),
    }
    for name, table in tables.items():
        write_csv(table, folder, name)
    write_parquet(usage_blocks(accounts, terms, plan, contacts, seed), folder, "usage")
    write_dataset(folder, name="Harbour Analytics", currency="EUR", timezone="Europe/Paris")
