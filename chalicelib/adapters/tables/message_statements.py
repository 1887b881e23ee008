"""The parts of statements that write rows of messages.

Every statement only sets attributes, and its condition only compares attributes that each row has. PartiQL's answer
for a missing attribute is not documented, so nothing is removed: NULL stands for no error.
Source: Amazon DynamoDB Developer Guide, "PartiQL update statements".
"""

from __future__ import annotations

from collections.abc import Sequence

from ...domain.message import QUEUED, MessageKey
from ...errors import NotWritten
from .message_row import NOT_CLAIMED, MessageRow, item_key, part_of
from .statements import Value

NULL: Value = {"NULL": True}
IS_QUEUED: Value = {"S": QUEUED}


def update(sets: Sequence[str], condition: str = "") -> str:
    """The text of a statement on one row, which begins its parameters with `sets` and goes on with `key_values`."""
    return (
        f'UPDATE "{MessageRow.Meta.table_name}" SET {" SET ".join(sets)}'  # noqa: S608 - names of the code only
        f' WHERE "part" = ? AND "client_id" = ? AND "status" = ?{condition}'
    )


def key_values(key: MessageKey, status: str = QUEUED) -> list[Value]:
    """The key of the row, and the status that it has before the write."""
    return [*item_key(key).values(), {"S": status}]


def value(name: str, content: object) -> Value:
    attribute = getattr(MessageRow, name)
    return {attribute.attr_type: attribute.serialize(content)}


FREE = value("claimed_until", NOT_CLAIMED)


def named(key: MessageKey, error: Exception) -> Exception:
    is_unconfirmed = isinstance(error, NotWritten)
    return NotWritten(f"message {part_of(key.shard)}/{key.client_id}: {error}") if is_unconfirmed else error
