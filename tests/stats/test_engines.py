"""The same sums on PostgreSQL as on DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest

from kpi_lib.kpi import Estimator
from kpi_lib.stats import Mean, Proportion, Ratio, Survival, Total
from tests.stats.frames import EARLIER, LATER, observations, run

ESTIMATORS: list[Estimator] = [Mean(), Ratio(), Total("closing"), Proportion(), Survival(365)]


def _observations() -> ir.Table:
    generator = np.random.default_rng(12)
    rows = range(60)
    columns: dict[str, Any] = {
        "unit_id": [f"u{row // 2}" for row in rows],
        "account_id": [None if row % 7 == 0 else f"a{row % 11}" for row in rows],
        "period": [EARLIER if row % 2 else LATER for row in rows],
        "weight": generator.gamma(3, 1, 60).tolist(),
        "outcome": generator.integers(0, 3, 60).tolist(),
        "segment": ["x" if row % 3 else "y" for row in rows],
    }
    values = [None if row % 13 == 0 else float(generator.integers(0, 2)) for row in rows]
    return observations(values, **columns)


def _sorted(expression: ir.Table) -> pd.DataFrame:
    frame = run(expression)
    return frame.sort_values(list(frame.columns)).reset_index(drop=True)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_sums_are_the_same_on_postgres(estimator: Estimator, postgres_url: str) -> None:
    here = _observations()
    there = ibis.connect(postgres_url).create_table(
        "stats_observations", here.to_pyarrow(), temp=True
    )
    questions: list[Callable[[ir.Table], ir.Table]] = [
        lambda table: estimator.reduce(table, ["period", "segment"]),
        lambda table: estimator.reduce(table, []),
        lambda table: estimator.reduce_pairs(table, EARLIER, LATER),
    ]
    for question in questions:
        pd.testing.assert_frame_equal(_sorted(question(here)), _sorted(question(there)), rtol=1e-9)
