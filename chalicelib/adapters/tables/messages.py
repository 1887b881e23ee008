"""Messages: one row for each client and mailing. The number of partitions grows with the audience.

Each change of a status is one conditional write: of two writers, one succeeds. They are statements, 25 in a call. Only
delivery receipts write messages in a transaction, with the counts of their mailing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pynamodb.exceptions import DoesNotExist

from ...domain.message import QUEUED, RECEIVED, Claim, Message, MessageKey, MessageShard, Settlement
from ...domain.message_change import MessageChange
from ...domain.routes import Routes
from ...errors import confirmed
from ...texts import Text
from ..clock import Clock
from .attempts import Attempts
from .base import bind_table
from .batches import Batches
from .message_changes import MessageChanges
from .message_row import MessageRow, message_in, part_of, serialized_rows


class Messages:
    """`routes`: the gateways at which an attempt that ended without an answer can be repeated.

    Raises NotWritten if the table did not confirm a write, and NotRead if it did not return all rows.
    """

    def __init__(self, stack_name: str, routes: Routes, clock: Clock) -> None:
        bind_table(MessageRow, stack_name, clock)
        self._batches = Batches(clock)
        self._routes = routes
        self._attempts = Attempts(routes, clock)
        self._changes = MessageChanges(clock)

    def add(self, messages: Iterable[Message], expires_at: datetime) -> None:
        """Write new messages, 25 in a call. Overwrites existing rows: call `existing` first if there may be any.

        If it raises NotWritten, some of the rows may be written.
        """
        self._batches.put(MessageRow, serialized_rows(messages, expires_at))

    def existing(self, keys: Iterable[MessageKey]) -> dict[int, Message]:
        """The existing messages of one mailing, by client id. One call reads a hundred."""
        by_client = {key.client_id: key for key in keys}
        rows = [(part_of(key.shard), key.client_id) for key in by_client.values()]
        items = self._batches.get_items(MessageRow, rows)
        found = [message_in(item, by_client[int(item["client_id"]["N"])].shards) for item in items]
        return {message.client_id: message for message in found}

    def received(self, keys: Iterable[MessageKey]) -> set[int]:
        """The clients that received their message of one mailing. One call reads a hundred keys."""
        by_part = [(part_of(key.shard), key.client_id) for key in keys]
        items = self._batches.get_items(MessageRow, by_part, ("client_id", "status"))
        return {int(item["client_id"]["N"]) for item in items if item["status"]["S"] in RECEIVED}

    def of_client(self, keys: Iterable[MessageKey]) -> dict[int, Message]:
        """The existing messages of one client in several mailings, by mailing id. One call reads a hundred."""
        by_part = {part_of(key.shard): key for key in keys}
        rows = self._batches.get(MessageRow, [(part, key.client_id) for part, key in by_part.items()])
        return {by_part[row.part].mailing_id: row.message(by_part[row.part].shards) for row in rows}

    def get(self, key: MessageKey) -> Message | None:
        try:
            return MessageRow.get(part_of(key.shard), key.client_id, consistent_read=True).message(key.shards)
        except DoesNotExist:
            return None

    def claim(self, key: MessageKey, now: datetime, until: datetime) -> Message | None:
        """One of `claim_all`. Raises its error."""
        return confirmed(self.claim_all([Claim(key, until, self._routes.names[0])], now)[0])

    def settle(self, message: Message, status: str, now: datetime, error: Text | None = None) -> bool:
        """One of `settle_all`, with a final status. Raises its error."""
        return confirmed(self.settle_all([Settlement(message, status, error)], now)[0])

    def end_claim(self, message: Message, error: Text | None, in_doubt: bool = False) -> bool:
        """One of `settle_all`, without a status: the message can be claimed again. Raises its error."""
        return confirmed(self.settle_all([Settlement(message, None, error, in_doubt)], message.created_at)[0])

    def claim_all(self, claims: Sequence[Claim], now: datetime) -> list[Message | Exception | None]:
        """Claim messages for one attempt each, 25 in a call. One result for each claim, in their order.

        A result is None if the message is final, deleted or claimed by another attempt, or if a gateway may have it
        that would send a repetition as well. Errors are results too, not
        raised: NotWritten if the table did not confirm this claim in 5 seconds. An attempt is counted once: a repeated
        write meets its own claim.
        """
        return self._attempts.claim_all(claims, now)

    def settle_all(self, settlements: Sequence[Settlement], now: datetime) -> list[bool | Exception]:
        """Write the ends of attempts, 25 in a call. One result for each settlement, in their order.

        A result is False if the message has its final status already, or another attempt has claimed it and the status
        is not sent. Errors are results too, not raised: NotWritten if the table did not confirm this settlement in a
        second. A repeated write that meets its own result is True, also in a later call with the same `now`.
        """
        return self._attempts.settle_all(settlements, now)

    def change_all(self, changes: Sequence[MessageChange]) -> list[bool | Exception]:
        """Write changes of messages without an attempt, 25 in a call. One result for each change, in their order.

        A result is False if the row is no longer as it was read. Errors are results too, not raised: NotWritten if the
        table did not confirm this change in 5 seconds. A repeated write that meets its own result is True.
        """
        return self._changes.write_all(changes)

    def page(self, shard: MessageShard, after_client: int, limit: int, statuses: Sequence[str] = ()) -> list[Message]:
        """Messages of one shard in the order of client ids. Fewer than `limit` are the last.

        `statuses`: return only messages with one of these.
        """
        rows = MessageRow.query(
            part_of(shard),
            range_key_condition=MessageRow.client_id > after_client,
            filter_condition=MessageRow.status.is_in(*statuses) if statuses else None,
            consistent_read=True,
            limit=limit,
        )
        return [row.message(shard.shards) for row in rows]

    def find(
        self,
        shard: MessageShard,
        after_client: int,
        through_client: int,
        statuses: Sequence[str],
        error: Text | None = None,
    ) -> tuple[list[Message], int | None]:
        """The messages with these statuses among the rows of some client ids of one shard, and the last id read.

        None instead of the id at the end. `error`: only those with this one. One call, which reads at most 1 MB:
        DynamoDB filters the rows after it has read them.
        """
        wanted = MessageRow.status.is_in(*statuses)
        rows = MessageRow.query(
            part_of(shard),
            range_key_condition=MessageRow.client_id.between(after_client + 1, through_client),
            filter_condition=wanted if error is None else wanted & (MessageRow.last_error == error),
            consistent_read=True,
        )
        page: dict[str, Any] = next(rows.page_iter)
        found = [message_in(item, shard.shards) for item in page["Items"]]
        last = page.get("LastEvaluatedKey")
        return found, int(last["client_id"]["N"]) if last else None

    def queued_below(self, shard: MessageShard, client_id: int | None, limit: int) -> list[Message]:
        """Queued messages of one shard, the highest client ids first. Fewer than `limit` are the last.

        `client_id`: return only messages of lower ids.
        """
        rows = MessageRow.query(
            part_of(shard),
            range_key_condition=None if client_id is None else MessageRow.client_id < client_id,
            filter_condition=MessageRow.status == QUEUED,
            consistent_read=True,
            scan_index_forward=False,
            limit=limit,
        )
        return [row.message(shard.shards) for row in rows]
