"""The events and the inbound messages of AWS End User Messaging.

Two rules of EventBridge in infra/stack.json turn events into receipts. Only final events pass, so no function is woken
by the others. A test compares the rules with this table. Inbound messages come through a topic of SNS.
"""

from __future__ import annotations

import json
from typing import Any

from ...domain.inbound import Inbound
from ...domain.message import DELIVERED, UNDELIVERED

STATUSES: dict[str, str | None] = {
    "TEXT_QUEUED": None,
    "TEXT_PENDING": None,
    "TEXT_SENT": None,
    "TEXT_UNKNOWN": None,  # no event of the operator came within 72 hours
    "TEXT_SUCCESSFUL": DELIVERED,  # the operator has it, and reports no more
    "TEXT_DELIVERED": DELIVERED,
    "TEXT_INVALID": UNDELIVERED,
    "TEXT_INVALID_MESSAGE": UNDELIVERED,
    "TEXT_UNREACHABLE": UNDELIVERED,
    "TEXT_CARRIER_UNREACHABLE": UNDELIVERED,
    "TEXT_BLOCKED": UNDELIVERED,
    "TEXT_CARRIER_BLOCKED": UNDELIVERED,
    "TEXT_SPAM": UNDELIVERED,
    "TEXT_TTL_EXPIRED": UNDELIVERED,
    "TEXT_PROTECT_BLOCKED": UNDELIVERED,
}
"""By `eventType`, of a final event.

Source: https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-types.html"""

SENDER, TEXT = "originationNumber", "messageBody"


def inbound_of(body: str) -> Inbound | None:
    """The message to us in a body that SNS delivers raw; None for any other body.

    Source: https://docs.aws.amazon.com/sms-voice/latest/userguide/phone-numbers-two-way-sms-payload.html"""
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    phone_number, text = (value.get(SENDER), value.get(TEXT)) if isinstance(value, dict) else (None, None)
    return Inbound(phone_number, text) if isinstance(phone_number, str) and isinstance(text, str) else None
