"""Kannel's calls of `dlr-url`, and of `get-url` for inbound messages. docs/gateways/kannel.md."""

from __future__ import annotations

from datetime import datetime

from ...domain.message import DELIVERED, UNDELIVERED
from .port import NOTHING, Acknowledgement, Call, Keys, Reports, inbound, report

ACKNOWLEDGEMENT = Acknowledgement()
"""No text: Kannel would send it as a reply to an inbound message."""

STATUSES: dict[str, str | None] = {
    "1": DELIVERED,
    "2": UNDELIVERED,
    "4": None,  # queued at the SMS centre
    "8": None,  # accepted by it
    "16": UNDELIVERED,  # rejected by it
    "34": UNDELIVERED,  # expired: 2 and a bit of newer versions
    "66": None,  # unknown: 2 and a bit of newer versions
}
"""Source: gw/dlr.h of Kannel."""


def verify(_call: Call, _keys: Keys) -> bool:
    """Kannel signs nothing: the key in the address alone counts."""
    return True


def read(call: Call, now: datetime) -> Reports:
    """`status` is what we put into `dlr-url` for `%d`; `phone` and `text` are in the `get-url` of the documentation."""
    fields = dict(call.query)
    if "status" in fields:
        return report(call.message_id, fields["status"], STATUSES, now)
    return inbound(fields.get("phone"), fields["text"]) if "text" in fields else NOTHING
