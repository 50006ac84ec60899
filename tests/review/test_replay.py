"""`kpi replay` on the sample: real leavers are named, and bad input is refused."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner, Result

from kpi_lib.cli import app


def given(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["replay", *arguments])


def test_past_reviews_name_accounts_that_left() -> None:
    result = given("inactive_customers", "--quarters", "2", "--as-of", "2025-12-31")
    assert result.exit_code == 0, result.output
    assert "2 reviews, 2025Q2 to 2025Q3" in result.output
    assert "2025Q3: Inactive customers are" in result.output
    assert re.search(r"named on 2025-\d\d-\d\d, left on 2025-\d\d-\d\d", result.output)
    assert "precision" in result.output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("gamma",), "gamma: no such KPI; known are "),
        (("choose_kpis",), "choose_kpis: no such KPI"),
        (("inactive_customers", "--dataset", "nowhere"), "nowhere: no such data set"),
        (("inactive_customers", "-p", "window=2"), "has no such parameter"),
        (("inactive_customers", "--as-of", "1990-01-01"), "before the first row"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments: tuple[str, ...], expected: str) -> None:
    result = given(*arguments)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert result.stdout == ""
