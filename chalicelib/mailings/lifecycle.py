"""Announce, change, pause, resume, cancel, resend and delete mailings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..clients.segments import as_it_would_start, with_segment
from ..delivery.rounds import request_reconciliation
from ..domain import decisions
from ..domain.approval import HELD
from ..domain.approval_decisions import approved
from ..domain.approved_content import is_approval_withdrawn, with_author
from ..domain.audit_record import AuditRecord, Author
from ..domain.draft import Draft
from ..domain.field_versions import Shown
from ..domain.mailing import CANCELLED, MAILING_ID, SCHEDULED, Mailing
from ..domain.mailing_fields import MailingFields
from ..errors import NotFound, NotInThisStatus, Outdated, RowChanged, TryAgain
from ..logs import add_log_keys, log
from ..representation import represent_mailing
from ..retries import retry_lost_races
from ..texts import Text
from .filters import require_known_names
from .placeholders import require_known_placeholders
from .prices import require_price
from .sender_name import require_usable_sender
from .starts import arrange_start, has_schedule

if TYPE_CHECKING:
    from ..adapters.services import Services


def planned_mailing(services: Services, fields: MailingFields) -> Mailing:
    """The mailing that these fields would make now, without an id. Raises BadInput."""
    mailing = with_segment(services, decisions.announced(fields, 0, services.clock.now()))
    require_usable(services, mailing)
    return mailing


def new_mailing_id(services: Services, fields: MailingFields) -> int:
    """The id of a mailing with these fields. Raises BadInput before an id is used."""
    planned_mailing(services, fields)
    return services.counters.next_id(MAILING_ID)


def require_usable(services: Services, after: Mailing, before: Mailing | None = None) -> None:
    """Raises BadInput if a changed field cannot be used now. `before`: None for a new mailing."""
    if before is None or after.message_text != before.message_text:
        require_known_placeholders(services, after.message_text)
    if before is None or after.sender != before.sender:
        require_usable_sender(services, after.sender)
    if before is None or after.max_cost != before.max_cost:
        require_price(services, after.max_cost)
    if before is None or after.chosen.condition != before.chosen.condition:
        require_known_names(services, after.chosen.condition, after.id or None)


def announce_mailing(
    services: Services,
    fields: MailingFields,
    mailing_id: int | None = None,
    author: Author | None = None,
    draft: Draft | None = None,
) -> Mailing:
    """Write the mailing, then arrange its start. If the process dies between the two, the sweep starts the mailing.

    `mailing_id`: the id that `new_mailing_id` reserved for the same fields. An earlier try may have made the mailing.
    `author`: for the audit record; without it none is written. `draft`: as the launch leaves it, written together with
    the mailing. Raises BadInput, DraftChanged.
    """
    mailing_id = mailing_id or new_mailing_id(services, fields)
    mailing = with_segment(services, decisions.announced(fields, mailing_id, services.clock.now()))
    if author is not None:
        mailing = with_author(mailing, author.name)
    if draft is not None:
        mailing = replace(mailing, draft_id=draft.id)
    record = author.record("mailing", mailing.id, None, represent_mailing(mailing)) if author else None
    mailing = _add(services, mailing, record, draft)
    add_log_keys(mailing_id=mailing.id)
    with _left_to_the_sweep(mailing_id):
        arrange_start(services, mailing)
    return mailing


def _add(services: Services, mailing: Mailing, record: AuditRecord | None, draft: Draft | None) -> Mailing:
    def attempt() -> Mailing:
        try:
            services.mailings.add(mailing, record, draft)
        except RowChanged:  # an earlier try wrote the mailing, or another transaction changed the totals
            found = services.mailings.get(mailing.id)
            if found is None:
                raise
            return found
        return mailing

    return retry_lost_races(services.clock, attempt)


def get_mailing(services: Services, mailing_id: int) -> Mailing:
    mailing = services.mailings.get(mailing_id)
    if mailing is None:
        raise NotFound
    return mailing


def change_mailing(
    services: Services,
    mailing_id: int,
    fields: MailingFields,
    author: Author | None = None,
    shown: Shown | None = None,
) -> Mailing:
    """Raises Outdated if the mailing is no longer as `shown` and the change would overwrite that."""

    def decision(mailing: Mailing, now: datetime) -> Mailing:
        after = with_segment(services, decisions.changed(mailing, fields, now))
        if shown is not None and after != mailing:
            shown.require_unchanged(represent_mailing(mailing))
        require_usable(services, after, mailing)
        if author is not None and is_approval_withdrawn(mailing, after):
            after = with_author(after, author.name)
        return after

    return _decide(services, mailing_id, decision, author)


def approve_mailing(
    services: Services, mailing_id: int, author: Author, shown: Shown, segment: str | None = None
) -> Mailing:
    """Approve the mailing as it was `shown` to the author. Raises Outdated, NotAllowed to those who have written it.

    `segment`: the version of its segment that the author has seen; without it, the copy that the mailing has.
    """

    def decision(mailing: Mailing, now: datetime) -> Mailing:
        if segment is not None:
            mailing = as_it_would_start(services, mailing)
            if segment != version_of_segment(mailing):
                raise Outdated(("segment",))
        if not services.settings.approval_above and mailing.approval not in HELD:
            raise NotInThisStatus(Text("approval.not_needed"))
        shown.require_unchanged(represent_mailing(mailing))
        return approved(mailing, author.name, now)

    return _decide(services, mailing_id, decision, author, "approved")


def version_of_segment(mailing: Mailing) -> str:
    return str(mailing.chosen.segment.version) if mailing.chosen.segment else ""


def pause_mailing(services: Services, mailing_id: int, author: Author | None = None) -> Mailing:
    """Posts end within two seconds. Posts under way finish."""
    return _decide(services, mailing_id, decisions.paused, author, "paused")


def resume_mailing(services: Services, mailing_id: int, author: Author | None = None) -> Mailing:
    return _decide(services, mailing_id, decisions.resumed, author, "resumed")


def cancel_mailing(services: Services, mailing_id: int, author: Author | None = None) -> Mailing:
    """Stop the mailing for good. Its queued messages become cancelled; statistics and messages stay."""
    return _decide(services, mailing_id, decisions.cancelled, author, "cancelled")


def resend_mailing(
    services: Services, mailing_id: int, orders: Collection[str], author: Author | None = None
) -> Mailing:
    """Queue messages again: those with a final status, or with a status and a reason (domain/resends.py)."""
    return _decide(
        services,
        mailing_id,
        lambda mailing, now: decisions.resent(mailing, orders, now),
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
    """Write the decision, then carry it out. If the process dies between the two, the sweep carries it out."""

    def attempt() -> tuple[Mailing, Mailing]:
        before = get_mailing(services, mailing_id)
        after = decision(before, services.clock.now())
        if after == before:
            return before, before
        shown = represent_mailing(before), represent_mailing(after)
        record = author.record("mailing", mailing_id, *shown, action) if author else None
        return before, services.mailings.change(before, after, record)

    before, after = retry_lost_races(services.clock, attempt)
    if after != before:
        with _left_to_the_sweep(mailing_id):
            _follow_up(services, before, after)
    return after


def delete_mailing(
    services: Services, mailing_id: int, author: Author | None = None, shown: Shown | None = None
) -> None:
    """Delete the mailing. Senders drop its queue messages, and a schedule that still fires does nothing.

    Raises Outdated if the mailing is no longer as `shown`.
    """

    def attempt() -> Mailing:
        mailing = get_mailing(services, mailing_id)
        if shown is not None:
            shown.require_unchanged(represent_mailing(mailing))
        record = author.record("mailing", mailing_id, represent_mailing(mailing), None) if author else None
        services.mailings.remove(mailing, record)
        return mailing

    if retry_lost_races(services.clock, attempt).status == SCHEDULED:
        services.schedules.remove(mailing_id)


@contextmanager
def _left_to_the_sweep(mailing_id: int) -> Iterator[None]:
    """What the block could not do, the sweep does within a minute. An error would make the caller decide again."""
    try:
        yield
    except TryAgain:
        log.exception("decision left to the sweep", extra={"mailing_id": mailing_id})


def _follow_up(services: Services, before: Mailing, after: Mailing) -> None:
    is_moved = (before.status, before.datetime_start) != (after.status, after.datetime_start)
    if is_moved and before.status == SCHEDULED and not has_schedule(after, services.clock.now()):
        services.schedules.remove(after.id)
    if after.plan is None:
        if is_moved:
            arrange_start(services, after)
    elif after.has_orders or after.status == CANCELLED or after.datetime_end != before.datetime_end:
        request_reconciliation(services, after)
