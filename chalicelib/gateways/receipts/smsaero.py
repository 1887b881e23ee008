"""SMS Aero's calls of `callbackUrl`. docs/gateways/smsaero.md."""

from __future__ import annotations

from datetime import datetime

from ...domain.message import DELIVERED, UNDELIVERED
from .port import NOTHING, Acknowledgement, Call, Keys, Reports, report

ACKNOWLEDGEMENT = Acknowledgement("OK")

STATUSES: dict[str, str | None] = {
    "0": None,
    "1": DELIVERED,
    "2": UNDELIVERED,
    "3": None,  # passed to the operator
    "4": None,
    "6": UNDELIVERED,  # rejected
    "8": None,  # in moderation
}
"""Source: the constants of its own clients. The body of the call is an assumption: a form, or JSON, with `status`."""


def verify(_call: Call, _keys: Keys) -> bool:
    """No signature is documented: the key in the address alone counts."""
    return True


def read(call: Call, now: datetime) -> Reports:
    """The message id is in the query of the address: `id` in the body is that of SMS Aero."""
    fields = {**call.fields, **call.json}
    status = fields.get("status")
    if status is None:
        return NOTHING
    return report(call.message_id, status if isinstance(status, str) else str(status), STATUSES, now)
