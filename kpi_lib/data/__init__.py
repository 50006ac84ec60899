"""Opening, mapping and checking data sets; the only door to files and connections."""

from kpi_lib.data.config import Config, read_config
from kpi_lib.data.dataset import Dataset
from kpi_lib.data.errors import DataError, Guess, Problem
from kpi_lib.data.handed import handing_over
from kpi_lib.data.opening import open_dataset

__all__ = [
    "Config",
    "DataError",
    "Dataset",
    "Guess",
    "Problem",
    "handing_over",
    "open_dataset",
    "read_config",
]
