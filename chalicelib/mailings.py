"""Announce, change and withdraw mailings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import fanout, recount
from .domain.mailing import SCHEDULED, Mailing, MailingFields, announced, changed
from .errors import NotFound, RowChanged

if TYPE_CHECKING:
    from .adapters.outside import Outside

MAILING_ID = "mailing_id"
TRIES = 5
PAGE_READ = 100
MAX_READS = 50


def announce_mailing(outside: Outside, fields: MailingFields) -> Mailing:
    """Save it, then see to its start; should we die between the two, the sweep starts it."""
    mailing = announced(fields, outside.counters.next_id(MAILING_ID), outside.clock.now())
    outside.mailings.add(mailing)
    _see_to_start(outside, mailing)
    return mailing


def get_mailing(outside: Outside, mailing_id: int) -> Mailing:
    mailing = outside.mailings.get(mailing_id)
    if mailing is None:
        raise NotFound
    return mailing


def change_mailing(outside: Outside, mailing_id: int, fields: MailingFields) -> Mailing:
    """Save the change, then do what follows from it; the sweep completes what we could not."""
    for _ in range(TRIES):
        before = get_mailing(outside, mailing_id)
        after = changed(before, fields, outside.clock.now())
        if after == before:
            return before
        try:
            after = outside.mailings.change(before, after)
        except RowChanged:
            continue
        _follow_up(outside, before, after)
        return after
    raise RowChanged


def withdraw_mailing(outside: Outside, mailing_id: int) -> None:
    """Senders find no mailing any more and drop what is queued; a schedule that still fires finds none."""
    for _ in range(TRIES):
        mailing = get_mailing(outside, mailing_id)
        try:
            outside.mailings.remove(mailing)
        except RowChanged:
            continue
        if mailing.status == SCHEDULED:
            outside.schedules.remove(mailing_id)
        return
    raise RowChanged


def list_mailings(outside: Outside, before_id: int | None, limit: int) -> tuple[list[Mailing], int | None]:
    """A page, the newest first, and the id that the next page goes on below (None at the end).

    Ids are dense, so a page is a range of ids; those missing are deleted.
    """
    below = outside.counters.last_id(MAILING_ID) + 1 if before_id is None else before_id
    found: list[Mailing] = []
    for _ in range(MAX_READS):
        if below <= 1 or len(found) > limit:
            break
        ids = range(below - 1, max(0, below - 1 - PAGE_READ), -1)
        read = outside.mailings.get_many(list(ids))
        found += [read[mailing_id] for mailing_id in ids if mailing_id in read]
        below = ids[-1]
    if len(found) > limit:
        return found[:limit], found[limit - 1].id
    return found, below if below > 1 else None


def _see_to_start(outside: Outside, mailing: Mailing) -> None:
    if mailing.status != SCHEDULED:
        return
    if mailing.datetime_start <= outside.clock.now():
        fanout.ask_start(outside, mailing.id)
    else:
        outside.schedules.set(mailing.id, mailing.datetime_start)


def _follow_up(outside: Outside, before: Mailing, after: Mailing) -> None:
    if after.plan is not None:
        if after.datetime_end != before.datetime_end:
            recount.ask_recount(outside, after)
        return
    if before.status == SCHEDULED and after.status != SCHEDULED:
        outside.schedules.remove(after.id)
    if (before.status, before.datetime_start) != (after.status, after.datetime_start):
        _see_to_start(outside, after)
