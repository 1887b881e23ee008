"""Infobip's delivery reports and inbound messages: docs/gateways/infobip.md."""

from __future__ import annotations

import json

from chalicelib.gateways.receipts.port import IGNORED, NOTHING, Call, Keys, Reports

from .case import MESSAGE_ID, PHONE, SECRET, ReceiptCase, ReceiptTable, address, address_of, delivered, said
from .case import undelivered as not_delivered
from .reporting import Report, Reporting, of_one

GROUPS = {"PENDING": 1, "UNDELIVERABLE": 2, "DELIVERED": 3, "EXPIRED": 4, "REJECTED": 5}


def result(group: str, message_id: str = str(MESSAGE_ID), error: str = "NO_ERROR") -> dict[str, object]:
    return {
        "bulkId": "b1",
        "messageId": message_id,
        "to": PHONE,
        "sentAt": "2026-11-23T12:00:00.000+0000",
        "doneAt": "2026-11-23T12:00:05.000+0000",
        "smsCount": 1,
        "status": {"id": 5, "groupId": GROUPS.get(group, 0), "groupName": group, "name": group, "description": PHONE},
        "error": {"id": 0, "groupId": 0, "name": error, "description": f"About {PHONE}", "permanent": False},
    }


def message(text: str) -> dict[str, object]:
    return {"messageId": "i1", "from": PHONE, "to": "15550000009", "text": text, "cleanText": "", "keyword": "STOP"}


def call(*results: object, url: str = address("infobip")) -> Call:
    body = {"results": list(results), "messageCount": len(results), "pendingMessageCount": 0}
    return raw(json.dumps(body, ensure_ascii=False).encode(), url)


def raw(body: bytes, url: str = address("infobip")) -> Call:
    path, _, query = url.partition("?id=")
    return Call("POST", path, (("id", query),) if query else (), {"content-type": "application/json"}, body)


def of_message(*results: object) -> Call:
    return call(*results, url=address_of("infobip"))


def reported(report: Report, _: Keys) -> Call:
    group, error = ("DELIVERED", "NO_ERROR") if report.is_delivered else ("UNDELIVERABLE", "EC_ABSENT_SUBSCRIBER")
    one = result(group, str(report.message_id), error)
    return call({**one, "to": report.phone_number}, url=report.address)


def of_status(number: object, group: str) -> Call:
    one = result(group)
    return of_message({**one, "status": {"id": number, "groupId": GROUPS[group], "groupName": group}})


def failed(group: str, error: str) -> ReceiptCase:
    return ReceiptCase(f"the group {group}", of_message(result(group, error=error)), not_delivered(f"{group} {error}"))


TABLE = ReceiptTable(
    Keys(SECRET, "key"),
    (
        ReceiptCase("the group DELIVERED", of_message(result("DELIVERED")), delivered()),
        ReceiptCase("the group PENDING", of_message(result("PENDING")), NOTHING),
        ReceiptCase("the group ACCEPTED", of_message(result("ACCEPTED")), NOTHING),
        failed("UNDELIVERABLE", "EC_ABSENT_SUBSCRIBER"),
        failed("EXPIRED", "EC_MESSAGE_EXPIRED"),
        failed("REJECTED", "EC_UNKNOWN_SUBSCRIBER"),
        ReceiptCase("the operator has it, and the phone not yet", of_status(2, "DELIVERED"), NOTHING),
        ReceiptCase("the same with an id in quotes", of_status("2", "DELIVERED"), NOTHING),
        ReceiptCase("a report of the operator that Infobip cannot read", of_status(29, "EXPIRED"), NOTHING),
        ReceiptCase("an id of a status that is a list", of_status([2], "DELIVERED"), delivered()),
        ReceiptCase("a group that is not known", of_message(result("LOST")), IGNORED),
        ReceiptCase("many reports", call(result("DELIVERED"), result("DELIVERED", "7")), delivered() + delivered(7)),
        ReceiptCase(
            "a bad report among good ones", call(None, 7, {}, result("DELIVERED")), delivered() + Reports(ignored=3)
        ),
        ReceiptCase("a report without an id", call({"status": {"groupName": "DELIVERED"}}), IGNORED),
        ReceiptCase("a status that is a text", call({**result("DELIVERED"), "status": "DELIVERED"}), IGNORED),
        ReceiptCase("an error that is a text", call({**result("REJECTED"), "error": PHONE}), not_delivered("REJECTED")),
        ReceiptCase(
            "an error with a number for a name", call(result("REJECTED", error=PHONE)), not_delivered("REJECTED")
        ),
        ReceiptCase("an inbound message", call(message("Стоп")), said("Стоп")),
        ReceiptCase("an inbound message without a text", call({"from": PHONE}), IGNORED),
        ReceiptCase("no results", raw(b"{}"), NOTHING),
        ReceiptCase("no JSON", raw(b"results=1"), NOTHING),
        ReceiptCase("bytes that are no text", raw(b"\xff{"), NOTHING),
    ),
    {"GATEWAY_URL": "https://abc123.api.infobip.com"},
)

REPORTING = Reporting(of_one(reported))
