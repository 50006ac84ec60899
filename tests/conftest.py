"""What all tests share: steady examples, and a last word on what was tried and what was not."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings

# Nothing here judges time, and the same examples are tried each time.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

TRIED = {
    "postgres": "PostgreSQL",
    "spark": "Spark",
    "tests/e2e": "headless Chromium",
    "tests/real": "real data",
}


def _tried(reporter: pytest.TerminalReporter, part: str) -> Counter[str]:
    """How many tests whose name holds `part` ended in which way."""
    outcomes = ("passed", "failed", "skipped")
    return Counter(
        outcome
        for outcome in outcomes
        for report in reporter.stats.get(outcome, [])
        if part in report.nodeid.lower()
    )


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say for each optional engine, browser and data set whether it was really tried."""
    terminalreporter.section("tried and not tried")
    for part, title in TRIED.items():
        count = _tried(terminalreporter, part)
        said = ", ".join(f"{number} {outcome}" for outcome, number in count.items())
        skipped = " (not tried)" if not count["passed"] and not count["failed"] else ""
        terminalreporter.write_line(f"{title}: {said or 'no test selected'}{skipped}")
