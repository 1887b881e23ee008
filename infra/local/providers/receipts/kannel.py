"""Kannel's calls of dlr-url and get-url: docs/gateways/kannel.md."""

from __future__ import annotations

from chalicelib.gateways.receipts.port import IGNORED, NOTHING, Call, Keys, Reports

from .case import PHONE, SECRET, ReceiptCase, ReceiptTable, address, address_of, delivered, get, post, said
from .case import undelivered as not_delivered
from .reporting import Report, Reporting, of_one

URL = address_of("kannel")


def status_call(status: str, url: str = URL) -> Call:
    return get(url, {"status": status})


def reported(report: Report, _: Keys) -> Call:
    """The address of the post has `%d` in the place of the status."""
    return get(report.address.replace("%d", "1" if report.is_delivered else "2"), {})


def inbound_call(text: str, phone_number: str = PHONE) -> Call:
    return get(address("kannel"), {"phone": phone_number, "text": text})


def statuses(means: Reports, *names: str) -> tuple[ReceiptCase, ...]:
    return tuple(ReceiptCase(f"the status {name}", status_call(name), means) for name in names)


TABLE = ReceiptTable(
    Keys(SECRET, "user:password"),
    (
        *statuses(delivered(), "1"),
        *statuses(NOTHING, "4", "8", "66"),
        *(ReceiptCase(f"the status {name}", status_call(name), not_delivered(name)) for name in ("2", "16", "34")),
        ReceiptCase("a status that is not known", status_call("3"), IGNORED),
        ReceiptCase("a status that was not replaced", status_call("%d"), IGNORED),
        ReceiptCase("no message id", status_call("1", address("kannel")), IGNORED),
        ReceiptCase("an inbound message", inbound_call("Стоп, спасибо"), said("Стоп, спасибо")),
        ReceiptCase("an inbound message with a plus", inbound_call("STOP", f"+{PHONE}"), said("STOP", f"+{PHONE}")),
        ReceiptCase("an inbound message of nobody", get(address("kannel"), {"text": "STOP"}), IGNORED),
        ReceiptCase("a POST", post(f"{URL}&status=1", {}), delivered()),
        ReceiptCase("an empty call", get(URL, {}), NOTHING),
    ),
    {"GATEWAY_URL": "http://127.0.0.1:13013"},
)

REPORTING = Reporting(of_one(reported))
