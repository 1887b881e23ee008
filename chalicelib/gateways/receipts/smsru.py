"""SMS.ru is asked what became of messages, by the ids that it has given. docs/gateways/smsru.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ...domain.message import DELIVERED, UNDELIVERED
from ..answer import Answer, json_of, whole_number
from ..port import Options, Request, form_request
from ..smsru import READ
from .port import NOTHING, Reports, report

MOST = 100

STATUSES: dict[str, str | None] = {
    "-1": None,  # not found
    "100": None,
    "101": None,  # passed to the operator
    "102": None,
    "103": DELIVERED,
    "104": UNDELIVERED,  # its lifetime has ended
    "105": UNDELIVERED,  # deleted by the operator
    "106": UNDELIVERED,  # a fault of the phone
    "107": UNDELIVERED,  # for a reason that is not known
    "108": UNDELIVERED,  # refused
    "110": DELIVERED,  # read
    "150": UNDELIVERED,  # no route to the number
}
"""Source: https://sms.ru/api/status"""


def request(options: Options, secret: str, names: Sequence[str]) -> Request:
    fields = {"api_id": secret, "sms_id": ",".join(names), "json": "1"}
    return form_request(f"{options.url}/sms/status", fields)


def read(answer: Answer, asked: Mapping[str, int], now: datetime) -> Reports | None:
    body = json_of(answer)
    is_read = answer.status == 200 and whole_number(body.get("status_code")) == READ
    if not is_read or not isinstance(body.get("sms"), dict):
        return None
    found = ((asked[name], one) for name, one in body["sms"].items() if name in asked and isinstance(one, dict))
    reports = (report(str(message_id), str(one.get("status_code")), STATUSES, now) for message_id, one in found)
    return sum(reports, NOTHING)
