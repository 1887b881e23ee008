"""The answer to a post over HTTP, and what all gateways read of it in the same way."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..domain.money import Amount, told_amount
from ..domain.outcome import TAKEN, Kind, Outcome
from ..texts import Parameter, Text

LONGEST_RETRY_AFTER = 100
"""Characters. A longer header is ignored."""

SHOWN_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MAX_SHOWN_DIGITS = 6
"""Fewer than in a phone number."""

MOST_PARTS = 255
"""Of one message: their number is in one byte (3GPP TS 23.040, 9.2.3.24.1)."""


STATUSES = {
    401: Kind.CREDENTIALS,
    402: Kind.BALANCE,
    403: Kind.CREDENTIALS,
    404: Kind.SENDER,
    405: Kind.SENDER,
    408: Kind.AMBIGUOUS,
    415: Kind.SENDER,
    425: Kind.TEMPORARY,
    429: Kind.THROTTLED,
}
"""What a status says by itself, for a provider that documents nothing else.

404, 405 and 415 are about the address and the form of the post, which are the same for all messages: GATEWAY_URL is
wrong, and no message is to fail for it.
"""


@dataclass(frozen=True)
class Answer:
    """An HTTP status and body. Without an answer, `status` is None and `body` is the name of the error.

    `never_sent`: the connection failed, so the gateway cannot have the message.
    """

    status: int | None
    body: str = ""
    retry_after: str | None = None
    never_sent: bool = False


def is_fault(answer: Answer) -> bool:
    """No answer, or a 5xx: the message may be taken, whatever the body says, unless the provider documents it."""
    return answer.status is None or answer.status >= 500


def silence(answer: Answer) -> Outcome:
    """The outcome of a post without an answer."""
    kind = Kind.TEMPORARY if answer.never_sent else Kind.AMBIGUOUS
    return Outcome(kind, Text("gateway.silent", error=answer.body), is_answered=False)


def outcome_of_code(kind: Kind, answer: Answer, code: int | str, retry_after: float | None = None) -> Outcome:
    """The outcome of an answer with a code of the provider, by the kind that the adapter gives it."""
    if kind in TAKEN:
        return Outcome(kind)
    reason = _reason(kind, answer.status or 0, shown_code(code))
    return Outcome(kind, reason, retry_after, is_off_contract=_is_off_contract(kind, answer))


def _is_off_contract(kind: Kind, answer: Answer) -> bool:
    """A 5xx is a failure that the protocol has, whatever its body says: an outage pauses no mailing at once."""
    return kind is Kind.AMBIGUOUS and (answer.status or 0) < 500


def accepted(parts: object = None, price: Amount | None = None) -> Outcome:
    """`parts`: as the provider tells them, if it does."""
    number = whole_number(parts)
    is_possible = number is not None and 0 < number <= MOST_PARTS
    return Outcome(Kind.ACCEPTED, parts=number if is_possible else None, price=price)


def told_price(told: object, currency: str) -> Amount | None:
    """None if it is no price. `currency`: that in which the provider counts."""
    value = told_amount(told)
    return None if value is None or value < 0 else Amount(value, currency)


def outcome_by_code(kind: Kind | None, answer: Answer, code: int | str, now: datetime) -> Outcome:
    """With the delay that the answer names. `kind`: None if the adapter does not know the code: the status decides."""
    if kind is None:
        return outcome_of_status(answer, now)
    delay = seconds_to_wait(answer, now) if kind in (Kind.THROTTLED, Kind.TEMPORARY) else None
    return outcome_of_code(kind, answer, code, delay)


def outcome_by_phrase(kinds: Mapping[str, Kind], answer: Answer, now: datetime) -> Outcome:
    """For an answer in words: by the first of these phrases in the body. Without any, the status decides.

    The reason shows the phrase, which is the adapter's, and nothing else of the body.
    """
    for phrase, kind in kinds.items():
        if phrase in answer.body:
            return outcome_by_code(kind, answer, phrase.replace(" ", "-"), now)
    return outcome_of_status(answer, now)


def _reason(kind: Kind, status: int, answered: Parameter) -> Text:
    match kind:
        case Kind.PERMANENT:
            return Text("gateway.refused_by_code", status=status, answered=answered)
        case Kind.OPTED_OUT:
            return Text("gateway.opted_out", status=status, answered=answered)
        case Kind.SENDER:
            return Text("gateway.sender_refused", status=status, answered=answered)
        case Kind.CREDENTIALS:
            return Text("gateway.credentials_refused", status=status, answered=answered)
        case Kind.BALANCE:
            return Text("gateway.no_balance", status=status, answered=answered)
        case Kind.THROTTLED:
            return Text("gateway.too_fast", status=status, answered=answered)
        case _:
            return Text("gateway.other_code", status=status, answered=answered)


def outcome_of_status(answer: Answer, now: datetime) -> Outcome:
    """The careful reading of an answer without a code that the provider documents.

    Only 4xx, and 503 with a Retry-After, say that the message was certainly not taken. Whatever else may be sent.
    """
    if answer.status is None:
        return silence(answer)
    status, delay = answer.status, seconds_to_wait(answer, now)
    kind = STATUSES.get(status, Kind.PERMANENT if 400 <= status < 500 else Kind.AMBIGUOUS)
    if status == 503 and delay is not None:
        kind = Kind.TEMPORARY
    if kind is Kind.PERMANENT:
        return Outcome(kind, Text("gateway.message_refused", status=status))
    if kind is Kind.SENDER:
        return outcome_of_code(kind, answer, status)
    reason = Text("gateway.answered", status=status)
    return Outcome(kind, reason, delay, is_off_contract=_is_off_contract(kind, answer))


def shown_code(code: int | str) -> Parameter:
    """The code for people, unless it could contain a phone number or a text."""
    text = str(code) if isinstance(code, str) or abs(code) < 10**MAX_SHOWN_DIGITS else ""
    is_safe = SHOWN_CODE.fullmatch(text) and sum(map(str.isdigit, text)) <= MAX_SHOWN_DIGITS
    return code if is_safe else Text("gateway.hidden_code")


def json_of(answer: Answer) -> dict[str, Any]:
    """The object in the body; empty if there is none."""
    try:
        read = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def whole_number(code: object) -> int | None:
    """A code that a provider answers as a number or in quotes. None if it is neither."""
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) <= MAX_SHOWN_DIGITS:
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


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
