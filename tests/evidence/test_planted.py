"""The truth planted in the sample is recovered by the tests, through the whole of the engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from data.sample.generator.truth import TRUTH
from data.sample.make import make
from kpi_lib.data import open_dataset
from kpi_lib.data.dataset import Dataset
from kpi_lib.evidence.finding import DEFAULTS, Finding
from kpi_lib.evidence.leading import leading
from kpi_lib.evidence.outcomes import history
from kpi_lib.kpis import gross_revenue, inactive_customers, time_to_value

pytestmark = pytest.mark.slow

QUICK = replace(DEFAULTS, draws=500)
PLANTED_MONTHS = tuple(days / 30.4 for days in TRUTH.quiet_days_ahead)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return made(tmp_path_factory.mktemp("with_effect"), effect=1)


@pytest.fixture(scope="module")
def without_effect(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return made(tmp_path_factory.mktemp("without_effect"), effect=0)


def made(folder: Path, *, effect: float) -> Dataset:
    make(folder, effect=effect)
    return open_dataset(folder / "saas")


@pytest.fixture(scope="module")
def wholesale(sample: Dataset) -> Dataset:
    return open_dataset(sample.folder.parent / "wholesale")


@pytest.fixture(scope="module")
def inactive(sample: Dataset) -> Finding:
    return leading(inactive_customers.KPI, sample, inactive_customers.KPI.Params(), QUICK)


def test_inactivity_leads_by_the_planted_four_to_six_months(inactive: Finding) -> None:
    assert inactive.passed is True, inactive.headline
    low, high = inactive.numbers["lead_low"], inactive.numbers["lead_high"]
    assert low <= PLANTED_MONTHS[0]
    assert high >= PLANTED_MONTHS[1] - 0.1


def test_going_quiet_is_not_seen_before_it_begins(inactive: Finding) -> None:
    """Nine months ahead is left out: there, accounts are quiet because they never started."""
    auc = inactive.numbers["auc"]
    assert auc["6"] < auc["3"] - 0.05


def test_time_to_value_leads_all_the_way(sample: Dataset) -> None:
    finding = leading(time_to_value.KPI, sample, time_to_value.KPI.Params(), QUICK)
    assert finding.passed is True, finding.headline
    assert finding.numbers["lead_high"] == max(QUICK.leads)


def test_gross_revenue_does_not_lead(sample: Dataset) -> None:
    finding = leading(gross_revenue.KPI, sample, gross_revenue.KPI.Params(), QUICK)
    assert finding.passed is not True, finding.headline


def test_gross_revenue_does_not_tell_who_orders_again(wholesale: Dataset) -> None:
    kpi = gross_revenue.KPI
    finding = leading(kpi, wholesale, kpi.Params(), QUICK)
    assert finding.passed is False, finding.headline
    assert finding.table["auc"].notna().all()
    assert "silences" in finding.headline


def test_revenue_follows_inactivity(inactive: Finding) -> None:
    """The second outcome: inactive accounts shrink, and a renewal makes none of them grow."""
    row = inactive.table[inactive.table["lead_months"] == 3].iloc[0]
    assert 0 < row["revenue_rho_low"] < row["revenue_rho"] < row["revenue_rho_high"]


def test_without_the_planted_effect_inactivity_does_not_lead(without_effect: Dataset) -> None:
    kpi = inactive_customers.KPI
    finding = leading(kpi, without_effect, kpi.Params(), QUICK)
    assert finding.passed is not True, finding.headline


def test_notice_is_given_as_long_before_the_end_as_planted(sample: Dataset) -> None:
    past = history(sample.as_of(sample.last_day))
    lost = past.decisions[past.decisions["notice_on"].notna()]
    days = (lost["decision_on"] - lost["notice_on"]).dt.days
    assert days.between(*TRUTH.notice_days).all()
    assert past.losses >= QUICK.least_losses
