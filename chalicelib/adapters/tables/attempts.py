"""Claims and settlements of messages: conditional writes, 25 in a call.

The guide lists `+` among the operators of PartiQL; that SET takes it, as in `SET attempts = attempts + 1`, is general
knowledge. Source: Amazon DynamoDB Developer Guide, "PartiQL operators".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ...domain.message import (
    QUEUED,
    SENT,
    Claim,
    Message,
    Settlement,
    doubts_after,
    is_settled_by,
    require_transition,
)
from ...domain.routes import Routes
from ...retries import Backoff
from ..clock import Clock
from .base import new_claim
from .batches import Item
from .message_row import AT, message_in
from .message_statements import FREE, IS_QUEUED, NULL, key_values, named, update, value
from .statements import Answer, Refused, Statement, Statements, Value, Written

ONE: Value = {"N": "1"}
CLAIM = (
    '"claimed_until" = ?',
    '"claimed_by" = ?',
    '"posted_at" = ?',
    '"gateway" = ?',
    '"attempts" = "attempts" + ?',
    '"doubts" = "doubts" + ?',
)
IN_NO_DOUBT = ' AND "doubts" = ? RETURNING ALL NEW *'
CONSENT = ('"consent_at" = ?',)
OF_ATTEMPT = ' AND "attempts" = ?'
AS_FOUND = f"{OF_ATTEMPT} RETURNING ALL NEW *"
NONE: Value = {"N": "0"}

SETTLING = Backoff(first=0.1, longest=0.4, seconds=0.5)
"""Less than a second with the last pause: a sender repeats settlements until the last second of its invocation."""


class Attempts:
    def __init__(self, routes: Routes, clock: Clock) -> None:
        self._routes = routes
        self._statements = Statements(clock)

    def claim_all(self, claims: Sequence[Claim], now: datetime) -> list[Message | Exception | None]:
        """See `Messages.claim_all`. A repeated statement recognizes its own claim by `claimed_by`.

        A message that no gateway may have takes one call. Any other one is refused with its row, which names its
        gateway: a second call claims it for an attempt there.
        """
        call = new_claim()
        made = [_Made(claim, f"{call}/{number}", now, self._routes) for number, claim in enumerate(claims)]
        answers = self._statements.execute([one.first() for one in made])
        rows = [self._row_to_repeat(one, answer) for one, answer in zip(made, answers, strict=True)]
        again = [one.repetition(row) for one, row in zip(made, rows, strict=True) if row]
        repeated = iter(self._statements.execute(again))
        last = [next(repeated) if row else answer for answer, row in zip(answers, rows, strict=True)]
        return [one.claimed(answer) for one, answer in zip(made, last, strict=True)]

    def _row_to_repeat(self, made: _Made, answer: Answer) -> Message | None:
        """The row of a message that its gateway may have, with the name of that gateway, if a repetition is safe."""
        if not isinstance(answer, Refused) or answer.item is None or made.is_own(answer.item):
            return None
        row = message_in(answer.item, made.claim.key.shards)
        is_free = row.status == QUEUED and row.doubts > 0 and not row.is_claimed(made.now)
        is_safe = is_free and self._routes.allow_repetition(row)
        return replace(row, gateway=self._routes.gateway_of(row)) if is_safe else None

    def settle_all(self, settlements: Sequence[Settlement], now: datetime) -> list[bool | Exception]:
        """See `Messages.settle_all`. A repeated statement finds the row as it has written it."""
        answers = self._statements.execute([_settlement(settlement, now) for settlement in settlements], SETTLING)
        return [_settled(settlement, now, answer) for settlement, answer in zip(settlements, answers, strict=True)]


@dataclass(frozen=True)
class _Made:
    """A claim with the name by which its row is recognized. A queue repeats messages, so the name has a number."""

    claim: Claim
    by: str
    now: datetime
    routes: Routes

    def first(self) -> Statement:
        """A claim counts as a doubt until its attempt has a clear outcome, so a row without doubts has no claim."""
        return self._statement(self.claim.gateway, IN_NO_DOUBT, NONE)

    def repetition(self, row: Message) -> Statement:
        """Each claim counts as an attempt, so a row with as many attempts is as it was found."""
        return self._statement(row.gateway, AS_FOUND, value("attempts", row.attempts))

    def _statement(self, gateway: str, condition: str, compared: Value) -> Statement:
        until, moment = value("claimed_until", self.claim.until.timestamp()), value("posted_at", self.now)
        address = self.routes.addresses.get(gateway)
        recorded = value("gateway", f"{gateway}{AT}{address}" if address else gateway)
        values = [until, {"S": self.by}, moment, recorded, ONE, ONE]
        sets: tuple[str, ...] = CLAIM
        if self.claim.is_marketing:
            sets += CONSENT
            values.append(value("consent_at", self.claim.consent_at) if self.claim.consent_at else NULL)
        return Statement(update(sets, condition), [*values, *key_values(self.claim.key), compared], self.claim.key)

    def is_own(self, item: Item) -> bool:
        is_claimed = item["status"] == IS_QUEUED and item["claimed_until"] != FREE
        return item.get("claimed_by") == {"S": self.by} and is_claimed

    def claimed(self, answer: Answer) -> Message | Exception | None:
        if isinstance(answer, Exception):
            return named(self.claim.key, answer)
        if isinstance(answer, Written):
            return message_in(answer.item, self.claim.key.shards)
        is_own = answer.item is not None and self.is_own(answer.item)
        return message_in(answer.item or {}, self.claim.key.shards) if is_own else None


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
    values = {"claimed_until": FREE, "doubts": value("doubts", doubts_after(settlement))}
    if status is not None:
        require_transition(QUEUED, status)
        values["status"] = {"S": status}
        values["last_error"] = NULL
    if status == SENT:
        values["sent_at"] = value("sent_at", now)
    if error is not None:
        values["last_error"] = value("last_error", error)
    if status is None and error is None:
        values["attempts_before"] = value("attempts_before", message.attempts_before + 1)
    if message.posted_at and (status or error):
        values["posted_at"] = value("posted_at", message.posted_at)
        if message.parts:
            values |= {name: value(name, getattr(message, name)) for name in ("parts", "cost")}
    return values


def _settled(settlement: Settlement, now: datetime, answer: Answer) -> bool | Exception:
    if isinstance(answer, Exception):
        return named(settlement.key, answer)
    if isinstance(answer, Refused) and answer.item is not None:
        return is_settled_by(message_in(answer.item, settlement.key.shards), settlement, now)
    return isinstance(answer, Written)
