"""10,000 marketing paths of a published data set: exact figures, and a package's simulation near them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kpi_lib.stats.attribution import credits_of
from kpi_lib.stats.markov import moves, removal_effects
from kpi_lib.stats.paths import CountedPaths, counted_paths
from tests.real.published import needs_real_data, real_file

pytestmark = needs_real_data


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Paths as printed; repeated paths are summed, not dropped."""
    read = pd.read_csv(real_file("channel_attribution/PathData.csv"))
    assert len(read) == 10_000
    return read.groupby("path", sort=True).sum(numeric_only=True).reset_index()


def counted(rows: pd.DataFrame, value: str) -> CountedPaths:
    paths = [path.split(" > ") for path in rows["path"]]
    return counted_paths(paths, rows["total_conversions"], rows["total_null"], rows[value])


@pytest.fixture(scope="module")
def paths(rows: pd.DataFrame) -> CountedPaths:
    return counted(rows, "total_conversions")


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return pd.read_csv(real_file("channel_attribution/expected_computed.csv")).set_index("channel")


def test_published_chance_and_removal_effects(paths: CountedPaths) -> None:
    """Exact first-order figures for the path data of the ChannelAttribution package."""
    chain, who = moves(paths)
    chance, effects = removal_effects(chain, who.T @ np.r_[paths.converted, paths.lost])
    assert chance[0] == pytest.approx(0.223845, abs=0.5e-6)
    found = dict(zip(paths.levers, effects[0], strict=True))
    printed = {"alpha": 0.558399, "iota": 0.405835, "eta": 0.349026, "beta": 0.264039}
    printed |= {"theta": 0.206010, "lambda": 0.134022}
    for name, effect in printed.items():
        assert found[name] == pytest.approx(effect, abs=0.5e-6)


def test_published_conversions(paths: CountedPaths) -> None:
    """The same source: conversions by removal."""
    found = credits_of(paths).set_index("lever")["markov"]
    for name, printed in {"alpha": 5344.948, "iota": 3884.615, "eta": 3340.847}.items():
        assert found[name] == pytest.approx(printed, abs=0.5e-3)


def test_every_channel_in_every_model(
    rows: pd.DataFrame, paths: CountedPaths, expected: pd.DataFrame
) -> None:
    """The table computed independently beside the data, conversions and their value."""
    found = credits_of(paths).set_index("lever").join(expected)
    found["nonull"] = credits_of(paths, with_lost=False).set_index("lever")["markov"]
    pairs = {
        **{"first": "first_touch", "last": "last_touch", "linear": "linear_touch"},
        **{"markov": "markov1_exact_null", "nonull": "markov1_exact_nonull"},
    }
    for ours, theirs in pairs.items():
        assert found[ours].to_numpy() == pytest.approx(found[theirs].to_numpy(), rel=1e-6)
    value = credits_of(counted(rows, "total_conversion_value")).set_index("lever").join(expected)
    for ours, theirs in list(pairs.items())[:3]:
        wanted = value[f"{theirs}_value"].to_numpy()
        assert value[ours].to_numpy() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("order", [2, 3])
def test_longer_memory_keeps_the_total(paths: CountedPaths, order: int) -> None:
    found = credits_of(paths, order=order)["markov"]
    assert found.sum() == pytest.approx(paths.converted.sum())


@pytest.mark.parametrize("kind", ["null", "nonull"])
def test_the_package_simulates_near_the_exact_answer(paths: CountedPaths, kind: str) -> None:
    """ChannelAttribution 2.2.5 draws walks: its large channels lie within 3 %."""
    package = pd.read_csv(
        real_file(f"channel_attribution/package_markov_order1_{kind}_2.2.5.csv")
    ).set_index("channel_name")["total_conversions"]
    found = credits_of(paths, with_lost=kind == "null").set_index("lever")["markov"]
    for name in ("alpha", "iota", "eta", "beta"):
        assert found[name] == pytest.approx(package[name], rel=0.03)
