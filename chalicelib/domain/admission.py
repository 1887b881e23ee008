"""May this message go out now? Asked right before each post, and nowhere else decided; and what a recount mends."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from .client import Client
from .mailing import CANCELLED, PAUSED, RUNNING, Mailing
from .message import EXPIRED, QUEUED, Message


class Admission(Enum):
    POST = "post"
    WAIT = "wait"
    """Not now: back to the queue."""
    EXPIRE = "expire"
    CANCEL = "cancel"
    DROP = "drop"
    """The mailing is deleted: nothing is left to record."""


def admit(mailing: Mailing | None, client: Client | None, now: datetime) -> Admission:
    """What becomes of a queued message at this moment."""
    if mailing is None:
        return Admission.DROP
    if mailing.status == CANCELLED or client is None:
        return Admission.CANCEL
    if mailing.is_over(now):
        return Admission.EXPIRE
    if mailing.status == PAUSED or now < mailing.datetime_start:
        return Admission.WAIT
    return Admission.POST


def seconds_for_post(mailing: Mailing, now: datetime, timeout: float, remaining: float) -> float:
    """The request's timeout: neither the end of the mailing nor that of the invocation is overrun."""
    return min(timeout, (mailing.datetime_end - now).total_seconds(), remaining)


class Mend(Enum):
    """What a recount does for a message that is not where it should be."""

    EXPIRE = "expire"
    REVIVE = "revive"
    REQUEUE = "requeue"


def mend(message: Message, mailing: Mailing, now: datetime, requeue: bool) -> Mend | None:
    """None where nothing is to be done. `requeue`: the send queue is known to have lost what waits."""
    over = mailing.is_over(now)
    if message.status == EXPIRED and not over and mailing.status == RUNNING:
        return Mend.REVIVE
    if message.status != QUEUED or message.is_claimed(now):
        return None
    if over:
        return Mend.EXPIRE
    return Mend.REQUEUE if requeue and mailing.status == RUNNING else None
