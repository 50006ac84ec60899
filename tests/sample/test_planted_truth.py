"""The planted truth is recovered from the tables alone: nothing of the package is used here."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from data.sample.make import TRUTH, make

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
END = pd.Timestamp(TRUTH.last_day)
DAY = pd.Timedelta(days=1)
Floats = NDArray[np.float64]
Tables = dict[str, pd.DataFrame]


def read(folder: Path) -> Tables:
    tables = {file.stem: pd.read_parquet(file) for file in folder.glob("*.parquet")}
    for file in folder.glob("*.csv"):
        frame = pd.read_csv(file)
        moments = [
            c
            for c in map(str, frame)
            if c.endswith(("_on", "_at")) or c in ("at", "month", "period")
        ]
        tables[file.stem] = frame.assign(**{c: pd.to_datetime(frame[c]) for c in moments})
    return tables


@pytest.fixture(scope="module")
def saas() -> Tables:
    return read(SAMPLE / "saas")


@pytest.fixture(scope="module")
def wholesale() -> Tables:
    return read(SAMPLE / "wholesale")


@pytest.fixture(scope="module")
def without_effect(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("without_effect")
    make(folder, effect=0)
    return read(folder / "saas")


def logistic(features: Floats, outcome: Floats) -> tuple[Floats, Floats]:
    """Coefficients and standard errors by Newton's method; the first is the intercept."""
    design = np.column_stack([np.ones(len(features)), features])
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ beta))
        information = design.T @ (design * (chance * (1 - chance))[:, None])
        step = np.linalg.solve(information, design.T @ (outcome - chance))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))


def odds_ratio(moved_on: pd.Series, touched: pd.Series) -> tuple[float, float]:
    """Log odds ratio and its standard error, by Woolf."""
    table = pd.crosstab(touched, moved_on).to_numpy().astype(float)
    estimate = np.log(table[1, 1] * table[0, 0] / (table[1, 0] * table[0, 1]))
    return float(estimate), float(np.sqrt((1 / table).sum()))


def first_value(tables: Tables) -> pd.DataFrame:
    """Accounts with the moment of first value and the days it took."""
    people = tables["contacts"].set_index("contact_id")["is_service"].eq(False)
    usage = tables["usage"]
    by_person = usage[usage["contact_id"].map(people) & usage["event"].eq("report_shared")]
    by_system = usage[usage["event"] == "api_batch_loaded"]
    accounts = tables["accounts"].set_index("account_id")
    value = by_person.groupby("account_id")["at"].min().reindex(accounts.index)
    api = accounts["product_type"] == "api"
    value = value.mask(api, by_system.groupby("account_id")["at"].min().reindex(accounts.index))
    accounts["value_on"] = value.dt.normalize()
    accounts["days"] = (accounts["value_on"] - accounts["signed_on"]).dt.days
    return accounts


def person_days(tables: Tables) -> pd.DataFrame:
    people = tables["contacts"].set_index("contact_id")["is_service"].eq(False)
    usage = tables["usage"]
    own = usage[usage["contact_id"].map(people)]
    return own.assign(on=own["at"].dt.normalize())[["account_id", "on", "at"]]


def decisions(tables: Tables) -> pd.DataFrame:
    """One row per renewal decision: lost or not, days to value, quiet before it, engagement."""
    terms = tables["subscriptions"].groupby(["account_id", "term_ends_on"], as_index=False)
    rows = terms.agg(start=("started_on", "min"), notice=("cancelled_on", "max"),
                     amount=("monthly_amount", "last"))  # fmt: skip
    rows["lost"] = rows["notice"].notna()
    rows = rows[rows["lost"] | (rows["term_ends_on"] <= END)]
    accounts = first_value(tables)
    rows = rows.join(accounts[["signed_on", "days", "product_type"]], on="account_id")
    waited = (rows["term_ends_on"] - rows["signed_on"]).dt.days
    rows["waited"] = np.minimum(rows["days"].fillna(np.inf), waited)
    days = person_days(tables)
    behaviour = [_behaviour(row, days) for row in _with_days(rows, days)]
    return rows.assign(**pd.DataFrame(behaviour, index=rows.index)).reset_index(drop=True)


def _with_days(rows: pd.DataFrame, days: pd.DataFrame) -> list[dict[Hashable, Any]]:
    own = dict(list(days.groupby("account_id")))
    empty = days.head(0)
    return [row | {"seen": own.get(row["account_id"], empty)} for row in rows.to_dict("records")]


def _behaviour(row: dict[Hashable, Any], days: pd.DataFrame) -> dict[str, float]:
    """Quiet: nobody for three weeks at the last moment anyone could go quiet, four months ahead."""
    acts = row["notice"] if row["lost"] else row["term_ends_on"] - 42 * DAY
    check = acts - (TRUTH.quiet_days_ahead[0] - 21) * DAY
    seen = row["seen"]
    started = len(seen) and seen["on"].min() < check - 21 * DAY
    quiet = started and not seen["on"].between(check - 20 * DAY, check).any()
    inside = seen[(seen["on"] >= row["start"]) & (seen["on"] < acts)]
    weeks = inside["on"].dt.to_period("W").nunique()
    level = np.log(len(inside) / weeks) if weeks else np.nan
    return {"inactive": float(bool(quiet)), "level": level}


@pytest.fixture(scope="module")
def decided(saas: Tables) -> pd.DataFrame:
    return decisions(saas)


def features(rows: pd.DataFrame) -> Floats:
    """Time to value in units of 30 days, quiet or not, engagement in standard deviations."""
    score = (rows["level"] - rows["level"].mean()) / rows["level"].std()
    columns = [(rows["waited"] - 60) / 30, rows["inactive"], score.fillna(0)]
    return np.column_stack(columns).astype(np.float64)


def test_exactly_ninety_accounts_pay_on_the_last_day(saas: Tables) -> None:
    rows = saas["subscriptions"]
    runs = (rows["started_on"] <= END) & ~(rows["ended_on"] <= END) & (rows["monthly_amount"] > 0)
    assert rows[runs]["account_id"].nunique() == TRUTH.paying_accounts == 90


def test_thirty_to_fifty_new_customers_a_year(saas: Tables) -> None:
    years = saas["accounts"]["signed_on"].dt.year.value_counts()
    assert years.drop(2026).between(30, 50).all()
    assert years.index.min() == TRUTH.first_day.year


def test_twelve_customers_of_the_last_quarter_of_2025_took_65_days(saas: Tables) -> None:
    accounts = first_value(saas)
    cohort = accounts[accounts["signed_on"].between("2025-10-01", "2025-12-31")]
    assert len(cohort) == TRUTH.signed_2025q4 == 12
    assert cohort["days"].notna().all()
    assert cohort["days"].mean() == TRUTH.mean_time_to_value_2025q4 == 65
    assert (cohort["value_on"] <= END).all()


def test_their_waits_by_stage(saas: Tables) -> None:
    stages = saas["onboarding"].merge(saas["accounts"][["account_id", "signed_on"]])
    stages = stages[stages["signed_on"].between("2025-10-01", "2025-12-31")]
    days = (stages["left_at"] - stages["entered_at"]).dt.days
    means = days.groupby(stages["stage"]).mean()
    assert means["contract_and_nda"] == TRUTH.mean_contract_days_2025q4 == 8
    assert means["it_access"] == TRUTH.mean_it_access_days_2025q4 == 15
    assert set(stages["stage"]) == {"contract_and_nda", "it_access", "connectors", "training"}


def test_onboarding_ends_on_the_day_of_first_value(saas: Tables) -> None:
    accounts = first_value(saas).dropna(subset=["value_on"])
    last = saas["onboarding"].groupby("account_id")["left_at"].max().dt.normalize()
    assert (last.reindex(accounts.index) == accounts["value_on"]).all()


def test_some_stages_overlap_and_some_days_belong_to_nobody(saas: Tables) -> None:
    stages = saas["onboarding"].sort_values(["account_id", "entered_at"])
    before = stages.groupby("account_id")["left_at"].shift()
    assert (before > stages["entered_at"]).sum() > 20
    assert (before < stages["entered_at"]).sum() > 20


def test_some_never_reach_value(saas: Tables) -> None:
    accounts = first_value(saas)
    gone = saas["subscriptions"].groupby("account_id")["cancelled_on"].max().notna()
    missing = accounts["value_on"].isna()
    assert 3 <= (missing & gone.reindex(accounts.index)).sum() <= 25
    assert missing[accounts["signed_on"] >= "2026-01-01"].any()


def test_planted_odds_ratios_lie_inside_their_intervals(decided: pd.DataFrame) -> None:
    rows = decided
    assert rows["lost"].sum() >= 100
    beta, error = logistic(features(rows), rows["lost"].to_numpy(dtype=float))
    truth = np.log(
        [TRUTH.odds_ratio_time_to_value, TRUTH.odds_ratio_inactive, TRUTH.odds_ratio_engagement]
    )
    assert (np.abs(beta[1:] - truth) <= 1.96 * error[1:]).all(), np.exp(beta[1:])
    assert (beta[1:3] > 3 * error[1:3]).all()


def test_without_effect_the_intervals_cover_zero(without_effect: Tables) -> None:
    rows = decisions(without_effect)
    beta, error = logistic(features(rows), rows["lost"].to_numpy(dtype=float))
    assert (np.abs(beta[1:]) <= 1.96 * error[1:]).all(), np.exp(beta[1:])


def test_money_tells_nothing_about_renewal(decided: pd.DataFrame) -> None:
    rows = decided
    own = np.column_stack([features(rows), np.log(rows["amount"])])
    beta, error = logistic(own, rows["lost"].to_numpy(dtype=float))
    assert abs(beta[-1] - np.log(TRUTH.odds_ratio_amount)) <= 1.96 * error[-1]


def test_notice_is_given_thirty_to_ninety_days_ahead(saas: Tables) -> None:
    lost = saas["subscriptions"].dropna(subset=["cancelled_on"])
    days = (lost["ended_on"] - lost["cancelled_on"]).dt.days
    assert days.between(*TRUTH.notice_days).all()
    assert (lost["ended_on"] == lost["term_ends_on"]).all()


def test_systems_alone_use_api_only_accounts(saas: Tables) -> None:
    api = saas["accounts"].query("product_type == 'api'")["account_id"]
    usage = saas["usage"]
    share = (usage["channel"] == "api").groupby(usage["account_id"]).mean()
    assert (share.reindex(api).dropna() == 1).all()
    assert (share.drop(api, errors="ignore") < 0.8).all()
    assert 0.05 < len(api) / len(saas["accounts"]) < 0.16


def test_healthy_accounts_are_rarely_silent_for_two_weeks(saas: Tables) -> None:
    days = person_days(saas).drop_duplicates(["account_id", "on"]).sort_values(["account_id", "on"])
    gaps = days.groupby("account_id")["on"].diff().dt.days.dropna()
    assert ((gaps > 14) & (gaps < 40)).mean() < 0.01


def test_connected_tools_are_an_artefact_of_survivors(saas: Tables) -> None:
    """Accounts that stayed have more tools, but at the same age leavers have as many."""
    usage = saas["usage"][saas["usage"]["event"].str.startswith("connected_")]
    accounts = saas["accounts"].query("product_type != 'api'").set_index("account_id")
    ended = (
        saas["subscriptions"].groupby("account_id")["cancelled_on"].max().reindex(accounts.index)
    )
    own = usage.assign(signed=usage["account_id"].map(accounts["signed_on"]))
    tools = own.groupby("account_id")["event"].nunique().reindex(accounts.index, fill_value=0)
    early = own[own["at"] < own["signed"] + 300 * DAY]
    early_tools = (
        early.groupby("account_id")["event"].nunique().reindex(accounts.index, fill_value=0)
    )
    old_enough = accounts["signed_on"] < END - 400 * DAY
    stayed, left = old_enough & ended.isna(), ended.notna()
    assert tools[stayed].mean() > 1.3 * tools[left].mean()
    spread = early_tools.std() * np.sqrt(1 / stayed.sum() + 1 / left.sum())
    assert abs(early_tools[stayed].mean() - early_tools[left].mean()) < 3 * spread


def test_cycles_last_six_to_eighteen_months(saas: Tables) -> None:
    won = saas["leads"].dropna(subset=["won_on"])
    days = (won["won_on"] - won["created_on"]).dt.days
    assert days.between(182, 548).all()
    assert len(won) == len(saas["accounts"])


@pytest.mark.parametrize("segment", ["enterprise", "mid_market"])
def test_no_segment_improves_but_the_mix_does(saas: Tables, segment: str) -> None:
    leads = saas["leads"][saas["leads"]["created_on"] < "2024-07-01"]
    late = leads["created_on"] >= "2021-07-01"
    won = leads["won_on"].notna()
    own = leads["segment"] == segment
    log_ratio, error = odds_ratio(won[own], late[own])
    assert abs(log_ratio) < 1.96 * error
    planted = {
        "enterprise": TRUTH.lead_conversion_enterprise,
        "mid_market": TRUTH.lead_conversion_mid_market,
    }
    assert won[own].mean() == pytest.approx(planted[segment], abs=0.02)
    share = (leads["segment"] == "enterprise").groupby(late).mean()
    assert share[True] > share[False] + 0.08


def reached(tables: Tables, state: str) -> pd.Series:
    states = tables["states"]
    return states[states["state"] == state].set_index("account_id")["entered_at"]


@pytest.mark.parametrize(
    ("name", "state", "following", "planted"),
    [
        ("executive_workshop", "opportunity", "committed", TRUTH.odds_ratio_workshop),
        ("guide_integration", "qualified", "opportunity", TRUTH.odds_ratio_guide),
        ("post_ten_trends", "engaged", "qualified", TRUTH.odds_ratio_ten_trends),
    ],
)
def test_levers_before_the_sale(
    saas: Tables, name: str, state: str, following: str, planted: float
) -> None:
    entered = reached(saas, state)
    entered = entered[entered < END - pd.Timedelta(days=500)]
    moved = pd.Series(entered.index.isin(reached(saas, following).index), index=entered.index)
    touches = saas["interactions"].query("name == @name")["account_id"]
    touched = pd.Series(entered.index.isin(touches), index=entered.index)
    log_ratio, error = odds_ratio(moved, touched)
    assert abs(log_ratio - np.log(planted)) <= 1.96 * error


def test_the_webinar_only_looks_as_if_it_worked(saas: Tables, decided: pd.DataFrame) -> None:
    rows = decided
    webinars = saas["interactions"].query("name == 'renewal_webinar'")[["account_id", "at"]]
    near = rows.reset_index().merge(webinars, on="account_id")
    ahead = (near["term_ends_on"] - near["at"]).dt.days
    invited = rows.index.isin(near[ahead.between(90, 130)]["index"])
    naive, naive_error = odds_ratio(rows["lost"], pd.Series(invited, index=rows.index))
    assert naive < -3 * naive_error
    own = np.column_stack([features(rows), invited])
    beta, error = logistic(own, rows["lost"].to_numpy(dtype=float))
    assert abs(beta[-1] - np.log(TRUTH.odds_ratio_webinar)) <= 1.96 * error[-1]


def test_lifetime_value_is_near_three_times_the_acquisition_cost(saas: Tables) -> None:
    months = pd.date_range("2024-07-01", "2026-06-01", freq="MS")
    rows = saas["subscriptions"]
    ended = rows["ended_on"].fillna(END + DAY)
    paid = [rows[(rows["started_on"] <= m) & (ended > m)]["monthly_amount"] for m in months]
    mean_amount = sum(p.sum() for p in paid) / sum(len(p) for p in paid)
    lost = rows["cancelled_on"].notna() & rows["ended_on"].between(months[0], END)
    churn = lost.sum() / (sum(len(p) for p in paid) / 12)
    lifetime_value = 12 * mean_amount * TRUTH.gross_margin / churn
    spend = (
        saas["spend"].query("purpose == 'acquisition' and month >= '2024-07-01'")["amount"].sum()
    )
    new = (saas["accounts"]["signed_on"] >= months[0]).sum()
    assert lifetime_value / (spend / new) == pytest.approx(TRUTH.clv_to_acquisition_cost, rel=0.1)


def test_margin(saas: Tables) -> None:
    months = pd.date_range("2025-07-01", "2026-06-01", freq="MS")
    rows = saas["subscriptions"]
    ended = rows["ended_on"].fillna(END + DAY)
    billed = sum(
        rows[(rows["started_on"] <= m + 14 * DAY) & (ended > m + 14 * DAY)]["monthly_amount"].sum()
        for m in months
    )
    costs = saas["costs"][saas["costs"]["month"] >= months[0]]["amount"].sum()
    assert 1 - costs / billed == pytest.approx(TRUTH.gross_margin, abs=0.01)


def baskets(tables: Tables) -> pd.DataFrame:
    lines = tables["order_lines"]
    lines = lines.assign(amount=lines["quantity"] * lines["unit_price"],
                         listed=lines["quantity"] * lines["list_price"])  # fmt: skip
    sums = lines.groupby("order_id")[["quantity", "amount", "listed"]].sum()
    return tables["orders"].join(sums, on="order_id")


def test_baskets_grow_by_price_and_not_by_items(wholesale: Tables) -> None:
    orders = baskets(wholesale)[lambda rows: ~rows["booking"]]
    year = orders["ordered_at"].dt.year
    items = orders["quantity"].groupby(year).mean()
    assert (items / items.mean()).between(0.93, 1.07).all()
    products = wholesale["order_lines"].merge(orders[["order_id", "ordered_at"]])
    listed = products.groupby(["product_id", products["ordered_at"].dt.year])["list_price"].first()
    rise = listed.unstack().pct_change(axis="columns").stack()
    assert rise.median() == pytest.approx(TRUTH.price_growth, abs=0.001)


def test_booking_moves_more_than_it_adds(wholesale: Tables) -> None:
    """The season loses, by accounts that book, what booking brings times the planted share."""
    orders = baskets(wholesale)
    booked = orders[orders["booking"]]
    assert (booked["deliver_on"] - booked["ordered_at"].dt.normalize()).dt.days.min() >= 55
    per_unit = (
        orders["freight"].groupby(orders["booking"]).sum()
        / orders["quantity"].groupby(orders["booking"]).sum()
    )
    assert per_unit[True] < 0.7 * per_unit[False]
    discount = (
        1
        - orders["amount"].groupby(orders["booking"]).sum()
        / orders["listed"].groupby(orders["booking"]).sum()
    )
    assert discount[True] > discount[False] + 0.04
    books = orders["account_id"].isin(booked["account_id"])
    month, year = orders["ordered_at"].dt.month, orders["ordered_at"].dt.year
    season = month.isin([9, 10, 11]) & ~orders["booking"]
    change = {
        flag: orders[season & (books == flag) & (year == 2025)]["quantity"].sum()
        / orders[season & (books == flag) & (year == 2023)]["quantity"].sum()
        for flag in (True, False)
    }
    assert change[True] < 0.75 * change[False]


def test_booked_quantities_hold_a_fifth_that_was_added(wholesale: Tables) -> None:
    """Articles come in fours; a booked line holds five for every four that were moved in time."""
    booked = wholesale["orders"][wholesale["orders"]["booking"]]["order_id"]
    lines = wholesale["order_lines"]
    of_booked = lines["order_id"].isin(booked)
    assert (lines[~of_booked]["quantity"] % 4 == 0).all()
    assert (lines[of_booked]["quantity"] % 5 == 0).all()
    assert pytest.approx(4 / 5) == TRUTH.booking_moved_share


def test_causes_of_lost_carts(wholesale: Tables) -> None:
    carts = wholesale["carts"].assign(left=lambda rows: rows["order_id"].isna())
    views = wholesale["page_views"].sort_values("at")
    missing = views[views["in_stock"].eq(False)]["session_id"]
    last = views.groupby("session_id")["page"].last()
    left = carts[carts["left"]]
    error = np.sqrt(0.25 / len(left))
    assert left["session_id"].isin(missing).mean() == pytest.approx(
        TRUTH.stock_out_share, abs=2 * error
    )
    delivery = left["session_id"].map(last).eq("delivery_cost").mean()
    assert delivery == pytest.approx(TRUTH.delivery_cost_share, abs=2 * error)
    assert carts[~carts["left"]]["session_id"].isin(missing).mean() < 0.12
    assert carts["left"].mean() == pytest.approx(0.42, abs=0.03)


def test_the_shop_brings_no_new_customer(wholesale: Tables) -> None:
    orders = wholesale["orders"].join(
        wholesale["accounts"].set_index("account_id")["signed_on"], on="account_id"
    )
    assert (orders["ordered_at"] > orders["signed_on"]).all()
    assert "leads" not in wholesale
