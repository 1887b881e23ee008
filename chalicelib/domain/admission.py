"""Admission: the decision before each claim and again before its post. Also the repairs of a reconciliation round."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ..texts import Text
from .client import Client
from .consent import MARKETING, consent_refusal
from .mailing import CANCELLED, PAUSED, RUNNING, Mailing
from .message import EXPIRED, QUEUED, Message
from .rate import UNLIMITED, Permit
from .resends import is_ordered
from .rounds import needs_queue_message
from .routes import Routes
from .send_window import Hours, Zones

CLIENT_GONE = Text("client.gone")
OPTED_OUT = Text("client.opted_out")


class Admission(Enum):
    POST = "post"
    WAIT = "wait"
    """Too early: the queue message returns to the queue."""
    HOLD = "hold"
    """The row stays queued and its queue message is deleted. A resume or a passed canary queues it again; a
    cancellation closes it."""
    RATE_LIMITED = "rate_limited"
    """The permit is for another moment: the message asks for a new permit later."""
    OPENS_SOON = "opens_soon"
    """The local hours open within the maximum delay of the queue, so the queue delays the message until then."""
    OUTSIDE_HOURS = "outside_hours"
    """The local hours open later than that: the row stays queued without a queue message until its release."""
    EXPIRE = "expire"
    CANCEL = "cancel"
    DROP = "drop"
    """The mailing is deleted: there is nothing to record."""


@dataclass(frozen=True)
class AdmissionDecision:
    """`reason` explains a cancellation to people.

    `opens_at`: when the client's local hours open; None if they do not open within three days.
    """

    admission: Admission
    reason: Text | None = None
    opens_at: datetime | None = None


def admit(
    mailing: Mailing | None,
    client: Client | None,
    now: datetime,
    zones: Zones,
    permit: Permit = UNLIMITED,
    was_attempted: bool = False,
    requires_consent: bool = False,
) -> AdmissionDecision:
    """What to do with a queued message at this moment.

    `permit`: when the rate limits allow the post. `was_attempted`: the message was claimed before, so it keeps its
    place in the canary. `requires_consent`: marketing reaches only clients with a consent.
    """
    if mailing is None:
        return AdmissionDecision(Admission.DROP)
    if mailing.status == CANCELLED:
        return AdmissionDecision(Admission.HOLD)
    if client is None:
        return AdmissionDecision(Admission.CANCEL, CLIENT_GONE)
    if client.opted_out_at is not None:
        return AdmissionDecision(Admission.CANCEL, OPTED_OUT)
    if requires_consent and mailing.purpose == MARKETING and (refusal := consent_refusal(client)):
        return AdmissionDecision(Admission.CANCEL, refusal)
    if mailing.is_over(now):
        return AdmissionDecision(Admission.EXPIRE)
    if mailing.status == PAUSED:
        return AdmissionDecision(Admission.HOLD)
    if now < mailing.datetime_start:
        return AdmissionDecision(Admission.WAIT)
    hours = Hours(mailing.window, zones, now)
    if hours.needs_release(client.timezone):
        return AdmissionDecision(Admission.OUTSIDE_HOURS, opens_at=hours.opens_at(client.timezone))
    if hours.opens_at(client.timezone) != now:
        return AdmissionDecision(Admission.OPENS_SOON, opens_at=hours.opens_at(client.timezone))
    if mailing.canary is not None and not mailing.canary.admits(was_attempted):
        return AdmissionDecision(Admission.HOLD)
    if not permit.allows(now.timestamp()):
        return AdmissionDecision(Admission.RATE_LIMITED)
    return AdmissionDecision(Admission.POST)


def seconds_for_post(mailing: Mailing, now: datetime, timeout: float, remaining: float) -> float:
    """The timeout of the request in seconds: the post ends before the mailing and before the invocation."""
    return min(timeout, (mailing.datetime_end - now).total_seconds(), remaining)


class Repair(Enum):
    """What a reconciliation round does with a message in a wrong state."""

    EXPIRE = "expire"
    CANCEL = "cancel"
    MARK_UNKNOWN = "mark_unknown"
    REOPEN = "reopen"
    """A final status becomes queued again, and the message is queued."""
    REQUEUE = "requeue"
    """The row is queued already and gets a new queue message."""


def repair_for(message: Message, mailing: Mailing, now: datetime, routes: Routes) -> Repair | None:
    """None if the message needs no repair."""
    if message.status != QUEUED:
        return Repair.REOPEN if _needs_reopening(message, mailing, now) else None
    if message.is_claimed(now):
        return None
    if routes.leave_in_doubt(message, now):
        return Repair.MARK_UNKNOWN
    if mailing.status == CANCELLED:
        return Repair.CANCEL
    if mailing.is_over(now):
        return Repair.EXPIRE
    return Repair.REQUEUE if needs_queue_message(message, mailing, now) else None


def _needs_reopening(message: Message, mailing: Mailing, now: datetime) -> bool:
    """An expired message is reopened while the mailing runs; a resend order reopens other statuses, once per order."""
    if mailing.status != RUNNING or mailing.is_over(now):
        return False
    return message.status == EXPIRED or is_ordered(message, mailing.resend, mailing.resends)
