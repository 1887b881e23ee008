"""The contract: the protocol of a gateway without an adapter of its own. docs/GATEWAYS.md, "The contract"."""

from __future__ import annotations

from datetime import datetime

from ..domain.outcome import Kind, Outcome
from ..texts import Text
from .answer import Answer, json_of, seconds_to_wait, shown_code, silence
from .port import Capabilities, Options, Request, Sms, json_request

CAPABILITIES = Capabilities(dedupes=True, key_form="TOKEN", takes_sender=False)

TOO_MANY_REQUESTS = 429
TEMPORARY_CODES = {408, 425}
CREDENTIALS_CODES = {401, 403}
PROXY_CODES = {502, 504}
"""A proxy got no valid answer from the gateway behind it (RFC 9110, 15.6.3 and 15.6.5)."""


class Contract:
    def __init__(self, options: Options) -> None:
        self._url = options.url
        self._refuses_by_code = options.refuses_by_code

    def request(self, sms: Sms, secret: str) -> Request:
        """POST /v1/send/{id} with a Bearer token and `{"id", "phone", "text"}`."""
        body = {"id": sms.id, "phone": int(sms.phone_number), "text": sms.text}
        return json_request(f"{self._url}/v1/send/{sms.id}", body, {"Authorization": f"Bearer {secret}"})

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """Only 200 with `{"code": 0, "message": "OK"}` is a success."""
        status = answer.status
        if status is None:
            return silence(answer)
        if status == 200 and (code := _code(answer)) is not None:
            return self._outcome_of(code)
        if status in CREDENTIALS_CODES:
            return Outcome(Kind.CREDENTIALS, Text("gateway.token_refused", status=status))
        if kind := _kind_of_busy(status):
            return Outcome(kind, Text("gateway.answered", status=status), seconds_to_wait(answer, now))
        if 400 <= status < 500:
            return Outcome(Kind.PERMANENT, Text("gateway.message_refused", status=status))
        return _off_contract(Text("gateway.not_its_contract", status=status))

    def _outcome_of(self, code: int | str) -> Outcome:
        if code == 0:
            return Outcome(Kind.ACCEPTED)
        if self._refuses_by_code:
            return Outcome(Kind.PERMANENT, Text("gateway.refused_by_code", status=200, answered=shown_code(code)))
        return _off_contract(Text("gateway.other_code", status=200, answered=shown_code(code)))


make_adapter = Contract


def _kind_of_busy(status: int) -> Kind | None:
    """The kind of an answer that says "later"; None for any other status."""
    if status == TOO_MANY_REQUESTS:
        return Kind.THROTTLED
    if status in PROXY_CODES:
        return Kind.AMBIGUOUS
    return Kind.TEMPORARY if status in TEMPORARY_CODES or status >= 500 else None


def _off_contract(reason: Text) -> Outcome:
    return Outcome(Kind.AMBIGUOUS, reason, is_off_contract=True)


def _code(answer: Answer) -> int | str | None:
    """The `code` in the body: a whole number, or a text other than zero. Returns None if it cannot be read as such."""
    match code := json_of(answer).get("code"):
        case bool():
            return None
        case int():
            return code
        case float():
            return 0 if code == 0 else None
        case str():
            return code if code.strip("+-0. ") else None
    return None
