"""Changes of messages without an attempt: conditional writes, 25 in a call.

The condition is an optimistic lock: the row has the status, the attempts, the resend order and the end of the claim
with which it was read. So what depends on the row is decided before the write: PartiQL has no documented
`if_not_exists`, and MiniStack knows neither OR nor parentheses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from ...domain.message import Message
from ...domain.message_change import MessageChange
from ..clock import Clock
from .base import new_claim
from .message_row import NOT_CLAIMED
from .message_statements import FREE, NULL, key_values, named, update, value
from .statements import Answer, Refused, Statement, Statements, Value, Written

NAMES = tuple(field.name for field in fields(Message) if field.name not in ("mailing_id", "client_id", "shards"))
CONDITION = ' AND "attempts" = ? AND "resends" = ?'
CLAIM_CONDITION = ' AND "claimed_until" = ?'


class MessageChanges:
    def __init__(self, clock: Clock) -> None:
        self._statements = Statements(clock)

    def write_all(self, changes: Sequence[MessageChange]) -> list[bool | Exception]:
        """See `Messages.change_all`. A repeated statement recognizes its own write by `claimed_by`."""
        call = new_claim()
        named_changes = [(change, f"{call}/{number}") for number, change in enumerate(changes)]
        answers = self._statements.execute([_statement(change, by) for change, by in named_changes])
        return [_written(change, by, answer) for (change, by), answer in zip(named_changes, answers, strict=True)]


def _statement(change: MessageChange, by: str) -> Statement:
    before = change.before
    values = {**_values_to_set(change), "claimed_by": {"S": by}}
    sets = [f'"{name}" = ?' for name in values]
    locks = [value("attempts", before.attempts), value("resends", before.resends)]
    condition = CONDITION
    if not before.is_final:
        condition += CLAIM_CONDITION
        locks.append(value("claimed_until", before.claimed_until or NOT_CLAIMED))
    parameters = [*values.values(), *key_values(change.key, before.status), *locks]
    return Statement(update(sets, condition), parameters, change.key)


def _values_to_set(change: MessageChange) -> dict[str, Value]:
    """The attributes that differ. A change of the status also writes what claims compare: earlier versions did not."""
    before, after = change.before, change.after
    values = {name: _stored(name, after) for name in NAMES if getattr(after, name) != getattr(before, name)}
    if after.status != before.status:
        values |= {"claimed_until": FREE, "doubts": value("doubts", after.doubts)}
    return values


def _stored(name: str, message: Message) -> Value:
    content = getattr(message, name)
    if name == "claimed_until":
        return value(name, content or NOT_CLAIMED)
    return NULL if content is None else value(name, content)


def _written(change: MessageChange, by: str, answer: Answer) -> bool | Exception:
    if isinstance(answer, Exception):
        return named(change.key, answer)
    if isinstance(answer, Refused):
        return (answer.item or {}).get("claimed_by") == {"S": by}
    return isinstance(answer, Written)
