"""Why demos were not bought: reasons counted and people quoted, never those of a small group."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.people.anonymity import OTHERS, protected
from kpi_lib.customers.sales.demo_parts import shown_demos
from kpi_lib.customers.sales.demos import Choice
from kpi_lib.customers.sales.leads import LOST, NOT_STATED
from kpi_lib.customers.subscribed import ratio, small
from kpi_lib.schema import Tables, named

OTHER_REASONS = "other reasons"


@named
def not_bought(tables: Tables, params: Choice) -> ir.Table:
    """The demos shown that were lost: lead_id, period (the last day known), group (the reason), days.

    The period is the same for all, since a reason told by quarter would soon tell who gave it.
    """
    rows, raw = shown_demos(tables, params), tables["leads"]
    why = raw.select(of=raw["lead_id"], group=raw["lost_reason"].fill_null(NOT_STATED))
    rows = rows.filter(rows["outcome"] == LOST).select("lead_id", "days")
    joined = rows.join(why, rows["lead_id"] == why["of"]).drop("of")
    return joined.mutate(period=ibis.literal(tables.as_of))


def reasons(tables: Tables, params: Choice) -> ir.Table:
    """Demos that were not bought by reason, the commonest first.

    Columns: lost_reason, share (of those not bought), demos, mean_days (from the demo to the loss).
    Reasons of fewer than `min_group` demos are shown together, see `anonymity.shown_as`; nothing is
    shown where all of them together are fewer.
    """
    rows = protected(not_bought(tables, params), None, params.min_group)
    name = ibis.ifelse(rows["shown"] == OTHERS, OTHER_REASONS, rows["shown"])
    rows = rows.mutate(lost_reason=name)
    sums = rows.group_by("lost_reason").aggregate(demos=rows.count(), mean_days=rows["days"].mean())
    sums = sums.cross_join(rows.aggregate(whole=rows.count()))
    sums = sums.mutate(share=ratio(sums["demos"], sums["whole"]))
    sums = sums.order_by(ibis.desc("demos"), "lost_reason")
    return sums.select("lost_reason", "share", "demos", "mean_days")


_SAID = {"lost_reason": "string", "comment": "string", "said_by": "int64", "mean_score": "float64"}


def quotes(tables: Tables, params: Choice) -> ir.Table:
    """What people who did not buy wrote, the commonest first: lost_reason, comment, said_by, mean_score.

    Comments to `feedback_question` whose respondent is the lead. Counted are people: who answers
    twice is quoted with the newest words. Quoted without a name, a date, a page, and
    only from reasons given by at least `min_group` people who wrote something; `mean_score` is
    that of all people who wrote under the reason, on a scale of 10.
    """
    if "answers" not in tables:
        return small({}, _SAID)
    rows = protected(_commented(tables, params), None, params.min_group)
    rows = rows.filter(rows["is_alone"])
    scored = rows.group_by(of=rows["shown"]).aggregate(mean_score=rows["on_ten"].mean())
    said = rows.group_by("shown", "comment").aggregate(said_by=rows.count())
    said = said.join(scored, said["shown"] == scored["of"]).rename(lost_reason="shown")
    said = said.order_by(ibis.desc("said_by"), "lost_reason", "comment")
    return said.select(*_SAID)


def _commented(tables: Tables, params: Choice) -> ir.Table:
    """One row per person who did not buy and wrote something: as `not_bought`, comment, on_ten."""
    answers = tables["answers"]
    asked = answers.filter(
        answers["question"] == params.feedback_question, answers["comment"].fill_null("") != ""
    )
    newest = [ibis.desc("answered_on"), asked["answer_id"]]
    place = ibis.row_number().over(ibis.window(group_by="respondent_id", order_by=newest))
    asked = asked.mutate(place=place)
    asked = asked.filter(asked["place"] < 1)
    asked = asked.select(
        "comment",
        of=asked["respondent_id"],
        on_ten=ratio(asked["score"].cast("float64") * 10, asked["scale_max"]),
    )
    lost = not_bought(tables, params)
    return lost.join(asked, lost["lead_id"] == asked["of"]).drop("of")


def feedback(tables: Tables, params: Choice) -> ir.Table:
    """One row: not_bought (demos), with_reason and with_comment (how many of them), and as shares."""
    lost = not_bought(tables, params)
    counted = lost.aggregate(
        not_bought=lost.count(), with_reason=lost.count(where=lost["group"] != NOT_STATED)
    )
    if "answers" in tables:
        said = _commented(tables, params)
        counted = counted.cross_join(said.aggregate(with_comment=said.count()))
    else:
        counted = counted.mutate(with_comment=ibis.literal(0).cast("int64"))
    return counted.mutate(
        reason_share=ratio(counted["with_reason"], counted["not_bought"]),
        comment_share=ratio(counted["with_comment"], counted["not_bought"]),
    ).order_by("not_bought")
