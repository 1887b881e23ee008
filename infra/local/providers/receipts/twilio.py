"""Twilio's StatusCallback: docs/gateways/twilio.md."""

from __future__ import annotations

import hmac
from base64 import b64encode

from chalicelib.gateways.receipts.port import IGNORED, NOTHING, Call, Keys, Reports

from .case import (
    MESSAGE_ID,
    PHONE,
    SECRET,
    Fields,
    ReceiptCase,
    ReceiptTable,
    address,
    address_of,
    delivered,
    post,
    said,
    undelivered,
)
from .reporting import Report, Reporting, always, of_one

ACCOUNT = "AC00000000000000000000000000000000"
AUTH_TOKEN = "token"  # noqa: S105
URL = address_of("twilio")


def signature(url: str, fields: Fields, auth_token: str = AUTH_TOKEN) -> str:
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return b64encode(hmac.digest(auth_token.encode(), signed.encode(), "sha1")).decode()


def status_call(status: str, url: str = URL, auth_token: str = AUTH_TOKEN, **fields: str) -> Call:
    known = {
        "MessageSid": "SM00000000000000000000000000000001",
        "SmsSid": "SM00000000000000000000000000000001",
        "SmsStatus": status,
        "MessageStatus": status,
        "To": f"+{PHONE}",
        "From": "SHOP",
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
    }
    return signed_post(url, {**known, **fields}, auth_token=auth_token)


def reported(report: Report, keys: Keys) -> Call:
    """With an API key as the token, the AuthToken is stored behind the secret of receipts."""
    auth_token = keys.signature or keys.token.partition(":")[2]
    sid = f"SM{report.number:032x}"
    error = {} if report.is_delivered else {"ErrorCode": "30003"}
    of_message = {"MessageSid": sid, "SmsSid": sid, "To": f"+{report.phone_number}"}
    return status_call(report.status, report.address, auth_token, **of_message, **error)


def signed_post(url: str, fields: Fields, signed_url: str = "", auth_token: str = AUTH_TOKEN) -> Call:
    return post(url, fields, {"x-twilio-signature": signature(signed_url or url, fields, auth_token)})


def inbound_call(text: str) -> Call:
    known = {"MessageSid": "SM2", "SmsStatus": "received", "From": f"+{PHONE}", "To": "+15550000009"}
    return signed_post(address("twilio"), {**known, "Body": text})


def statuses(means: Reports, *names: str) -> tuple[ReceiptCase, ...]:
    return tuple(ReceiptCase(f"the status {name}", status_call(name), means) for name in names)


DONE = {"MessageStatus": "delivered", "To": f"+{PHONE}"}

TABLE = ReceiptTable(
    Keys(SECRET, f"{ACCOUNT}:{AUTH_TOKEN}"),
    (
        *statuses(NOTHING, "accepted", "scheduled", "queued", "sending", "sent"),
        *statuses(delivered(), "delivered", "read"),
        ReceiptCase("the status undelivered", status_call("undelivered"), undelivered("undelivered")),
        ReceiptCase("the status canceled", status_call("canceled"), undelivered("canceled")),
        ReceiptCase("failed with a code", status_call("failed", ErrorCode="30003"), undelivered("failed 30003")),
        ReceiptCase("failed with a text for a code", status_call("failed", ErrorCode=PHONE), undelivered("failed")),
        ReceiptCase("a status that is not known", status_call("partially"), IGNORED),
        ReceiptCase("no status", signed_post(URL, {"MessageSid": "SM1"}), IGNORED),
        ReceiptCase("an inbound message", inbound_call("Стоп & спасибо"), said("Стоп & спасибо", f"+{PHONE}")),
        ReceiptCase("an inbound message without a text", inbound_call(""), said("", f"+{PHONE}")),
        ReceiptCase(
            "the recipient has unsubscribed",
            status_call("undelivered", ErrorCode="21610"),
            undelivered("undelivered 21610") + Reports(refusing=(f"+{PHONE}",)),
        ),
        ReceiptCase("no message id", status_call("delivered", address("twilio")), IGNORED),
        ReceiptCase("the id of a test message", status_call("delivered", address_of("twilio", 7)), delivered(7)),
        ReceiptCase("new fields", status_call("delivered", RawDlrDoneDate="2611231200"), delivered()),
        ReceiptCase("a text of two alphabets", status_call("delivered", Body="Да & нет"), delivered()),
        ReceiptCase("an empty call", signed_post(URL, {}), NOTHING),
        ReceiptCase("a final slash", status_call("delivered", URL.replace("?", "/?")), delivered()),
        ReceiptCase("signed with a final slash", signed_post(URL, DONE, URL.replace("?", "/?")), delivered()),
        ReceiptCase("no signature", post(URL, DONE), None),
        ReceiptCase("an empty signature", post(URL, DONE, {"x-twilio-signature": ""}), None),
        ReceiptCase("a signature of another key", signed_post(URL, DONE, auth_token="other"), None),  # noqa: S106
        ReceiptCase("a signature of an empty key", signed_post(URL, DONE, auth_token=""), None),
        ReceiptCase("a signature of another address", signed_post(URL, DONE, f"{URL}6"), None),
        ReceiptCase(
            "a changed status",
            post(URL, {**DONE, "MessageStatus": "failed"}, {"x-twilio-signature": signature(URL, DONE)}),
            None,
        ),
        ReceiptCase(
            "a status that is given twice",
            Call(
                "POST",
                URL.partition("?")[0],
                (("id", str(MESSAGE_ID)),),
                {"x-twilio-signature": signature(URL, {"MessageStatus": "delivered"})},
                b"MessageStatus=delivered&MessageStatus=failed",
            ),
            None,
        ),
        ReceiptCase(
            "a signature that is no text of ASCII",
            post(URL, DONE, {"x-twilio-signature": "\u044f"}),
            None,
        ),
    ),
    {"GATEWAY_SENDER": "SHOP"},
)

REPORTING = Reporting(of_one(reported), is_signed=always)
