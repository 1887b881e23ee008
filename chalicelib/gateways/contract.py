"""The contract: the brief's own gateway, and every other one that follows it. docs/GATEWAYS.md, "The contract"."""

from __future__ import annotations

import json
import re
from datetime import datetime

from ..domain.outcome import Kind, Outcome
from ..texts import Parameter, Text
from .answer import Answer, seconds_to_wait, silence
from .port import Request, Sms, json_request

TOO_MANY_REQUESTS = 429
TEMPORARY_CODES = {408, 425}
CREDENTIALS_CODES = {401, 403}
PROXY_CODES = {502, 504}
"""A proxy got no valid answer from the gateway behind it (RFC 9110, 15.6.3 and 15.6.5)."""

SHOWN_CODE = re.compile(r"[A-Za-z0-9_.-]{1,32}")
MAX_SHOWN_DIGITS = 6
"""Fewer than in a phone number."""


class Contract:
    """`refuses_by_code`: 200 with another code is final. Without it, the message is posted again."""

    def __init__(self, url: str, refuses_by_code: bool = False) -> None:
        self._url = url
        self._refuses_by_code = refuses_by_code

    def request(self, sms: Sms, secret: str) -> Request:
        """POST /v1/send/{id} with a Bearer token and `{"id", "phone", "text"}`."""
        body = {"id": sms.id, "phone": int(sms.phone_number), "text": sms.text}
        return json_request(f"{self._url}/v1/send/{sms.id}", body, {"Authorization": f"Bearer {secret}"})

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """Only 200 with `{"code": 0, "message": "OK"}` is a success."""
        status = answer.status
        if status is None:
            return silence(answer)
        if status == 200 and (code := _code(answer.body)) is not None:
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
            return Outcome(Kind.PERMANENT, Text("gateway.refused_by_code", status=200, answered=_shown(code)))
        return _off_contract(Text("gateway.other_code", status=200, answered=_shown(code)))


def _kind_of_busy(status: int) -> Kind | None:
    """The kind of an answer that says "later"; None for any other status."""
    if status == TOO_MANY_REQUESTS:
        return Kind.THROTTLED
    if status in PROXY_CODES:
        return Kind.AMBIGUOUS
    return Kind.TEMPORARY if status in TEMPORARY_CODES or status >= 500 else None


def _off_contract(reason: Text) -> Outcome:
    return Outcome(Kind.AMBIGUOUS, reason, is_off_contract=True)


def _code(body: str) -> int | str | None:
    """The `code` of the body: a whole number, or a text other than zero. Returns None if it cannot be read as such."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return None
    code = read.get("code") if isinstance(read, dict) else None
    match code:
        case bool():
            return None
        case int():
            return code
        case float():
            return 0 if code == 0 else None
        case str():
            return code if code.strip("+-0. ") else None
    return None


def _shown(code: int | str) -> Parameter:
    """The code for people, unless it could contain a phone number or a text."""
    text = str(code) if isinstance(code, str) or abs(code) < 10**MAX_SHOWN_DIGITS else ""
    is_safe = SHOWN_CODE.fullmatch(text) and sum(map(str.isdigit, text)) <= MAX_SHOWN_DIGITS
    return code if is_safe else Text("gateway.hidden_code")
