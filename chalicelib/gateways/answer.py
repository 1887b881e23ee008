"""The answer to a post over HTTP, and what all gateways read of it in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..domain.outcome import Kind, Outcome
from ..texts import Text

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


def silence(answer: Answer) -> Outcome:
    """The outcome of a post without an answer."""
    kind = Kind.TEMPORARY if answer.never_sent else Kind.AMBIGUOUS
    return Outcome(kind, Text("gateway.silent", error=answer.body), is_answered=False)


def seconds_to_wait(answer: Answer, now: datetime) -> float | None:
    """Retry-After in seconds or as an HTTP date (RFC 9110, 10.2.3). Any other value is ignored."""
    retry_after = answer.retry_after
    if retry_after is None or len(retry_after) > LONGEST_RETRY_AFTER:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
