"""Surveys of Harbour Analytics: employees, customers, people who saw a demo; competitors' figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.sample.generator.saas_customers import account_ids
from data.sample.generator.tools import (
    LAST_DAY,
    NEVER,
    Floats,
    Ints,
    dates,
    day,
    ids,
    pick,
    stream,
    where,
)
from data.sample.generator.truth import TRUTH

# Team: people, mean score of the question on recommending us, drift per quarter.
_TEAMS = {
    "engineering": (18, 7.9, 0.02),
    "sales": (10, 7.0, -0.08),
    "customer success": (9, 7.8, 0.0),
    "product": (6, 8.2, 0.0),
    "marketing": (6, 7.5, 0.03),
    "support": (4, 6.6, 0.0),
    "finance": (3, 7.6, 0.0),
}
_PULSE = ("pulse_workload", "pulse_clear_goals", "pulse_recognition")
_PRAISE = ("good colleagues", "I learn a lot", "flexible hours", "a product that helps")
_BLAME = ("too many meetings", "targets change too often", "slow tools", "unclear priorities")
_WHY_NOT = (
    "the connector we need is missing",
    "too dear for our size",
    "no time to migrate this year",
    "we stay with what we have",
    "the demo did not show our case",
)
_FIRST_SURVEY = "2023-01-01"


def answers_and_invited(
    accounts: pd.DataFrame, contacts: pd.DataFrame, deals: pd.DataFrame, seed: int, scale: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the answers of all surveys and how many people were asked."""
    quarters = _quarters()
    people, asked_people = _employees(stream(seed, "saas", "employees"), quarters, scale)
    customers, asked_customers = _customers(
        stream(seed, "saas", "customer answers"), accounts, contacts, quarters[1::2]
    )
    demos = _demo_feedback(stream(seed, "saas", "demo feedback"), deals)
    answers = pd.concat([people, customers, demos], ignore_index=True)
    answers = answers.sort_values(["on", "question", "respondent_id"], kind="stable")
    answers = answers.assign(
        answer_id=ids("N", np.arange(len(answers)), 5),
        answered_on=dates(answers["on"].to_numpy()).to_numpy(),
    )
    columns = [
        "answer_id",
        "question",
        "respondent_id",
        "team",
        "account_id",
        "answered_on",
        "score",
    ]
    invited = pd.concat([asked_people, asked_customers], ignore_index=True)
    invited = invited.sort_values(["period", "question", "team"], kind="stable")
    return answers[[*columns, "scale_max", "comment"]], invited


def _quarters() -> Ints:
    months = np.arange(np.datetime64(_FIRST_SURVEY, "M"), np.datetime64(TRUTH.last_day, "M") + 1, 3)
    return np.asarray(months.astype("M8[D]").astype(np.int64))


def _employees(
    rng: np.random.Generator, quarters: Ints, scale: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each team is asked every quarter whether it would recommend us; three pulse questions lately."""
    sizes = np.array([size * scale for size, _, _ in _TEAMS.values()])
    team = np.repeat(np.arange(len(_TEAMS)), sizes)
    base = np.array([mean for _, mean, _ in _TEAMS.values()])[team] + rng.normal(0, 1.2, len(team))
    drift = np.array([change for _, _, change in _TEAMS.values()])[team]
    parts, asked = [], []
    for number, quarter in enumerate(quarters.tolist()):
        level = base + drift * number
        parts.append(_one_survey(rng, "employee_nps", team, quarter, level, 10))
        asked.append(_invitations("employee_nps", quarter, sizes))
        if number >= len(quarters) - 2:
            parts += [_one_survey(rng, name, team, quarter, level / 2, 5) for name in _PULSE]
            asked += [_invitations(name, quarter, sizes) for name in _PULSE]
    return pd.concat(parts), pd.concat(asked)


def _one_survey(
    rng: np.random.Generator, question: str, team: Ints, quarter: int, level: Floats, scale_max: int
) -> pd.DataFrame:
    lowest = 0 if scale_max == 10 else 1
    score = np.clip(np.rint(level + rng.normal(0, 0.14 * scale_max, len(team))), lowest, scale_max)
    said = rng.random(len(team)) < 0.25 * (scale_max == 10)
    words = np.where(
        score >= 8, pick(rng, dict.fromkeys(_PRAISE, 1.0), len(team)), _blame(rng, len(team))
    )
    frame = pd.DataFrame(
        {
            "question": question,
            "respondent_id": ids("E", np.arange(len(team)), 3),
            "team": np.array(list(_TEAMS), dtype=object)[team],
            "account_id": None,
            "on": quarter + 60 + rng.integers(0, 20, len(team)),
            "score": score.astype(np.int64),
            "scale_max": scale_max,
            "comment": where(said, words),
        }
    )
    return frame[rng.random(len(team)) < 0.76]


def _blame(rng: np.random.Generator, size: int) -> NDArray[np.object_]:
    return pick(rng, dict.fromkeys(_BLAME, 1.0), size)


def _invitations(question: str, quarter: int, sizes: Ints) -> pd.DataFrame:
    period = dates(np.full(len(sizes), quarter))
    return pd.DataFrame(
        {"question": question, "team": list(_TEAMS), "period": period, "people": sizes}
    )


def _customers(
    rng: np.random.Generator, accounts: pd.DataFrame, contacts: pd.DataFrame, waves: Ints
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Twice a year the sponsor, the admin and the first user of each paying account are asked."""
    signed, gone = accounts["signed"].to_numpy(), accounts["gone"].to_numpy()
    account = contacts["account"].to_numpy()
    asked_place = contacts["place"].isin([1, 2, 3]).to_numpy() & ~contacts["is_service"].to_numpy()
    parts, asked = [], []
    for wave in waves.tolist():
        there = (signed[account] < wave - 60) & (gone[account] > wave + 90)
        row = np.flatnonzero(asked_place & there & (contacts["created"].to_numpy() < wave))
        level = 7.6 + 0.8 * accounts["engagement"].to_numpy()[account[row]]
        score = np.clip(np.rint(level + rng.normal(0, 1.5, len(row))), 0, 10).astype(np.int64)
        frame = pd.DataFrame(
            {
                "question": "customer_nps",
                "respondent_id": ids("C", row, 5),
                "team": None,
                "account_id": account_ids(accounts)[account[row]],
                "on": wave + 45 + rng.integers(0, 25, len(row)),
                "score": score,
                "scale_max": 10,
                "comment": None,
            }
        )
        parts.append(frame[rng.random(len(row)) < 0.35])
        asked.append(("customer_nps", None, wave, len(row)))
    invited = pd.DataFrame(asked, columns=["question", "team", "period", "people"])
    return pd.concat(parts), invited.assign(period=dates(waves))


def _demo_feedback(rng: np.random.Generator, deals: pd.DataFrame) -> pd.DataFrame:
    """Some of those who saw a demo and did not buy say why."""
    ends = deals["ends"].to_numpy()
    lost = ~deals["won"].to_numpy() & (deals["demo"].to_numpy() < NEVER) & (ends + 5 <= LAST_DAY)
    row = np.flatnonzero(lost & (ends >= day(_FIRST_SURVEY)) & (rng.random(len(deals)) < 0.5))
    return pd.DataFrame(
        {
            "question": "demo_feedback",
            "respondent_id": ids("L", row, 5),
            "team": None,
            "account_id": None,
            "on": ends[row] + rng.integers(0, 6, len(row)),
            "score": np.clip(np.rint(rng.normal(5.5, 1.8, len(row))), 0, 10).astype(np.int64),
            "scale_max": 10,
            "comment": pick(rng, dict.fromkeys(_WHY_NOT, 1.0), len(row)),
        }
    )


_DEFINITIONS = {
    "Pelican Insights": {
        "customer_churn": "period=quarter; denominator=start; annualise=false",
        "revenue_retention": "retention=net; window_months=12",
        "time_to_value": "start_event=signed; statistic=median",
        "acquisition_cost": "period=quarter; variant=all; currency=EUR",
        "employee_nps": "promoter_from=9; passive_from=7",
    },
    "Northbeam Metrics": {
        "customer_churn": "period=month; denominator=start",
        "revenue_retention": "retention=net; window_months=12",
        "time_to_value": "start_event=kickoff; statistic=median",
        "acquisition_cost": "",
        "employee_nps": "promoter_from=9; passive_from=7",
    },
}
"""What each competitor counts. Two of Northbeam's differ from ours, and one is not stated."""


def benchmarks_table(seed: int) -> pd.DataFrame:
    """Return figures of two invented competitors for the last six quarters."""
    rng = stream(seed, "saas", "benchmarks")
    levels = {
        "customer_churn": (0.03, 0.002),
        "revenue_retention": (1.01, 0.02),
        "time_to_value": (48.0, 4.0),
        "acquisition_cost": (30000.0, 2500.0),
        "employee_nps": (18.0, 6.0),
    }
    quarters = _quarters()[-6:]
    rows = []
    for competitor, source, confidence in (
        ("Pelican Insights", "annual report", "high"),
        ("Northbeam Metrics", "analyst estimate", "low"),
    ):
        for kpi, (level, spread) in levels.items():
            values = level + spread * rng.standard_normal(len(quarters))
            rows.append(
                pd.DataFrame(
                    {
                        "competitor": competitor,
                        "kpi": kpi,
                        "period": dates(quarters),
                        "value": np.round(values, 4),
                        "source": source,
                        "confidence": confidence,
                        "definition": _DEFINITIONS[competitor][kpi],
                    }
                )
            )
    return pd.concat(rows).sort_values(["period", "competitor", "kpi"], kind="stable")
