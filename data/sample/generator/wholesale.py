"""Borealis Tire and Wheel: all its tables."""

from __future__ import annotations

from pathlib import Path

from data.sample.generator import wholesale_accounts as customers
from data.sample.generator import wholesale_orders as trade
from data.sample.generator import wholesale_rest as rest
from data.sample.generator.tools import write_csv, write_dataset, write_parquet
from data.sample.generator.wholesale_shop import make_shop


def make_wholesale(folder: Path, *, scale: int, seed: int) -> None:
    """Write the tables and dataset.yaml of Borealis Tire and Wheel."""
    accounts = customers.make_accounts(seed, scale)
    made = trade.make_orders(accounts, seed)
    orders = made.orders
    channel = trade.channels(orders, seed)
    carts, views = make_shop(accounts, orders, channel, seed)
    answers, invited = rest.answers_and_invited(accounts, seed)
    tables = {
        "accounts": customers.accounts_table(accounts),
        "contacts": customers.contacts_table(accounts),
        "account_history": customers.history_table(accounts, seed),
        "orders": trade.orders_table(accounts, orders, channel, seed),
        "carts": carts,
        "targets": customers.targets_table(accounts, trade.revenue_by_year(orders, accounts), seed),
        "spend": rest.spend_table(orders, seed),
        "costs": rest.costs_table(accounts, orders, seed),
        "interactions": rest.interactions_table(accounts, seed),
        "answers": answers,
        "invited": invited,
        "benchmarks": rest.benchmarks_table(seed),
    }
    for name, table in tables.items():
        write_csv(table, folder, name)
    write_parquet([trade.lines_table(orders, made.lines)], folder, "order_lines")
    write_parquet([views], folder, "page_views")
    write_dataset(
        folder, name="Borealis Tire and Wheel", currency="CAD", timezone="America/Toronto"
    )
