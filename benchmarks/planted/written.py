"""A simulated company written out as tables, to be judged like any other."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.planted.company import LAST_DAY, MONTHS, TERM, Company, month_start

STARTS = np.array([month_start(month) for month in range(MONTHS + TERM)], dtype="datetime64[D]")
YAML = """name: Planted
source: .
currency: EUR
timezone: UTC
as_of: 2026-06-30
tables:
  accounts:      {from: accounts.csv}
  subscriptions: {from: subscriptions.csv}
  usage:         {from: usage.parquet}
"""


def write(company: Company, folder: Path) -> None:
    """The folder of a data set: accounts, subscriptions and usage as known on `LAST_DAY`."""
    folder.mkdir(parents=True, exist_ok=True)
    accounts(company).to_csv(folder / "accounts.csv", index=False)
    subscriptions(company).to_csv(folder / "subscriptions.csv", index=False)
    usage(company).to_parquet(folder / "usage.parquet", index=False)
    (folder / "dataset.yaml").write_text(YAML, encoding="utf-8")


def accounts(company: Company) -> pd.DataFrame:
    """One row per account."""
    names = company.names
    signed = [month_start(int(month)) for month in company.started]
    segment = np.array(["north", "south"])[company.segment]
    return pd.DataFrame(
        {"account_id": names, "name": names, "signed_on": signed, "segment": segment}
    )


def subscriptions(company: Company) -> pd.DataFrame:
    """One row per term; the end of a term that runs is open unless notice was given."""
    terms = company.terms
    names = np.array(company.names)[terms.account]
    starts, ends = STARTS[terms.start], STARTS[terms.start + TERM]
    last, nothing = LAST_DAY.toordinal(), np.datetime64("NaT", "D")
    notice = company.notice[terms.account]
    told = terms.is_lost & (notice <= last)
    since = date(1970, 1, 1).toordinal()
    given = (np.where(told, notice, since) - since).astype("datetime64[D]")
    number = np.char.add("-", (terms.start // TERM).astype(str))
    return pd.DataFrame(
        {
            "subscription_id": np.char.add(np.char.add("S", names), number),
            "account_id": names,
            "started_on": starts,
            "ended_on": np.where(told | (ends <= np.datetime64(LAST_DAY)), ends, nothing),
            "cancelled_on": np.where(told, given, nothing),
            "term_ends_on": ends,
            "monthly_amount": company.amount[terms.account],
            "billing_months": 12,
        }
    )


def usage(company: Company) -> pd.DataFrame:
    """One row per use, on the first days of the month; the two users of an account take turns."""
    names, parts = np.array(company.names), []
    for kind, uses in company.uses.items():
        account, month = np.nonzero(uses)
        times = uses[account, month]
        place = np.concatenate([np.arange(count) for count in times])
        account, month = np.repeat(account, times), np.repeat(month, times)
        user = np.where(place % 2 == 0, "-1", "-2")
        parts.append(
            pd.DataFrame(
                {
                    "account_id": names[account],
                    "contact_id": np.char.add(names[account], user),
                    "at": STARTS[month].astype("datetime64[s]")
                    + place.astype("timedelta64[D]")
                    + np.timedelta64(9, "h"),
                    "event": kind,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
