"""Twilio's StatusCallback, and its call for an inbound message. docs/gateways/twilio.md."""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import datetime
from urllib.parse import urlencode

from ...domain.message import DELIVERED, UNDELIVERED
from .port import NOTHING, Acknowledgement, Call, Keys, Reports, inbound, report, same

ACKNOWLEDGEMENT = Acknowledgement("<Response/>", "text/xml")
"""No text: Twilio would send it as a reply to an inbound message."""

STATUSES: dict[str, str | None] = {
    "accepted": None,
    "scheduled": None,
    "queued": None,
    "sending": None,
    "sent": None,
    "delivered": DELIVERED,
    "read": DELIVERED,
    "undelivered": UNDELIVERED,
    "failed": UNDELIVERED,
    "canceled": UNDELIVERED,
}
"""Source: https://www.twilio.com/docs/messaging/api/message-resource"""

UNSUBSCRIBED = "21610"
"""The recipient has written STOP to Twilio: https://www.twilio.com/docs/api/errors/21610"""

ACCOUNT_SID = "AC"
"""The beginning of an account's id. An API key begins with SK, and signs nothing."""


def verify(call: Call, keys: Keys) -> bool:
    """X-Twilio-Signature: base64 of HMAC-SHA1 of the URL and of all fields in order, with the AuthToken as the key.

    The path is as Twilio called it, with or without a final slash: API Gateway serves both.
    Source: twilio-python, twilio/request_validator.py.
    """
    token = keys.signature or _auth_token(keys.token)
    given = call.headers.get("x-twilio-signature", "")
    fields = "".join(name + value for name, value in sorted(set(call.form)))
    query = f"?{urlencode(call.query)}" if call.query else ""
    path = call.url.rstrip("/")
    signed = [_signature(token, f"{path}{slash}{query}{fields}") for slash in ("", "/")]
    return token != "" and any(same(given, one) for one in signed)


def read(call: Call, now: datetime) -> Reports:
    """The message id is in the query of the address, and the status in the form."""
    fields = dict(call.form)
    if not fields:
        return NOTHING
    if "MessageStatus" not in fields:
        return inbound(fields.get("From"), fields.get("Body"))
    error = fields.get("ErrorCode")
    refusing = (fields.get("To", ""),) if error == UNSUBSCRIBED else ()
    return report(call.message_id, fields["MessageStatus"], STATUSES, now, error) + Reports(refusing=refusing)


def _signature(token: str, signed: str) -> str:
    return b64encode(hmac.digest(token.encode(), signed.encode("utf-8", "surrogatepass"), "sha1")).decode()


def _auth_token(token: str) -> str:
    account, _, auth_token = token.partition(":")
    return auth_token if account.startswith(ACCOUNT_SID) else ""
