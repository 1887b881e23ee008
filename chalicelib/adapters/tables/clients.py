"""Clients, stored in blocks of ids, with an index by tag and one by operator code.

A phone number's uniqueness is a row of its own in the phones table, written in the client's transaction. It also
bears the stop of a client who opted out, and stays with it when nobody has the number any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from ...domain.audience import Filter, Partition
from ...domain.audit_record import AuditRecord
from ...domain.client import Client, block_of
from ...errors import NotWritten, PhoneTaken
from .audit import Audit
from .base import bind_table, conflicts, transaction
from .client_row import ClientRow, PhoneRow, stored_values

MOST_LABELS = 50
"""In a filter expression, of which DynamoDB takes 4 KB and 300 operators; with more of them clients are read."""

PAGE = 1000


class Clients:
    """A change's record, if there is one, is written in its transaction."""

    def __init__(self, stack_name: str, audit: Audit) -> None:
        bind_table(ClientRow, stack_name)
        bind_table(PhoneRow, stack_name)
        self._audit = audit

    def add(self, client: Client, record: AuditRecord | None = None) -> None:
        """Raises PhoneTaken, by another client or by a stop that this one lacks; then nothing is written."""
        with conflicts({1: PhoneTaken}), transaction() as whole:
            whole.save(ClientRow.of(client), condition=ClientRow.id.does_not_exist())
            whole.save(_phone_row(client), condition=_may_have_phone(client))
            self._audit.write(whole, record)

    def add_many(self, clients: Sequence[Client]) -> None:
        """All or, when one of them cannot be, none (RowChanged); at most fifty, each being two items of a hundred.

        Raises NotWritten when the tables were throttled, or did not answer.
        """
        try:
            with conflicts(), transaction() as whole:
                for client in clients:
                    whole.save(ClientRow.of(client), condition=ClientRow.id.does_not_exist())
                    whole.save(_phone_row(client), condition=_may_have_phone(client))
        except PynamoDBException as error:
            raise NotWritten(f"{len(clients)} clients") from error

    def get(self, client_id: int) -> Client | None:
        try:
            return ClientRow.get(block_of(client_id), client_id, consistent_read=True).client()
        except DoesNotExist:
            return None

    def get_many(self, client_ids: Iterable[int]) -> dict[int, Client]:
        """Those that exist, a hundred a call."""
        keys = [(block_of(client_id), client_id) for client_id in client_ids]
        return {int(row.id): row.client() for row in ClientRow.batch_get(keys, consistent_read=True)}

    def change(self, before: Client, after: Client, record: AuditRecord | None = None) -> None:
        """Raises PhoneTaken, as `add` does, or RowChanged when the client is no longer as `before`."""
        moves = before.phone_number != after.phone_number
        new_phone = 1 if before.opted_out_at else 2  # behind the client, and behind the old phone if that is deleted
        with conflicts({new_phone: PhoneTaken} if moves else None), transaction() as whole:
            whole.save(ClientRow.of(after), condition=_is_as(before))
            if moves:
                whole.save(_phone_row(after), condition=_may_have_phone(after))
                _give_up_phone(whole, before)
            elif before.opted_out_at != after.opted_out_at:
                whole.save(_phone_row(after))
            self._audit.write(whole, record)

    def remove(self, client: Client, record: AuditRecord | None = None) -> None:
        """Frees the phone number at once; a stop stays on it. Raises RowChanged when the client is not as given."""
        with conflicts(), transaction() as whole:
            whole.delete(ClientRow.of(client), condition=_is_as(client))
            _give_up_phone(whole, client)
            self._audit.write(whole, record)

    def find_by_phone(self, phone_number: str) -> Client | None:
        row = _read_phone(phone_number)
        return self.get(int(row.client_id)) if row and row.client_id is not None else None

    def find_many(self, phone_numbers: Iterable[str]) -> tuple[dict[str, Client], dict[str, datetime]]:
        """By phone number: the clients that exist, and the stops of those that do not; a hundred a call, twice."""
        rows = list(PhoneRow.batch_get(list(phone_numbers), consistent_read=True))
        found = self.get_many([int(row.client_id) for row in rows if row.client_id is not None])
        stops = {row.phone: row.opted_out_at for row in rows if row.client_id is None}
        return {client.phone_number: client for client in found.values()}, stops

    def stop_of(self, phone_number: str) -> datetime | None:
        """Since when the phone number is on the stop list, whoever has it."""
        row = _read_phone(phone_number)
        return row.opted_out_at if row else None

    def read(self, partition: Partition, after: int, through: int, limit: int) -> list[Client]:
        """Clients of one partition with ids above `after`, up to `through`, in the order of ids.

        Fewer than `limit` means that there are no more.
        """
        if through <= after:
            return []
        query: Any = {
            "block": ClientRow.query,
            "tag": ClientRow.by_tag.query,
            "operator_code": ClientRow.by_operator_code.query,
        }[partition.by]
        rows = query(partition.key, range_key_condition=_range(partition, after, through), limit=limit)
        return [row.client() for row in rows]

    def count(self, partition: Partition, chosen: Filter, first: int, last: int) -> int:
        """How many of one partition are chosen and have not opted out, with ids from `first` to `last`.

        Nothing but numbers comes back.
        """
        if last < first:
            return 0
        left = _not_by_the_key(partition, chosen)
        if len(left.tags) + len(left.operator_codes) > MOST_LABELS:
            return self._count_read(partition, left, first, last)
        table: Any = {"block": ClientRow, "tag": ClientRow.by_tag, "operator_code": ClientRow.by_operator_code}
        ids = ClientRow.id.between(first, last)
        return int(table[partition.by].count(partition.key, ids, filter_condition=_may_be_texted(left)))

    def _count_read(self, partition: Partition, chosen: Filter, first: int, last: int) -> int:
        number, after = 0, first - 1
        while clients := self.read(partition, after, last, PAGE):
            number += sum(chosen.chooses(client) and client.opted_out_at is None for client in clients)
            after = clients[-1].id
        return number


def _range(partition: Partition, after: int, through: int) -> Condition | None:
    """Whoever wants a whole block says no range: MiniStack compares row by row, for a third of what a page takes it."""
    if partition.by == "block" and block_of(after) < int(partition.key) < block_of(through):
        return None
    ids: Condition = ClientRow.id.between(after + 1, through)
    return ids


def _not_by_the_key(partition: Partition, chosen: Filter) -> Filter:
    """What is still to be asked of a client of this partition."""
    return Filter(
        () if partition.by == "tag" else chosen.tags,
        () if partition.by == "operator_code" else chosen.operator_codes,
    )


def _may_be_texted(chosen: Filter) -> Condition:
    condition: Condition = ClientRow.opted_out_at.does_not_exist()
    if chosen.tags:
        condition &= reduce(or_, [ClientRow.tag == tag for tag in chosen.tags])
    if chosen.operator_codes:
        condition &= reduce(or_, [ClientRow.phone_number.startswith(f"7{code}") for code in chosen.operator_codes])
    return condition


def _read_phone(phone_number: str) -> PhoneRow | None:
    try:
        return PhoneRow.get(phone_number, consistent_read=True)
    except DoesNotExist:
        return None


def _phone_row(client: Client) -> PhoneRow:
    return PhoneRow(client.phone_number, client_id=client.id, opted_out_at=client.opted_out_at)


def _may_have_phone(client: Client) -> Condition:
    """Nobody has it; and if there is a stop on it, the client has opted out as well."""
    free: Condition = PhoneRow.client_id.does_not_exist()
    return free if client.opted_out_at else PhoneRow.phone.does_not_exist()


def _give_up_phone(whole: TransactWrite, client: Client) -> None:
    """The number is free, and a stop stays on it."""
    if client.opted_out_at:
        whole.save(PhoneRow(client.phone_number, opted_out_at=client.opted_out_at))
    else:
        whole.delete(_phone_row(client))


def _is_as(client: Client) -> Condition:
    """The optimistic lock: every field of the row is as it was read."""
    unchanged = [
        getattr(ClientRow, name).does_not_exist() if value is None else getattr(ClientRow, name) == value
        for name, value in stored_values(client).items()
    ]
    condition: Condition = reduce(and_, unchanged)
    return condition
