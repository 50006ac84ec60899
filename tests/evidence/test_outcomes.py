"""What became of an account, from its price periods alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from kpi_lib.evidence.finding import Settings
from kpi_lib.evidence.outcomes import (
    History,
    amounts_on,
    history,
    history_of,
    last_outcome,
    net_change,
    notice_known,
)
from kpi_lib.schema import OPEN_END
from tests.evidence.worlds import LAST_DAY, Plan, World, contract_rows, drawn, table


def row(
    started: date, ended: date = OPEN_END, *, term: date, account: str = "a",
    cancelled: date | None = None, amount: float = 100.0,
) -> dict[str, Any]:  # fmt: skip
    return {
        "subscription_id": f"{account}-{started}", "account_id": account, "started_on": started,
        "ended_on": ended, "cancelled_on": cancelled, "term_ends_on": term, "monthly_amount": amount,
    }  # fmt: skip


def past(*rows: dict[str, Any], as_of: date = LAST_DAY) -> History:
    return history_of(contract_rows(list(rows)), as_of)


def decisions(found: History) -> list[tuple[date, date, bool]]:
    frame = found.decisions
    days = zip(frame["decision_on"].dt.date, frame["acted_on"].dt.date, strict=True)
    return [
        (on, acted, bool(lost)) for (on, acted), lost in zip(days, frame["is_lost"], strict=True)
    ]


START, YEAR_1, YEAR_2 = date(2023, 1, 1), date(2024, 1, 1), date(2025, 1, 1)


def test_a_term_that_goes_on_is_a_renewal() -> None:
    found = past(row(START, YEAR_1, term=YEAR_1), row(YEAR_1, term=date(2026, 1, 1)))
    assert decisions(found) == [(YEAR_1, YEAR_1, False)]


def test_a_term_that_is_not_followed_is_a_loss_and_counts_from_its_notice() -> None:
    told = date(2023, 10, 15)
    found = past(row(START, YEAR_1, term=YEAR_1, cancelled=told))
    assert decisions(found) == [(YEAR_1, told, True)]
    assert found.losses == 1


def test_leaving_before_the_term_ends_is_one_loss() -> None:
    left = date(2023, 6, 1)
    assert decisions(past(row(START, left, term=YEAR_1))) == [(left, left, True)]


def test_a_change_of_price_within_a_term_is_no_decision() -> None:
    changed = date(2023, 5, 1)
    found = past(row(START, changed, term=YEAR_1), row(changed, YEAR_1, term=YEAR_1, amount=120.0))
    assert decisions(found) == [(YEAR_1, YEAR_1, True)]


def test_an_end_written_as_the_last_paid_day_or_the_day_after_is_the_same_loss() -> None:
    found = past(row(START, YEAR_1, term=date(2023, 12, 31)))
    assert decisions(found) == [(YEAR_1, YEAR_1, True)]


@pytest.mark.parametrize(
    ("gap_from", "lost"), [(date(2024, 1, 20), False), (date(2024, 5, 1), True)]
)
def test_a_late_signature_is_a_renewal_and_a_return_is_not(gap_from: date, lost: bool) -> None:
    found = past(row(START, YEAR_1, term=YEAR_1), row(gap_from, term=date(2026, 5, 1)))
    assert decisions(found)[0] == (YEAR_1, YEAR_1, lost)
    assert found.decisions["first_paid_on"].dt.date.unique().tolist() == [START]


def test_a_recent_end_without_notice_is_not_settled_within_the_grace_days() -> None:
    end = date(2025, 12, 15)
    assert past(row(START, end, term=end)).losses == 0
    assert past(row(START, end, term=end, cancelled=date(2025, 11, 1))).losses == 1


def test_renewed_accounts_are_taken_at_the_distance_at_which_lost_ones_give_notice() -> None:
    lost = row(START, YEAR_1, term=YEAR_1, cancelled=date(2023, 11, 2), account="b")
    found = past(lost, row(START, YEAR_1, term=YEAR_1), row(YEAR_1, term=date(2026, 1, 1)))
    assert found.notice_days == 60
    assert (YEAR_1, date(2023, 11, 2), False) in decisions(found)


def test_nothing_that_comes_later_is_a_decision() -> None:
    assert decisions(past(row(START, term=date(2026, 6, 1)))) == []
    ends_later = row(START, date(2026, 6, 1), term=date(2026, 6, 1), cancelled=date(2025, 12, 1))
    assert decisions(past(ends_later)) == []


def test_the_same_from_a_data_set_as_from_its_rows_and_free_periods_do_not_count() -> None:
    rows = [row(START, YEAR_1, term=YEAR_1), row(YEAR_1, YEAR_2, term=YEAR_2, amount=0.0)]
    tables = World({"subscriptions": table("subscriptions", rows)}).as_of(LAST_DAY)
    assert decisions(history(tables)) == [(YEAR_1, YEAR_1, True)]


def test_no_rows_give_no_decisions() -> None:
    found = past()
    assert found.decisions.empty
    assert (found.losses, found.notice_days) == (0, 0)


def asked(*days: date, account: str = "a") -> pd.DataFrame:
    on = pd.to_datetime(list(days)).astype("datetime64[us]")
    return pd.DataFrame({"account_id": [account] * len(days), "on": on})


def test_what_was_known_of_an_account_on_a_day() -> None:
    told = date(2024, 11, 1)
    found = past(
        row(START, YEAR_1, term=YEAR_1),
        row(YEAR_1, YEAR_2, term=YEAR_2, cancelled=told, amount=90.0),
    )
    days = asked(date(2023, 6, 30), date(2024, 6, 30), date(2024, 11, 30), date(2025, 6, 30))
    assert amounts_on(found.rows, days).tolist() == [100.0, 90.0, 90.0, 0.0]
    assert notice_known(found.rows, days).tolist() == [False, False, True, False]
    known = last_outcome(found.decisions, days)
    assert known["renewed_before"].tolist() == [0.0, 1.0, 1.0, 0.0]
    assert known["lost_before"].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_the_net_change_of_revenue_counts_losses_and_new_prices() -> None:
    found = past(
        row(START, YEAR_1, term=YEAR_1),
        row(YEAR_1, YEAR_2, term=YEAR_2, amount=130.0),
    )
    on = asked(date(2023, 6, 30), date(2024, 6, 30), date(2025, 6, 30))
    decided = pd.to_datetime([YEAR_1, YEAR_2, YEAR_2]).astype("datetime64[us]")
    changes = net_change(found, on.assign(decision_on=decided))
    assert changes.iloc[:2].tolist() == pytest.approx([0.3, -1.0])
    assert pd.isna(changes.iloc[2])


@tried(max_examples=15)
@given(seed=st.integers(0, 200), accounts=st.integers(1, 30))
def test_every_account_is_lost_at_most_once_a_spell_and_decisions_lie_in_the_past(
    seed: int, accounts: int
) -> None:
    _, contracts, _ = drawn(Plan(seed=seed, accounts=accounts, years=4))
    found = history_of(contract_rows(contracts), LAST_DAY, Settings()).decisions
    assert (found["decision_on"] <= pd.Timestamp(LAST_DAY)).all()
    assert (found["acted_on"] <= found["decision_on"]).all()
    assert (found["spell_from"] < found["decision_on"]).all()
    assert not found[found["is_lost"]].duplicated(["account_id", "spell_from"]).any()


@tried(max_examples=10)
@given(seed=st.integers(0, 50))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    _, contracts, _ = drawn(Plan(seed=seed, accounts=8))
    frame = contract_rows(contracts)
    shuffled = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    one, two = (history_of(rows, LAST_DAY).decisions for rows in (frame, shuffled))
    pd.testing.assert_frame_equal(one, two)
