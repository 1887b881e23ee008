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

from ...domain.message import QUEUED, SENT, UNKNOWN, Message, require_transition, shard_of
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

    def message(self) -> Message:
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
        )


class Messages:
    """`shards` is the mailing's number of partitions, from its plan.

    `gateway_dedupes`: an attempt that ended without a word may be repeated; otherwise it leaves the message in doubt.
    Raises NotWritten when the table did not take a write.
    """

    def __init__(self, stack_name: str, gateway_dedupes: bool) -> None:
        place(MessageRow, stack_name, "messages")
        self._gateway_dedupes = gateway_dedupes

    def add(self, messages: Iterable[Message], shards: int, expires_at: datetime) -> None:
        """Write new messages, 25 a call. An existing row is overwritten: ask `existing` where there may be one."""
        alike: dict[tuple[object, ...], Item] = {}
        with MessageRow.batch_write() as batch:
            for message in messages:
                kind = (message.status, message.created_at, message.timezone)
                if kind not in alike:
                    alike[kind] = _new_row(message, shards, expires_at).serialize()
                batch.save(_Written({**alike[kind], **_key(message, shards)}))

    def existing(self, mailing_id: int, client_ids: Iterable[int], shards: int) -> dict[int, Message]:
        keys = [(_part(mailing_id, client_id, shards), client_id) for client_id in client_ids]
        return {int(row.client_id): row.message() for row in MessageRow.batch_get(keys, consistent_read=True)}

    def get(self, mailing_id: int, client_id: int, shards: int) -> Message | None:
        try:
            return MessageRow.get(_part(mailing_id, client_id, shards), client_id, consistent_read=True).message()
        except DoesNotExist:
            return None

    def claim(self, mailing_id: int, client_id: int, shards: int, now: datetime, until: datetime) -> Message | None:
        """Take the message for one attempt; None when it is final, gone, or in another attempt's hands."""
        row = MessageRow(_part(mailing_id, client_id, shards), client_id)
        actions: list[Action] = [
            MessageRow.claimed_until.set(until.timestamp()),
            MessageRow.posted_at.set(now),
            MessageRow.attempts.add(1),
        ]
        return row.message() if _updated(row, actions, self._is_free(now)) else None

    def settle(self, message: Message, status: str, shards: int, now: datetime, error: str | None = None) -> bool:
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
        return _updated(row_of(message, shards), actions, free)

    def release_claim(self, message: Message, shards: int, error: str | None) -> bool:
        """End the attempt without a result: the message may be claimed again at once. No error: nothing was posted."""
        actions: list[Action] = [MessageRow.claimed_until.remove()]
        if error:
            actions += [_posted_at(message), MessageRow.last_error.set(error)]
        ours = (MessageRow.status == QUEUED) & (MessageRow.attempts == message.attempts)
        return _updated(row_of(message, shards), actions, ours)

    def close(
        self, mailing_id: int, client_id: int, shards: int, status: str, now: datetime, error: str | None = None
    ) -> bool:
        """Give a final status to a message that no attempt holds; False when there is none such."""
        return self._finish(mailing_id, client_id, shards, status, self._is_free(now), error)

    def doubt(self, mailing_id: int, client_id: int, shards: int, now: datetime, error: str) -> bool:
        """An attempt ended without a word: the message becomes unknown. False when it is not so, or not any more."""
        in_doubt = (MessageRow.status == QUEUED) & (MessageRow.claimed_until <= now.timestamp())
        return self._finish(mailing_id, client_id, shards, UNKNOWN, in_doubt, error)

    def revive(self, message: Message, shards: int, resends: int) -> bool:
        """A message that was given up waits again; False when its status is not as given any more.

        `resends`: the number of the order that is met by this.
        """
        require_transition(message.status, QUEUED)
        actions: list[Action] = [MessageRow.status.set(QUEUED), MessageRow.resends.set(resends)]
        return _updated(row_of(message, shards), actions, MessageRow.status == message.status)

    def await_hours(self, mailing_id: int, client_id: int, shards: int, timezone: str) -> None:
        """A queued message waits for its hours by this clock; any other is left as it is."""
        row = MessageRow(_part(mailing_id, client_id, shards), client_id)
        other = MessageRow.timezone.does_not_exist() | (MessageRow.timezone != timezone)
        _updated(row, [MessageRow.timezone.set(timezone)], (MessageRow.status == QUEUED) & other)

    def page(
        self, mailing_id: int, shard: int, after_client: int, limit: int, statuses: Sequence[str] = ()
    ) -> list[Message]:
        """Messages of one partition in the order of client ids; fewer than `limit` means that there are no more.

        `statuses`: only those that have one of them.
        """
        rows = MessageRow.query(
            f"{mailing_id}#{shard}",
            range_key_condition=MessageRow.client_id > after_client,
            filter_condition=MessageRow.status.is_in(*statuses) if statuses else None,
            consistent_read=True,
            limit=limit,
        )
        return [row.message() for row in rows]

    def _finish(
        self, mailing_id: int, client_id: int, shards: int, status: str, condition: Condition, error: str | None
    ) -> bool:
        require_transition(QUEUED, status)
        actions: list[Action] = [MessageRow.status.set(status), MessageRow.claimed_until.remove()]
        if error:
            actions.append(MessageRow.last_error.set(error))
        return _updated(MessageRow(_part(mailing_id, client_id, shards), client_id), actions, condition)

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


def _new_row(message: Message, shards: int, expires_at: datetime) -> MessageRow:
    row = row_of(message, shards)
    row.status, row.created_at, row.timezone = message.status, message.created_at, message.timezone
    row.expires_at = int(expires_at.timestamp())
    return row


def _key(message: Message, shards: int) -> Item:
    part = _part(message.mailing_id, message.client_id, shards)
    return {"part": {"S": part}, "client_id": {"N": str(message.client_id)}}


def _part(mailing_id: int, client_id: int, shards: int) -> str:
    return f"{mailing_id}#{shard_of(client_id, shards)}"


def row_of(message: Message, shards: int) -> MessageRow:
    return MessageRow(_part(message.mailing_id, message.client_id, shards), message.client_id)


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
