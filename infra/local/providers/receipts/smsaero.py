"""SMS Aero's calls of callbackUrl, as they are assumed to be: docs/gateways/smsaero.md."""

from __future__ import annotations

import json

from chalicelib.gateways.receipts.port import IGNORED, NOTHING, Call, Keys, Reports

from .case import PHONE, SECRET, ReceiptCase, ReceiptTable, address, address_of, delivered, post
from .case import undelivered as not_delivered
from .reporting import Report, Reporting, of_one

URL = address_of("smsaero")


def as_json(body: object) -> Call:
    path, _, query = URL.partition("?id=")
    return Call("POST", path, (("id", query),), {"content-type": "application/json"}, json.dumps(body).encode())


def reported(report: Report, _: Keys) -> Call:
    return post(report.address, {"id": str(report.number), "status": "1" if report.is_delivered else "2"})


def statuses(means: Reports, *names: str) -> tuple[ReceiptCase, ...]:
    return tuple(ReceiptCase(f"the status {name}", post(URL, {"id": "1", "status": name}), means) for name in names)


TABLE = ReceiptTable(
    Keys(SECRET, "anna@example.com:key"),
    (
        *statuses(delivered(), "1"),
        *statuses(NOTHING, "0", "3", "4", "8"),
        *statuses(not_delivered("2"), "2"),
        *statuses(not_delivered("6"), "6"),
        ReceiptCase(
            "in JSON", as_json({"id": 1, "status": 1, "extendStatus": "delivery", "number": PHONE}), delivered()
        ),
        ReceiptCase("a text in JSON", as_json({"id": 1, "status": "2"}), not_delivered("2")),
        ReceiptCase("a status that is not known", post(URL, {"status": PHONE}), IGNORED),
        ReceiptCase("a status in words", as_json({"status": "delivered"}), IGNORED),
        ReceiptCase("a status that is an object", as_json({"status": {"status": 1}}), IGNORED),
        ReceiptCase("no status", post(URL, {"id": "1"}), NOTHING),
        ReceiptCase("no message id", post(address("smsaero"), {"status": "1"}), IGNORED),
        ReceiptCase("a list", as_json([{"status": 1}]), NOTHING),
    ),
    {"GATEWAY_SENDER": "SHOP"},
)

REPORTING = Reporting(of_one(reported))
