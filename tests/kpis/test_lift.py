"""Lift: by hand in towns of a few accounts, identities, placebos, thin data, bad parameters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kpi_lib.customers.growth import lift, lift_parts
from kpi_lib.customers.growth.lift_rules import MOVES
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.kpis.lift import KPI, Params
from kpi_lib.measure import behind, measure, part
from kpi_lib.schema import Tables

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "saas"
DAY = date(2026, 1, 1)
AS_OF = date(2026, 6, 30)
MONTH = 365.25 / 12
ASKED = Params(horizon_days=60, periods=2)
PAID = 53
"""Touched on the 3rd, so the landmark is day 3 and the window ends on day 63; contracts begin on day 10."""


@cache
def sample() -> Tables:
    return open_dataset(SAMPLE).as_of()


def town(
    exposed: Sequence[float],
    others: Sequence[float],
    *,
    before: Sequence[float] = (),
    cost: float = 0.0,
    as_of: date = AS_OF,
    **also: list[dict[str, Any]],
) -> Tables:
    """Accounts that enter a state on 1 January and sign on the 11th for so much a month; the first are touched.

    `before`: what each paid a month in the half year before.
    """
    amounts = [*exposed, *others]
    names = [f"a{place:03}" for place in range(len(amounts))]
    contracts = [
        contract(who, "", 10, None, paid) for who, paid in zip(names, amounts, strict=True)
    ]
    contracts += [
        contract(who, "-old", -200, 0, paid) for who, paid in zip(names, before, strict=False)
    ]
    tables = {
        "states": [{"account_id": who, "state": "engaged", "entered_at": DAY} for who in names],
        "interactions": [touch(who, cost=cost) for who in names[: len(exposed)]],
        "subscriptions": [row for row in contracts if row["monthly_amount"]],
    }
    return small_company(as_of, **(tables | also))


def contract(who: str, mark: str, since: int, until: int | None, paid: float) -> dict[str, Any]:
    ended = None if until is None else DAY + timedelta(days=until)
    row = {"subscription_id": who + mark, "account_id": who, "monthly_amount": paid}
    return row | {"started_on": DAY + timedelta(days=since), "ended_on": ended}


def touch(who: str, **other: Any) -> dict[str, Any]:
    row = {"interaction_id": f"t-{who}", "account_id": who, "at": date(2026, 1, 3)}
    return row | {"lever": "content", "name": "guide"} | other


def told(tables: Tables, name: str = "by_lever", **params: Any) -> Any:
    """The only row of a part."""
    frame = part(KPI, tables, ASKED.model_copy(update=params), name)
    assert len(frame) == 1
    return frame.iloc[0]


def seen(tables: Tables, **params: Any) -> Any:
    """The money seen with the only lever there is."""
    rule = ASKED.model_copy(update=params)
    return lift_parts.lifts(tables, rule, "observed", ("lever",))[("guide",)]


def test_by_hand() -> None:
    """Ten pay 200 a month and cost 30 of goods and 7 of touches, twelve pay 50: 53 days of the window are paid."""
    goods = [
        {"account_id": f"a{place:03}", "month": date(2026, 2, 1), "kind": "goods", "amount": 30.0}
        for place in range(10)
    ]
    tables = town([200.0] * 10, [50.0] * 12, cost=7.0, costs=goods)
    wanted = 150.0 * PAID / MONTH - 30 - 7
    found = told(tables)
    assert found["observed"] == pytest.approx(wanted)
    assert (found["exposed"], found["comparable"]) == (10, 12)
    assert measure(KPI, tables, ASKED).headline.value == pytest.approx(wanted)


def test_orders_are_money_too_and_cancelled_ones_are_not() -> None:
    names = [f"a{place:03}" for place in range(20)]
    orders = [
        {"order_id": f"{who}-{kind}", "account_id": who, "ordered_at": date(2026, 1, 20)}
        | {"cancelled_on": date(2026, 1, 25) if kind else None}
        for who in names[:10]
        for kind in (0, 1)
    ]
    lines = [
        {"order_id": row["order_id"], "line_no": 1, "quantity": 2.0, "unit_price": 15.0}
        for row in orders
    ]
    tables = small_company(
        AS_OF,
        states=[{"account_id": who, "state": "engaged", "entered_at": DAY} for who in names],
        interactions=[touch(who, cost=4.0) for who in names[:10]],
        orders=orders,
        order_lines=lines,
    )
    found = told(tables)
    assert found["observed"] == pytest.approx(30 - 4)
    assert np.isnan(found["projected"])


MONEY = st.lists(st.integers(0, 900).map(float), min_size=10, max_size=14)


@settings(max_examples=5, deadline=None)
@given(amounts=MONEY)
def test_exposed_like_comparable_gives_nothing(amounts: list[float]) -> None:
    found = seen(town(amounts, amounts))
    assert found.value == pytest.approx(0, abs=1e-9)
    assert found.low <= 1e-9 and found.high >= -1e-9  # noqa: PT018


@settings(max_examples=5, deadline=None)
@given(exposed=MONEY, others=MONEY, more=st.integers(1, 500))
def test_what_all_get_leaves_lift_and_what_the_exposed_get_raises_it(
    exposed: list[float], others: list[float], more: int
) -> None:
    base = seen(town(exposed, others)).value
    richer = [x + more for x in exposed]
    everybody = town(richer, [x + more for x in others])
    assert seen(everybody).value == pytest.approx(base, abs=1e-6)
    assert seen(town(richer, others)).value == pytest.approx(base + more * PAID / MONTH, abs=1e-6)
    plain = (np.mean(exposed) - np.mean(others)) * PAID / MONTH
    assert base == pytest.approx(plain, abs=1e-6)


def test_money_before_takes_off_what_was_there_already() -> None:
    """Each pays afterwards twice what it paid before; those exposed paid more before, and nothing is left."""
    before = [float(100 + 7 * place) for place in range(24)]
    tables = town(
        [2 * x for x in before[12:]], [2 * x for x in before[:12]], before=before[12:] + before[:12]
    )
    assert seen(tables).value == pytest.approx(0, abs=1e-6)
    assert seen(tables, adjust="nothing").value == pytest.approx(2 * 84 * PAID / MONTH)


def test_a_lever_that_went_to_anybody_is_flat_before() -> None:
    both = [float(100 + 7 * place) for place in range(12)]
    tables = town(both, both, before=both + both)
    found = told(tables, "placebo")
    assert found["money_before"] == pytest.approx(0, abs=1e-9)
    assert found["differs"] == "no"
    assert told(tables)["reading"] == "no difference to be seen"


def test_a_lever_that_went_to_those_who_paid_more_is_chosen() -> None:
    """60 days before the state, 500 a month more than the others."""
    low = [float(100 + 7 * place) for place in range(12)]
    high = [x + 500 for x in low]
    tables = town(high, low, before=high + low)
    found = told(tables, "placebo")
    assert found["money_before"] == pytest.approx(500 * 60 / MONTH)
    assert found["differs"] == "yes"
    assert told(tables)["reading"].startswith("chosen")


def test_without_money_before_the_placebo_cannot_be_told() -> None:
    assert told(town([90.0] * 10, [10.0] * 10), "placebo")["differs"] == "cannot be told"


@pytest.mark.parametrize(
    ("exposed", "others", "said"),
    [
        (9, 12, "9 exposed with comparable accounts; it takes 10"),
        (12, 9, "9 comparable accounts; it takes 10"),
    ],
)
def test_thin_levers_have_no_lift_and_say_why(exposed: int, others: int, said: str) -> None:
    found = told(town([90.0] * exposed, [10.0] * others))
    assert np.isnan(found["observed"])
    assert found["reading"] == f"cannot be told: {said}"


def test_windows_that_are_still_open_count_for_nothing() -> None:
    """The window of 60 days ends on 5 March."""
    for day, rows in ((date(2026, 3, 4), 0), (date(2026, 3, 5), 20)):
        tables = town([90.0] * 10, [10.0] * 10, as_of=day)
        assert len(run(lift.units(tables, ASKED))) == rows


def test_accounts_without_comparable_ones_are_left_out() -> None:
    """Two in a segment of their own are touched, and nobody else of it is there."""
    who = [{"account_id": f"a{n:03}", "segment": "large" if n < 2 else "small"} for n in range(24)]
    tables = town([900.0] * 2 + [90.0] * 10, [10.0] * 12, accounts=who)
    found = seen(tables)
    assert found.exposed == 10
    assert found.value == pytest.approx(80 * PAID / MONTH)


def test_places_by_volume_and_by_lift() -> None:
    """The mail goes out three times as often as the guide, to others; only the guide goes with money."""
    mails = [
        touch(f"a{place:03}", interaction_id=f"m{place}-{again}", lever="channel", name="mail")
        for place in range(10, 21)
        for again in range(3)
    ]
    guides = [touch(f"a{place:03}") for place in range(10)]
    tables = town([90.0] * 10, [10.0] * 22, interactions=[*guides, *mails])
    found = part(KPI, tables, ASKED, "ranks").set_index("lever")
    assert found["touches"].to_dict() == {"guide": 10, "mail": 33}
    assert found["by_volume"].to_dict() == {"guide": 2, "mail": 1}
    assert found["by_lift"].to_dict() == {"guide": 1, "mail": 2}
    mean_of_rest = (10 * 90.0 + 11 * 10.0) / 21
    assert found.loc["mail", "observed"] == pytest.approx((10 - mean_of_rest) * PAID / MONTH)
    assert found["unstable"].to_dict() == {"guide": "", "mail": ""}


def test_a_place_that_the_intervals_leave_open_is_said_to_be_unstable() -> None:
    """Two levers go to accounts that pay now this and now that: neither place is to be built on."""
    amounts = [float(10 + 40 * (place % 3)) for place in range(20)]
    mails = [
        touch(f"a{place:03}", interaction_id=f"m{place}", lever="channel", name="e_mail")
        for place in range(10, 20)
    ]
    guides = [touch(f"a{place:03}") for place in range(10)]
    tables = town(amounts[:10], amounts[10:] + amounts, interactions=[*guides, *mails])
    found = part(KPI, tables, ASKED, "ranks").set_index("lever")
    assert set(found.index) == {"guide", "e mail"}
    assert set(found["unstable"]) == {"place 1 to 2 by the intervals; interval spans zero"}


def test_effort_and_result_by_the_role_of_the_person() -> None:
    """Sponsors are touched in ten accounts that pay 90, administrators in eleven that pay 10."""
    people = [
        {"contact_id": f"p{n}", "account_id": f"a{n:03}", "role": "sponsor" if n < 10 else "admin"}
        for n in range(21)
    ]
    calls = [touch(f"a{n:03}", contact_id=f"p{n}") for n in range(21)]
    tables = town([90.0] * 10, [10.0] * 22, contacts=people, interactions=calls)
    found = part(KPI, tables, ASKED, "by_role").set_index("role")
    assert found["touches"].to_dict() == {"sponsor": 10, "admin": 11}
    of_the_rest = {"sponsor": 10.0, "admin": (10 * 90.0 + 11 * 10.0) / 21}
    for role, paid in (("sponsor", 90.0), ("admin", 10.0)):
        wanted = (paid - of_the_rest[role]) * PAID / MONTH
        assert found.loc[role, "observed"] == pytest.approx(wanted)


def test_each_account_s_money_is_seen_plus_expected() -> None:
    rows = run(lift.units(sample(), Params()))
    known = rows.dropna(subset=["projected"])
    assert len(known) == len(rows) > 1_000
    assert np.allclose(known["observed"] + known["projected"], known["whole"])
    assert (known["projected"] >= 0).all()


def test_the_comparable_ones_add_nothing_but_uncertainty() -> None:
    """Their distances from their own mean sum to 0 in each stratum; the weights are the exposed."""
    for adjust in ("nothing", "money before"):
        rows = run(lift.matched(lift.units(sample(), Params()), "whole", adjust))
        others = rows[rows["exposed"] == 0]
        sums = others.groupby(list(lift.STRATUM))["value"].sum()
        assert len(sums) > 50
        assert np.allclose(sums, 0, atol=1e-6)
        assert rows["weight"].sum() == (rows["exposed"] == 1).sum()


@pytest.mark.parametrize("segment", ["lever", "state", "fit"])
def test_segments_split_the_same_rows(segment: str) -> None:
    asked = Params(periods=12)
    whole, split = (
        run(KPI.observe(sample(), asked.model_copy(update={"segment": one})))
        for one in ("", segment)
    )
    assert split["segment"].nunique() > 1
    for column in ("value", "weight"):
        assert split[column].sum() == pytest.approx(whole[column].sum())
    assert len(split) == len(whole)


def test_contact_and_account_view_of_the_touches_agree() -> None:
    people, accounts = part(KPI, sample(), Params(), "people"), behind(KPI, sample(), Params())
    assert people["touches"].sum() == pytest.approx(accounts["touches"].sum())
    by_account = people.groupby("account_id")["touches"].sum()
    of_accounts = accounts.set_index("account_id")["touches"]
    pd.testing.assert_series_equal(by_account, of_accounts[by_account.index])


@pytest.mark.parametrize("lever", ["", "guide_integration"])
def test_lift_by_account_and_by_person_adds_up_to_the_headline(lever: str) -> None:
    """Of all periods shown, for the money seen, the money expected and both."""
    asked = Params(lever=lever, periods=12)
    accounts, people = (part(KPI, sample(), asked, name) for name in ("by_account", "by_person"))
    for counts in ("observed", "whole"):
        rows = run(KPI.observe(sample(), asked.model_copy(update={"counts": counts})))
        assert accounts[counts].sum() == pytest.approx(rows["value"].sum())
        assert people[counts].sum() == pytest.approx(rows["value"].sum())
        assert accounts["exposures"].sum() == rows["weight"].sum()
    for frame in (accounts, people):
        both = frame["observed"] + frame["projected"]
        assert np.allclose(both, frame["whole"])
    of_people = people.groupby("account_id")["observed"].sum()
    of_accounts = accounts.set_index("account_id")["observed"]
    np.testing.assert_allclose(of_people.reindex(of_accounts.index), of_accounts, atol=1e-6)
    assert len(people) >= len(accounts)


def test_what_an_exposure_is_worth_is_shared_among_its_touches() -> None:
    """Ten pay 90, twelve 10; the first account is touched three times, twice one person."""
    calls = [touch(f"a{place:03}", contact_id=f"p{place}") for place in range(10)]
    more = [("one", "p0"), ("two", "other")]
    calls += [touch("a000", interaction_id=name, contact_id=who) for name, who in more]
    tables = town([90.0] * 10, [10.0] * 12, interactions=calls)
    found = part(KPI, tables, ASKED, "by_person").set_index("contact_id")
    each = 80 * PAID / MONTH
    assert found.loc["p0", "observed"] == pytest.approx(each * 2 / 3)
    assert found.loc["other", "observed"] == pytest.approx(each / 3)
    assert found.loc["p1", "observed"] == pytest.approx(each)


def test_forgotten_failures_are_seen_in_the_books() -> None:
    """Of the touches of the last year, those to accounts without a contract are counted here again."""
    touches = run(sample()["interactions"])
    touches = touches[touches["at"] >= pd.Timestamp(2025, 7, 1)]
    paid = set(run(sample()["subscriptions"])["account_id"])
    before = part(KPI, sample(), Params(), "books")["unpaid_share"].item()
    assert before == pytest.approx(1 - touches["account_id"].isin(paid).mean())
    edited = MOVES[0].edit(sample(), Params())
    assert part(KPI, edited, Params(), "books")["unpaid_share"].item() == 0
    assert before > 0.1


@pytest.mark.parametrize(
    "bad",
    [
        {"horizon_days": 0},
        {"counts": "everything"},
        {"adjust": "weather"},
        {"lever_by": "colour"},
        {"landmark_share": 0},
        {"landmark_share": 1.1},
        {"margin_share": 0},
        {"placebo_level": 1},
        {"draws": 5},
        {"discount_rate": 0},
        {"leaver": "guide"},
    ],
)
def test_parameters_out_of_bounds_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Params(**bad)


def test_a_lever_by_name_is_judged_alone() -> None:
    rows = run(KPI.observe(sample(), Params(lever="guide_integration", segment="lever")))
    assert set(rows["segment"]) == {"guide integration"}
    assert run(KPI.observe(sample(), Params(lever="unheard of"))).empty
