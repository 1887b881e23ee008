"""The stop list: the rows of phone numbers with an opt-out, whether or not a client has the number.

A sparse index has the opted-out rows alone. Its keys are attributes that earlier versions wrote too, so it lists their
rows as well. A scan of it reads the list and nothing else, in no particular order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pynamodb.exceptions import PynamoDBException

from ...domain.audit_record import AuditRecord
from ...domain.client import PHONE
from ...domain.stop import Position, Stop, moment_at
from ...errors import NotWritten, PhoneErased
from ..clock import Clock
from .audit import Audit
from .base import conflicts, transaction
from .client_row import PhoneRow
from .phones import Phones


class StopList:
    """Raises RowChanged if another writer was first. Clients on the list are written by `clients.py`."""

    def __init__(self, stack_name: str, audit: Audit, phone_key: Callable[[], str], clock: Clock) -> None:
        self._audit = audit
        self._phones = Phones(stack_name, phone_key, clock)

    def get(self, phone_number: str) -> Stop | None:
        row = self._phones.read(phone_number)
        return _stop(row) if row is not None and row.opted_out_at is not None else None

    def add(self, stop: Stop, record: AuditRecord) -> None:
        """Raises PhoneErased, or RowChanged if the number has a client or is on the list."""
        with conflicts({0: PhoneErased}), transaction(PhoneRow) as writes:
            self._phones.require_not_erased(writes, stop.phone_number)
            writes.save(_row(stop), condition=PhoneRow.phone.does_not_exist())
            self._audit.write(writes, record)

    def add_many(self, stops: Sequence[Stop], records: Sequence[AuditRecord]) -> None:
        """Adds all of them with the records, or none (RowChanged). A transaction has 100 items: a stop takes two, a
        record one. Raises NotWritten if the tables are throttled or do not answer.
        """
        try:
            with conflicts(), transaction(PhoneRow) as writes:
                for stop in stops:
                    self._phones.require_not_erased(writes, stop.phone_number)
                    writes.save(_row(stop), condition=PhoneRow.phone.does_not_exist())
                for record in records:
                    self._audit.write(writes, record)
        except PynamoDBException as error:
            raise NotWritten(f"{len(stops)} stops") from error

    def remove(self, stop: Stop, record: AuditRecord) -> None:
        """Raises RowChanged if the number has a client or another time."""
        is_as_read = PhoneRow.client_id.does_not_exist() & (PhoneRow.opted_out_at == stop.opted_out_at)
        with conflicts(), transaction(PhoneRow) as writes:
            writes.delete(PhoneRow(stop.phone_number), condition=is_as_read)
            self._audit.write(writes, record)

    def read(self, after: Position | None, limit: int) -> list[Stop]:
        """The stops after a position. Fewer than `limit` mean the end. One that was added a moment ago may be missing.

        Rows of erased people are in the index too, and are passed over.
        """
        found: list[Stop] = []
        rows = PhoneRow.opted_out.scan(page_size=limit, last_evaluated_key=_key(after) if after else None)
        for row in rows:
            if PHONE.fullmatch(row.phone):
                found.append(_stop(row))
            if len(found) == limit:
                break
        return found


def _row(stop: Stop) -> PhoneRow:
    return PhoneRow(stop.phone_number, opted_out_at=stop.opted_out_at, source=stop.source, reason=stop.reason)


def _stop(row: PhoneRow) -> Stop:
    client_id = None if row.client_id is None else int(row.client_id)
    return Stop(row.phone, row.opted_out_at, row.source, row.reason, client_id)


def _key(position: Position) -> dict[str, Any]:
    """Where a scan goes on: the keys of the index and of the table, as DynamoDB's API writes them."""
    microseconds, phone = position
    row: dict[str, Any] = PhoneRow(str(phone), opted_out_at=moment_at(microseconds)).serialize()
    return {name: row[name] for name in ("phone", "opted_out_at")}
