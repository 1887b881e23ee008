"""When a provider is asked what became of a message: a few times, at growing ages of the message."""

from __future__ import annotations

import re

MINUTE, HOUR = 60, 3600

ASKED_AT = (MINUTE, 6 * MINUTE, 30 * MINUTE, 3 * HOUR, 14 * HOUR, 25 * HOUR)
"""Seconds since the post. Most messages arrive within minutes, and no provider delivers one after a day.

SQS hides a queue message for 12 hours at most, so no wait is longer.
"""

FIRST_WAIT = ASKED_AT[0]

PROVIDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
"""The ids that are asked for. None contains a comma."""


def seconds_until_asked(posted_at: float, now: float) -> int | None:
    """Until the next question; None after the last one."""
    age = now - posted_at
    return next((int(at - age) + 1 for at in ASKED_AT if at > age), None)
