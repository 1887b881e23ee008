"""The events of AWS End User Messaging. Two rules of EventBridge in infra/stack.json turn them into receipts.

Only final events pass, so no function is woken by the others. A test compares the rules with this table.
"""

from __future__ import annotations

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
