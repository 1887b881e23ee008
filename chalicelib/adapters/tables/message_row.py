"""The row of a message, and the conversion from and to the domain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.models import Model

from ...domain.message import Message, MessageKey, MessageShard
from .base import TextAttribute
from .batches import Item

NOT_CLAIMED = 0
"""`claimed_until` of a row without a claim. Every row has the attribute, so that conditions only compare it."""


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
    expires_at = NumberAttribute(null=True)

    def message(self, shards: int) -> Message:
        return Message(
            mailing_id=int(self.part.partition("#")[0]),
            client_id=int(self.client_id),
            status=self.status,
            created_at=self.created_at,
            sent_at=self.sent_at,
            attempts=int(self.attempts),
            last_error=self.last_error,
            claimed_until=self.claimed_until or None,
            posted_at=self.posted_at,
            resends=int(self.resends or 0),
            attempts_before=int(self.attempts_before or 0),
            reopened_in=int(self.reopened_in or 0),
            reopened_from=self.reopened_from,
            doubts=int(self.doubts),
            timezone=self.timezone,
            reported_at=self.reported_at,
            gateway=self.gateway or "",
            parts=int(self.parts or 0),
            cost=int(self.cost or 0),
            shards=shards,
        )


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
