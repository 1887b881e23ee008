"""Why a message expired: the reason for people, from what is known when the message is closed.

A message with a failed attempt keeps the error of that attempt instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..texts import Text
from .mailing import PAUSED, Mailing
from .message import QUEUED, Message
from .send_window import FIRST_MOMENT, SECOND, Hours, Zones

ENDED_FIRST = Text("expiry.ended_first")
ENDED_BEFORE_QUEUED = Text("expiry.ended_before_queued")

RECENT_POST = timedelta(minutes=1)
"""If the last post of a mailing is not older than this at the end, the gateway worked."""


@dataclass(frozen=True)
class ExpiryCauses:
    """`is_limited`: a rate limit applies. `failure`: why the gateway failed until the end; None if it was well."""

    is_limited: bool
    failure: Text | None


def hours_at_the_end(mailing: Mailing, zones: Zones) -> Hours:
    return Hours(mailing.window, zones, _last_moment(mailing))


def expiry_reason(mailing: Mailing, timezone: str | None, hours: Hours, causes: ExpiryCauses) -> Text:
    """The first cause that applies. `hours`: the result of `hours_at_the_end`. `timezone`: of the client."""
    if mailing.status == PAUSED:
        return Text("expiry.paused")
    if hours.opens_at(timezone) != _last_moment(mailing):
        return Text("expiry.outside_hours")
    if mailing.awaits_canary:
        return Text("expiry.no_canary_result")
    if causes.failure is not None:
        return Text("expiry.held_back", reason=causes.failure)
    return Text("expiry.no_permit") if causes.is_limited else ENDED_FIRST


def failure_until_the_end(mailing: Mailing, messages: list[Message]) -> Text | None:
    """The error of a message that waited for another attempt, if nothing was sent shortly before the mailing's end."""
    last_post_at = mailing.last_post_at
    if last_post_at is not None and mailing.datetime_end - last_post_at <= RECENT_POST:
        return None
    errors = (message.last_error for message in messages if message.status == QUEUED and message.attempts)
    return next((error for error in errors if error), None)


def _last_moment(mailing: Mailing) -> datetime:
    return max(mailing.datetime_end, FIRST_MOMENT) - SECOND
