"""Series, with an index of the active ones by their next start. A mailing is made by the write that moves it on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time

from pynamodb.attributes import JSONAttribute, ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from ...domain.audit_record import AuditRecord
from ...domain.draft import Draft
from ...domain.mailing import Mailing
from ...domain.recurrence import Recurrence
from ...domain.series import ACTIVE, Series
from ...errors import DraftChanged
from ..clock import Clock
from .audit import Audit
from .base import bind_table, conflicts, transaction
from .batches import Batches
from .counters import CounterRow
from .drafts import Drafts
from .mailing_row import MailingRow
from .mailings import DRAFT_POSITION, row_of, write_new

ACTIVE_KEY = "active"


class ActiveSeries(GlobalSecondaryIndex["SeriesRow"]):  # type: ignore[no-untyped-call]
    """By the next start, so that the sweep reads only those that are due."""

    class Meta:
        index_name = "active"
        projection = KeysOnlyProjection()

    active = UnicodeAttribute(hash_key=True)
    next_start = Moment(range_key=True)


class SeriesRow(Model):
    """`mailing`: the attributes that the row of the next mailing will have, all of them, whichever there are."""

    class Meta:
        table_name = "series"

    id = NumberAttribute(hash_key=True)
    active = UnicodeAttribute(null=True)
    next_start = Moment()
    status = UnicodeAttribute()
    mailing = JSONAttribute()
    days: ListAttribute[str] = ListAttribute()
    at = UnicodeAttribute()
    timezone = UnicodeAttribute()
    first_day = UnicodeAttribute()
    until = UnicodeAttribute(null=True)
    skipped: ListAttribute[str] = ListAttribute(default=list)
    times = NumberAttribute(null=True)
    made = NumberAttribute()
    missed = NumberAttribute()
    last_start = Moment(null=True)
    mailing_ids: ListAttribute[float] = ListAttribute(default=list)
    version = NumberAttribute()
    active_index = ActiveSeries()

    @classmethod
    def of(cls, series: Series) -> SeriesRow:
        rule = series.rule
        return cls(
            series.id,
            active=ACTIVE_KEY if series.status == ACTIVE else None,
            next_start=series.starts_at,
            status=series.status,
            mailing=row_of(series.mailing).to_dynamodb_dict(),
            days=list(rule.days),
            at=rule.at.isoformat(),
            timezone=rule.timezone,
            first_day=rule.first_day.isoformat(),
            until=rule.until and rule.until.isoformat(),
            skipped=sorted(day.isoformat() for day in rule.skipped),
            times=series.times,
            made=series.made,
            missed=series.missed,
            last_start=series.last_start,
            mailing_ids=list(series.mailing_ids),
            version=series.version,
        )

    def series(self) -> Series:
        return Series(
            id=int(self.id),
            mailing=MailingRow.from_raw_data(self.mailing).mailing(),
            rule=Recurrence(
                tuple(self.days),
                time.fromisoformat(self.at),
                self.timezone,
                date.fromisoformat(self.first_day),
                date.fromisoformat(self.until) if self.until else None,
                frozenset(date.fromisoformat(day) for day in self.skipped),
            ),
            times=None if self.times is None else int(self.times),
            status=self.status,
            made=int(self.made),
            missed=int(self.missed),
            last_start=self.last_start,
            mailing_ids=tuple(int(number) for number in self.mailing_ids),
            version=int(self.version),
        )


class SeriesTable:
    """Each write raises RowChanged if another one was first. The audit record is written in the same transaction."""

    def __init__(self, stack_name: str, audit: Audit, drafts: Drafts, clock: Clock) -> None:
        for model in (SeriesRow, MailingRow, CounterRow):
            bind_table(model, stack_name, clock)
        self._audit = audit
        self._drafts = drafts
        self._batches = Batches(clock)

    def add(self, series: Series, record: AuditRecord | None = None, draft: Draft | None = None) -> None:
        """`draft`: as the launch leaves it. Raises DraftChanged if its row has another version."""
        with conflicts({DRAFT_POSITION: DraftChanged} if draft else None), transaction(SeriesRow) as writes:
            writes.save(SeriesRow.of(series), condition=SeriesRow.id.does_not_exist())
            if draft is not None:
                self._drafts.write(writes, draft)
            self._audit.write(writes, record)

    def get(self, series_id: int) -> Series | None:
        try:
            return SeriesRow.get(series_id, consistent_read=True).series()
        except DoesNotExist:
            return None

    def get_many(self, series_ids: Iterable[int]) -> dict[int, Series]:
        """The existing series by id. One call reads a hundred."""
        return {int(row.id): row.series() for row in self._batches.get(SeriesRow, series_ids)}

    def due_ids(self, now: datetime, limit: int) -> list[int]:
        """Ids of active series whose next start has come, the earliest first. The index lags behind the table."""
        due = SeriesRow.active_index.query(ACTIVE_KEY, SeriesRow.next_start <= now, limit=limit)
        return [int(row.id) for row in due]

    def change(
        self, before: Series, after: Series, record: AuditRecord | None = None, made: Mailing | None = None
    ) -> Series:
        """Write a decision, together with the mailing that the series has made, if there is one."""
        after = replace(after, version=before.version + 1)
        with conflicts(), transaction(SeriesRow) as writes:
            writes.save(SeriesRow.of(after), condition=SeriesRow.version == before.version)
            if made is not None:
                write_new(writes, made)
            self._audit.write(writes, record)
        return after
