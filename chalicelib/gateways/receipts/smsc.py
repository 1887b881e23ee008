"""SMSC.ru's calls of the handler that is set in the account. docs/gateways/smsc.md."""

from __future__ import annotations

from datetime import datetime
from hashlib import md5

from ...domain.message import DELIVERED, UNDELIVERED
from .port import NOTHING, Acknowledgement, Call, Keys, Reports, inbound, report, same

ACKNOWLEDGEMENT = Acknowledgement("OK")

STATUSES: dict[str, str | None] = {
    "-3": None,  # not found
    "-2": UNDELIVERED,  # stopped
    "-1": None,
    "0": None,  # passed to the operator
    "1": DELIVERED,
    "2": DELIVERED,  # read
    "3": UNDELIVERED,  # expired
    "4": DELIVERED,  # a link in it was opened
    "20": UNDELIVERED,
    "22": UNDELIVERED,  # a wrong number
    "23": UNDELIVERED,  # forbidden
    "24": UNDELIVERED,  # no money
    "25": UNDELIVERED,  # the number is not available
}
"""Source: https://smsc.ru/api/http/status_messages/statuses/"""

ID_LETTER = "m"
"""In front of the id: see chalicelib/gateways/smsc.py."""


def verify(call: Call, keys: Keys) -> bool:
    """`md5`: of the fields of the report and the secret, with colons between them. Not signed without a secret."""
    if not keys.signature:
        return True
    names = ("phone", "mes", "to") if "mes" in call.fields else ("id", "phone", "status")
    signed = ":".join([*(call.fields.get(name, "") for name in names), keys.signature])
    expected = md5(signed.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    return same(call.fields.get("md5", "").lower(), expected)


def read(call: Call, now: datetime) -> Reports:
    fields = call.fields
    if "mes" in fields:
        return inbound(fields.get("phone"), fields["mes"])
    if "status" not in fields:
        return NOTHING
    message_id = fields.get("id", "").removeprefix(ID_LETTER)
    return report(message_id, fields["status"], STATUSES, now, fields.get("err"))
