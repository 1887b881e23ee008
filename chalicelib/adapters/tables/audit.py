"""Audit records, by day. A record is written in the transaction of its change."""

from __future__ import annotations

from datetime import datetime, timedelta

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import PutError
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ...domain.audit_record import AuditRecord, day_of
from ..clock import Clock
from .base import bind_table, refused_by


class AuditRow(Model):
    class Meta:
        table_name = "audit"

    day = NumberAttribute(hash_key=True)
    number = NumberAttribute(range_key=True)
    at = Moment()
    who = UnicodeAttribute()
    action = UnicodeAttribute()
    what = UnicodeAttribute()
    id = UnicodeAttribute()
    before = JSONAttribute(null=True)
    after = JSONAttribute(null=True)
    expires_at = NumberAttribute()

    def record(self) -> AuditRecord:
        return AuditRecord(
            number=int(self.number),
            at=self.at,
            who=self.who,
            action=self.action,
            what=self.what,
            id=self.id,
            before=self.before,
            after=self.after,
        )


class Audit:
    """`retention_days`: the time to live deletes a record after this number of days."""

    def __init__(self, stack_name: str, retention_days: int, clock: Clock) -> None:
        bind_table(AuditRow, stack_name, clock)
        self.retention_days = retention_days

    def read(self, day: int, before: int, limit: int) -> list[AuditRecord]:
        """Records of one day with numbers below `before`, the newest first. Fewer than `limit` are the last."""
        rows = AuditRow.query(day, AuditRow.number < before, scan_index_forward=False, limit=limit)
        return [row.record() for row in rows]

    def read_between(self, day: int, after: int, until: int, limit: int) -> list[AuditRecord]:
        """Records of one day with numbers above `after` up to `until`, the oldest first, by a consistent read."""
        if after >= until:
            return []  # DynamoDB refuses a range whose end is before its beginning
        between = AuditRow.number.between(after + 1, until)
        return [row.record() for row in AuditRow.query(day, between, consistent_read=True, limit=limit)]

    def add(self, record: AuditRecord) -> None:
        """Write a record of an action that changes no row. A repeated write meets its own record."""
        try:
            self._row(record).save(condition=AuditRow.number.does_not_exist())
        except PutError as error:
            found = refused_by(error)
            if found is None or AuditRow.from_raw_data(found).record() != record:
                raise

    def write(self, transaction: TransactWrite, record: AuditRecord | None) -> None:
        """Add the record to the transaction. No record: the service itself made the change."""
        if record is not None:
            transaction.save(self._row(record), condition=AuditRow.number.does_not_exist())

    def _row(self, record: AuditRecord) -> AuditRow:
        return AuditRow(
            day_of(record.at),
            record.number,
            at=record.at,
            who=record.who,
            action=record.action,
            what=record.what,
            id=record.id,
            before=record.before,
            after=record.after,
            expires_at=_expiry(record.at, self.retention_days),
        )


def _expiry(moment: datetime, days: int) -> int:
    return int((moment + timedelta(days=days)).timestamp())
