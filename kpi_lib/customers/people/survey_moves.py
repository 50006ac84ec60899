"""Cheap moves on a survey score: the number improves, nobody is happier."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.people.surveys import Rule
from kpi_lib.customers.subscribed import ratio
from kpi_lib.editing import with_table
from kpi_lib.schema import Tables

_TEN = 10.0


def _on_ten(rows: ir.Table) -> ir.FloatingValue:
    return ratio(rows["score"] * _TEN, rows["scale_max"])


def unhappy_not_reminded(tables: Tables, rule: Rule) -> Tables:
    """The tables after the people who would be detractors were never reminded: no answer of them."""
    rows = tables["answers"]
    unhappy = (rows["question"] == rule.question) & (_on_ten(rows) < rule.passive_from)
    return with_table(tables, "answers", rows.filter(~unhappy))


def nine_is_the_new_seven(tables: Tables, rule: Rule) -> Tables:
    """The tables after a speech that anything below a nine is a failure: passives turn promoters."""
    rows = tables["answers"]
    ten = _on_ten(rows)
    passive = (rows["question"] == rule.question) & (ten >= rule.passive_from)
    passive = passive & (ten < rule.promoter_from)
    begged = float(rule.promoter_from) / _TEN * rows["scale_max"].cast("float64")
    score = ibis.ifelse(passive, begged, rows["score"].cast("float64"))
    return with_table(tables, "answers", rows.mutate(score=score))
