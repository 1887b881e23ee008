"""Daily reports. A row is written before the email is sent, so that two invocations do not both send it."""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.models import Model

from ..clock import Clock
from .base import bind_table, conflicts, new_claim, write_claim


class ReportRow(Model):
    class Meta:
        table_name = "reports"

    name = UnicodeAttribute(hash_key=True)
    claimed_at = Moment()
    claimed_by = UnicodeAttribute(null=True)
    sent_at = Moment(null=True)
    expires_at = NumberAttribute()


class Reports:
    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(ReportRow, stack_name, clock)

    def claim(self, name: str, now: datetime, until: datetime) -> None:
        """Raises RowChanged if the report is claimed already. The time to live deletes the row after `until`."""
        by = new_claim()
        row = ReportRow(name, claimed_at=now, claimed_by=by, expires_at=int(until.timestamp()))
        with conflicts():
            write_claim(row, by, lambda: row.save(condition=ReportRow.name.does_not_exist()))

    def unclaim(self, name: str) -> None:
        """Allow another try: nothing was sent."""
        ReportRow(name).delete()

    def mark_sent(self, name: str, now: datetime) -> None:
        ReportRow(name).update(actions=[ReportRow.sent_at.set(now)])

    def is_claimed(self, name: str) -> bool:
        return self._find(name) is not None

    def is_sent(self, name: str) -> bool:
        """False if the report was claimed but its sender has not finished, for example after a crash."""
        row = self._find(name)
        return row is not None and row.sent_at is not None

    def _find(self, name: str) -> ReportRow | None:
        try:
            return ReportRow.get(name, consistent_read=True)
        except ReportRow.DoesNotExist:
            return None
