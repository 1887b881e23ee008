"""What the gateway's answer means for a message: one mapping from answer to outcome."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..texts import Text

TEMPORARY_CODES = {408, 425, 429}
CREDENTIALS_CODES = {401, 403}
SILENT_CODES = {502, 504}
"""A proxy's word that the gateway behind it was silent (RFC 9110, 15.6.3 and 15.6.5)."""


@dataclass(frozen=True)
class Answer:
    """What came back: an HTTP status with its body, or, with status None, the name of what went wrong.

    `never_left`: no connection came about, so the gateway cannot have the message.
    """

    status: int | None
    body: str = ""
    retry_after: str | None = None
    never_left: bool = False


@dataclass(frozen=True)
class Outcome:
    """`sent`, for good or not; `retryable`: try again later; `our_fault`: our credentials are wrong.

    `in_doubt`: the gateway may have taken the message all the same.

    `reason` is for people and carries nothing that the gateway wrote: it may hold phone numbers.
    """

    sent: bool = False
    retryable: bool = False
    our_fault: bool = False
    in_doubt: bool = False
    reason: Text | None = None
    retry_after: float | None = None


def read_answer(answer: Answer, now: datetime) -> Outcome:
    """CONTRACT.md, "The SMS gateway": success is 200 with `{"code": 0, "message": "OK"}`, nothing else."""
    status = answer.status
    if status is None:
        reason = Text("gateway.silent", error=answer.body)
        return Outcome(retryable=True, reason=reason, in_doubt=not answer.never_left)
    if status == 200 and _is_accepted(answer.body):
        return Outcome(sent=True)
    if status in CREDENTIALS_CODES:
        return Outcome(retryable=True, our_fault=True, reason=Text("gateway.token_refused", status=status))
    if status in TEMPORARY_CODES or status >= 500:
        delay = _seconds(answer.retry_after, now)
        reason = Text("gateway.answered", status=status)
        return Outcome(retryable=True, reason=reason, retry_after=delay, in_doubt=status in SILENT_CODES)
    if 400 <= status < 500:
        return Outcome(reason=Text("gateway.message_refused", status=status))
    return Outcome(retryable=True, reason=Text("gateway.not_its_contract", status=status), in_doubt=True)


def _is_accepted(body: str) -> bool:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(read, dict) and read.get("code") == 0 and read.get("code") is not False


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Retry-After is seconds or an HTTP date (RFC 9110, 10.2.3); anything else is as if it were not there."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
