"""Announce, change, steer and withdraw mailings."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

from ..delivery import fanout, reconcile
from ..domain import decisions
from ..domain.audit_record import AuditRecord, Author
from ..domain.decisions import MailingFields
from ..domain.mailing import CANCELLED, SCHEDULED, Mailing
from ..domain.walk import walk_down
from ..errors import NotFound, RowChanged
from ..logs import add_log_keys
from ..representation import represent_mailing
from .placeholders import require_known_placeholders

if TYPE_CHECKING:
    from ..adapters.services import Services

MAILING_ID = "mailing_id"
TRIES = 5


def new_mailing_id(services: Services) -> int:
    return services.counters.next_id(MAILING_ID)


def announce_mailing(
    services: Services, fields: MailingFields, mailing_id: int | None = None, author: Author | None = None
) -> Mailing:
    """Save it, then see to its start; should we die between the two, the sweep starts it.

    `author`: whose decision is to be recorded. `mailing_id`: reserved before, by an earlier try of the same request,
    which may have made the mailing.
    """
    now = services.clock.now()
    require_known_placeholders(services, fields["message_text"])
    decisions.announced(fields, 0, now)  # refused before an id is spent on it
    mailing = decisions.announced(fields, mailing_id or new_mailing_id(services), now)
    mailing = _add(
        services, mailing, author.record("mailing", mailing.id, None, represent_mailing(mailing)) if author else None
    )
    add_log_keys(mailing_id=mailing.id)
    _see_to_start(services, mailing)
    return mailing


def _add(services: Services, mailing: Mailing, record: AuditRecord | None) -> Mailing:
    for _ in range(TRIES):
        try:
            services.mailings.add(mailing, record)
            return mailing
        except RowChanged:  # it is there already, or another transaction had hold of the totals
            found = services.mailings.get(mailing.id)
            if found is not None:
                return found
    raise RowChanged


def get_mailing(services: Services, mailing_id: int) -> Mailing:
    mailing = services.mailings.get(mailing_id)
    if mailing is None:
        raise NotFound
    return mailing


def change_mailing(services: Services, mailing_id: int, fields: MailingFields, author: Author | None = None) -> Mailing:
    def decision(mailing: Mailing, now: datetime) -> Mailing:
        after = decisions.changed(mailing, fields, now)
        if after.message_text != mailing.message_text:
            require_known_placeholders(services, after.message_text)
        return after

    return _decide(services, mailing_id, decision, author)


def pause_mailing(services: Services, mailing_id: int, author: Author | None = None) -> Mailing:
    """Within a second or two nothing is sent any more; posts that are under way are let finish."""
    return _decide(services, mailing_id, decisions.paused, author, "paused")


def resume_mailing(services: Services, mailing_id: int, author: Author | None = None) -> Mailing:
    return _decide(services, mailing_id, decisions.resumed, author, "resumed")


def cancel_mailing(services: Services, mailing_id: int, author: Author | None = None) -> Mailing:
    """For good. Statistics and messages stay; what is queued becomes cancelled."""
    return _decide(services, mailing_id, decisions.cancelled, author, "cancelled")


def resend_mailing(
    services: Services, mailing_id: int, statuses: Collection[str], author: Author | None = None
) -> Mailing:
    """Queue again those whose message has one of these final statuses; `sent` is never among them."""
    return _decide(
        services,
        mailing_id,
        lambda mailing, now: decisions.resent(mailing, statuses, now),
        author,
        "sent again",
    )


def _decide(
    services: Services,
    mailing_id: int,
    decision: Callable[[Mailing, datetime], Mailing],
    author: Author | None,
    action: str = "",
) -> Mailing:
    """Save the decision, then do what follows from it; the sweep completes what we could not."""
    for _ in range(TRIES):
        before = get_mailing(services, mailing_id)
        after = decision(before, services.clock.now())
        if after == before:
            return before
        record = (
            author.record("mailing", mailing_id, represent_mailing(before), represent_mailing(after), action)
            if author
            else None
        )
        try:
            after = services.mailings.change(before, after, record)
        except RowChanged:
            continue
        _follow_up(services, before, after)
        return after
    raise RowChanged


def withdraw_mailing(services: Services, mailing_id: int, author: Author | None = None) -> None:
    """Senders find no mailing any more and drop what is queued; a schedule that still fires finds none."""
    for _ in range(TRIES):
        mailing = get_mailing(services, mailing_id)
        record = author.record("mailing", mailing_id, represent_mailing(mailing), None) if author else None
        try:
            services.mailings.remove(mailing, record)
        except RowChanged:
            continue
        if mailing.status == SCHEDULED:
            services.schedules.remove(mailing_id)
        return
    raise RowChanged


def list_mailings(services: Services, before_id: int | None, limit: int) -> tuple[list[Mailing], int | None]:
    """A page, the newest first, and the id that the next page goes on below (None at the end)."""
    below = services.counters.last_id(MAILING_ID) + 1 if before_id is None else before_id
    found, rest = walk_down(services.mailings.get_many, below, limit)
    return [mailing for _, mailing in found], rest


def _see_to_start(services: Services, mailing: Mailing) -> None:
    if mailing.status != SCHEDULED:
        return
    if mailing.datetime_start <= services.clock.now():
        fanout.ask_start(services, mailing.id)
    else:
        services.schedules.set(mailing.id, mailing.datetime_start)


def _follow_up(services: Services, before: Mailing, after: Mailing) -> None:
    if before.status == SCHEDULED and after.status != SCHEDULED:
        services.schedules.remove(after.id)
    if after.plan is None:
        if (before.status, before.datetime_start) != (after.status, after.datetime_start):
            _see_to_start(services, after)
    elif after.has_orders or after.status == CANCELLED or after.datetime_end != before.datetime_end:
        reconcile.request_reconciliation(services, after)
