"""SMSC.ru's calls of the handler in the account: docs/gateways/smsc.md."""

from __future__ import annotations

from hashlib import md5

from chalicelib.gateways.receipts.port import IGNORED, NOTHING, Call, Keys, Reports

from .case import MESSAGE_ID, PHONE, SECRET, Fields, ReceiptCase, ReceiptTable, address, delivered, get, post, said
from .case import undelivered as not_delivered
from .reporting import Report, Reporting, of_one, with_secret

SIGNATURE = "words"
URL = address("smsc")


def checksum(*signed: str, secret: str = SIGNATURE) -> str:
    return md5(":".join([*signed, secret]).encode(), usedforsecurity=False).hexdigest()


def status_fields(status: str, message_id: str = f"m{MESSAGE_ID}", secret: str = SIGNATURE, **fields: str) -> Fields:
    known = {"id": message_id, "phone": PHONE, "status": status, "time": "23.11.2026 15:00:00", "type": "0", **fields}
    return {**known, "md5": checksum(message_id, PHONE, status, secret=secret)}


def reported(report: Report, keys: Keys) -> Call:
    """Without a secret word in the account there is no checksum."""
    status, err = ("1", "0") if report.is_delivered else ("20", "6")
    fields = {**status_fields(status, f"m{report.message_id}", err=err), "phone": report.phone_number}
    fields["md5"] = checksum(fields["id"], fields["phone"], status, secret=keys.signature)
    return post(report.address, fields if keys.signature else {**fields, "md5": ""})


def status_call(status: str, **fields: str) -> Call:
    return post(URL, status_fields(status, **fields))


def inbound_fields(text: str) -> dict[str, str]:
    known = {"phone": PHONE, "mes": text, "to": "79000000000", "sent": "1795500000"}
    return {**known, "md5": checksum(PHONE, text, "79000000000")}


def statuses(means: Reports, *names: str) -> tuple[ReceiptCase, ...]:
    return tuple(ReceiptCase(f"the status {name}", status_call(name), means) for name in names)


TABLE = ReceiptTable(
    Keys(f"{SECRET}:{SIGNATURE}", "login:password"),
    (
        *statuses(NOTHING, "-3", "-1", "0"),
        *statuses(delivered(), "1", "2", "4"),
        *(ReceiptCase(f"the status {name}", status_call(name), not_delivered(name)) for name in ("-2", "3", "20")),
        *(
            ReceiptCase(f"the status {name}", status_call(name), not_delivered(name))
            for name in ("22", "23", "24", "25")
        ),
        ReceiptCase("an error of the operator", status_call("20", err="6"), not_delivered("20 6")),
        ReceiptCase("a GET", get(URL, status_fields("1")), delivered()),
        ReceiptCase(
            "a checksum in capitals",
            post(URL, {**status_fields("1"), "md5": status_fields("1")["md5"].upper()}),
            delivered(),
        ),
        ReceiptCase("a status that is not known", status_call("6"), IGNORED),
        ReceiptCase("the id of a message that SMSC named", status_call("1", message_id="12345"), delivered(12345)),
        ReceiptCase("an id in letters", status_call("1", message_id="mail"), IGNORED),
        ReceiptCase("an inbound message", post(URL, inbound_fields("СТОП: да")), said("СТОП: да")),
        ReceiptCase(
            "a call to wait for", post(URL, {"phone": PHONE, "waitcall": "1", "md5": checksum("", PHONE, "")}), NOTHING
        ),
        ReceiptCase("no checksum", post(URL, {"id": "m1", "phone": PHONE, "status": "1"}), None),
        ReceiptCase("an empty checksum", post(URL, {**status_fields("1"), "md5": ""}), None),
        ReceiptCase("a checksum of another secret", post(URL, status_fields("1", secret="other")), None),  # noqa: S106
        ReceiptCase("a changed status", post(URL, {**status_fields("1"), "status": "20"}), None),
        ReceiptCase("a changed text", post(URL, {**inbound_fields("Да"), "mes": "СТОП"}), None),
        ReceiptCase(
            "a receipt that becomes an inbound message", post(URL, {**status_fields("1"), "mes": "СТОП"}), None
        ),
        ReceiptCase("an empty call", post(URL, {}), None),
    ),
)

REPORTING = Reporting(of_one(reported), is_signed=with_secret, signature=SIGNATURE)
