"""SMSC.ru, and its sites for other countries. docs/gateways/smsc.md."""

from __future__ import annotations

from datetime import datetime

from ..domain.money import CURRENCY
from ..domain.outcome import Kind, Outcome
from ..errors import BadSettings
from .answer import Answer, accepted, is_fault, json_of, outcome_of_code, outcome_of_status, told_price, whole_number
from .port import Capabilities, Options, Request, Sms, form_request, whole_lifetime

CAPABILITIES = Capabilities(url="https://smsc.ru", key_form="LOGIN:PASSWORD", rate=10.0, options=("currency",))
"""The rate keeps below the 15 requests at a time that SMSC refuses, if it answers within a second."""

WITH_COST = "2"
"""The message is sent, and the answer has its cost, without a currency: it is that of the account."""

HOUR = 3600
MOST_HOURS = 24

KINDS = {
    1: Kind.PERMANENT,
    2: Kind.CREDENTIALS,
    3: Kind.BALANCE,
    4: Kind.THROTTLED,  # the address is blocked for a while, after many errors
    5: Kind.PERMANENT,
    6: Kind.SENDER,  # the text or the sender is forbidden: both are those of the mailing
    7: Kind.PERMANENT,
    8: Kind.PERMANENT,
    9: Kind.THROTTLED,  # 15 requests at a time, or this one twice within a minute: neither was taken
}
"""Source: https://smsc.ru/api/http/send/sms/sms_answer/. An unknown code is ambiguous: SMSC looks at no ids."""

WAITS = {4: 300.0, 9: 60.0}
"""Seconds. SMSC documents the minute; how long an address is blocked is an assumption."""


class Smsc:
    def __init__(self, options: Options) -> None:
        self._url = options.url
        currency = options.values.get("currency", "")
        if not isinstance(currency, str) or (currency and not CURRENCY.fullmatch(currency)):
            raise BadSettings("GATEWAY_OPTIONS: currency: three capital letters such as RUB are expected")
        self._currency = currency

    def request(self, sms: Sms, secret: str) -> Request:
        """The id has a letter in front: SMSC takes numbers of 31 bits only. It corrects no phone number with a plus."""
        login, password = CAPABILITIES.parts_of(secret)
        fields = {"login": login, "psw": password, "phones": f"+{sms.phone_number}", "mes": sms.text}
        fields |= {"id": f"m{sms.id}", "charset": "utf-8", "fmt": "3"}
        if sms.sender:
            fields["sender"] = sms.sender
        if self._currency:
            fields["cost"] = WITH_COST
        hours = whole_lifetime(sms.lifetime, HOUR, least=1, most=MOST_HOURS)
        if hours is not None:
            fields["valid"] = str(hours)
        return form_request(f"{self._url}/sys/send.php", fields)

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """The body decides before a status below 500: SMSC answers 200 with errors."""
        if is_fault(answer):
            return outcome_of_status(answer, now)
        body = json_of(answer)
        code = whole_number(body.get("error_code"))
        if code in KINDS or (code is not None and answer.status == 200):
            return outcome_of_code(KINDS.get(code, Kind.AMBIGUOUS), answer, code, WAITS.get(code))
        if answer.status == 200 and body.get("id") and "error" not in body:
            price = told_price(body.get("cost"), self._currency) if self._currency else None
            return accepted(body.get("cnt"), price)
        return outcome_of_status(answer, now)


make_adapter = Smsc
