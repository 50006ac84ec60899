"""Employee net promoter score: would the people who work here recommend it?"""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.people import survey_moves, survey_parts, survey_rules, surveys
from kpi_lib.kpi import (
    Better,
    Cadence,
    CheapMove,
    Estimator,
    Family,
    FitRule,
    Kpi,
    KpiParams,
    Part,
    Role,
    Unit,
    parameter,
)
from kpi_lib.schema import Tables
from kpi_lib.stats.net_promoter import NetPromoter

FLOOR = 5
"""Nobody may set the anonymity floor below this."""

MOST_QUESTIONS = 10


class Params(KpiParams):
    """What may be chosen about the employee net promoter score.

    Quarters only: the same answers by month and by quarter would give small groups away as the
    difference between the two.
    """

    period: Literal["quarter"] = parameter("quarter", meaning="length of one period: quarter")
    question: str = parameter(
        "employee_nps", meaning="name of the survey question; customer_nps scores customers"
    )
    promoter_from: int = parameter(
        9, ge=2, le=10, unit="points", meaning="lowest score of a promoter", fair=(9, 8)
    )
    passive_from: int = parameter(
        7, ge=1, le=9, unit="points", meaning="lowest score of a passive", fair=(7, 6)
    )
    scale_from: int = parameter(
        0, ge=0, le=1, unit="points", meaning="lowest score of the scale: 0, 1"
    )
    repeated: Literal["last", "first"] = parameter(
        "last",
        meaning="which answer of a person counts in a period: last, first",
        fair=("last", "first"),
    )
    anonymity_floor: int = parameter(
        FLOOR,
        ge=FLOOR,
        le=50,
        unit="answers",
        meaning="answers below which nothing of a team is shown; never less than 5",
    )
    pulse_questions: tuple[str, ...] = parameter(
        (),
        max_length=MOST_QUESTIONS,
        meaning="up to ten other questions to score the same way, or none",
    )


def observe(tables: Tables, params: Params) -> ir.Table:
    """One row per person and quarter: value 100 for a promoter, 0 for a passive, -100 for a detractor.

    Nobody can be told from a row: there is no account, unit_id is a place in the order of the rows,
    and teams that are too small stand together as "other teams". Quarters in which even that would
    give a team away are missing. A segment that is no column of accounts is the team.

    Of the sales team six answer, of support two; four would have to stand for support, so sales joins:

    >>> from datetime import date
    >>> from kpi_lib.example import small_company
    >>> def said(team, scores, day):
    ...     return [dict(answer_id=f"{team}{i}{day}", question="employee_nps", team=team, score=s,
    ...                  respondent_id=f"{team}{i}", answered_on=day, scale_max=10)
    ...             for i, s in enumerate(scores)]
    >>> may, march = date(2026, 5, 20), date(2026, 3, 2)
    >>> rows = said("sales", [9, 9, 10, 7, 6, 3], may) + said("support", [2, 10], may)
    >>> rows += said("product", [10, 9, 8, 7, 9, 6, 9], may) + said("support", [5, 1, 1], march)
    >>> company = small_company(date(2026, 6, 30), answers=rows)
    >>> seen = observe(company, Params(segment="team"))
    >>> counts = seen.group_by("period", "segment").aggregate(
    ...     answers=seen.count(), score=seen["value"].mean().round(1)).order_by("segment")
    >>> print(counts.execute().to_string(index=False))
        period     segment  answers  score
    2026-04-01 other teams        8   12.5
    2026-04-01     product        7   42.9
    """
    rows = surveys.answers(tables, survey_parts.shown_periods(tables, params), params)
    rows = rows.mutate(segment=rows["shown"] if params.segment else ibis.literal(""))
    place = ibis.row_number().over(
        ibis.window(group_by="period", order_by=[rows["segment"], rows["value"]])
    )
    return rows.select(
        "period",
        "segment",
        "value",
        unit_id=place.cast("string"),
        account_id=ibis.null("string"),
    )


def estimator(params: Params) -> Estimator:
    """Promoters less detractors, in points."""
    del params
    return NetPromoter()


_POINTS = dict.fromkeys(("score", "low", "high", "at_worst", "at_best"), Unit.POINTS)
_SHARES = dict.fromkeys(("promoter_share", "passive_share", "detractor_share"), Unit.SHARE)

TEAMS = Part(
    name="teams",
    title="Teams, the lowest score first",
    meaning="The newest quarter by team, with the interval of each score and what it would be if "
    "everybody silent were a detractor (at worst) or a promoter (at best). Teams below the "
    "anonymity floor stand together as other teams; where they are too few even so, the smallest "
    "of the rest joins them.",
    compute=survey_parts.teams,
    units={**_POINTS, "answers": Unit.COUNT, "asked": Unit.COUNT},
)

PARTS = (
    Part(
        name="shares",
        title="Promoters, passives and detractors",
        meaning="The shares of the three kinds per quarter: the same score can hide a quiet middle "
        "or two camps.",
        compute=survey_parts.shares,
        view="lines",
        units={**_SHARES, "answers": Unit.COUNT},
    ),
    Part(
        name="silent",
        title="The score with those who did not answer",
        meaning="The score, and the two ends between which it lies when everybody who was asked is "
        "counted: all silent people detractors (at worst), all promoters (at best).",
        compute=survey_parts.silent,
        view="lines",
        units={
            **{name: _POINTS[name] for name in ("score", "at_worst", "at_best")},
            "response": Unit.SHARE,
            "answers": Unit.COUNT,
            "asked": Unit.COUNT,
        },
    ),
    Part(
        name="readable_change",
        title="The change that can be seen, by the number of answers",
        meaning="The true change between two quarters that would be seen in four of five cases, "
        "with so many answers in each. Our own number of answers is among them.",
        compute=survey_parts.readable_change,
        view="lines",
        units={"visible": Unit.POINTS},
    ),
    Part(
        name="pulse",
        title="All questions on the same scale",
        meaning="The newest score of this question and of the short pulse questions. On a scale of "
        "five, 5 is a promoter, 4 a passive, 3 and less a detractor.",
        compute=survey_parts.pulse,
        view="bars",
        units={
            **{name: _POINTS[name] for name in ("score", "low", "high")},
            "answers": Unit.COUNT,
            "response": Unit.SHARE,
        },
    ),
    Part(
        name="comments",
        title="What people wrote",
        meaning="Comments of teams that are shown by themselves, the newest quarter first. Never "
        "those of a team below the anonymity floor, or shown together with one.",
        compute=survey_parts.comments,
    ),
)

CHEAP_MOVES = (
    CheapMove(
        name="the unhappy are not reminded",
        meaning="Reminders go to people who are known to be content; the others stay silent.",
        edit=survey_moves.unhappy_not_reminded,
        given_away_by="response: the share of those asked who answered falls, and the two ends of "
        "the score with the silent move apart",
    ),
    CheapMove(
        name="nine is the new seven",
        meaning="A speech before the survey says that anything below a nine counts as a failure.",
        edit=survey_moves.nine_is_the_new_seven,
        given_away_by="passive_share: the middle is empty while the pulse questions stay as they were",
    ),
)

FIT_RULES = (
    FitRule(
        name="too few answers",
        meaning=f"Fewer than {survey_rules.FEWEST} answers: one person decides the score.",
        check=survey_parts.too_few,
    ),
    FitRule(
        name="low response",
        meaning="Fewer than 60 % of those asked answer: the silent could turn the score round.",
        check=survey_parts.low_response,
        severe=False,
    ),
)

FORMULA = r"""
$$\text{score} = 100 \, \frac{P - D}{n}, \qquad
\text{variance} = 100^2 \, \frac{p + d - (p - d)^2}{n}$$

- $P$, $D$: people who give at least `promoter_from`, less than `passive_from` (people)
- $n$: people who answered (people); $p = P / n$, $d = D / n$ (shares)
- interval: three answers are added, 3/4 to $P$, 3/4 to $D$, the rest in the middle (adjusted Wald);
  below 30 answers the bounds are exact
- with $N$ people asked, the score of all of them lies from $100 \, (P - D - (N - n)) / N$ to
  $100 \, (P - D + (N - n)) / N$
- the result is in points, -100 to 100
"""

KPI = Kpi(
    name="employee_nps",
    title="Employee net promoter score",
    question="Would the people who work here recommend it to others?",
    unit=Unit.POINTS,
    better=Better.HIGHER,
    role=Role.OUTCOME,
    cadence=Cadence.QUARTERLY,
    owner="people",
    family=Family.SAAS,
    source="B2B sales metrics",
    formula=FORMULA.strip(),
    needs={
        "answers": (
            "answer_id",
            "question",
            "respondent_id",
            "team",
            "account_id",
            "answered_on",
            "score",
            "scale_max",
            "comment",
        ),
    },
    optional={
        "invited": ("question", "team", "period", "people"),
        "accounts": ("account_id", "segment"),
    },
    Params=Params,
    observe=observe,
    estimator=estimator,
    has_account_level=False,
    segments=("team",),
    parts=PARTS,
    who=TEAMS,
    cheap_moves=CHEAP_MOVES,
    fit_rules=FIT_RULES,
    cautions=(
        "Small teams stand together, so a problem in one of them does not show here. Talk to them.",
        "It speaks of people who answered. Read it with the two ends that the silent could make of it.",
        "A score per team of ten moves by twenty points when one person changes from detractor to "
        "promoter. Look at the interval before you praise or blame anybody.",
        "The cuts at 9 and 7 throw away most of what was said: a team that goes from 1 to 6 scores "
        "the same as before.",
        "Nobody can be followed from quarter to quarter, so leaving people and changed minds look "
        "the same.",
        "Tied to a bonus it measures the bonus.",
        "Whoever can open the table of answers sees every team. The floor protects what this page "
        "and its report show, not the data.",
    ),
    okr="Raise the employee net promoter score from {value} by more than the change that can be seen "
    "at our size, with at least four of five people answering.",
    references=(
        "Reichheld, F. F. (2003). The one number you need to grow. Harvard Business Review 81(12).",
        "Rocks, B. (2016). Interval estimation for the net promoter score. The American "
        "Statistician 70, 365-372.",
        "Clopper, C. J., and Pearson, E. S. (1934). The use of confidence or fiducial limits "
        "illustrated in the case of the binomial. Biometrika 26, 404-413.",
        "Manski, C. F. (1989). Anatomy of the selection problem. Journal of Human Resources 24, "
        "343-360.",
    ),
)
