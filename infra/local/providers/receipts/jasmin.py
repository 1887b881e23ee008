"""Jasmin's calls of dlr-url and of its HTTP connector: docs/gateways/jasmin.md."""

from __future__ import annotations

from chalicelib.gateways.receipts.port import IGNORED, NOTHING, Call, Keys, Reports

from .case import PHONE, SECRET, Fields, ReceiptCase, ReceiptTable, address, address_of, delivered, post, said
from .case import undelivered as not_delivered
from .reporting import Report, Reporting, of_one

URL = address_of("jasmin")


def receipt(status: str, err: str = "000") -> Fields:
    known = {"id": "00000000-0000-0000-0000-000000000001", "message_status": status, "level": "2", "connector": "c1"}
    return {**known, "id_smsc": "1", "sub": "001", "dlvrd": "001", "subdate": "2611231200", "err": err, "text": PHONE}


def reported(report: Report, _: Keys) -> Call:
    return post(report.address, receipt("DELIVRD") if report.is_delivered else receipt("UNDELIV", "001"))


def at_first_level(status: str) -> Fields:
    return {"id": "00000000-0000-0000-0000-000000000001", "message_status": status, "level": "1", "connector": "c1"}


def message(text: str, coding: str = "0") -> dict[str, str]:
    octets = text.encode("utf-16-be" if coding == "8" else "ascii")
    known = {"id": "00000000-0000-0000-0000-000000000002", "from": PHONE, "to": "1234", "origin-connector": "c1"}
    return {**known, "coding": coding, "content": octets.decode("latin-1"), "binary": octets.hex()}


def inbound_call(fields: Fields) -> Call:
    return post(address("jasmin"), fields)


def statuses(means: Reports, *names: str) -> tuple[ReceiptCase, ...]:
    return tuple(ReceiptCase(f"the status {name}", post(URL, receipt(name)), means) for name in names)


TABLE = ReceiptTable(
    Keys(SECRET, "user:password"),
    (
        *statuses(delivered(), "DELIVRD"),
        *statuses(NOTHING, "ACCEPTD", "ENROUTE", "UNKNOWN"),
        *(
            ReceiptCase(f"the status {name}", post(URL, receipt(name, "045")), not_delivered(f"{name} 045"))
            for name in ("UNDELIV", "REJECTD", "EXPIRED", "DELETED")
        ),
        ReceiptCase("ESME_ROK: the SMS centre has it", post(URL, at_first_level("ESME_ROK")), NOTHING),
        *(
            ReceiptCase(f"{name}: Jasmin itself tries again", post(URL, at_first_level(name)), NOTHING)
            for name in ("ESME_RSYSERR", "ESME_RTHROTTLED", "ESME_RMSGQFUL", "ESME_RINVSCHED")
        ),
        ReceiptCase(
            "the SMS centre refuses it", post(URL, at_first_level("ESME_RINVDSTADR")), not_delivered("ESME_RINVDSTADR")
        ),
        ReceiptCase("a status that is not known", post(URL, receipt("LOST")), IGNORED),
        ReceiptCase("no message id", post(address("jasmin"), receipt("DELIVRD")), IGNORED),
        ReceiptCase("an inbound message", inbound_call(message("STOP")), said("STOP")),
        ReceiptCase("an inbound message in UTF-16", inbound_call(message("Стоп", "8")), said("Стоп")),
        ReceiptCase("a bad hexadecimal text", inbound_call({**message("Стоп", "8"), "binary": "0x"}), said("")),
        ReceiptCase("an inbound message of nobody", inbound_call({"content": "STOP"}), IGNORED),
        ReceiptCase("an empty call", post(URL, {}), NOTHING),
    ),
    {"GATEWAY_URL": "http://127.0.0.1:1401"},
)

REPORTING = Reporting(of_one(reported))
