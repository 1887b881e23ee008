"""SMS.ru. docs/gateways/smsru.md."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..domain.asking import PROVIDER_ID
from ..domain.outcome import Kind, Outcome
from .answer import Answer, is_fault, json_of, outcome_by_code, outcome_of_status, whole_number
from .port import Capabilities, Options, Request, Sms, form_request, whole_lifetime

CAPABILITIES = Capabilities(url="https://sms.ru", key_form="API_ID")

MINUTE = 60
MOST_MINUTES = 1440

READ = 100
"""At the top of the answer: the request was read. The code of the message stands below its phone number."""

KINDS = {
    100: Kind.ACCEPTED,
    101: Kind.ACCEPTED,
    102: Kind.ACCEPTED,
    150: Kind.PERMANENT,
    200: Kind.CREDENTIALS,
    201: Kind.BALANCE,
    202: Kind.PERMANENT,
    203: Kind.PERMANENT,
    204: Kind.SENDER,
    205: Kind.PERMANENT,
    206: Kind.BALANCE,  # the daily limit of the account
    207: Kind.PERMANENT,
    208: Kind.PERMANENT,
    209: Kind.OPTED_OUT,  # the account's own stop list
    210: Kind.PERMANENT,
    211: Kind.SENDER,  # no such method: GATEWAY_URL is wrong
    212: Kind.PERMANENT,
    213: Kind.PERMANENT,
    214: Kind.PERMANENT,
    215: Kind.OPTED_OUT,  # the recipient has complained to SMS.ru
    216: Kind.PERMANENT,  # a forbidden word in the text
    217: Kind.PERMANENT,  # an advertisement of a loan without the words that the law demands
    220: Kind.TEMPORARY,
    221: Kind.SENDER,  # the account needs a sender name of its own
    230: Kind.PERMANENT,  # for today
    231: Kind.PERMANENT,  # SMS.ru has this text for this number already, perhaps from another mailing
    232: Kind.PERMANENT,
    233: Kind.PERMANENT,
    300: Kind.CREDENTIALS,
    301: Kind.CREDENTIALS,
    302: Kind.CREDENTIALS,
    303: Kind.PERMANENT,
    304: Kind.PERMANENT,
    305: Kind.PERMANENT,
    500: Kind.AMBIGUOUS,  # "repeat the request", but SMS.ru looks at no ids, so a repetition could arrive twice
    501: Kind.BALANCE,
    502: Kind.BALANCE,
    503: Kind.BALANCE,
    504: Kind.BALANCE,
    505: Kind.BALANCE,
    506: Kind.BALANCE,
    507: Kind.BALANCE,
    508: Kind.BALANCE,
    550: Kind.SENDER,  # the account's settings block the country, which is that of all recipients
}
"""Source: https://sms.ru/api/send, as clients quote it. An unknown code is ambiguous: SMS.ru looks at no ids."""


class SmsRu:
    def __init__(self, options: Options) -> None:
        self._url = options.url

    def request(self, sms: Sms, secret: str) -> Request:
        """It takes no id of ours."""
        fields = {"api_id": secret, "to": sms.phone_number, "msg": sms.text, "json": "1"}
        if sms.sender:
            fields["from"] = sms.sender
        minutes = whole_lifetime(sms.lifetime, MINUTE, least=1, most=MOST_MINUTES)
        if minutes is not None:
            fields["ttl"] = str(minutes)
        return form_request(f"{self._url}/sms/send", fields)

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """The body decides before a status below 500: SMS.ru answers 200 with errors."""
        body = json_of(answer)
        code = None if is_fault(answer) else _code(body)
        if code is None:
            return outcome_of_status(answer, now)
        kind = KINDS.get(code, Kind.AMBIGUOUS)
        is_believed = answer.status == 200 or kind not in (Kind.ACCEPTED, Kind.AMBIGUOUS)
        if is_believed and kind is Kind.ACCEPTED:
            return Outcome(kind, provider_id=_provider_id(body))
        return outcome_by_code(kind if is_believed else None, answer, code, now)


make_adapter = SmsRu


def _code(body: dict[str, Any]) -> int | None:
    """The code of the only message; that of the request if it was not read; None if there is none."""
    code = whole_number(body.get("status_code"))
    return whole_number(_message(body).get("status_code")) if code == READ else code


def _message(body: dict[str, Any]) -> dict[str, Any]:
    """What the answer says about the only message; empty if there is none."""
    match body.get("sms"):
        case {**messages} if len(messages) == 1:
            [message] = messages.values()
            return message if isinstance(message, dict) else {}
    return {}


def _provider_id(body: dict[str, Any]) -> str:
    """By which SMS.ru is asked for the receipt. Empty if there is none."""
    told = _message(body).get("sms_id")
    return told if isinstance(told, str) and PROVIDER_ID.fullmatch(told) else ""
