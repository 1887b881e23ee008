"""Erasures that are under way, and the phone numbers that opted out before they were erased.

A row of an erasure exists until all traces are cleaned, so the table is almost always empty.
"""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ...domain.audit_record import AuditRecord
from ...domain.client import Client
from ...domain.erasure import Erasure
from ..clock import Clock
from .audit import Audit
from .base import bind_table, conflicts, set_actions, transaction
from .client_row import ClientRow, PhoneRow, erased_phone, is_unchanged


class ErasureRow(Model):
    class Meta:
        table_name = "erasures"

    name = UnicodeAttribute(hash_key=True)
    client_id = NumberAttribute(null=True)
    digest = UnicodeAttribute()
    moved_at = Moment()
    mailings_below = NumberAttribute(null=True)
    imports_below = NumberAttribute(null=True)
    row = NumberAttribute(default=0)

    @classmethod
    def of(cls, erasure: Erasure) -> ErasureRow:
        """The row of an erasure that has not begun."""
        return cls(erasure.name, client_id=erasure.client_id, digest=erasure.digest, moved_at=erasure.moved_at)

    def erasure(self) -> Erasure:
        return Erasure(
            name=self.name,
            client_id=None if self.client_id is None else int(self.client_id),
            digest=self.digest,
            moved_at=self.moved_at,
            mailings_below=None if self.mailings_below is None else int(self.mailings_below),
            imports_below=None if self.imports_below is None else int(self.imports_below),
            row=int(self.row),
        )


class Erasures:
    """Raises RowChanged if another writer was first."""

    def __init__(self, stack_name: str, audit: Audit, clock: Clock) -> None:
        bind_table(ErasureRow, stack_name, clock)
        bind_table(ClientRow, stack_name, clock)
        bind_table(PhoneRow, stack_name, clock)
        self._audit = audit

    def erase_client(self, client: Client, erasure: Erasure, record: AuditRecord) -> None:
        """Delete the client and its phone number, and begin the erasure. A stop remains as the digest of the number."""
        with conflicts(), transaction(ClientRow) as writes:
            writes.delete(ClientRow.of(client), condition=is_unchanged(client))
            writes.delete(PhoneRow(client.phone_number))
            self._begin(writes, erasure, client.opted_out_at, record)

    def erase_phone(self, phone_number: str, stop: datetime | None, erasure: Erasure, record: AuditRecord) -> None:
        """The same for a number without a client. `stop`: as it was read. Raises RowChanged if a client has it now."""
        is_as_read = PhoneRow.client_id.does_not_exist()
        is_as_read &= PhoneRow.opted_out_at == stop if stop else PhoneRow.opted_out_at.does_not_exist()
        with conflicts(), transaction(PhoneRow) as writes:
            writes.delete(PhoneRow(phone_number), condition=is_as_read)
            self._begin(writes, erasure, stop, record)

    def _begin(self, writes: TransactWrite, erasure: Erasure, stop: datetime | None, record: AuditRecord) -> None:
        if stop is not None:
            writes.save(PhoneRow(erased_phone(erasure.digest), opted_out_at=stop))
        writes.save(ErasureRow.of(erasure))
        self._audit.write(writes, record)

    def readmit(self, digest: str, record: AuditRecord) -> None:
        """Forget the stop of an erased phone number. Raises RowChanged if there is none."""
        with conflicts(), transaction(PhoneRow) as writes:
            writes.delete(PhoneRow(erased_phone(digest)), condition=PhoneRow.phone.exists())
            self._audit.write(writes, record)

    def get(self, name: str) -> Erasure | None:
        try:
            return ErasureRow.get(name, consistent_read=True).erasure()
        except DoesNotExist:
            return None

    def open(self) -> list[Erasure]:
        """Those that are not finished. The table has no other rows, so a scan is cheaper than an index."""
        return [row.erasure() for row in ErasureRow.scan(consistent_read=True)]

    def advance(self, erasure: Erasure) -> None:
        """Write the progress. Raises RowChanged if another worker has finished the erasure."""
        names = ("moved_at", "mailings_below", "imports_below", "row")
        actions = set_actions(ErasureRow, {name: getattr(erasure, name) for name in names})
        with conflicts():
            ErasureRow(erasure.name).update(actions, condition=ErasureRow.name.exists())

    def finish(self, erasure: Erasure, record: AuditRecord) -> None:
        """Delete the row. Raises RowChanged if another worker was first."""
        with conflicts(), transaction(ErasureRow) as writes:
            writes.delete(ErasureRow(erasure.name), condition=ErasureRow.name.exists())
            self._audit.write(writes, record)
