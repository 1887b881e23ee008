"""The brief's own gateway: the only mapping from its answers to their meaning for a message."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..domain.outcome import Outcome
from ..texts import Parameter, Text

TOO_MANY_REQUESTS = 429
TEMPORARY_CODES = {408, 425, TOO_MANY_REQUESTS}
CREDENTIALS_CODES = {401, 403}
PROXY_CODES = {502, 504}
"""A proxy got no valid answer from the gateway behind it (RFC 9110, 15.6.3 and 15.6.5)."""

SHOWN_CODE = re.compile(r"[A-Za-z0-9_.-]{1,32}")
MAX_SHOWN_DIGITS = 6
"""Fewer than in a phone number."""

LONGEST_RETRY_AFTER = 100
"""Characters. A longer header is ignored."""


@dataclass(frozen=True)
class Answer:
    """An HTTP status and body. Without an answer, `status` is None and `body` is the name of the error.

    `never_sent`: the connection failed, so the gateway cannot have the message.
    """

    status: int | None
    body: str = ""
    retry_after: str | None = None
    never_sent: bool = False


def read_answer(answer: Answer, now: datetime, refuses_by_code: bool = False) -> Outcome:
    """Only 200 with `{"code": 0, "message": "OK"}` is a success: docs/GATEWAYS.md, "The contract".

    `refuses_by_code`: 200 with another code is final. Without it, the message is posted again.
    """
    status = answer.status
    if status is None:
        reason = Text("gateway.silent", error=answer.body)
        return Outcome(retryable=True, reason=reason, in_doubt=not answer.never_sent, is_of_gateway=answer.never_sent)
    if status == 200 and (code := _code(answer.body)) is not None:
        return _outcome_of(code, refuses_by_code)
    if status in CREDENTIALS_CODES:
        return Outcome(retryable=True, our_fault=True, reason=Text("gateway.token_refused", status=status))
    if status in TEMPORARY_CODES or status >= 500:
        delay = _seconds(answer.retry_after, now)
        reason = Text("gateway.answered", status=status)
        slows_down = status == TOO_MANY_REQUESTS or delay is not None
        in_doubt = status in PROXY_CODES
        return Outcome(retryable=True, reason=reason, retry_after=delay, in_doubt=in_doubt, is_of_gateway=slows_down)
    if 400 <= status < 500:
        return Outcome(reason=Text("gateway.message_refused", status=status))
    return _off_contract(Text("gateway.not_its_contract", status=status))


def _outcome_of(code: int | str, refuses_by_code: bool) -> Outcome:
    if code == 0:
        return Outcome(sent=True)
    if refuses_by_code:
        return Outcome(reason=Text("gateway.refused_by_code", status=200, answered=_shown(code)))
    return _off_contract(Text("gateway.other_code", status=200, answered=_shown(code)))


def _off_contract(reason: Text) -> Outcome:
    return Outcome(retryable=True, reason=reason, in_doubt=True, is_off_contract=True)


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


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Retry-After in seconds or as an HTTP date (RFC 9110, 10.2.3). Any other value is ignored."""
    if retry_after is None or len(retry_after) > LONGEST_RETRY_AFTER:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
