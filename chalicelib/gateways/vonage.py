"""Vonage (Nexmo), the SMS API. docs/gateways/vonage.md."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..domain.money import Amount
from ..domain.outcome import Kind, Outcome
from ..domain.sms import BASIC, EXTENDED
from .answer import Answer, accepted, json_of, outcome_by_code, outcome_of_status, told_price
from .port import Capabilities, Options, Request, Sms, basic, form_request, whole_lifetime

CAPABILITIES = Capabilities(url="https://rest.nexmo.com", key_form="API_KEY:API_SECRET", needs_sender=True, rate=30.0)

MILLISECOND = 0.001
SHORTEST_LIFETIME, LONGEST_LIFETIME = 20_000, 604_800_000
"""Milliseconds."""

GSM = BASIC | EXTENDED

CURRENCY = "EUR"
"""Of all accounts. Source: https://developer.vonage.com/account/code-snippets/account-balance"""

TAKEN = "0"
KINDS = {
    "1": Kind.THROTTLED,
    "2": Kind.PERMANENT,  # a parameter is missing
    "3": Kind.PERMANENT,  # a parameter is wrong
    "4": Kind.CREDENTIALS,
    "5": Kind.AMBIGUOUS,  # an internal error: its documentation does not say that nothing was sent
    "6": Kind.PERMANENT,
    "7": Kind.OPTED_OUT,  # the number is on the list of those that get nothing
    "8": Kind.CREDENTIALS,  # the account is suspended
    "9": Kind.BALANCE,
    "10": Kind.THROTTLED,
    "11": Kind.CREDENTIALS,  # the account may not use this API
    "12": Kind.PERMANENT,
    "13": Kind.AMBIGUOUS,  # a communication failure, known from others' code
    "14": Kind.CREDENTIALS,
    "15": Kind.SENDER,
    "16": Kind.SENDER,  # the lifetime, which is the same for all messages of a mailing
    "17": Kind.PERMANENT,
    "19": Kind.SENDER,  # the account has no such facility
    "22": Kind.PERMANENT,
    "23": Kind.PERMANENT,
    "29": Kind.SENDER,  # a demo account sends to its own list of numbers only
    "32": Kind.PERMANENT,
    "33": Kind.PERMANENT,  # the number is not in use
    "34": Kind.PERMANENT,
    "101": Kind.OPTED_OUT,  # of a programme in the USA
}
"""By `status`; an unknown one is ambiguous. 13, 16, 19, 34 and 101 are in others' code only.

Source: https://developer.vonage.com/messaging/sms/guides/troubleshooting-sms"""


class Vonage:
    def __init__(self, options: Options) -> None:
        self._url = f"{options.url}/sms/json"

    def request(self, sms: Sms, secret: str) -> Request:
        """`unicode` is said for every text outside of the GSM alphabet: without it, the other letters are lost."""
        key, api_secret = CAPABILITIES.parts_of(secret)
        fields = {"to": sms.phone_number, "text": sms.text, "client-ref": str(sms.id)}
        if not GSM.issuperset(sms.text):
            fields["type"] = "unicode"
        if sms.sender:
            fields["from"] = sms.sender.removeprefix("+")
        ttl = whole_lifetime(sms.lifetime, MILLISECOND, SHORTEST_LIFETIME, LONGEST_LIFETIME)
        if ttl is not None:
            fields["ttl"] = str(ttl)
        return form_request(self._url, fields, basic(f"{key}:{api_secret}"))

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """The body has a status for each part of the message. HTTP 200 says nothing."""
        parts = _parts(json_of(answer))
        statuses = [str(part["status"]) for part in parts]
        if not statuses:
            return outcome_of_status(answer, now)
        refused = [status for status in statuses if status != TAKEN]
        if not refused:
            is_clear = answer.status == 200
            return accepted(len(parts), _price(parts)) if is_clear else outcome_of_status(answer, now)
        # if a part was taken, the recipient may get it
        kind = KINDS.get(refused[0], Kind.AMBIGUOUS) if len(refused) == len(statuses) else Kind.AMBIGUOUS
        return outcome_by_code(kind, answer, refused[0], now)


make_adapter = Vonage


def _parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Each has a status. Empty if the body is not what Vonage answers."""
    parts = body.get("messages")
    if not isinstance(parts, list) or not all(isinstance(part, dict) and "status" in part for part in parts):
        return []
    return parts


def _price(parts: list[dict[str, Any]]) -> Amount | None:
    """Of all parts; None if one has no price."""
    prices = [told_price(part.get("message-price"), CURRENCY) for part in parts]
    known = [price.value for price in prices if price is not None]
    return Amount(sum(known), CURRENCY) if len(known) == len(parts) else None
