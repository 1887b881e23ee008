"""Decisions about the approval of a mailing: after the count of its clients, and by a second person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..errors import NotAllowed, NotInThisStatus
from ..texts import Text
from . import approval
from .decisions import resumed
from .mailing import PAUSED, SCHEDULED, Mailing


def counted(mailing: Mailing, most: int, now: datetime) -> Mailing:
    """After the fan-out of a mailing that was held for its count: it goes on, or awaits its approval.

    `most`: clients that need no approval.
    """
    if mailing.approval != approval.COUNTING or mailing.status != PAUSED or not mailing.is_fanned_out:
        return mailing
    if mailing.counts.total > most:
        return replace(mailing, approval=approval.AWAITED, paused_because=approval.REASONS[approval.AWAITED])
    is_held_alone = mailing.paused_because is not None
    after = replace(mailing, approval="")
    return resumed(after, now) if is_held_alone else after


def approved(mailing: Mailing, name: str, now: datetime) -> Mailing:
    """A second person, `name`, approves what the mailing says. A mailing that is held for it goes on.

    One that its canary, the brake, a limit or a person has paused waits for the resume: that accepts what paused it.
    """
    if mailing.approval == approval.GIVEN:
        return mailing
    if mailing.status not in (SCHEDULED, PAUSED) or (
        mailing.status == PAUSED and mailing.approval not in approval.HELD
    ):
        raise NotInThisStatus(Text("approval.not_needed"))
    if name in mailing.authors:
        raise NotAllowed(Text("approval.own"))
    is_held_alone = mailing.paused_because is not None and mailing.paused_because.code in approval.CODES
    after = replace(mailing, approval=approval.GIVEN, approved_by=name)
    return resumed(after, now) if is_held_alone else after
