"""Jasmin's calls of `dlr-url`, and of its HTTP connector for inbound messages. docs/gateways/jasmin.md."""

from __future__ import annotations

from datetime import datetime

from ...domain.message import DELIVERED, UNDELIVERED
from .port import NOTHING, Acknowledgement, Call, Keys, Reports, inbound, report

ACKNOWLEDGEMENT = Acknowledgement("ACK/Jasmin")
"""Jasmin compares the whole body. Source: jasmin/routing/throwers.py."""

STATUSES: dict[str, str | None] = {
    "ESME_ROK": None,  # the SMS centre has it
    "ESME_RSYSERR": None,
    "ESME_RTHROTTLED": None,
    "ESME_RMSGQFUL": None,
    "ESME_RINVSCHED": None,
    "ACCEPTD": None,
    "ENROUTE": None,
    "UNKNOWN": None,
    "DELIVRD": DELIVERED,
    "UNDELIV": UNDELIVERED,
    "REJECTD": UNDELIVERED,
    "EXPIRED": UNDELIVERED,
    "DELETED": UNDELIVERED,
}
"""SMPP 3.4, appendix B. Any other ESME_ is the SMS centre's refusal.

After the four errors Jasmin itself tries again (`submit_error_retrial` in jasmin.cfg), and reports nothing more: its
dlr.py forgets `dlr-url` at the first error.
"""

REFUSED = "ESME_R"
UCS2_CODING = "8"


def verify(_call: Call, _keys: Keys) -> bool:
    """Jasmin signs nothing: the key in the address alone counts."""
    return True


def read(call: Call, now: datetime) -> Reports:
    """The message id is in the query of the address: `id` in the form is Jasmin's own."""
    fields = call.fields
    status = fields.get("message_status")
    if status is None:
        return inbound(fields.get("from"), _text(fields)) if "content" in fields else NOTHING
    refusals = {status: UNDELIVERED} if status.startswith(REFUSED) else {}
    return report(call.message_id, status, {**refusals, **STATUSES}, now, fields.get("err"))


def _text(fields: dict[str, str]) -> str:
    """`binary` has the content in hexadecimal: that of a text in UTF-16 is no text in a form."""
    if fields.get("coding") != UCS2_CODING:
        return fields["content"]
    try:
        return bytes.fromhex(fields.get("binary", "")).decode("utf-16-be", "replace")
    except ValueError:
        return ""
