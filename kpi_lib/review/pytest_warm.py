"""Pytest plugin: nbval runs in warm kernels (`pytest -p kpi_lib.review.pytest_warm --nbval-lax`)."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from kpi_lib.review.warm import warm_kernels


def pytest_configure(config: pytest.Config) -> None:
    """Start the warm process when notebooks are to be checked; it ends with the test run."""
    if config.getoption("nbval", False) or config.getoption("nbval_lax", False):
        stack = ExitStack()
        stack.enter_context(warm_kernels())
        config.add_cleanup(stack.close)
