"""The row of a message, and the conversion from and to the domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.models import Model

from ...domain.message import Message, MessageKey, MessageShard
from .base import TextAttribute, values_in
from .batches import Item

NOT_CLAIMED = 0
"""`claimed_until` of a row without a claim. Every row has the attribute, so that conditions only compare it."""

AT = "@"
"""Between the name of a gateway and the digest of its URL. A name contains none."""


class MessageRow(Model):
    class Meta:
        table_name = "messages"

    part = UnicodeAttribute(hash_key=True)
    client_id = NumberAttribute(range_key=True)
    status = UnicodeAttribute()
    created_at = Moment()
    sent_at = Moment(null=True)
    attempts = NumberAttribute(default=0)
    last_error = TextAttribute(null=True)
    claimed_until = NumberAttribute(default=NOT_CLAIMED)
    claimed_by = UnicodeAttribute(null=True)
    posted_at = Moment(null=True)
    resends = NumberAttribute(default=0)
    attempts_before = NumberAttribute(null=True)
    reopened_in = NumberAttribute(null=True)
    reopened_from = UnicodeAttribute(null=True)
    doubts = NumberAttribute(default=0)
    timezone = UnicodeAttribute(null=True)
    reported_at = Moment(null=True)
    gateway = UnicodeAttribute(null=True)
    parts = NumberAttribute(null=True)
    cost = NumberAttribute(null=True)
    consent_at = Moment(null=True)
    expires_at = NumberAttribute(null=True)

    def message(self, shards: int) -> Message:
        return _message(self.attribute_values, shards)


STORED = [item.name for item in fields(Message) if item.name not in ("mailing_id", "shards", "address")]
"""Fields of Message that are attributes of its row."""


def message_in(item: Item, shards: int) -> Message:
    """The message of a row as DynamoDB returns it."""
    return _message(values_in(MessageRow, item), shards)


def _message(values: Mapping[str, Any], shards: int) -> Message:
    known = {name: value for name in STORED if (value := values.get(name)) is not None}
    known["claimed_until"] = known.get("claimed_until") or None
    known["gateway"], _, known["address"] = known.get("gateway", "").partition(AT)
    return Message(int(values["part"].partition("#")[0]), shards=shards, **known)


def serialized_rows(messages: Iterable[Message], expires_at: datetime) -> list[Item]:
    """Rows of new messages, which DynamoDB deletes after `expires_at`.

    The attributes that the messages of a page share are serialized once: PynamoDB serializes them for each row, which
    took a quarter of the time of a fan-out.
    """
    templates: dict[tuple[object, ...], Item] = {}
    rows = []
    for message in messages:
        kind = (message.status, message.created_at, message.timezone, message.last_error)
        if kind not in templates:
            templates[kind] = _new_row(message, expires_at).serialize()
        rows.append({**templates[kind], **item_key(message.key)})
    return rows


def _new_row(message: Message, expires_at: datetime) -> MessageRow:
    row = row_of(message.key)
    row.status, row.created_at, row.timezone = message.status, message.created_at, message.timezone
    row.last_error = message.last_error
    row.expires_at = int(expires_at.timestamp())
    return row


def item_key(key: MessageKey) -> Item:
    return {"part": {"S": part_of(key.shard)}, "client_id": {"N": str(key.client_id)}}


def part_of(shard: MessageShard) -> str:
    return f"{shard.mailing_id}#{shard.number}"


def row_of(key: MessageKey) -> MessageRow:
    return MessageRow(part_of(key.shard), key.client_id)
