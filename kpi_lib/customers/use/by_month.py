"""What was known of use at the end of a month, from sums that are made once for all months.

A question about the past asks the same of many month ends. Counting all events again on each of
them takes most of the time on a large company; so they are counted once, by the month in which each
became known, and a month end adds up the months until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import ibis
import ibis.expr.types as ir

from kpi_lib.customers.subscribed import API_SHARE, account_days, history, ratio, service_users
from kpi_lib.periods import Period
from kpi_lib.schema import Tables, kept


def can_be_summed(tables: Tables) -> bool:
    """Whether `tables` are those of a past month end of a data set."""
    return tables.all_days is not None and (tables.as_of + timedelta(days=1)).day == 1


def seen(
    tables: Tables,
    periods: Sequence[Period],
    events: Sequence[str] = (),
    *,
    people_only: bool = True,
) -> ir.Table:
    """What had been seen of each account by the end of each period: see `subscribed.history`."""
    if not can_be_summed(tables) or [period.end for period in periods] != [tables.as_of]:
        return history(account_days(tables, events, people_only=people_only), periods)
    sums = use_so_far(tables, events, people_only=people_only)
    return sums.select(
        "account_id",
        period=ibis.literal(periods[0].start),
        is_api=ratio(sums["calls"], sums["everything"]) >= API_SHARE,
        is_started=sums["acts"] > 0,
    )


def use_so_far(tables: Tables, events: Sequence[str] = (), *, people_only: bool = True) -> ir.Table:
    """Use known by the end of the month: account_id, acts, calls, everything (numbers of events).

    What `subscribed.account_days` gives, summed over all days, where `can_be_summed`.
    """
    rows = _known(tables, _counts(_all_days(tables), tuple(events)))
    if "contacts" in tables:
        services = service_users(tables)
        rows = rows.left_join(services, rows["program"] == services["service"])
        rows = rows.mutate(is_machine=rows["is_api"] | rows["service"].notnull())
    else:
        rows = rows.mutate(is_machine=rows["is_api"])
    nobody = rows["is_machine"] if people_only else ibis.literal(False)
    return rows.group_by("account_id").aggregate(
        acts=ibis.ifelse(nobody, 0, rows["acts"]).sum(),
        calls=ibis.ifelse(rows["is_machine"], rows["everything"], 0).sum(),
        everything=rows["everything"].sum(),
    )


def api_use(tables: Tables) -> ir.Table:
    """Events per account: account_id, calls (by API), everything (numbers of events)."""
    if not can_be_summed(tables):
        usage = tables["usage"]
        by_api = usage["channel"].fill_null("") == "api"
        return usage.group_by("account_id").aggregate(
            calls=usage.count(where=by_api), everything=usage.count()
        )
    rows = _known(tables, _counts(_all_days(tables), ()))
    return rows.group_by("account_id").aggregate(
        calls=ibis.ifelse(rows["is_api"], rows["everything"], 0).sum(),
        everything=rows["everything"].sum(),
    )


def first_uses(tables: Tables, events: Sequence[str]) -> ir.Table:
    """Moments of which the earliest is the first use of each account and kind: account_id, event, at."""
    if can_be_summed(tables):
        return _known(tables, _firsts(_all_days(tables), tuple(events)))
    return all_uses(tables, events)


def all_uses(tables: Tables, events: Sequence[str]) -> ir.Table:
    """The events of those kinds: account_id, event, at."""
    usage = tables["usage"]
    return usage.filter(usage["event"].isin(list(events))).select("account_id", "event", "at")


def _all_days(tables: Tables) -> Tables:
    if tables.all_days is None:
        raise ValueError("these tables know nothing of other days")
    return tables.all_days


def _known(tables: Tables, sums: ir.Table) -> ir.Table:
    """The sums of the months that had ended: nothing that became known later."""
    return sums.filter(sums["known_in"] <= tables.as_of).drop("known_in")


@kept
def _counts(all_days: Tables, events: tuple[str, ...]) -> ir.Table:
    """Events by the month in which they became known: account_id, known_in, program, is_api, acts, everything.

    `program` is the contact where that is, or becomes, known as a service user: whether it was known
    as one is a question of the day. `acts` are of the kinds `events` (all kinds if empty).
    """
    usage = all_days["usage"]
    rows = usage.select(
        "account_id",
        known_in=usage["known_on"].truncate("M"),
        person=usage["contact_id"],
        is_api=usage["channel"].fill_null("") == "api",
        counts=usage["event"].isin(list(events)) if events else ibis.literal(True),
    )
    if "contacts" in all_days:
        services = service_users(all_days)
        rows = rows.left_join(services, rows["person"] == services["service"])
        rows = rows.mutate(program=rows["service"])
    else:
        rows = rows.mutate(program=ibis.null("string"))
    return rows.group_by("account_id", "known_in", "program", "is_api").aggregate(
        acts=rows.count(where=rows["counts"]), everything=rows.count()
    )


@kept
def _firsts(all_days: Tables, events: tuple[str, ...]) -> ir.Table:
    """The first moment by account, kind of event and the month in which it became known."""
    usage = all_days["usage"]
    rows = usage.filter(usage["event"].isin(list(events)))
    rows = rows.select("account_id", "event", "at", known_in=rows["known_on"].truncate("M"))
    return rows.group_by("account_id", "event", "known_in").aggregate(at=rows["at"].min())
