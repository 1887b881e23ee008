"""SMS Aero, API v2. docs/gateways/smsaero.md."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..domain.outcome import Kind, Outcome
from .answer import Answer, accepted, is_fault, json_of, outcome_of_code, outcome_of_status, told_price, whole_number
from .port import Capabilities, Options, Request, Sms, basic, json_request

CAPABILITIES = Capabilities(
    url="https://gate.smsaero.ru/v2", key_form="EMAIL:API_KEY", needs_sender=True, calls_back=True
)

CURRENCY = "RUB"

REJECTED = 6
"""The status of a message that SMS Aero accepted and does not send."""

FIELDS = {
    "sign": Kind.SENDER,
    "number": Kind.PERMANENT,
    "text": Kind.PERMANENT,
}
"""The fields that it can find wrong; the sender first, because it is wrong for all messages, as any other field is."""

PHRASES = {
    "invalid credentials": (Kind.CREDENTIALS, "credentials"),
    "not enough": (Kind.BALANCE, "balance"),
    "no credits": (Kind.BALANCE, "balance"),
    "balance": (Kind.BALANCE, "balance"),
    "money": (Kind.BALANCE, "balance"),
    "недостаточно": (Kind.BALANCE, "balance"),
}
"""Of its message, in lower case, with the word that the reason shows. Only the first and the third are confirmed."""


class SmsAero:
    def __init__(self, options: Options) -> None:
        self._url = options.url
        self._callback = options.callback

    def request(self, sms: Sms, secret: str) -> Request:
        """It takes no id of ours and no lifetime."""
        CAPABILITIES.parts_of(secret)
        body = {"number": sms.phone_number, "sign": sms.sender, "text": sms.text}
        if self._callback:
            body["callbackUrl"] = self._callback(sms.id)
        return json_request(f"{self._url}/sms/send", body, basic(secret))

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """The body decides before a status below 500.

        A refusal of unknown words is ambiguous: it may be an empty balance, for which no message may fail.
        """
        body = json_of(answer)
        if body.get("success") is True:
            return _outcome_of_message(answer, body.get("data"), now)
        is_refusal = body.get("success") is False or "result" in body
        if not is_refusal or is_fault(answer):
            return outcome_of_status(answer, now)
        refused = _kind_and_word(body)
        if refused is not None:
            return outcome_of_code(refused[0], answer, refused[1])
        if answer.status in (200, 400):
            return outcome_of_code(Kind.AMBIGUOUS, answer, "other")
        return outcome_of_status(answer, now)


make_adapter = SmsAero


def _outcome_of_message(answer: Answer, message: object, now: datetime) -> Outcome:
    if answer.status != 200 or not isinstance(message, dict) or not message.get("id"):
        return outcome_of_status(answer, now)
    if whole_number(message.get("status")) == REJECTED:
        return outcome_of_code(Kind.PERMANENT, answer, REJECTED)
    return accepted(price=told_price(message.get("cost"), CURRENCY))


def _kind_and_word(body: dict[str, Any]) -> tuple[Kind, str] | None:
    """None for unknown words. `result` is what its older gates answer."""
    said = f"{body.get('message') or ''} {body.get('result') or ''}".lower()
    if "validation" in said and isinstance(wrong := body.get("data"), dict) and wrong:
        return next(((kind, field) for field, kind in FIELDS.items() if field in wrong), (Kind.SENDER, "other"))
    return next((refusal for phrase, refusal in PHRASES.items() if phrase in said), None)
