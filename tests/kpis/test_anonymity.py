"""Nothing of a team below the anonymity floor can be got back from anything the KPI says.

Random companies are surveyed twice. Which teams may not be told apart is worked out here once more, in
plain Python. Then everything a notebook shows and its record carries is written out as text, and two
companies that differ only in who of those teams said what must give the same text, word for word.
"""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kpi_lib.customers.people.anonymity import OTHERS
from kpi_lib.data.checks import Span
from kpi_lib.data.known import Knowledge
from kpi_lib.engine import run
from kpi_lib.example import small_company
from kpi_lib.experiment import Experiment
from kpi_lib.kpis.employee_nps import KPI, Params
from kpi_lib.measure import by_segment, measure
from kpi_lib.results import result
from kpi_lib.schema import Tables
from kpi_lib.view import View

AS_OF = date(2026, 6, 30)
QUARTERS = (date(2026, 1, 1), date(2026, 4, 1))
TEAMS = ("anvil", "bramble", "cinder", "dewdrop", "ember", "fjord")
FLOOR = 5

Said = tuple[float, str]
Quarter = dict[str, list[Said]]


@dataclass(frozen=True)
class Company:
    """What the members of each team answered (score and comment) in each of two quarters."""

    quarters: tuple[Quarter, ...]
    with_invited: bool = True

    def tables(self) -> Tables:
        answers, invited = [], []
        for first, quarter in zip(QUARTERS, self.quarters, strict=True):
            for team, said in quarter.items():
                invited.append(self.asked(team, first))
                answers += [self.row(team, place, first, one) for place, one in enumerate(said)]
        extra = {"invited": invited} if self.with_invited else {}
        return small_company(AS_OF, answers=answers, **extra)

    def asked(self, team: str, first: date) -> dict[str, Any]:
        return {"question": "employee_nps", "team": team, "period": first, "people": 10}

    def row(self, team: str, place: int, first: date, said: Said) -> dict[str, Any]:
        return {
            "answer_id": f"{first} {team} {place}",
            "question": "employee_nps",
            "respondent_id": f"{team} {place}",
            "team": team,
            "answered_on": first + timedelta(days=30),
            "score": said[0],
            "scale_max": 10,
            "comment": said[1],
        }


def together(quarter: Quarter) -> set[str] | None:
    """The teams that may only be shown as one; None where nothing of the quarter may be shown."""
    sizes = sorted((len(said), team) for team, said in quarter.items())
    if not sizes:
        return None
    if sizes[0][0] >= FLOOR:
        return set()
    joined: set[str] = set()
    people = 0
    for size, team in sizes:
        if size < FLOOR or people <= FLOOR:
            joined.add(team)
            people += size
    return joined if people > FLOOR else None


@dataclass(frozen=True)
class Opened:
    """A company as an open data set: what an experiment asks of one, without files."""

    company: Company
    name: str = "Random company"
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    undated: tuple[str, ...] = ()
    last_day: date = AS_OF
    folder: Path = Path()

    @property
    def left_out(self) -> dict[str, int]:
        return {}

    @property
    def leave_out(self) -> dict[str, str]:
        return {}

    @cached_property
    def knowledge(self) -> Knowledge:
        return Knowledge({name: tuple(table.columns) for name, table in self.known.items()}, ())

    @cached_property
    def known(self) -> Tables:
        return self.company.tables()

    @property
    def tables(self) -> Tables:
        return self.known

    def as_of(self, day: date | None = None) -> Tables:
        return self.known

    @cached_property
    def spans(self) -> dict[str, Span]:
        return {name: Span(len(run(table))) for name, table in self.known.items()}


def written(view: View) -> list[str]:
    """A view as text: its sentences, its picture with the data in it, its table, its frame."""
    picture = view.picture() if view.picture else None
    block = view.table() if view.table else None
    frame = "" if view.frame is None else view.frame.to_csv()
    drawn = json.dumps(picture.spec, default=str) if picture else ""
    return [view.said, drawn, block.text + block.html if block else "", frame]


def everything_said(company: Company, *, judged: bool = False) -> str:
    """Every frame, sentence, list, picture and the record, as one text."""
    params = Params(
        segment="team", periods=4, with_evidence=judged, interesting_change=20.0, as_of=AS_OF
    )
    data: Any = Opened(company)
    experiment = Experiment(KPI, params, data)
    tables = experiment.tables
    rows = KPI.observe(tables, params)
    whole = KPI.observe(tables, params.model_copy(update={"segment": ""}))
    frames = [run(one.order_by(one.columns)) for one in (rows, whole)]
    measured = experiment.measurement
    reduced = measured.reduced.sort_values("period", ignore_index=True)
    frames += [measured.trend, reduced, by_segment(KPI, tables, params)]
    views = [experiment.part(part.name) for part in KPI.parts]
    views += [experiment.number, experiment.trend, experiment.segments, experiment.behind]
    views += [experiment.sweep, experiment.specification, experiment.verdict, experiment.lead]
    views += [experiment.cautions, experiment.okr, experiment.data_report, experiment.card]
    texts = [frame.to_csv() for frame in frames] + [repr(measured.change)]
    texts += [text for view in views for text in written(view)]
    return "\n".join([*texts, json.dumps(result(experiment), sort_keys=True)])


def exchanged(company: Company, seed: int) -> Company:
    """The same company, the answers dealt out anew among the teams that may not be told apart.

    Small teams take any size below the floor; teams that joined them keep theirs.
    """
    chance = random.Random(seed)
    quarters = []
    for quarter in company.quarters:
        mixed = together(quarter)
        teams = sorted(quarter if mixed is None else mixed)
        dealt = [said for team in teams for said in quarter[team]]
        chance.shuffle(dealt)
        sizes = [len(quarter[team]) for team in teams]
        small = [place for place, size in enumerate(sizes) if size < FLOOR]
        for first, second in itertools.combinations(small, 2):
            least = (
                0 if company.with_invited else 1
            )  # nobody knows of a team of which nobody answered
            step = chance.randint(0, max(0, min(sizes[first] - least, FLOOR - 1 - sizes[second])))
            sizes[first], sizes[second] = sizes[first] - step, sizes[second] + step
        parts = iter(dealt)
        new = {t: list(itertools.islice(parts, n)) for t, n in zip(teams, sizes, strict=True)}
        quarters.append({team: new.get(team, said) for team, said in quarter.items()})
    return replace(company, quarters=tuple(quarters))


@st.composite
def companies(draw: st.DrawFn) -> Company:
    count = draw(st.integers(1, len(TEAMS)))
    quarters = []
    for number in range(2):
        sizes = draw(st.lists(st.integers(0, 8), min_size=count, max_size=count))
        quarter = {}
        for team, size in zip(TEAMS, sizes, strict=False):
            scores = draw(st.lists(st.integers(0, 10), min_size=size, max_size=size))
            words = [f"w{number}{team}{place}w" for place in range(size)]
            quarter[team] = [(float(s), w) for s, w in zip(scores, words, strict=True)]
        quarters.append(quarter)
    if draw(st.booleans()):
        return Company(tuple(quarters))
    answered = tuple({team: said for team, said in q.items() if said} for q in quarters)
    return Company(answered, with_invited=False)


@settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(companies(), st.integers(0, 2**16))
def test_who_of_the_small_teams_said_what_changes_no_word(company: Company, seed: int) -> None:
    said = everything_said(company)
    assert said == everything_said(exchanged(company, seed))
    hidden = [together(quarter) for quarter in company.quarters]
    mixed = [set(q) if h is None else h for q, h in zip(company.quarters, hidden, strict=True)]
    for team in mixed[0] & mixed[1]:
        assert f'"{team}"' not in said
        assert f",{team}," not in said
    for quarter, teams in zip(company.quarters, mixed, strict=True):
        for _, words in (one for team in teams for one in quarter[team]):
            assert words not in said


@settings(max_examples=20, deadline=None, phases=[Phase.generate])
@given(companies())
def test_no_difference_of_totals_leaves_a_small_team(company: Company) -> None:
    """Whatever is subtracted from the total of a quarter, more than the floor or nobody is left."""
    tables, params = company.tables(), Params(segment="team", periods=4)
    shown = by_segment(KPI, tables, params)
    totals = measure(KPI, tables, params).trend.set_index("period")["n"].to_dict()
    for first, quarter in zip(QUARTERS, company.quarters, strict=True):
        now = shown[shown["period"] == first]
        groups = {str(name): int(n) for name, n in zip(now["segment"], now["n"], strict=True)}
        hidden, total = together(quarter), int(totals[first])
        if hidden is None:
            assert (groups, total) == ({}, 0)
            continue
        assert total == sum(groups.values()) == sum(map(len, quarter.values()))
        assert all(size >= FLOOR for size in groups.values())
        alone = {team: size for team, size in groups.items() if team != OTHERS}
        assert set(alone) == set(quarter) - hidden
        assert all(alone[team] == len(quarter[team]) for team in alone)
        for few in range(len(alone) + 1):
            for taken in itertools.combinations(alone.values(), few):
                left = total - sum(taken)
                assert left == 0 or left >= FLOOR
        left = total - sum(alone.values())
        assert left == 0 or left > FLOOR


def team(name: str, scores: list[int]) -> dict[str, list[Said]]:
    return {name: [(float(score), f"w{name}{place}w") for place, score in enumerate(scores)]}


LARGE = [10, 9, 9, 8, 7, 6, 9, 10]
CASES = {
    "one small team": {**team("anvil", [0, 1]), **team("bramble", LARGE), **team("cinder", LARGE)},
    "two small teams": {**team("anvil", [0, 1, 10]), **team("bramble", [2, 3, 9]), **team("cinder", LARGE)},
    "nobody of a team": {**team("anvil", []), **team("bramble", LARGE), **team("cinder", LARGE)},
    "too few in all": {**team("anvil", [0, 1, 10, 9]), **team("bramble", [10])},
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_evidence_and_the_record_give_nothing_away(name: str) -> None:
    """The same with the verdict, the findings and the specification curve among what is said."""
    company = Company((CASES[name], CASES[name]))
    said = everything_said(company, judged=True)
    assert said == everything_said(exchanged(company, 1), judged=True)
    assert "wanvil" not in said


def test_the_test_would_see_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without protection the same texts differ, so that the tests above can fail."""
    from kpi_lib.customers.people import surveys

    def open_house(rows: Any, known: Any, floor: int) -> Any:
        del known, floor
        return rows.mutate(shown=rows["group"], is_alone=True).drop("group")

    company = Company((CASES["one small team"], CASES["one small team"]))
    monkeypatch.setattr(surveys, "protected", open_house)
    said = everything_said(company)
    assert "wanvil0w" in said
    assert said != everything_said(exchanged(company, 1))


def test_insiders_who_take_away_their_own_answer_still_see_five() -> None:
    """Four and one make five, not more than the floor: the one would know the four. Nothing is shown."""
    company = Company((CASES["too few in all"], CASES["too few in all"]))
    assert measure(KPI, company.tables(), Params(periods=4)).headline.n == 0
