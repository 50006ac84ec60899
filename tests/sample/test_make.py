"""The sample is what `make` makes: the same bytes, small, and in keeping with the data contract."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest
import yaml

from data.sample.make import TRUTH, make

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
COMPANIES = ("saas", "wholesale")
END = pd.Timestamp(TRUTH.last_day)
KNOWN_AHEAD = {"term_ends_on", "ended_on", "deliver_on"}
SAAS = {
    "accounts",
    "account_history",
    "answers",
    "benchmarks",
    "contacts",
    "costs",
    "interactions",
    "invited",
    "leads",
    "onboarding",
    "spend",
    "states",
    "subscriptions",
    "usage",
}
WHOLESALE = {
    "accounts",
    "account_history",
    "answers",
    "benchmarks",
    "carts",
    "contacts",
    "costs",
    "interactions",
    "invited",
    "order_lines",
    "orders",
    "page_views",
    "spend",
    "targets",
}


def read(company: str, table: str, folder: Path = SAMPLE) -> pd.DataFrame:
    """A table with its dates as timestamps."""
    parquet = folder / company / f"{table}.parquet"
    if parquet.exists():
        return pd.read_parquet(parquet)
    frame = pd.read_csv(folder / company / f"{table}.csv")
    moments = [
        c for c in map(str, frame) if c.endswith(("_on", "_at")) or c in ("at", "month", "period")
    ]
    return frame.assign(**{c: pd.to_datetime(frame[c]) for c in moments})


def hashes(folder: Path) -> dict[str, str]:
    files = [file for company in COMPANIES for file in sorted((folder / company).iterdir())]
    return {
        f"{file.parent.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def tables_of(company: str) -> list[str]:
    config = yaml.safe_load((SAMPLE / company / "dataset.yaml").read_text(encoding="utf-8"))
    return list(config["tables"])


ALL = [(company, table) for company in COMPANIES for table in tables_of(company)]


def test_made_again_is_the_same_to_the_byte(tmp_path: Path) -> None:
    make(tmp_path)
    assert hashes(tmp_path) == hashes(SAMPLE)


def test_another_seed_makes_another_company_of_the_same_kind(tmp_path: Path) -> None:
    make(tmp_path, seed=TRUTH.seed + 1)
    assert hashes(tmp_path) != hashes(SAMPLE)
    assert paying(read("saas", "subscriptions", tmp_path)) == TRUTH.paying_accounts


def test_scale_makes_it_larger_with_all_ids_distinct(tmp_path: Path) -> None:
    make(tmp_path, scale=2)
    assert paying(read("saas", "subscriptions", tmp_path)) == 2 * TRUTH.paying_accounts
    for company, table, key in (("saas", "accounts", "account_id"), ("saas", "leads", "lead_id"),
                                ("wholesale", "orders", "order_id"), ("wholesale", "carts", "cart_id")):  # fmt: skip
        assert read(company, table, tmp_path)[key].is_unique
    usage = len(read("saas", "usage"))
    assert 1.5 * usage < len(read("saas", "usage", tmp_path)) < 2.5 * usage


def paying(subscriptions: pd.DataFrame) -> int:
    runs = (subscriptions["started_on"] <= END) & ~(subscriptions["ended_on"] <= END)
    return int(subscriptions[runs & (subscriptions["monthly_amount"] > 0)]["account_id"].nunique())


def test_files_are_small() -> None:
    sizes = [file.stat().st_size for company in COMPANIES for file in (SAMPLE / company).iterdir()]
    assert sum(sizes) < 5_000_000
    assert max(sizes) < 3_000_000


def test_each_company_has_the_tables_that_its_kpis_need() -> None:
    assert set(tables_of("saas")) == SAAS
    assert set(tables_of("wholesale")) == WHOLESALE


def test_the_data_sets_are_named_as_in_the_data_card() -> None:
    card = (SAMPLE / "README.md").read_text(encoding="utf-8")
    for company in COMPANIES:
        config = yaml.safe_load((SAMPLE / company / "dataset.yaml").read_text(encoding="utf-8"))
        assert config["name"] in card
        assert config["source"] == "."


@pytest.mark.parametrize(("company", "table"), ALL)
def test_the_data_card_gives_the_row_count_and_every_column(company: str, table: str) -> None:
    frame = read(company, table)
    card = (SAMPLE / "README.md").read_text(encoding="utf-8")
    section = card.split(f"## {company}: tables")[1].split("\n## ")[0]
    (line,) = [line for line in section.splitlines() if line.startswith(f"| {table} |")]
    assert f"| {len(frame):,} |" in line
    assert all(f"`{column}`" in line for column in frame)


@pytest.mark.parametrize(("company", "table"), ALL)
def test_nothing_is_dated_after_the_last_day_but_what_is_known_ahead(
    company: str, table: str
) -> None:
    frame = read(company, table).select_dtypes("datetime")
    for column in set(frame) - KNOWN_AHEAD:
        assert not (frame[column] >= END + pd.Timedelta(days=1)).any(), column


@pytest.mark.parametrize(
    ("company", "table", "key"),
    [
        ("saas", "accounts", ["account_id"]),
        ("saas", "contacts", ["contact_id"]),
        ("saas", "subscriptions", ["subscription_id", "started_on"]),
        ("saas", "leads", ["lead_id"]),
        ("saas", "interactions", ["interaction_id"]),
        ("saas", "answers", ["answer_id"]),
        ("saas", "invited", ["question", "team", "period"]),
        ("saas", "account_history", ["account_id", "field", "from_on"]),
        ("wholesale", "accounts", ["account_id"]),
        ("wholesale", "contacts", ["contact_id"]),
        ("wholesale", "orders", ["order_id"]),
        ("wholesale", "order_lines", ["order_id", "line_no"]),
        ("wholesale", "carts", ["cart_id"]),
        ("wholesale", "targets", ["account_id", "year"]),
        ("wholesale", "answers", ["answer_id"]),
        ("wholesale", "account_history", ["account_id", "field", "from_on"]),
    ],
)
def test_keys_are_filled_and_unique(company: str, table: str, key: list[str]) -> None:
    frame = read(company, table)
    assert not frame.duplicated(key).any()
    assert frame[[column for column in key if column != "team"]].notna().all(axis=None)


@pytest.mark.parametrize(
    ("company", "table"),
    [
        ("saas", "subscriptions"),
        ("saas", "usage"),
        ("saas", "onboarding"),
        ("saas", "costs"),
        ("saas", "account_history"),
        ("wholesale", "orders"),
        ("wholesale", "contacts"),
        ("wholesale", "carts"),
        ("wholesale", "targets"),
        ("wholesale", "costs"),
        ("wholesale", "interactions"),
        ("wholesale", "account_history"),
    ],
)
def test_accounts_exist(company: str, table: str) -> None:
    assert read(company, table)["account_id"].isin(read(company, "accounts")["account_id"]).all()


@pytest.mark.parametrize(
    ("company", "table"), [("saas", "usage"), ("saas", "interactions"), ("saas", "leads")]
)
def test_contacts_exist_and_belong_to_their_account(company: str, table: str) -> None:
    rows = read(company, table).dropna(subset=["contact_id", "account_id"])
    contacts = read(company, "contacts").set_index("contact_id")
    assert (
        contacts["account_id"].reindex(rows["contact_id"]).to_numpy() == rows["account_id"]
    ).all()


def test_nobody_acts_before_the_account_or_the_contact_exists_or_after_it_left() -> None:
    usage = read("saas", "usage")
    signed = usage["account_id"].map(read("saas", "accounts").set_index("account_id")["signed_on"])
    created = usage["contact_id"].map(
        read("saas", "contacts").set_index("contact_id")["created_on"]
    )
    subscriptions = read("saas", "subscriptions")
    until = subscriptions["ended_on"].fillna(END + pd.Timedelta(days=1))
    gone = usage["account_id"].map(until.groupby(subscriptions["account_id"]).max())
    assert (usage["at"] >= signed).all()
    assert (usage["at"] >= created).all()
    assert (usage["at"] < gone).all()


@pytest.mark.parametrize(
    ("company", "table", "earlier", "later"),
    [
        ("saas", "accounts", "signed_on", "kickoff_on"),
        ("saas", "subscriptions", "started_on", "ended_on"),
        ("saas", "subscriptions", "started_on", "cancelled_on"),
        ("saas", "subscriptions", "cancelled_on", "ended_on"),
        ("saas", "subscriptions", "ended_on", "term_ends_on"),
        ("saas", "onboarding", "entered_at", "left_at"),
        ("saas", "states", "entered_at", "left_at"),
        ("saas", "leads", "created_on", "demo_on"),
        ("saas", "leads", "created_on", "won_on"),
        ("saas", "leads", "created_on", "lost_on"),
        ("wholesale", "orders", "ordered_at", "deliver_on"),
        ("wholesale", "orders", "shipped_on", "returned_on"),
        ("wholesale", "carts", "created_at", "ordered_at"),
    ],
)
def test_dates_stand_in_order(company: str, table: str, earlier: str, later: str) -> None:
    frame = read(company, table).dropna(subset=[earlier, later])
    assert len(frame)
    assert (frame[earlier] <= frame[later]).all()


def test_price_periods_of_a_subscription_follow_one_another() -> None:
    rows = read("saas", "subscriptions").sort_values(["subscription_id", "started_on"])
    before = rows.groupby("subscription_id")["ended_on"].shift()
    later = rows["subscription_id"].duplicated()
    assert (before[later] == rows["started_on"][later]).all()
    assert (rows["started_on"] < rows["ended_on"].fillna(END + pd.Timedelta(days=1))).all()


def test_a_company_is_in_one_state_at_a_time() -> None:
    states = read("saas", "states").sort_values(["account_id", "entered_at"])
    before = states.groupby("account_id")["left_at"].shift()
    later = states["account_id"].duplicated()
    assert (before[later] <= states["entered_at"][later]).all()


def test_amounts_are_not_negative() -> None:
    for company, table in ALL:
        frame = read(company, table)
        for column in {
            "amount",
            "monthly_amount",
            "freight",
            "list_price",
            "unit_price",
            "cost",
        } & set(frame):
            assert (frame[column].dropna() >= 0).all(), (table, column)


def test_carts_and_orders_agree() -> None:
    orders = read("wholesale", "orders").set_index("order_id")
    carts = read("wholesale", "carts").dropna(subset=["order_id"])
    assert (orders["account_id"].reindex(carts["order_id"]).to_numpy() == carts["account_id"]).all()
    assert (orders["ordered_at"].reindex(carts["order_id"]).to_numpy() == carts["ordered_at"]).all()
    lines = read("wholesale", "order_lines")
    assert set(lines["order_id"]) == set(orders.index)
    views = read("wholesale", "page_views")
    assert set(read("wholesale", "carts")["session_id"]) <= set(views["session_id"])
