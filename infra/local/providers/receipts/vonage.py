"""Vonage's delivery receipts and inbound messages: docs/gateways/vonage.md."""

from __future__ import annotations

import hmac
import json
from hashlib import md5

from chalicelib.gateways.receipts.port import IGNORED, NOTHING, Call, Keys, Reports

from .case import MESSAGE_ID, PHONE, SECRET, Fields, ReceiptCase, ReceiptTable, address, delivered, get, post, said
from .case import undelivered as not_delivered
from .reporting import Report, Reporting, of_one, with_secret

SIGNATURE = "secret"
URL = address("vonage")


def signed(fields: Fields, method: str = "md5hash", secret: str = SIGNATURE) -> dict[str, str]:
    """With `sig`, by one of the methods of an account."""
    escaped = {name: value.replace("&", "_").replace("=", "_") for name, value in fields.items()}
    text = "".join(f"&{name}={escaped[name]}" for name in sorted(escaped))
    if method == "md5hash":
        return {**fields, "sig": md5((text + secret).encode(), usedforsecurity=False).hexdigest()}
    return {**fields, "sig": hmac.digest(secret.encode(), text.encode(), method).hex()}


def receipt(status: str, **fields: str) -> dict[str, str]:
    known = {
        "msisdn": PHONE,
        "to": "SHOP",
        "network-code": "25001",
        "messageId": "0A00000000000001",
        "price": "0.05",
        "status": status,
        "scts": "2611231200",
        "err-code": "0",
        "api-key": "abcd1234",
        "client-ref": str(MESSAGE_ID),
        "message-timestamp": "2026-11-23 12:00:00",
        "timestamp": "1795500000",
        "nonce": "b9c1",
    }
    return {**known, **fields}


def reported(report: Report, keys: Keys) -> Call:
    """A GET, signed if the account signs."""
    status, err = ("delivered", "0") if report.is_delivered else ("failed", "1")
    of_message = {"msisdn": report.phone_number, "messageId": f"{report.number:016X}"}
    fields = receipt(status, **of_message, **{"err-code": err, "client-ref": str(report.message_id)})
    return get(report.address, signed(fields, secret=keys.signature) if keys.signature else fields)


def message(text: str, **fields: str) -> dict[str, str]:
    known = {"msisdn": PHONE, "to": "15550000009", "messageId": "0B1", "text": text, "type": "text", "keyword": "STOP"}
    return {**known, "message-timestamp": "2026-11-23 12:00:00", **fields}


def as_json(fields: Fields) -> Call:
    return Call("POST", URL, (), {"content-type": "application/json"}, json.dumps(fields).encode())


def statuses(means: Reports, *names: str) -> tuple[ReceiptCase, ...]:
    return tuple(ReceiptCase(f"the status {name}", get(URL, signed(receipt(name))), means) for name in names)


FAILED = receipt("failed", **{"err-code": "9"})
PART = {"concat": "true", "concat-ref": "1", "concat-total": "2"}

TABLE = ReceiptTable(
    Keys(f"{SECRET}:{SIGNATURE}", "key:password"),
    (
        *statuses(NOTHING, "accepted", "buffered", "unknown"),
        *statuses(delivered(), "delivered"),
        *(
            ReceiptCase(f"the status {name}", get(URL, signed(receipt(name))), not_delivered(f"{name} 0"))
            for name in ("expired", "failed", "rejected")
        ),
        ReceiptCase("failed with a code", post(URL, signed(FAILED)), not_delivered("failed 9")),
        ReceiptCase("in JSON", as_json(signed(receipt("delivered"))), delivered()),
        *(
            ReceiptCase(f"signed with {method}", post(URL, signed(receipt("delivered"), method)), delivered())
            for method in ("md5hash", "md5", "sha1", "sha256", "sha512")
        ),
        ReceiptCase("characters that are escaped", get(URL, signed(receipt("delivered", to="a&b=c"))), delivered()),
        ReceiptCase("a status that is not known", get(URL, signed(receipt("lost"))), IGNORED),
        ReceiptCase("no client-ref", get(URL, signed({"status": "delivered", "msisdn": PHONE})), IGNORED),
        ReceiptCase("an inbound message", get(URL, signed(message("STOP & go"))), said("STOP & go")),
        ReceiptCase("an inbound message in JSON", as_json(signed(message("Стоп"))), said("Стоп")),
        ReceiptCase("the first part", get(URL, signed(message("Стоп", **PART, **{"concat-part": "1"}))), said("Стоп")),
        ReceiptCase("the second part", get(URL, signed(message("stop", **PART, **{"concat-part": "2"}))), NOTHING),
        ReceiptCase("a message without a text", get(URL, signed({"msisdn": PHONE, "type": "binary"})), NOTHING),
        ReceiptCase("no signature", get(URL, receipt("delivered")), None),
        ReceiptCase("an empty signature", get(URL, {**receipt("delivered"), "sig": ""}), None),
        ReceiptCase("a signature of another secret", get(URL, signed(receipt("delivered"), secret="x")), None),  # noqa: S106
        ReceiptCase("a changed status", get(URL, {**signed(receipt("failed")), "status": "delivered"}), None),
        ReceiptCase("a further field", get(URL, {**signed(receipt("failed")), "text": "STOP"}), None),
        ReceiptCase("an empty call", get(URL, {}), None),
    ),
    {"GATEWAY_SENDER": "SHOP"},
)

REPORTING = Reporting(of_one(reported), is_signed=with_secret, signature=SIGNATURE)
