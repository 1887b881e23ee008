"""Vonage's delivery receipts and inbound messages, of the SMS API. docs/gateways/vonage.md."""

from __future__ import annotations

import hmac
from datetime import datetime
from hashlib import md5

from ...domain.message import DELIVERED, UNDELIVERED
from .port import NOTHING, Acknowledgement, Call, Keys, Reports, inbound, report, same

ACKNOWLEDGEMENT = Acknowledgement()

STATUSES: dict[str, str | None] = {
    "accepted": None,
    "buffered": None,
    "unknown": None,
    "delivered": DELIVERED,
    "expired": UNDELIVERED,
    "failed": UNDELIVERED,
    "rejected": UNDELIVERED,
}
"""Source: https://developer.vonage.com/messaging/sms/guides/delivery-receipts"""

HMACS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
"""By the length of a signature. Which one is used is a setting of the account."""

FIRST = "1"


def verify(call: Call, keys: Keys) -> bool:
    """`sig`: over all other parameters in the order of their names. Not signed without a secret.

    Source: https://developer.vonage.com/getting-started/concepts/signing-messages
    """
    if not keys.signature:
        return True
    fields = _fields(call)
    given = fields.pop("sig", "").lower()
    signed = "".join(f"&{name}={_escaped(fields[name])}" for name in sorted(fields)).encode("utf-8", "surrogatepass")
    secret = keys.signature.encode()
    expected = [md5(signed + secret, usedforsecurity=False).hexdigest()]
    if method := HMACS.get(len(given)):
        expected.append(hmac.digest(secret, signed, method).hex())
    return any(same(given, one) for one in expected)


def read(call: Call, now: datetime) -> Reports:
    """A long message has a receipt for each part: it counts as delivered when one of them is."""
    fields = _fields(call)
    if "status" in fields:
        error = fields.get("err-code")
        return report(fields.get("client-ref"), fields["status"], STATUSES, now, error)
    if "text" not in fields or fields.get("concat-part", FIRST) != FIRST:
        return NOTHING
    return inbound(fields.get("msisdn"), fields["text"])


def _fields(call: Call) -> dict[str, str]:
    """From the query, a form or JSON, which is a setting of the account."""
    found = {name: value for name, value in call.json.items() if isinstance(value, str | int)}
    return {name: str(value) for name, value in found.items()} or dict(call.fields)


def _escaped(value: str) -> str:
    return value.replace("&", "_").replace("=", "_")
