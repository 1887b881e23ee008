"""Claims and settlements of messages: conditional writes, 25 in a call.

The guide lists `+` among the operators of PartiQL; that SET takes it, as in `SET attempts = attempts + 1`, is general
knowledge. Source: Amazon DynamoDB Developer Guide, "PartiQL operators".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ...domain.message import (
    QUEUED,
    SENT,
    Claim,
    Message,
    MessageKey,
    Settlement,
    is_settled_by,
    require_transition,
    settled,
)
from ...retries import Backoff
from ..clock import Clock
from .base import new_claim
from .message_row import NOT_CLAIMED
from .message_statements import FREE, IS_QUEUED, NULL, key_values, message_of, named, update, value
from .statements import Answer, Refused, Statement, Statements, Value, Written

ONE: Value = {"N": "1"}
CLAIM = (
    '"claimed_until" = ?',
    '"claimed_by" = ?',
    '"posted_at" = ?',
    '"attempts" = "attempts" + ?',
    '"doubts" = "doubts" + ?',
)
OF_ATTEMPT = ' AND "attempts" = ?'

SETTLING = Backoff(first=0.1, longest=0.4, seconds=0.5)
"""Less than a second with the last pause: a sender repeats settlements until the last second of its invocation."""


class Attempts:
    """`gateway_dedupes`: an attempt that ended without an answer can be repeated. Otherwise its message is in doubt."""

    def __init__(self, gateway_dedupes: bool, clock: Clock) -> None:
        self._gateway_dedupes = gateway_dedupes
        self._statements = Statements(clock)

    def claim_all(self, claims: Sequence[Claim], now: datetime) -> list[Message | Exception | None]:
        """See `Messages.claim_all`. A repeated statement recognizes its own claim by `claimed_by`."""
        moment, latest = value("posted_at", now), value("claimed_until", self.latest_end(now))
        call = new_claim()
        named = [(claim, f"{call}/{number}") for number, claim in enumerate(claims)]  # a queue repeats messages
        answers = self._statements.execute([_claim(claim, by, moment, latest) for claim, by in named])
        return [_claimed(claim.key, by, answer) for (claim, by), answer in zip(named, answers, strict=True)]

    def settle_all(self, settlements: Sequence[Settlement], now: datetime) -> list[bool | Exception]:
        """See `Messages.settle_all`. A repeated statement finds the row as it has written it."""
        answers = self._statements.execute([_settlement(settlement, now) for settlement in settlements], SETTLING)
        return [_settled(settlement, now, answer) for settlement, answer in zip(settlements, answers, strict=True)]

    def latest_end(self, now: datetime) -> float:
        """The greatest `claimed_until` of a message that can be claimed now."""
        return now.timestamp() if self._gateway_dedupes else NOT_CLAIMED


def _claim(claim: Claim, by: str, now: Value, latest: Value) -> Statement:
    values = [value("claimed_until", claim.until.timestamp()), {"S": by}, now, ONE, ONE]
    text = update(CLAIM, ' AND "claimed_until" <= ? RETURNING ALL NEW *')
    return Statement(text, [*values, *key_values(claim.key), latest], claim.key)


def _claimed(key: MessageKey, by: str, answer: Answer) -> Message | Exception | None:
    if isinstance(answer, Exception):
        return named(key, answer)
    if isinstance(answer, Written):
        return message_of(answer.item, key)
    found = answer.item or {}
    is_own = found.get("claimed_by") == {"S": by} and found["status"] == IS_QUEUED and found["claimed_until"] != FREE
    return message_of(found, key) if is_own else None


def _settlement(settlement: Settlement, now: datetime) -> Statement:
    """Sent is written whatever attempt has the claim, and anything else during the claim of its attempt only."""
    message, status = settlement.message, settlement.status
    values = _values_to_set(settlement, now)
    parameters = [*values.values(), *key_values(message.key)]
    sets = [f'"{name}" = ?' for name in values]
    if status == SENT:
        return Statement(update(sets), parameters, message.key)
    return Statement(update(sets, OF_ATTEMPT), [*parameters, value("attempts", message.attempts)], message.key)


def _values_to_set(settlement: Settlement, now: datetime) -> dict[str, Value]:
    """Those in which `settled` differs from a claimed row."""
    message, status, error = settlement.message, settlement.status, settlement.error
    after = settled(message, settlement, now)
    values = {"claimed_until": FREE, "doubts": value("doubts", after.doubts)}
    if status is not None:
        require_transition(QUEUED, status)
        values["status"] = {"S": status}
        values["last_error"] = NULL
    if status == SENT:
        values["sent_at"] = value("sent_at", now)
    if error is not None:
        values["last_error"] = value("last_error", error)
    if status is None and error is None:
        values["attempts_before"] = value("attempts_before", after.attempts_before)
    if message.posted_at and (status or error):
        values["posted_at"] = value("posted_at", message.posted_at)
    return values


def _settled(settlement: Settlement, now: datetime, answer: Answer) -> bool | Exception:
    if isinstance(answer, Exception):
        return named(settlement.key, answer)
    if isinstance(answer, Refused) and answer.item is not None:
        return is_settled_by(message_of(answer.item, settlement.key), settlement, now)
    return isinstance(answer, Written)
