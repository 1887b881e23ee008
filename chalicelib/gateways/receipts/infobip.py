"""Infobip's delivery reports and inbound messages. docs/gateways/infobip.md."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ...domain.message import DELIVERED, UNDELIVERED
from ..answer import whole_number
from .port import IGNORED, NOTHING, Acknowledgement, Call, Keys, Reports, inbound, report

ACKNOWLEDGEMENT = Acknowledgement()

PENDING = "PENDING"
STATUSES: dict[str, str | None] = {
    "ACCEPTED": None,
    PENDING: None,
    "DELIVERED": DELIVERED,
    "UNDELIVERABLE": UNDELIVERED,
    "EXPIRED": UNDELIVERED,
    "REJECTED": UNDELIVERED,
}
"""By the group of the status.

Source: https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes"""

SAY_LESS = {
    2,  # DELIVERED_TO_OPERATOR: not yet to the phone, and a further report may follow
    29,  # EXPIRED_DLR_UNKNOWN: no report of the operator came that could be read
}
"""Ids of statuses that prove less than their group says.

Source: https://www.infobip.com/docs/developer-resources/api-fundamentals/message-status-codes"""


def verify(_call: Call, _keys: Keys) -> bool:
    """Its signature has no documented form that could be confirmed: the key in the address alone counts."""
    return True


def read(call: Call, now: datetime) -> Reports:
    """A call has up to a hundred reports, or inbound messages."""
    results = call.json.get("results")
    if not isinstance(results, list):
        return NOTHING
    return sum((_read_one(result, now) for result in results), NOTHING)


def _read_one(result: object, now: datetime) -> Reports:
    if not isinstance(result, dict):
        return IGNORED
    if "status" not in result:
        return inbound(result.get("from"), result.get("text"))
    status, error = result["status"], result.get("error")
    group = _group(status) if isinstance(status, dict) else None
    reason = error.get("name") if isinstance(error, dict) else None
    return report(result.get("messageId"), group, STATUSES, now, reason)


def _group(status: dict[str, Any]) -> object:
    return PENDING if whole_number(status.get("id")) in SAY_LESS else status.get("groupName")
