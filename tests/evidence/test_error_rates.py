"""The simulated companies hold the truth they claim, and their quick judge is the workbook's own."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist, mean

import numpy as np
import pytest
from scipy.stats import binom, mannwhitneyu

from benchmarks.planted.cards import CARDS
from benchmarks.planted.checked import differences
from benchmarks.planted.company import (
    KINDS,
    MONTH_ENDS,
    NO_DAY,
    TERM,
    Company,
    Flags,
    Plan,
    simulate,
)
from benchmarks.planted.judged import judges
from benchmarks.planted.rates import goals, limits, table
from benchmarks.verdicts import QUICK, done_in
from kpi_lib.evidence.verdict import concluded

FALSE_SPELL = 1 - 0.99**3
"""Chance that an account is in a spell of three months that begins in one month of a hundred."""


@pytest.fixture(scope="module")
def large() -> Company:
    return simulate(Plan(per_quarter=3000, seed=5, least_drop=1.3, largest_drop=1.3))


def chance_below(company: Company, kind: str, ahead: tuple[int, int]) -> float:
    """Chance that who gives notice so many days later uses a feature less than who never does.

    Within the same month, ties counting one half, then averaged over months.
    """
    found = []
    for month in range(14, 33):
        uses, pays = company.uses[kind][:, month], company.paying[:, month]
        days = company.notice - MONTH_ENDS[month]
        lost = pays & (days >= ahead[0]) & (days <= ahead[1])
        kept = pays & (company.notice == NO_DAY)
        wins = float(mannwhitneyu(uses[kept], uses[lost]).statistic)
        found.append(wins / float(lost.sum() * kept.sum()))
    return mean(found)


@pytest.mark.parametrize("kind", ["leads", "gamed"])
def test_a_leading_kpi_is_as_discriminating_as_its_drop_says(large: Company, kind: str) -> None:
    """A mixture of two normals, one `drop` lower: quiet or in a false spell, against the same."""
    drops = NormalDist().cdf(large.drop / 2**0.5)
    quiet = 0.75 + 0.25 * FALSE_SPELL
    expected = quiet * (1 - FALSE_SPELL) * drops + (1 - quiet) * FALSE_SPELL * (1 - drops)
    expected += (quiet * FALSE_SPELL + (1 - quiet) * (1 - FALSE_SPELL)) / 2
    assert chance_below(large, kind, (91, 121)) == pytest.approx(expected, abs=0.02)


def test_a_leading_kpi_says_nothing_a_year_ahead(large: Company) -> None:
    assert chance_below(large, "leads", (300, 360)) == pytest.approx(0.5, abs=0.02)


def test_a_lagging_kpi_falls_only_after_the_decision(large: Company) -> None:
    assert chance_below(large, "lags", (41, 121)) == pytest.approx(0.5, abs=0.02)
    assert chance_below(large, "lags", (-30, 0)) > 0.9


def test_noise_is_noise(large: Company) -> None:
    assert chance_below(large, "noise", (-30, 121)) == pytest.approx(0.5, abs=0.02)


def test_a_survivor_kpi_looks_as_if_it_told_who_leaves(large: Company) -> None:
    assert chance_below(large, "survivor", (91, 121)) > 0.55


def test_a_survivor_kpi_tells_nothing_among_accounts_of_one_age(large: Company) -> None:
    month = 30
    lived = month - large.started + 1
    wins = []
    for age in range(1, TERM + 1):
        of_age = large.paying[:, month] & (lived == age)
        leaves = large.stopped == large.started + TERM
        uses = large.uses["survivor"][:, month]
        lost, kept = of_age & leaves, of_age & ~leaves
        statistic = mannwhitneyu(uses[kept], uses[lost]).statistic
        wins.append(statistic / (lost.sum() * kept.sum()))
    assert mean(wins) == pytest.approx(0.5, abs=0.02)


def test_first_terms_are_lost_most(large: Company) -> None:
    terms = large.terms
    first = terms.start == large.started[terms.account]
    assert share(terms.is_lost, first) > 2 * share(terms.is_lost, ~first)


def share(lost: Flags, chosen: Flags) -> float:
    return float(np.mean(lost[chosen]))


def test_a_number_of_a_company_is_that_company_again() -> None:
    one, again, other = (simulate(Plan(12, seed)) for seed in (3, 3, 4))
    for kind in KINDS:
        np.testing.assert_array_equal(one.uses[kind], again.uses[kind])
    assert not np.array_equal(one.amount, other.amount)


@pytest.mark.slow
def test_the_quick_judge_finds_what_the_whole_machinery_finds(tmp_path: Path) -> None:
    """Written out as tables, opened as a data set, and judged in the engine."""
    assert differences(Plan(8, seed=2), tmp_path, ("leads", "gamed")) == []


def test_tests_left_out_change_no_verdict() -> None:
    companies = [simulate(Plan(size, seed)) for size, seed in ((12, 1), (12, 2), (48, 3))]
    for judge in judges(companies, QUICK):
        for kind in KINDS:
            full = concluded(CARDS[kind], judge.findings(kind))
            assert judge.verdict(kind).suggestion == full.suggestion


def test_companies_judged_together_are_judged_as_alone() -> None:
    companies = [simulate(Plan(12, seed)) for seed in (1, 2)]
    for together, company in zip(judges(companies, QUICK), companies, strict=True):
        (alone,) = judges([company], QUICK)
        one, other = (judge.find("leading", "leads") for judge in (together, alone))
        assert one.headline == other.headline


def test_limits_are_those_of_clopper_and_pearson() -> None:
    """At the lower limit so many or more have the chance 2.5 %, at the upper one so many or fewer."""
    assert limits(0, 1000) == pytest.approx((0, 1 - 0.025 ** (1 / 1000)))
    low, high = limits(5, 40)
    assert binom.sf(4, 40, low) == pytest.approx(0.025)
    assert binom.cdf(5, 40, high) == pytest.approx(0.025)


def test_rates_are_counted_by_company() -> None:
    said = [(12, seed, kind, "drop") for seed in range(4) for kind in KINDS]
    said[2] = (12, 0, "noise", "adopt")
    said[4] = (12, 0, "survivor", "adopt")
    said[5] = (12, 1, "leads", "adopt")
    assert "| 12 | noise | 4 | 25.0 (0.6 to 80.6) | 0.0" in table(said)
    told = goals(said)
    assert "25.0 (0.6 to 80.6) % of the worst kind (noise)" in told
    assert "25.0 (0.6 to 80.6) % with any of the four" in told
    assert "true adopts 25.0" in told
    assert "false drops 75.0" in told


def test_a_run_that_was_ended_forgets_the_company_it_was_at(tmp_path: Path) -> None:
    whole = "".join(f"12,0,{kind},drop\n" for kind in KINDS)
    file = tmp_path / "verdicts.csv"
    file.write_text(whole + "12,1,leads,adopt\n12,1,la")
    assert done_in(file) == [(12, 0, kind, "drop") for kind in KINDS]
    assert done_in(tmp_path / "none.csv") == []
