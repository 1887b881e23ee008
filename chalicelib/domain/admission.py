"""May this message go out now? Asked right before each post, and nowhere else decided; and what a recount mends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .client import Client
from .mailing import CANCELLED, PAUSED, RUNNING, Mailing
from .message import EXPIRED, QUEUED, Message
from .rate import ANY_TIME, Permit
from .send_window import Hours, Zones

CLIENT_GONE = "The client was deleted."
OPTED_OUT = "The client opted out."


class Admission(Enum):
    POST = "post"
    WAIT = "wait"
    """Not now: back to the queue."""
    HOLD = "hold"
    """The row waits without its queue message: a mailing that is resumed, or whose canary has passed, is queued again;
    a cancelled one is closed."""
    PACE = "pace"
    """Its permit is for another moment: it comes back to ask for a new one."""
    SOON = "soon"
    """The client's window opens soon: the queue holds the message back until then."""
    CLOSED = "closed"
    """The window is closed for longer: the row waits without its queue message, until it is released."""
    EXPIRE = "expire"
    CANCEL = "cancel"
    DROP = "drop"
    """The mailing is deleted: nothing is left to record."""


@dataclass(frozen=True)
class Decision:
    """`reason`: why it ends so, for people. `opens_at`: when a closed window opens; None: not for days."""

    admission: Admission
    reason: str | None = None
    opens_at: datetime | None = None


def admit(
    mailing: Mailing | None,
    client: Client | None,
    now: datetime,
    zones: Zones,
    permit: Permit = ANY_TIME,
    tried: bool = False,
) -> Decision:
    """What becomes of a queued message at this moment.

    `permit`: when its rate allows it. `tried`: it has been let go before, and need not be let go by a canary any more.
    """
    if mailing is None:
        return Decision(Admission.DROP)
    if mailing.status == CANCELLED:
        return Decision(Admission.HOLD)
    if client is None:
        return Decision(Admission.CANCEL, CLIENT_GONE)
    if client.opted_out_at is not None:
        return Decision(Admission.CANCEL, OPTED_OUT)
    if mailing.is_over(now):
        return Decision(Admission.EXPIRE)
    if mailing.status == PAUSED:
        return Decision(Admission.HOLD)
    if now < mailing.datetime_start:
        return Decision(Admission.WAIT)
    hours = Hours(mailing.window, zones, now)
    if hours.holds(client.timezone):
        return Decision(Admission.CLOSED, opens_at=hours.opens_at(client.timezone))
    if hours.opens_at(client.timezone) != now:
        return Decision(Admission.SOON, opens_at=hours.opens_at(client.timezone))
    if mailing.canary is not None and not mailing.canary.admits(tried):
        return Decision(Admission.HOLD)
    if not permit.allows(now.timestamp()):
        return Decision(Admission.PACE)
    return Decision(Admission.POST)


def seconds_for_post(mailing: Mailing, now: datetime, timeout: float, remaining: float) -> float:
    """The request's timeout: neither the end of the mailing nor that of the invocation is overrun."""
    return min(timeout, (mailing.datetime_end - now).total_seconds(), remaining)


class Repair(Enum):
    """What a recount does for a message that is not where it should be."""

    EXPIRE = "expire"
    CANCEL = "cancel"
    DOUBT = "doubt"
    REVIVE = "revive"
    REQUEUE = "requeue"


def repair_for(
    message: Message, mailing: Mailing, now: datetime, requeue: bool, gateway_dedupes: bool
) -> Repair | None:
    """None where nothing is to be done. `requeue`: the send queue is known to have lost what waits."""
    if message.status != QUEUED:
        return Repair.REVIVE if _is_to_be_revived(message, mailing, now) else None
    if message.is_claimed(now):
        return None
    if message.is_in_doubt(now) and not gateway_dedupes:
        return Repair.DOUBT
    if mailing.status == CANCELLED:
        return Repair.CANCEL
    if mailing.is_over(now):
        return Repair.EXPIRE
    is_met_already = bool(mailing.resend) and message.resends == mailing.resends  # by a turn that died before it queued
    return Repair.REQUEUE if mailing.status == RUNNING and (requeue or mailing.requeue or is_met_already) else None


def _is_to_be_revived(message: Message, mailing: Mailing, now: datetime) -> bool:
    """Before its end nobody's message stays expired; and a person may order others to be sent again, once each."""
    if mailing.status != RUNNING or mailing.is_over(now):
        return False
    is_ordered = message.status in mailing.resend and message.resends < mailing.resends
    return message.status == EXPIRED or is_ordered
