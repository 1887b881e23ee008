"""Messages: one row per client and mailing, in as many partitions as the audience needs.

Every change of a status is one conditional write, so that of two who try, one wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from ...domain.message import QUEUED, SENT, UNKNOWN, Message, MessageKey, MessageShard, require_transition
from ...errors import NotWritten
from .base import place

Item = dict[str, dict[str, str]]
"""A row in DynamoDB's own form: by attribute, its type and value."""


class MessageRow(Model):
    class Meta:
        table_name = "messages"

    part = UnicodeAttribute(hash_key=True)
    client_id = NumberAttribute(range_key=True)
    status = UnicodeAttribute()
    created_at = Moment()
    sent_at = Moment(null=True)
    attempts = NumberAttribute(default=0)
    last_error = UnicodeAttribute(null=True)
    claimed_until = NumberAttribute(null=True)
    posted_at = Moment(null=True)
    resends = NumberAttribute(default=0)
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
            timezone=self.timezone,
            reported_at=self.reported_at,
            shards=shards,
        )


class Messages:
    """`gateway_dedupes`: an attempt that ended without an answer may be repeated; if not, its message is in doubt.

    Raises NotWritten if the table did not take a write.
    """

    def __init__(self, stack_name: str, gateway_dedupes: bool) -> None:
        place(MessageRow, stack_name, "messages")
        self._gateway_dedupes = gateway_dedupes

    def add(self, messages: Iterable[Message], expires_at: datetime) -> None:
        """Write new messages, 25 a call. An existing row is overwritten: ask `existing` where there may be one."""
        alike: dict[tuple[object, ...], Item] = {}
        with MessageRow.batch_write() as batch:
            for message in messages:
                kind = (message.status, message.created_at, message.timezone)
                if kind not in alike:
                    alike[kind] = _new_row(message, expires_at).serialize()
                batch.save(_Written({**alike[kind], **_item_key(message.key)}))

    def existing(self, keys: Iterable[MessageKey]) -> dict[int, Message]:
        """Messages of one mailing, by client id; a hundred a call."""
        by_client = {key.client_id: key for key in keys}
        rows = MessageRow.batch_get(
            [(_part(key.shard), key.client_id) for key in by_client.values()], consistent_read=True
        )
        return {int(row.client_id): row.message(by_client[int(row.client_id)].shards) for row in rows}

    def get(self, key: MessageKey) -> Message | None:
        try:
            return MessageRow.get(_part(key.shard), key.client_id, consistent_read=True).message(key.shards)
        except DoesNotExist:
            return None

    def claim(self, key: MessageKey, now: datetime, until: datetime) -> Message | None:
        """Take the message for one attempt; None when it is final, gone, or in another attempt's hands."""
        row = row_of(key)
        actions: list[Action] = [
            MessageRow.claimed_until.set(until.timestamp()),
            MessageRow.posted_at.set(now),
            MessageRow.attempts.add(1),
        ]
        return row.message(key.shards) if _updated(row, actions, self._is_free(now)) else None

    def settle(self, message: Message, status: str, now: datetime, error: str | None = None) -> bool:
        """Record the attempt's result and its `posted_at`; False when the message has its final status already.

        That it was sent is true whoever holds the claim by now; any other result counts only while it is ours.
        """
        require_transition(QUEUED, status)
        free = MessageRow.status == QUEUED
        if status != SENT:
            free &= MessageRow.attempts == message.attempts
        actions: list[Action] = [
            MessageRow.status.set(status),
            MessageRow.claimed_until.remove(),
            _posted_at(message),
            MessageRow.last_error.set(error) if error else MessageRow.last_error.remove(),
        ]
        if status == SENT:
            actions.append(MessageRow.sent_at.set(now))
        return _updated(row_of(message.key), actions, free)

    def release_claim(self, message: Message, error: str | None) -> bool:
        """End the attempt without a result: the message may be claimed again at once. No error: nothing was posted."""
        actions: list[Action] = [MessageRow.claimed_until.remove()]
        if error:
            actions += [_posted_at(message), MessageRow.last_error.set(error)]
        ours = (MessageRow.status == QUEUED) & (MessageRow.attempts == message.attempts)
        return _updated(row_of(message.key), actions, ours)

    def close(self, key: MessageKey, status: str, now: datetime, error: str | None = None) -> bool:
        """Give a final status to a message that no attempt holds; False when there is none such."""
        return self._finish(key, status, self._is_free(now), error)

    def doubt(self, key: MessageKey, now: datetime, error: str) -> bool:
        """An attempt ended without a word: the message becomes unknown. False when it is not so, or not any more."""
        in_doubt = (MessageRow.status == QUEUED) & (MessageRow.claimed_until <= now.timestamp())
        return self._finish(key, UNKNOWN, in_doubt, error)

    def revive(self, message: Message, resends: int) -> bool:
        """A message that was given up waits again; False when its status is not as given any more.

        `resends`: the number of the order that is met by this.
        """
        require_transition(message.status, QUEUED)
        actions: list[Action] = [MessageRow.status.set(QUEUED), MessageRow.resends.set(resends)]
        return _updated(row_of(message.key), actions, MessageRow.status == message.status)

    def await_hours(self, key: MessageKey, timezone: str) -> None:
        """A queued message waits for its hours by this clock; any other is left as it is."""
        row = row_of(key)
        other = MessageRow.timezone.does_not_exist() | (MessageRow.timezone != timezone)
        _updated(row, [MessageRow.timezone.set(timezone)], (MessageRow.status == QUEUED) & other)

    def page(self, shard: MessageShard, after_client: int, limit: int, statuses: Sequence[str] = ()) -> list[Message]:
        """Messages of one shard in the order of client ids; fewer than `limit` means that there are no more.

        `statuses`: only those that have one of them.
        """
        rows = MessageRow.query(
            _part(shard),
            range_key_condition=MessageRow.client_id > after_client,
            filter_condition=MessageRow.status.is_in(*statuses) if statuses else None,
            consistent_read=True,
            limit=limit,
        )
        return [row.message(shard.shards) for row in rows]

    def _finish(self, key: MessageKey, status: str, condition: Condition, error: str | None) -> bool:
        require_transition(QUEUED, status)
        actions: list[Action] = [MessageRow.status.set(status), MessageRow.claimed_until.remove()]
        if error:
            actions.append(MessageRow.last_error.set(error))
        return _updated(row_of(key), actions, condition)

    def _is_free(self, now: datetime) -> Condition:
        """Still queued, and no attempt under way; one that ended without a word only where a repetition is safe."""
        unclaimed = MessageRow.claimed_until.does_not_exist()
        if self._gateway_dedupes:
            unclaimed |= MessageRow.claimed_until <= now.timestamp()
        free: Condition = (MessageRow.status == QUEUED) & unclaimed
        return free


class _Written:
    """A row that is in DynamoDB's form already. What the messages of a page have in common is brought into it once:
    PynamoDB would go through all their attributes one by one, and that took a quarter of a fan-out's time."""

    def __init__(self, item: Item) -> None:
        self._item = item

    def serialize(self) -> Item:
        return self._item


def _new_row(message: Message, expires_at: datetime) -> MessageRow:
    row = row_of(message.key)
    row.status, row.created_at, row.timezone = message.status, message.created_at, message.timezone
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


def _updated(row: MessageRow, actions: list[Action], condition: Condition) -> bool:
    """False when the row is not as the condition says. One that a transaction has hold of may yet be: NotWritten."""
    try:
        row.update(actions=actions, condition=condition)
    except UpdateError as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
            return False
        raise NotWritten(f"message {row.part}/{row.client_id}") from error
    return True
