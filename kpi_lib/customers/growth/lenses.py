"""Two lenses on journeys: fit with the ideal customer, and the conversation track they are on."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import small
from kpi_lib.schema import Tables, kept

NOT_STATED = "not stated"
NO_TRACK = "no track"


@kept
def ideal_accounts(tables: Tables) -> ir.Table:
    """Fit with the ideal customer per company: of (account_id), is_ideal (text: ideal, other).

    What was said of a company's leads, which are linked through the account or through the contact;
    else what its account says. A company is ideal when any of them is said to be.
    """
    found = [*_from_leads(tables), *_from_accounts(tables)]
    if not found:
        return small({}, {"of": "string", "is_ideal": "string"})
    rows = ibis.union(*found) if len(found) > 1 else found[0]
    rows = rows.filter(rows["flag"].notnull(), rows["of"].notnull())
    first = rows.mutate(best=rows["source"].min().over(ibis.window(group_by="of")))
    first = first.filter(first["source"] == first["best"])
    ideal = first.count(where=first["flag"])
    sums = first.group_by("of").aggregate(ideal=ideal)
    return sums.select("of", is_ideal=ibis.ifelse(sums["ideal"] > 0, "ideal", "other"))


def _from_leads(tables: Tables) -> list[ir.Table]:
    if "leads" not in tables:
        return []
    leads = tables["leads"]
    one = ibis.literal(1).cast("int64")
    found = [leads.select(of=leads["account_id"], flag=leads["is_ideal"], source=one)]
    if "contacts" in tables:
        people = tables["contacts"].select("account_id", who=tables["contacts"]["contact_id"])
        mine = leads.select("contact_id", flag=leads["is_ideal"])
        joined = mine.join(people, mine["contact_id"] == people["who"])
        found.append(joined.select(of=joined["account_id"], flag=joined["flag"], source=one))
    return found


def _from_accounts(tables: Tables) -> list[ir.Table]:
    if "accounts" not in tables:
        return []
    rows = tables["accounts"]
    two = ibis.literal(2).cast("int64")
    return [rows.select(of=rows["account_id"], flag=rows["is_ideal"], source=two)]


def with_ideal(tables: Tables, rows: ir.Table) -> ir.Table:
    """The rows with is_ideal (text: ideal, other, not stated) of their account_id."""
    known = ideal_accounts(tables)
    joined = rows.left_join(known, rows["account_id"] == known["of"]).drop("of")
    return joined.mutate(is_ideal=joined["is_ideal"].fill_null(NOT_STATED))


def with_track(tables: Tables, rows: ir.Table, day: str) -> ir.Table:
    """The rows with track: that of the account's last touch on or before the date column `day`.

    Several tracks on that day: the first by name. Only earlier touches count, so that a track is
    not given to who passed because passing started it. "no track" where there is none.
    """
    if "interactions" not in tables:
        return rows.mutate(track=ibis.literal(NO_TRACK))
    touches = tables["interactions"]
    touches = touches.filter(touches["track"].notnull(), touches["at"].date() <= tables.as_of)
    touches = touches.select("track", of=touches["account_id"], touched=touches["at"].date())
    touches = touches.group_by("of", "touched").aggregate(track=touches["track"].min())
    wanted = rows.select("account_id", on_day=rows[day]).distinct()
    before = [wanted["account_id"] == touches["of"], touches["touched"] <= wanted["on_day"]]
    met = wanted.join(touches, before)
    met = met.mutate(last=met["touched"].max().over(ibis.window(group_by=["of", "on_day"])))
    met = met.filter(met["touched"] == met["last"]).select("of", "on_day", "track")
    same = [rows["account_id"] == met["of"], rows[day] == met["on_day"]]
    joined = rows.left_join(met, same).drop("of", "on_day")
    return joined.mutate(track=joined["track"].fill_null(NO_TRACK))
