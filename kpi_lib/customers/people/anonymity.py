"""No figure of a group too small to be anonymous, also none that a difference of totals would give.

Groups below the floor are never shown. They are shown together, as one group called `OTHERS`. Where
they are too few even together, the smallest of the other groups joins them (secondary suppression), so
that what is left after subtracting every group shown from the total is never a small group either.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

OTHERS = "other teams"
"""What groups that may not be told apart are called together."""


def shown_as(rows: ir.Table, known: ir.Table | None, floor: int) -> ir.Table:
    """What each group of each period is shown as: period, group, shown, is_alone, answers.

    `rows`: one row per answer, with period and group. `known`: groups that exist whether or not
    somebody answered (period, group), or None: that nobody of a group answered is as little to be
    seen as what it answered. `shown` is the group's own name or `OTHERS`; `answers` counts those of
    the group. Periods in which nothing may be shown have no rows.

    A group is below the floor with fewer answers than `floor`. The groups shown together hold more
    answers than `floor`: one of them who takes away the own answer still sees `floor` people. The
    choice looks at counts only, never at what was answered.
    """
    sizes = _sizes(rows, known)
    n, by = sizes["answers"], [sizes["answers"], sizes["group"]]
    upwards = ibis.cumulative_window(group_by="period", order_by=by)
    sizes = sizes.mutate(
        before=(n.sum().over(upwards) - n).cast("int64"),
        least=n.min().over(ibis.window(group_by="period")),
    )
    too_small = sizes["least"] < floor
    joined = too_small & ((sizes["answers"] < floor) | (sizes["before"] <= floor))
    sizes = sizes.mutate(is_alone=~joined, together=ibis.ifelse(joined, sizes["answers"], 0))
    sizes = sizes.mutate(whole=sizes["together"].sum().over(ibis.window(group_by="period")))
    kept = sizes.filter((sizes["least"] >= floor) | (sizes["whole"] > floor))
    return kept.select(
        "period",
        "group",
        "is_alone",
        "answers",
        shown=ibis.ifelse(kept["is_alone"], kept["group"], OTHERS),
    )


def _sizes(rows: ir.Table, known: ir.Table | None) -> ir.Table:
    """Answers per period and group, 0 for known groups in which nobody answered."""
    found = rows.group_by("period", "group").aggregate(answers=rows.count())
    if known is None:
        return found
    asked = known.select("period", "group").distinct()
    there = found.select(at=found["period"], of=found["group"])
    both = asked.left_join(there, [asked["period"] == there["at"], asked["group"] == there["of"]])
    silent = both.filter(both["of"].isnull())
    none = ibis.literal(0).cast("int64")
    return found.union(silent.select("period", "group", answers=none))


def protected(rows: ir.Table, known: ir.Table | None, floor: int) -> ir.Table:
    """The rows that may be shown, with `shown` and `is_alone` in place of `group`; see `shown_as`."""
    names = shown_as(rows, known, floor).select("is_alone", "shown", at="period", of="group")
    keys = [rows["period"] == names["at"], rows["group"] == names["of"]]
    return rows.join(names, keys).drop("at", "of", "group")
