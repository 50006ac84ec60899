"""How long attribution and elasticity take on millions of touches, against plain pandas, in one run.

    python benchmarks/attribution.py --touches 5000000 --accounts 20000

Both read the same Parquet files. Ours reduces in the engine: seven models, the Markov chain solved, 200 resamples
of the accounts, and the effects of touches by state. Plain pandas does what the published packages
ask for: one path per account as a list, then loops over paths for first, last, linear and the Markov
chain of the first order, no resamples, no effects. The credits of both must be the same. The figure to
read is the ratio.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kpi_lib.customers.growth.lever_credits import credits
from kpi_lib.customers.growth.lever_effects import cells
from kpi_lib.data import open_dataset
from kpi_lib.engine import run
from kpi_lib.kpis.levers import Params
from kpi_lib.schema import Tables
from kpi_lib.stats import touched

LEVERS = ("call", "demo", "guide", "mail", "post", "review", "visit", "webinar")
DAY = np.timedelta64(1, "D")
START = np.datetime64("2024-01-01", "us")
MODELS = ("first", "last", "linear", "markov")
PARAMS = Params(look_back_days=1_825, outcomes=("won",))
YAML = """name: benchmark
source: .
currency: EUR
timezone: UTC
tables:
  states:       {from: states.parquet}
  interactions: {from: interactions.parquet}
"""


def write_company(folder: Path, touches: int, accounts: int) -> None:
    """Accounts that are engaged, then qualified, then won or lost within two years; touches all the way."""
    rng = np.random.default_rng(5)
    names = np.array([f"a{number:07d}" for number in range(accounts)])
    begun = rng.integers(0, 180, accounts)
    qualified = begun + rng.integers(20, 200, accounts)
    ended = qualified + rng.integers(20, 300, accounts)
    won = rng.random(accounts) < 0.4
    states = [("engaged", begun, qualified), ("qualified", qualified, ended), ("won", ended, None)]
    frames = [
        pd.DataFrame(
            {
                "account_id": names,
                "state": state,
                "entered_at": START + since * DAY,
                "left_at": pd.NaT if until is None else START + until * DAY,
                "amount": rng.integers(10, 90, accounts) * 1000.0 if state == "won" else np.nan,
            }
        )[won if state == "won" else np.ones(accounts, dtype=bool)]
        for state, since, until in states
    ]
    pd.concat(frames).to_parquet(folder / "states.parquet", index=False)
    who = rng.integers(0, accounts, touches)
    day = begun[who] + rng.random(touches) * (ended - begun)[who]
    kind = rng.integers(0, len(LEVERS), touches)
    pd.DataFrame(
        {
            "interaction_id": np.char.add("i", np.arange(touches).astype(str)),
            "account_id": names[who],
            "at": START + (day * 86_400_000_000).astype("timedelta64[us]"),
            "lever": "team",
            "name": np.array(LEVERS)[kind],
            "cost": 1.0 + kind,
        }
    ).to_parquet(folder / "interactions.parquet", index=False)
    (folder / "dataset.yaml").write_text(YAML, encoding="utf-8")


def ours(tables: Tables) -> dict[str, Any]:
    """Credits by all models with their draws."""
    made = credits(tables, PARAMS)
    made.drawn(PARAMS.draws)
    whole = made.whole()
    return {name: dict(zip(made.levers, whole[name], strict=True)) for name in MODELS}


def effects(tables: Tables) -> pd.DataFrame:
    """Odds ratios, elasticities and placebos of every lever in every state."""
    counted = run(cells(tables, PARAMS))
    touched.placebo(counted, PARAMS.placebo_level)
    touched.effectiveness(counted, PARAMS.level)
    return touched.elasticity(counted, PARAMS.level)


def plain(folder: Path) -> dict[str, Any]:
    """Paths as lists, then loops."""
    states = pd.read_parquet(folder / "states.parquet")
    rows = pd.read_parquet(folder / "interactions.parquet", columns=["account_id", "at", "name"])
    value = states[states["state"] == "won"].set_index("account_id")["amount"].to_dict()
    paths = rows.sort_values(["account_id", "at"]).groupby("account_id")["name"].apply(list)
    credit: dict[str, dict[str, float]] = {name: defaultdict(float) for name in MODELS[:3]}
    moves: Counter[tuple[str, str]] = Counter()
    for account, path in paths.items():
        worth = value.get(account, 0.0)
        credit["first"][path[0]] += worth
        credit["last"][path[-1]] += worth
        for name in path:
            credit["linear"][name] += worth / len(path)
        end = "(won)" if account in value else "(lost)"
        moves.update(zip(["(start)", *path], [*path, end], strict=True))
    total = sum(value.get(account, 0.0) for account in paths.index)
    return credit | {"markov": by_removal(moves, total)}


def by_removal(moves: Counter[tuple[str, str]], total: float) -> dict[str, float]:
    """Removal effects of a first-order chain, one system of equations for each lever taken out."""
    effects_of = {name: 1 - chance(moves, name) / chance(moves, "") for name in LEVERS}
    whole = sum(effects_of.values())
    return {name: total * effect / whole for name, effect in effects_of.items()}


def chance(moves: Counter[tuple[str, str]], without: str) -> float:
    """Chance of the outcome from the start when one lever leads nowhere."""
    places = {name: place for place, name in enumerate(("(start)", *LEVERS))}
    flows, won = np.zeros((len(places), len(places))), np.zeros(len(places))
    leaving = np.zeros(len(places))
    for (one, other), count in moves.items():
        leaving[places[one]] += count
        if other == "(won)":
            won[places[one]] += count
        elif other in places and other != without:
            flows[places[one], places[other]] += count
    inner = np.eye(len(places)) - flows / leaving[:, None]
    return float(np.linalg.solve(inner, won / leaving)[0])


def timed(what: str, work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of processors, which say less of what else goes on, and what came out."""
    began, used = time.perf_counter(), time.process_time()
    found = work()
    took, used = time.perf_counter() - began, time.process_time() - used
    print(f"{what:45} {took:7.2f} s  processor {used:7.2f} s", flush=True)
    return used, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--touches", type=int, default=5_000_000)
    parser.add_argument("--accounts", type=int, default=20_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_company(folder, chosen.touches, chosen.accounts)
        print(f"{chosen.touches:,} touches of {chosen.accounts:,} accounts")
        _, tables = timed("open and check the data", lambda: open_dataset(folder).as_of())
        mine, credit = timed("ours: seven models, 200 resamples", lambda: ours(tables))
        timed("ours: effects by state, with their placebo", lambda: effects(tables))
        theirs, other = timed("plain pandas: four models, no resamples", lambda: plain(folder))
    for model in MODELS:
        values = [[table[model][lever] for lever in LEVERS] for table in (credit, other)]
        np.testing.assert_allclose(values[0], values[1], rtol=1e-6, err_msg=model)
    print("the credits of both are the same to 1e-6")
    print(f"plain pandas / ours, seconds of processors: {theirs / mine:.1f}")


if __name__ == "__main__":
    main()
