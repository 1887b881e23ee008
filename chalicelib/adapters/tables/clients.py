"""Clients, stored in blocks of ids, with an index by tag and one by operator code. `phones.py` writes their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pynamodb.exceptions import DoesNotExist, PynamoDBException

from ...domain.audience import Group, Partition, Read
from ...domain.audit_record import AuditRecord
from ...domain.client import Client, block_of
from ...domain.filter import AudienceMember, Filter
from ...domain.stop import UNKNOWN_CAUSE, StopCause
from ...errors import Conflict, NotWritten, PhoneErased, PhoneTaken
from ..clock import Clock
from . import client_queries as queries
from .audit import Audit
from .base import bind_table, conflicts, transaction
from .batches import Batches, Item
from .client_row import ClientRow, client_in, is_unchanged
from .phones import Phones

if TYPE_CHECKING:
    from ...domain.client_search import ClientFilter

PAGE = 1000


class Clients:
    """An audit record is written in the transaction of its change. `phone_key` returns the key of phone digests.

    A phone number that opted out and was erased raises PhoneErased. `cause`: of a new opt-out, on the stop list.
    """

    def __init__(self, stack_name: str, audit: Audit, phone_key: Callable[[], str], clock: Clock) -> None:
        bind_table(ClientRow, stack_name, clock)
        self._audit = audit
        self._phones = Phones(stack_name, phone_key, clock)
        self._batches = Batches(clock)

    def add(self, client: Client, record: AuditRecord | None = None, cause: StopCause = UNKNOWN_CAUSE) -> None:
        """Raises PhoneTaken if another client has the number, or the number is opted out and the client is not."""
        position = 2 + _rows_before(client, record)
        with conflicts({0: PhoneErased, position: PhoneTaken}), transaction(ClientRow) as writes:
            self._phones.require_not_erased(writes, client.phone_number)
            writes.save(ClientRow.of(client), condition=ClientRow.id.does_not_exist())
            self._phones.take(writes, client, cause)
            self._audit.write(writes, record)

    def add_many(
        self, clients: Sequence[Client], records: Sequence[AuditRecord] = (), cause: StopCause = UNKNOWN_CAUSE
    ) -> None:
        """Adds all of them with the records, or none (RowChanged). A transaction has 100 items: a client takes three, a
        record one.

        The condition that a number is not erased costs two write units of eight. A look at them before would leave
        seconds in which an erasure ends. Raises NotWritten if the tables are throttled or do not answer.
        """
        try:
            with conflicts(), transaction(ClientRow) as writes:
                for client in clients:
                    self._phones.require_not_erased(writes, client.phone_number)
                    writes.save(ClientRow.of(client), condition=ClientRow.id.does_not_exist())
                    self._phones.take(writes, client, cause)
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

    def change(
        self, before: Client, after: Client, record: AuditRecord | None = None, cause: StopCause = UNKNOWN_CAUSE
    ) -> None:
        """Raises PhoneTaken, as `add` does, or RowChanged if the row no longer equals `before`."""
        is_new_number = before.phone_number != after.phone_number
        deletes = 1 if before.opted_out_at else 2  # DynamoDB puts them before the written rows
        position = deletes + 1 + _rows_before(after, record)
        by_position: dict[int, type[Conflict]] = {0: PhoneErased, position: PhoneTaken} if is_new_number else {}
        with conflicts(by_position), transaction(ClientRow) as writes:
            if is_new_number:
                self._phones.require_not_erased(writes, after.phone_number)
            writes.save(ClientRow.of(after), condition=is_unchanged(before))
            if is_new_number:
                self._phones.take(writes, after, cause)
                self._phones.free(writes, before)
            elif before.opted_out_at != after.opted_out_at:
                self._phones.stop(writes, after, cause)
            self._audit.write(writes, record)

    def change_many(
        self,
        changes: Sequence[tuple[Client, Client]],
        records: Sequence[AuditRecord] = (),
        cause: StopCause = UNKNOWN_CAUSE,
    ) -> None:
        """Changes all of them with the records, or none (RowChanged). Their phone numbers stay.

        A transaction has 100 items: a client takes one, an opt-out another, a record a third. It costs twice the units
        of single writes, as `change` does. Statements would cost half, but a condition of theirs cannot say that an
        attribute is absent: PartiQL's answer for one is not documented, and a row leaves out blank values.
        """
        with conflicts(), transaction(ClientRow) as writes:
            for before, after in changes:
                writes.save(ClientRow.of(after), condition=is_unchanged(before))
                if before.opted_out_at != after.opted_out_at:
                    self._phones.stop(writes, after, cause)
            for record in records:
                self._audit.write(writes, record)

    def remove(self, client: Client, record: AuditRecord | None = None) -> None:
        """Frees the phone number at once; its opt-out stays. Raises RowChanged if the row no longer equals `client`."""
        with conflicts(), transaction(ClientRow) as writes:
            writes.delete(ClientRow.of(client), condition=is_unchanged(client))
            self._phones.free(writes, client)
            self._audit.write(writes, record)

    def find_by_phone(self, phone_number: str) -> Client | None:
        """A client that gets another number between the two reads is not found."""
        row = self._phones.read(phone_number)
        client = self.get(int(row.client_id)) if row and row.client_id is not None else None
        return client if client and client.phone_number == phone_number else None

    def find_many(self, phone_numbers: Iterable[str]) -> tuple[dict[str, Client], dict[str, datetime]]:
        """Two maps by phone number: the clients that have one, and the opt-outs of numbers without a client.

        Two calls per 100 numbers.
        """
        rows = self._phones.read_many(phone_numbers)
        found = self.get_many([int(row.client_id) for row in rows if row.client_id is not None])
        stops = {row.phone: row.opted_out_at for row in rows if row.client_id is None}
        return {client.phone_number: client for client in found.values()}, stops

    def stop_of(self, phone_number: str) -> datetime | None:
        """When the phone number was put on the stop list; None if it is not on it."""
        row = self._phones.read(phone_number)
        return row.opted_out_at if row else None

    def erased_among(self, phone_numbers: Iterable[str]) -> set[str]:
        """Those that opted out and were erased. One call per 100 numbers."""
        return self._phones.erased_among(phone_numbers)

    def read(self, partition: Partition, after: int, through: int, limit: int) -> list[Client]:
        """Clients of one partition with ids above `after` and up to `through`, in the order of ids.

        Fewer than `limit` clients mean the end. A client that was written a moment ago may be missing.
        """
        return (
            [row.client() for row in queries.query_clients(partition, after, through, limit)] if through > after else []
        )

    def counted(self) -> int | None:
        return queries.counted_clients()

    def find(
        self, partition: Partition, after: int, through: int, wanted: ClientFilter
    ) -> tuple[list[Client], int | None]:
        """Of the clients as in `read`, those that the filter may keep, and the last id read; None at the end."""
        items, last_read = queries.find_clients(partition, after, through, wanted)
        return list(map(client_in, items)), last_read

    def read_members(
        self,
        partition: Partition,
        after: int,
        through: int,
        limit: int,
        fields: Sequence[str],
        must_be_current: bool = True,
    ) -> list[AudienceMember]:
        """As `read`, with these fields only. A block of the table is read with all that was written before, if it
        `must_be_current`.

        The fields save time and bytes, but no read units: DynamoDB charges for complete rows. A consistent read costs
        twice as much as another one.
        """
        if through <= after:
            return []
        is_current = must_be_current and partition.by == "block"  # an index cannot be read consistently
        rows = queries.query_clients(
            partition, after, through, limit, consistent_read=is_current, attributes_to_get=["id", *fields]
        )
        items: list[Item] = []
        for page in rows.page_iter:  # without PynamoDB's work for each row
            items += page["Items"]
            if len(items) >= limit:
                break
        return [queries.member_of(item, fields) for item in items[:limit]]

    def count(self, partition: Partition, chosen: Filter, first: int, last: int) -> int:
        """The number of clients that the filter reaches in one partition, with ids from `first` to `last`."""
        if last < first:
            return 0
        rest = queries.beyond_the_key(partition, chosen)
        if queries.has_too_many_labels(rest):
            return self._count_read(partition, rest, first, last)
        ids = queries.id_range(partition, first - 1, last)
        return int(queries.table_of(partition).count(partition.key, ids, filter_condition=queries.may_be_texted(rest)))

    def groups(self, chosen: Filter, read: Read, limit: int) -> tuple[Counter[Group], bool]:
        """The groups of the clients that the filter reaches among the first `limit` ones, and whether these are all.

        One call for each MB of rows. DynamoDB returns two attributes: to parse whole rows takes four times as long.
        """
        partition, first, last = read
        rest = queries.beyond_the_key(partition, chosen)
        if queries.has_too_many_labels(rest):
            clients = self.read(partition, first - 1, last, limit)
            kept = list(filter(rest.reaches, clients))
            return Counter(client.group for client in kept), len(clients) < limit
        rows = queries.table_of(partition).query(
            partition.key,
            range_key_condition=queries.id_range(partition, first - 1, last),
            filter_condition=queries.may_be_texted(rest),
            attributes_to_get=["phone_number", "timezone"],
            page_size=limit,
        )
        found, number = Counter[Group](), 0
        for page in rows.page_iter:
            found.update(map(queries.group_of, page["Items"]))
            number += page["ScannedCount"]
            if number >= limit:
                return found, "LastEvaluatedKey" not in page
        return found, True

    def _count_read(self, partition: Partition, chosen: Filter, first: int, last: int) -> int:
        number, after = 0, first - 1
        while clients := self.read(partition, after, last, PAGE):
            number += sum(map(chosen.reaches, clients))
            after = clients[-1].id
        return number


def _rows_before(client: Client, record: AuditRecord | None) -> int:
    """How many rows a transaction writes between the client and its phone number: see `Phones.take`."""
    return int(client.opted_out_at is not None and record is not None)
