"""Estimators and intervals: arithmetic on small frames that knows no KPI and no table."""

from kpi_lib.stats.mean import Mean
from kpi_lib.stats.proportion import Proportion
from kpi_lib.stats.ratio import Ratio
from kpi_lib.stats.survival import Survival
from kpi_lib.stats.total import Total

__all__ = ["Mean", "Proportion", "Ratio", "Survival", "Total"]
