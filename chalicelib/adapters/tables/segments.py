"""Segments: conditions on clients with names. The audit record of a change is written in its transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from ...domain.audit_record import AuditRecord
from ...domain.condition_json import as_json, from_json
from ...domain.segment import Segment
from ..clock import Clock
from .audit import Audit
from .base import bind_table, conflicts, transaction
from .batches import Batches
from .filter_columns import CompactJSON


class SegmentRow(Model):
    class Meta:
        table_name = "segments"

    id = NumberAttribute(hash_key=True)
    name = UnicodeAttribute()
    filter = CompactJSON()
    version = NumberAttribute()

    @classmethod
    def of(cls, segment: Segment) -> SegmentRow:
        assert segment.condition is not None
        return cls(segment.id, name=segment.name, filter=as_json(segment.condition), version=segment.version)

    def segment(self) -> Segment:
        return Segment(int(self.id), self.name, from_json(self.filter), int(self.version))


class Segments:
    """Each write raises RowChanged if another one was first."""

    def __init__(self, stack_name: str, audit: Audit, clock: Clock) -> None:
        bind_table(SegmentRow, stack_name, clock)
        self._audit = audit
        self._batches = Batches(clock)

    def add(self, segment: Segment, record: AuditRecord | None = None) -> None:
        with conflicts(), transaction(SegmentRow) as writes:
            writes.save(SegmentRow.of(segment), condition=SegmentRow.id.does_not_exist())
            self._audit.write(writes, record)

    def get(self, segment_id: int) -> Segment | None:
        try:
            return SegmentRow.get(segment_id, consistent_read=True).segment()
        except DoesNotExist:
            return None

    def get_many(self, segment_ids: Iterable[int]) -> dict[int, Segment]:
        """The existing segments by id. One call reads a hundred."""
        return {int(row.id): row.segment() for row in self._batches.get(SegmentRow, segment_ids)}

    def change(self, before: Segment, after: Segment, record: AuditRecord | None = None) -> Segment:
        after = replace(after, version=before.version + 1)
        with conflicts(), transaction(SegmentRow) as writes:
            writes.save(SegmentRow.of(after), condition=SegmentRow.version == before.version)
            self._audit.write(writes, record)
        return after

    def remove(self, segment: Segment, record: AuditRecord | None = None) -> None:
        with conflicts(), transaction(SegmentRow) as writes:
            writes.delete(SegmentRow(segment.id), condition=SegmentRow.version == segment.version)
            self._audit.write(writes, record)
