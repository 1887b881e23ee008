"""Infobip, the SMS API of version 3. docs/gateways/infobip.md."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..domain.outcome import Kind, Outcome
from .answer import Answer, accepted, json_of, outcome_by_code, outcome_of_status
from .port import Capabilities, Options, Request, Sms, json_request, whole_lifetime

CAPABILITIES = Capabilities(dedupes=None, key_form="KEY", calls_back=True)
"""`dedupes`: it refuses a messageId that it has, but does not say for how long it remembers one."""

LONGEST_LIFETIME = 172_800
"""Seconds. Infobip shortens more to 48 hours."""

PENDING, UNDELIVERABLE, DELIVERED, EXPIRED, REJECTED = 1, 2, 3, 4, 5

GROUPS = {
    PENDING: Kind.ACCEPTED,
    UNDELIVERABLE: Kind.PERMANENT,
    DELIVERED: Kind.ACCEPTED,
    EXPIRED: Kind.PERMANENT,
    REJECTED: Kind.PERMANENT,
}
"""What a status means that KINDS does not have: Infobip "rejected it before it could be sent"."""

KINDS = {
    10: Kind.OPTED_OUT,  # do not disturb
    11: Kind.SENDER,
    12: Kind.BALANCE,
    13: Kind.SENDER,
    17: Kind.BALANCE,  # the prepaid package has expired
    18: Kind.SENDER,  # a trial account sends to its own number only
    21: Kind.AMBIGUOUS,  # a system error
    23: Kind.DUPLICATE,
}
"""By the id of the status.

Source: https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes"""


class Infobip:
    def __init__(self, options: Options) -> None:
        self._url = f"{options.url}/sms/3/messages"
        self._callback = options.callback

    def request(self, sms: Sms, secret: str) -> Request:
        to = {"to": sms.phone_number, "messageId": str(sms.id)}
        message: dict[str, Any] = {"destinations": [to], "content": {"text": sms.text}}
        if sms.sender:
            message["sender"] = sms.sender
        seconds = whole_lifetime(sms.lifetime, unit=1, least=1, most=LONGEST_LIFETIME)
        if seconds is not None:
            message["options"] = {"validityPeriod": {"amount": seconds, "timeUnit": "SECONDS"}}
        if self._callback:
            message["webhooks"] = {"delivery": {"url": self._callback(sms.id)}}
        headers = {"Authorization": f"App {secret}", "Accept": "application/json"}
        return json_request(self._url, {"messages": [message]}, headers)

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        body = json_of(answer)
        if answer.status == 200:
            return _outcome_of_message(answer, body, now)
        return outcome_of_status(answer, now)


make_adapter = Infobip


def _outcome_of_message(answer: Answer, body: dict[str, Any], now: datetime) -> Outcome:
    try:
        message = body["messages"][0]
        status = message["status"]
        number, group = int(status["id"]), int(status["groupId"])
    except (LookupError, TypeError, ValueError, OverflowError):
        return outcome_of_status(answer, now)
    kind = KINDS.get(number, GROUPS.get(group, Kind.AMBIGUOUS))
    if kind is not Kind.ACCEPTED:
        return outcome_by_code(kind, answer, number, now)
    details = message.get("details")
    return accepted(details.get("messageCount") if isinstance(details, dict) else None)
