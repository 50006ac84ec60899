"""Make the two sample companies: `python data/sample/make.py [--out DIR] [--scale N] [--seed S] [--effect E]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE.parents[1]) not in sys.path:  # run as a script: the repository root is not there yet
    sys.path.insert(0, str(HERE.parents[1]))

from data.sample.generator.card import update_card  # noqa: E402
from data.sample.generator.saas import make_saas  # noqa: E402
from data.sample.generator.truth import TRUTH, Truth  # noqa: E402
from data.sample.generator.wholesale import make_wholesale  # noqa: E402

__all__ = ["TRUTH", "Truth", "make"]


def make(out: Path, *, scale: int = 1, seed: int = TRUTH.seed, effect: float = 1.0) -> None:
    """Write `saas/` and `wholesale/` under `out`.

    `scale` makes the companies that many times larger. `effect` multiplies the planted log odds
    ratios of time to value, inactivity and engagement on renewal; 0 removes them.
    """
    saas, wholesale = out / "saas", out / "wholesale"
    for folder in (saas, wholesale):
        folder.mkdir(parents=True, exist_ok=True)
    make_saas(saas, scale=scale, seed=seed, effect=effect)
    make_wholesale(wholesale, scale=scale, seed=seed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the two sample companies.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to")
    parser.add_argument("--scale", type=int, default=1, help="times larger")
    parser.add_argument("--seed", type=int, default=TRUTH.seed, help="seed of all random streams")
    parser.add_argument("--effect", type=float, default=1.0, help="0 removes the planted effects")
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    make(given.out, scale=given.scale, seed=given.seed, effect=given.effect)
    if given.out.resolve() == HERE:
        update_card(HERE / "README.md")
