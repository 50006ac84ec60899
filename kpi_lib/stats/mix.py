"""How much of a change of a rate is another mix of groups, and how much happened within them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def mix_and_rate(
    frame: pd.DataFrame, group: str, half: str, halves: tuple[str, str], *, count: str, rate: str
) -> pd.DataFrame:
    """One row per group: group, shares and rates of both halves, from_mix, from_rate.

    Columns are named after the halves: earlier_share, later_share, earlier_rate, later_rate. Over
    the groups from_mix + from_rate adds up to the change of the whole; null where a rate is unknown.
    A group that is absent from one half has the share 0 there and counts as mix alone. Source:
    Kitagawa (1955), JASA 50:1168.
    """
    names = sorted(frame[group].dropna().unique())
    found = frame[[group]].drop_duplicates().sort_values(group).reset_index(drop=True)
    for side in halves:
        rows = frame[frame[half] == side].set_index(group)
        counts = rows[count].astype("float64").reindex(names, fill_value=0.0)
        total = counts.sum()
        found[f"{side}_share"] = (counts / total if total else counts * float("nan")).to_numpy()
        found[f"{side}_rate"] = rows[rate].astype("float64").reindex(names).to_numpy()
    shares = [found[f"{side}_share"] for side in halves]
    own = [found[f"{side}_rate"] for side in halves]
    rates = [
        one.where(share > 0, other)
        for one, share, other in zip(own, shares, own[::-1], strict=True)
    ]
    found["from_mix"] = (shares[1] - shares[0]) * (rates[0] + rates[1]) / 2
    found["from_rate"] = (rates[1] - rates[0]) * (shares[0] + shares[1]) / 2
    return found
