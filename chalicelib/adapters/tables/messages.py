"""Messages: one row for each client and mailing. The number of partitions grows with the audience.

Each change of a status is one conditional write: of two writers, one succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from ...domain.message import EXPIRED, QUEUED, SENT, UNKNOWN, Message, MessageKey, MessageShard, require_transition
from ...errors import NotWritten
from ...texts import Text
from ..clock import Clock
from .base import TextAttribute, bind_table, reads
from .batches import Batches, Item

ROWS_READ = 1000
"""Rows that one call reads to find those with a status. They have less than 1 MB, the limit of a query."""


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
    claimed_until = NumberAttribute(null=True)
    posted_at = Moment(null=True)
    resends = NumberAttribute(default=0)
    attempts_before = NumberAttribute(null=True)
    reopened_in = NumberAttribute(null=True)
    doubts = NumberAttribute(null=True)
    timezone = UnicodeAttribute(null=True)
    reported_at = Moment(null=True)
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
            claimed_until=self.claimed_until,
            posted_at=self.posted_at,
            resends=int(self.resends or 0),
            attempts_before=int(self.attempts_before or 0),
            reopened_in=int(self.reopened_in or 0),
            doubts=int(self.doubts or 0),
            timezone=self.timezone,
            reported_at=self.reported_at,
            shards=shards,
        )


class Messages:
    """`gateway_dedupes`: an attempt that ended without an answer can be repeated. Otherwise its message is in doubt.

    Raises NotWritten if the table did not confirm a write, and NotRead if it did not return all rows.
    """

    def __init__(self, stack_name: str, gateway_dedupes: bool, clock: Clock) -> None:
        bind_table(MessageRow, stack_name, clock)
        self._batches = Batches(clock)
        self._gateway_dedupes = gateway_dedupes

    def add(self, messages: Iterable[Message], expires_at: datetime) -> None:
        """Write new messages, 25 in a call. Overwrites existing rows: call `existing` first if there may be any.

        If it raises NotWritten, some of the rows may be written.
        """
        templates: dict[tuple[object, ...], Item] = {}
        rows = []
        for message in messages:
            kind = (message.status, message.created_at, message.timezone, message.last_error)
            if kind not in templates:
                templates[kind] = _new_row(message, expires_at).serialize()
            rows.append(_SerializedRow({**templates[kind], **_item_key(message.key)}))
        self._batches.put(MessageRow, rows)

    def existing(self, keys: Iterable[MessageKey]) -> dict[int, Message]:
        """The existing messages of one mailing, by client id. One call reads a hundred."""
        by_client = {key.client_id: key for key in keys}
        rows = self._batches.get(MessageRow, [(_part(key.shard), key.client_id) for key in by_client.values()])
        return {int(row.client_id): row.message(by_client[int(row.client_id)].shards) for row in rows}

    def get(self, key: MessageKey) -> Message | None:
        try:
            return MessageRow.get(_part(key.shard), key.client_id, consistent_read=True).message(key.shards)
        except DoesNotExist:
            return None

    def claim(self, key: MessageKey, now: datetime, until: datetime) -> Message | None:
        """Claim the message for one attempt. Returns None if it is final, deleted or claimed by another attempt."""
        row = row_of(key)
        actions: list[Action] = [
            MessageRow.claimed_until.set(until.timestamp()),
            MessageRow.posted_at.set(now),
            MessageRow.attempts.add(1),
            MessageRow.doubts.add(1),
        ]
        return row.message(key.shards) if _update_if(row, actions, self._is_claimable(now)) else None

    def settle(self, message: Message, status: str, now: datetime, error: Text | None = None) -> bool:
        """Write the attempt's result and its `posted_at`. Returns False if the message has its final status already.

        Sent is written even if a later attempt has claimed the message; any other result is not.
        """
        require_transition(QUEUED, status)
        unsettled = MessageRow.status == QUEUED
        if status != SENT:
            unsettled &= MessageRow.attempts == message.attempts
        actions: list[Action] = [
            MessageRow.status.set(status),
            MessageRow.claimed_until.remove(),
            MessageRow.doubts.remove(),
            _posted_at(message),
            MessageRow.last_error.set(error) if error else MessageRow.last_error.remove(),
        ]
        if status == SENT:
            actions.append(MessageRow.sent_at.set(now))
        return _update_if(row_of(message.key), actions, unsettled)

    def end_claim(self, message: Message, error: Text | None, in_doubt: bool = False) -> bool:
        """End the attempt without a result: the message can be claimed again. No `error`: nothing was posted."""
        doubts = message.doubts if in_doubt else max(0, message.doubts - 1)
        actions: list[Action] = [MessageRow.claimed_until.remove(), MessageRow.doubts.set(doubts)]
        if error:
            actions += [_posted_at(message), MessageRow.last_error.set(error)]
        is_last_claim = (MessageRow.status == QUEUED) & (MessageRow.attempts == message.attempts)
        return _update_if(row_of(message.key), actions, is_last_claim)

    def close(self, key: MessageKey, status: str, now: datetime, error: Text | None = None) -> bool:
        """Give a final status to a message without an attempt in progress. Returns False if there is none.

        An expired message keeps its doubts, and the error of its last attempt, if there is one.
        """
        return self._finish(key, status, self._is_claimable(now), error)

    def mark_unknown(self, key: MessageKey, now: datetime, error: Text) -> bool:
        """Give the status unknown to a message if its attempt ended without a result. Returns False otherwise."""
        in_doubt = (MessageRow.status == QUEUED) & (MessageRow.claimed_until <= now.timestamp())
        return self._finish(key, UNKNOWN, in_doubt, error)

    def reopen(self, message: Message, resends: int, reopened_in: int) -> bool:
        """Give the status queued to a message again. Returns False if its status has changed.

        `resends`: the number of the order that this carries out. `reopened_in`: the number of the round. A message
        without an attempt loses the reason of its expiry.
        """
        require_transition(message.status, QUEUED)
        actions: list[Action] = [
            MessageRow.status.set(QUEUED),
            MessageRow.resends.set(resends),
            MessageRow.attempts_before.set(message.attempts),
            MessageRow.reopened_in.set(reopened_in),
        ]
        if not message.attempts:
            actions.append(MessageRow.last_error.remove())
        return _update_if(row_of(message.key), actions, MessageRow.status == message.status)

    def await_hours(self, key: MessageKey, timezone: str) -> None:
        """Write the time zone of the local hours that a queued message waits for. Other messages do not change."""
        row = row_of(key)
        other = MessageRow.timezone.does_not_exist() | (MessageRow.timezone != timezone)
        _update_if(row, [MessageRow.timezone.set(timezone)], (MessageRow.status == QUEUED) & other)

    def page(self, shard: MessageShard, after_client: int, limit: int, statuses: Sequence[str] = ()) -> list[Message]:
        """Messages of one shard in the order of client ids. Fewer than `limit` are the last.

        `statuses`: return only messages with one of these.
        """
        rows = MessageRow.query(
            _part(shard),
            range_key_condition=MessageRow.client_id > after_client,
            filter_condition=MessageRow.status.is_in(*statuses) if statuses else None,
            consistent_read=True,
            limit=limit,
        )
        with reads("messages"):
            return [row.message(shard.shards) for row in rows]

    def find(self, shard: MessageShard, after_client: int, statuses: Sequence[str]) -> tuple[list[Message], int | None]:
        """The messages with these statuses among the next thousand rows of one shard, and the last client id read.

        None instead of the id at the end of the shard. One call: DynamoDB filters the rows after it has read them.
        """
        rows = MessageRow.query(
            _part(shard),
            range_key_condition=MessageRow.client_id > after_client,
            filter_condition=MessageRow.status.is_in(*statuses),
            consistent_read=True,
            page_size=ROWS_READ,
        )
        with reads("messages"):
            page: dict[str, Any] = next(rows.page_iter)
        found = [MessageRow.from_raw_data(item).message(shard.shards) for item in page["Items"]]
        last = page.get("LastEvaluatedKey")
        return found, int(last["client_id"]["N"]) if last else None

    def _finish(self, key: MessageKey, status: str, condition: Condition, error: Text | None) -> bool:
        require_transition(QUEUED, status)
        actions: list[Action] = [MessageRow.status.set(status), MessageRow.claimed_until.remove()]
        if status != EXPIRED:
            actions.append(MessageRow.doubts.remove())
        if error:
            known = MessageRow.last_error | error  # if_not_exists
            actions.append(MessageRow.last_error.set(known if status == EXPIRED else error))
        return _update_if(row_of(key), actions, condition)

    def _is_claimable(self, now: datetime) -> Condition:
        """Queued, without an attempt in progress. In doubt only if the gateway makes a repetition safe."""
        unclaimed = MessageRow.claimed_until.does_not_exist()
        if self._gateway_dedupes:
            unclaimed |= MessageRow.claimed_until <= now.timestamp()
        claimable: Condition = (MessageRow.status == QUEUED) & unclaimed
        return claimable


class _SerializedRow:
    """A row in the form of DynamoDB's API. The attributes that the messages of a page share are serialized once:
    PynamoDB serializes them for each row, which took a quarter of the time of a fan-out."""

    def __init__(self, item: Item) -> None:
        self._item = item

    def serialize(self) -> Item:
        return self._item


def _new_row(message: Message, expires_at: datetime) -> MessageRow:
    row = row_of(message.key)
    row.status, row.created_at, row.timezone = message.status, message.created_at, message.timezone
    row.last_error = message.last_error
    row.expires_at = int(expires_at.timestamp())
    return row


def _item_key(key: MessageKey) -> Item:
    return {"part": {"S": _part(key.shard)}, "client_id": {"N": str(key.client_id)}}


def _part(shard: MessageShard) -> str:
    return f"{shard.mailing_id}#{shard.number}"


def row_of(key: MessageKey) -> MessageRow:
    return MessageRow(_part(key.shard), key.client_id)


def _posted_at(message: Message) -> Action:
    return MessageRow.posted_at.set(message.posted_at) if message.posted_at else MessageRow.posted_at.remove()


def _update_if(row: MessageRow, actions: list[Action], condition: Condition) -> bool:
    """Returns False if the condition fails. Raises NotWritten for other errors, also if a transaction holds the row."""
    try:
        row.update(actions=actions, condition=condition)
    except UpdateError as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
            return False
        raise NotWritten(f"message {row.part}/{row.client_id}") from error
    return True
