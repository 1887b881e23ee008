"""MTS Exolve. docs/gateways/exolve.md."""

from __future__ import annotations

from datetime import datetime

from ..domain.outcome import Kind, Outcome
from .answer import Answer, json_of, outcome_by_phrase
from .port import Capabilities, Options, Request, Sms, json_request

CAPABILITIES = Capabilities(url="https://api.exolve.ru", key_form="API_KEY", needs_sender=True)

PHRASES = {
    "incorrect number format": Kind.PERMANENT,
    "is disabled": Kind.SENDER,  # the application may not use this part of the API
    "customer has not signed": Kind.SENDER,  # a trial account sends to its own number only
}
"""Of its errors with 400. Known from its method for looking up numbers, and not confirmed for messages."""


class Exolve:
    def __init__(self, options: Options) -> None:
        self._url = options.url

    def request(self, sms: Sms, secret: str) -> Request:
        """It takes no id of ours and no lifetime."""
        body = {"number": sms.sender, "destination": sms.phone_number, "text": sms.text}
        return json_request(f"{self._url}/messaging/v1/SendSMS", body, {"Authorization": f"Bearer {secret}"})

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """Only 200 with the id of the message is a success."""
        body = json_of(answer)
        if answer.status == 200 and body.get("message_id") and "error" not in body:
            return Outcome(Kind.ACCEPTED)
        return outcome_by_phrase(PHRASES if answer.status == 400 else {}, answer, now)


make_adapter = Exolve
