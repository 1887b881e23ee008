"""Clients, stored in blocks of ids, with an index by tag and one by operator code.

A row in the phones table keeps each phone number unique. It is written in the transaction of its client. It also holds
the opt-out, and remains for it after the client is deleted or gets another number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from ...domain.audience import AudienceMember, Filter, Group, Partition, Read
from ...domain.audit_record import AuditRecord
from ...domain.client import Client, block_of, operator_code_of
from ...domain.erasure import phone_digest
from ...errors import Conflict, NotWritten, PhoneErased, PhoneTaken
from ..clock import Clock
from .audit import Audit
from .base import bind_table, conflicts, transaction
from .batches import Batches, Item
from .client_row import ClientRow, PhoneRow, client_in, erased_phone, is_unchanged

MOST_LABELS = 50
"""In one filter expression: DynamoDB limits it to 4 KB and 300 operators. With more labels the clients are read."""

PAGE = 1000


class Clients:
    """An audit record is written in the transaction of its change. `phone_key` returns the key of phone digests.

    A phone number that opted out and was erased raises PhoneErased.
    """

    def __init__(self, stack_name: str, audit: Audit, phone_key: Callable[[], str], clock: Clock) -> None:
        bind_table(ClientRow, stack_name, clock)
        bind_table(PhoneRow, stack_name, clock)
        self._audit = audit
        self._phone_key = phone_key
        self._batches = Batches(clock)

    def add(self, client: Client, record: AuditRecord | None = None) -> None:
        """Raises PhoneTaken if another client has the number, or the number is opted out and the client is not."""
        with conflicts({0: PhoneErased, 2: PhoneTaken}), transaction(ClientRow) as writes:
            self._require_not_erased(writes, client)
            writes.save(ClientRow.of(client), condition=ClientRow.id.does_not_exist())
            writes.save(_phone_row(client), condition=_may_have_phone(client))
            self._audit.write(writes, record)

    def add_many(self, clients: Sequence[Client], records: Sequence[AuditRecord] = ()) -> None:
        """Adds all of them with the records, or none (RowChanged). A transaction has 100 items: a client takes three, a
        record one.

        The condition that a number is not erased costs two write units of eight. A look at them before would leave
        seconds in which an erasure ends. Raises NotWritten if the tables are throttled or do not answer.
        """
        try:
            with conflicts(), transaction(ClientRow) as writes:
                for client in clients:
                    self._require_not_erased(writes, client)
                    writes.save(ClientRow.of(client), condition=ClientRow.id.does_not_exist())
                    writes.save(_phone_row(client), condition=_may_have_phone(client))
                for record in records:
                    self._audit.write(writes, record)
        except PynamoDBException as error:
            raise NotWritten(f"{len(clients)} clients") from error

    def get(self, client_id: int) -> Client | None:
        try:
            return ClientRow.get(block_of(client_id), client_id, consistent_read=True).client()
        except DoesNotExist:
            return None

    def get_many(self, client_ids: Iterable[int]) -> dict[int, Client]:
        """The clients that exist, by id; 100 per call."""
        keys = [(block_of(client_id), client_id) for client_id in client_ids]
        clients = [client_in(item) for item in self._batches.get_items(ClientRow, keys)]
        return {client.id: client for client in clients}

    def change(self, before: Client, after: Client, record: AuditRecord | None = None) -> None:
        """Raises PhoneTaken, as `add` does, or RowChanged if the row no longer equals `before`."""
        is_new_number = before.phone_number != after.phone_number
        position = 2 if before.opted_out_at else 3  # DynamoDB puts deletes before the written rows
        by_position: dict[int, type[Conflict]] = {0: PhoneErased, position: PhoneTaken} if is_new_number else {}
        with conflicts(by_position), transaction(ClientRow) as writes:
            if is_new_number:
                self._require_not_erased(writes, after)
            writes.save(ClientRow.of(after), condition=is_unchanged(before))
            if is_new_number:
                writes.save(_phone_row(after), condition=_may_have_phone(after))
                _free_phone(writes, before)
            elif before.opted_out_at != after.opted_out_at:
                writes.save(_phone_row(after))
            self._audit.write(writes, record)

    def change_many(self, changes: Sequence[tuple[Client, Client]], records: Sequence[AuditRecord] = ()) -> None:
        """Changes all of them with the records, or none (RowChanged). Their phone numbers stay.

        A transaction has 100 items: a client takes one, an opt-out another, a record a third. It costs twice the units
        of single writes, as `change` does. Statements would cost half, but a condition of theirs cannot say that an
        attribute is absent: PartiQL's answer for one is not documented, and a row leaves out blank values.
        """
        with conflicts(), transaction(ClientRow) as writes:
            for before, after in changes:
                writes.save(ClientRow.of(after), condition=is_unchanged(before))
                if before.opted_out_at != after.opted_out_at:
                    writes.save(_phone_row(after))
            for record in records:
                self._audit.write(writes, record)

    def remove(self, client: Client, record: AuditRecord | None = None) -> None:
        """Frees the phone number at once; its opt-out stays. Raises RowChanged if the row no longer equals `client`."""
        with conflicts(), transaction(ClientRow) as writes:
            writes.delete(ClientRow.of(client), condition=is_unchanged(client))
            _free_phone(writes, client)
            self._audit.write(writes, record)

    def find_by_phone(self, phone_number: str) -> Client | None:
        row = _read_phone(phone_number)
        return self.get(int(row.client_id)) if row and row.client_id is not None else None

    def find_many(self, phone_numbers: Iterable[str]) -> tuple[dict[str, Client], dict[str, datetime]]:
        """Two maps by phone number: the clients that have one, and the opt-outs of numbers without a client.

        Two calls per 100 numbers.
        """
        rows = self._batches.get(PhoneRow, phone_numbers)
        found = self.get_many([int(row.client_id) for row in rows if row.client_id is not None])
        stops = {row.phone: row.opted_out_at for row in rows if row.client_id is None}
        return {client.phone_number: client for client in found.values()}, stops

    def stop_of(self, phone_number: str) -> datetime | None:
        """When the phone number was put on the stop list; None if it is not on it."""
        row = _read_phone(phone_number)
        return row.opted_out_at if row else None

    def erased_among(self, phone_numbers: Iterable[str]) -> set[str]:
        """Those that opted out and were erased. One call per 100 numbers."""
        by_key = {self._erased_key(phone): phone for phone in phone_numbers}
        return {by_key[row.phone] for row in self._batches.get(PhoneRow, by_key)}

    def _require_not_erased(self, writes: TransactWrite, client: Client) -> None:
        """The deletion of a row that must not exist: a condition in the transaction, without a right of its own."""
        row = PhoneRow(self._erased_key(client.phone_number))
        writes.delete(row, condition=PhoneRow.phone.does_not_exist())

    def _erased_key(self, phone_number: str) -> str:
        return erased_phone(phone_digest(self._phone_key(), phone_number))

    def read(self, partition: Partition, after: int, through: int, limit: int) -> list[Client]:
        """Clients of one partition with ids above `after` and up to `through`, in the order of ids.

        Fewer than `limit` clients mean the end. A client that was written a moment ago may be missing.
        """
        return [row.client() for row in _query(partition, after, through, limit)] if through > after else []

    def read_members(
        self, partition: Partition, after: int, through: int, limit: int, fields: Sequence[str]
    ) -> list[AudienceMember]:
        """As `read`, with these fields only. A block of the table is read with all that was written before.

        The fields save time and bytes, but no read units: DynamoDB charges for complete rows. A consistent read costs
        twice as much as another one.
        """
        if through <= after:
            return []
        is_current = partition.by == "block"  # an index cannot be read consistently
        rows = _query(partition, after, through, limit, consistent_read=is_current, attributes_to_get=["id", *fields])
        items: list[Item] = []
        for page in rows.page_iter:  # without PynamoDB's work for each row
            items += page["Items"]
            if len(items) >= limit:
                break
        return [_member(item, fields) for item in items[:limit]]

    def count(self, partition: Partition, chosen: Filter, first: int, last: int) -> int:
        """The number of chosen clients without an opt-out in one partition, with ids from `first` to `last`."""
        if last < first:
            return 0
        rest = _beyond_the_key(partition, chosen)
        if _has_too_many_labels(rest):
            return self._count_read(partition, rest, first, last)
        ids = _range(partition, first - 1, last)
        return int(_table(partition).count(partition.key, ids, filter_condition=_may_be_texted(rest)))

    def groups(self, chosen: Filter, read: Read, limit: int) -> tuple[Counter[Group], bool]:
        """The groups of the chosen clients without an opt-out among the first `limit` ones, and whether these are all.

        One call for each MB of rows. DynamoDB returns two attributes: to parse whole rows takes four times as long.
        """
        partition, first, last = read
        rest = _beyond_the_key(partition, chosen)
        if _has_too_many_labels(rest):
            clients = self.read(partition, first - 1, last, limit)
            kept = [client for client in clients if rest.chooses(client) and client.opted_out_at is None]
            return Counter(client.group for client in kept), len(clients) < limit
        rows = _table(partition).query(
            partition.key,
            range_key_condition=_range(partition, first - 1, last),
            filter_condition=_may_be_texted(rest),
            attributes_to_get=["phone_number", "timezone"],
            page_size=limit,
        )
        found, number = Counter[Group](), 0
        for page in rows.page_iter:
            found.update(map(_group_of, page["Items"]))
            number += page["ScannedCount"]
            if number >= limit:
                return found, "LastEvaluatedKey" not in page
        return found, True

    def _count_read(self, partition: Partition, chosen: Filter, first: int, last: int) -> int:
        number, after = 0, first - 1
        while clients := self.read(partition, after, last, PAGE):
            number += sum(chosen.chooses(client) and client.opted_out_at is None for client in clients)
            after = clients[-1].id
        return number


def _query(partition: Partition, after: int, through: int, limit: int, **options: Any) -> Any:
    ids = _range(partition, after, through)
    return _table(partition).query(partition.key, range_key_condition=ids, limit=limit, **options)


def _member(item: Item, fields: Sequence[str]) -> AudienceMember:
    return AudienceMember(int(item["id"]["N"]), **{name: item[name]["S"] for name in fields if name in item})


def _table(partition: Partition) -> Any:
    """The table or the index that has the partition."""
    tables = {"block": ClientRow, "tag": ClientRow.by_tag, "operator_code": ClientRow.by_operator_code}
    return tables[partition.by]


def _group_of(item: Item) -> Group:
    """As `Client.group`. To make a client takes four times as long."""
    timezone = item.get("timezone")
    return timezone["S"] if timezone else Client.timezone, operator_code_of(item["phone_number"]["S"])


def _has_too_many_labels(chosen: Filter) -> bool:
    return len(chosen.stored_tags) + len(chosen.operator_codes) > MOST_LABELS


def _range(partition: Partition, after: int, through: int) -> Condition | None:
    """None for a complete block: MiniStack compares a range row by row, a third of the time of a page."""
    if partition.by == "block" and block_of(after) < int(partition.key) < block_of(through):
        return None
    ids: Condition = ClientRow.id.between(after + 1, through)
    return ids


def _beyond_the_key(partition: Partition, chosen: Filter) -> Filter:
    """The part of the filter that the partition key does not cover."""
    return Filter(
        () if partition.by == "tag" else chosen.tags,
        () if partition.by == "operator_code" else chosen.operator_codes,
    )


def _may_be_texted(chosen: Filter) -> Condition:
    condition: Condition = ClientRow.opted_out_at.does_not_exist()
    if chosen.tags:
        condition &= reduce(or_, [ClientRow.tag == tag for tag in chosen.stored_tags])
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
    """The number has no client; a number that is opted out is only for a client that is opted out."""
    free: Condition = PhoneRow.client_id.does_not_exist()
    return free if client.opted_out_at else PhoneRow.phone.does_not_exist()


def _free_phone(writes: TransactWrite, client: Client) -> None:
    """Frees the number; an opt-out stays."""
    if client.opted_out_at:
        writes.save(PhoneRow(client.phone_number, opted_out_at=client.opted_out_at))
    else:
        writes.delete(_phone_row(client))
