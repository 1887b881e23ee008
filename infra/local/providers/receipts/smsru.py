"""SMS.ru's answers to questions about messages: docs/gateways/smsru.md."""

from __future__ import annotations

from chalicelib.gateways.receipts.port import IGNORED, NOTHING, Reports

from ..smsru import status, statuses, unread
from .case import MESSAGE_ID, AskedCase, AskedTable, delivered
from .case import undelivered as not_delivered

NAME = "000000-10000001"
OTHER = "000000-10000002"


def about(code: object) -> str:
    """An answer about one message."""
    return statuses({NAME: {**status(100), "status_code": code}})


def codes(means: Reports, *numbers: int) -> tuple[AskedCase, ...]:
    return tuple(AskedCase(f"the status {number}", 200, about(number), means) for number in numbers)


TABLE = AskedTable(
    (NAME, OTHER),
    url="https://sms.ru/sms/status",
    body=f"api_id=00000000-0000-0000-0000-000000000000&sms_id={NAME}%2C{OTHER}&json=1",
    cases=(
        *codes(NOTHING, -1, 100, 101, 102),
        *codes(delivered(), 103, 110),
        *(AskedCase(f"the status {n}", 200, about(n), not_delivered(str(n))) for n in (104, 105, 106, 107, 108, 150)),
        AskedCase("a status in quotes", 200, about("103"), delivered()),
        AskedCase("both codes in quotes", 200, about("103").replace(": 100,", ': "100",', 1), delivered()),
        AskedCase("a status that is not known", 200, about(109), IGNORED),
        AskedCase("a status that is a list", 200, about([103]), IGNORED),
        AskedCase("a message that nobody asked about", 200, statuses({"000000-7": status(103)}), NOTHING),
        AskedCase(
            "several messages",
            200,
            statuses({NAME: status(103), OTHER: status(103)}),
            delivered() + delivered(MESSAGE_ID + 1),
        ),
        AskedCase("a message without a status", 200, statuses({NAME: "103"}), NOTHING),
        AskedCase("no messages", 200, statuses([]), None),
        AskedCase("the key is wrong", 200, unread(200), None),
        AskedCase("a page instead of an answer", 200, "<html>", None),
        AskedCase("a fault", 500, about(103), None),
        AskedCase("no answer", None, "ReadTimeout", None),
    ),
)
