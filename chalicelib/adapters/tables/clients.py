"""Clients, stored in blocks of ids, with an index by tag and one by operator code.

A phone number's uniqueness is a row of its own in the phones table, written in the client's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from ...domain.audience import Filter, Partition
from ...domain.client import Client, block_of, label_key
from ...domain.record import Record
from ...errors import NotWritten, PhoneTaken
from .audit import Audit
from .base import TableMeta, conflicts, place, transaction

MOST_LABELS = 50
"""In a filter expression, of which DynamoDB takes 4 KB and 300 operators; with more of them clients are read."""

PAGE = 1000


class ByTag(GlobalSecondaryIndex["ClientRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_tag"
        projection = AllProjection()

    tag_key = UnicodeAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)


class ByOperatorCode(GlobalSecondaryIndex["ClientRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_operator_code"
        projection = AllProjection()

    code_key = UnicodeAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)


class ClientRow(Model):
    class Meta(TableMeta):
        table_name = "clients"

    block = NumberAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)
    phone = UnicodeAttribute()
    tag = UnicodeAttribute(null=True)
    timezone = UnicodeAttribute()
    tag_key = UnicodeAttribute(null=True)
    code_key = UnicodeAttribute()
    by_tag = ByTag()
    by_operator_code = ByOperatorCode()

    @classmethod
    def of(cls, client: Client) -> ClientRow:
        return cls(
            block_of(client.id),
            client.id,
            phone=client.phone_number,
            tag=client.tag,
            timezone=client.timezone,
            tag_key=label_key(client.tag, client.id) if client.tag else None,
            code_key=label_key(client.operator_code, client.id),
        )

    def client(self) -> Client:
        return Client(int(self.id), self.phone, self.tag, self.timezone)


class PhoneRow(Model):
    class Meta(TableMeta):
        table_name = "phones"

    phone = UnicodeAttribute(hash_key=True)
    client_id = NumberAttribute()


class Clients:
    """A change's record, if there is one, is written in its transaction."""

    def __init__(self, stack_name: str, audit: Audit) -> None:
        place(ClientRow, stack_name, "clients")
        place(PhoneRow, stack_name, "phones")
        self._audit = audit

    def add(self, client: Client, record: Record | None = None) -> None:
        """Raises PhoneTaken; then nothing is written."""
        with conflicts({1: PhoneTaken}), transaction() as whole:
            whole.save(ClientRow.of(client), condition=ClientRow.id.does_not_exist())
            whole.save(_phone_row(client), condition=PhoneRow.phone.does_not_exist())
            self._audit.write(whole, record)

    def add_many(self, clients: Sequence[Client]) -> None:
        """All or, when one of them cannot be, none (RowChanged); at most fifty, each being two items of a hundred.

        Raises NotWritten when the tables were throttled, or did not answer.
        """
        try:
            with conflicts(), transaction() as whole:
                for client in clients:
                    whole.save(ClientRow.of(client), condition=ClientRow.id.does_not_exist())
                    whole.save(_phone_row(client), condition=PhoneRow.phone.does_not_exist())
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

    def change(self, before: Client, after: Client, record: Record | None = None) -> None:
        """Raises PhoneTaken, or RowChanged when the client is no longer as `before`."""
        with conflicts({2: PhoneTaken}), transaction() as whole:
            if before.phone_number != after.phone_number:
                whole.delete(_phone_row(before))
            whole.save(ClientRow.of(after), condition=_is_as(before))
            if before.phone_number != after.phone_number:
                whole.save(_phone_row(after), condition=PhoneRow.phone.does_not_exist())
            self._audit.write(whole, record)

    def remove(self, client: Client, record: Record | None = None) -> None:
        """Frees the phone number at once. Raises RowChanged when the client is not as given."""
        with conflicts(), transaction() as whole:
            whole.delete(ClientRow.of(client), condition=_is_as(client))
            whole.delete(_phone_row(client))
            self._audit.write(whole, record)

    def find_by_phone(self, phone_number: str) -> Client | None:
        try:
            return self.get(int(PhoneRow.get(phone_number, consistent_read=True).client_id))
        except DoesNotExist:
            return None

    def find_many(self, phone_numbers: Iterable[str]) -> dict[str, Client]:
        """Those that exist, by phone number; a hundred a call, twice."""
        rows = PhoneRow.batch_get(list(phone_numbers), consistent_read=True)
        found = self.get_many([int(row.client_id) for row in rows])
        return {client.phone_number: client for client in found.values()}

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
        rows = query(partition.key, range_key_condition=ClientRow.id.between(after + 1, through), limit=limit)
        return [row.client() for row in rows]

    def count(self, partition: Partition, chosen: Filter, first: int, last: int) -> int:
        """How many of one partition are chosen, with ids from `first` to `last`; nothing but numbers comes back."""
        if last < first:
            return 0
        left = _not_by_the_key(partition, chosen)
        if len(left.tags) + len(left.operator_codes) > MOST_LABELS:
            return self._count_read(partition, left, first, last)
        table: Any = {"block": ClientRow, "tag": ClientRow.by_tag, "operator_code": ClientRow.by_operator_code}
        ids = ClientRow.id.between(first, last)
        return int(table[partition.by].count(partition.key, ids, filter_condition=_is_chosen(left)))

    def _count_read(self, partition: Partition, chosen: Filter, first: int, last: int) -> int:
        number, after = 0, first - 1
        while clients := self.read(partition, after, last, PAGE):
            number += sum(map(chosen.chooses, clients))
            after = clients[-1].id
        return number


def _not_by_the_key(partition: Partition, chosen: Filter) -> Filter:
    """What is still to be asked of a client of this partition."""
    return Filter(
        () if partition.by == "tag" else chosen.tags,
        () if partition.by == "operator_code" else chosen.operator_codes,
    )


def _is_chosen(chosen: Filter) -> Condition | None:
    by_tag = _any_of([ClientRow.tag == tag for tag in chosen.tags])
    by_code = _any_of([ClientRow.phone.startswith(f"7{code}") for code in chosen.operator_codes])
    return by_tag & by_code if by_tag is not None and by_code is not None else by_tag if by_code is None else by_code


def _any_of(conditions: list[Condition]) -> Condition | None:
    return reduce(or_, conditions) if conditions else None


def _phone_row(client: Client) -> PhoneRow:
    return PhoneRow(client.phone_number, client_id=client.id)


def _is_as(client: Client) -> Condition:
    same_tag = ClientRow.tag == client.tag if client.tag else ClientRow.tag.does_not_exist()
    unchanged: Condition = (ClientRow.phone == client.phone_number) & (ClientRow.timezone == client.timezone) & same_tag
    return unchanged
