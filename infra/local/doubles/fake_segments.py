"""Segments in memory, with the conditions of the real table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chalicelib.domain.audit_record import AuditRecord
from chalicelib.domain.segment import Segment
from chalicelib.errors import RowChanged

from .fake_access import FakeAudit
from .fake_clock import LOCK


class FakeSegments:
    def __init__(self, audit: FakeAudit) -> None:
        self.audit = audit
        self.rows: dict[int, Segment] = {}

    def add(self, segment: Segment, record: AuditRecord | None = None) -> None:
        with LOCK:
            if segment.id in self.rows:
                raise RowChanged
            self.rows[segment.id] = segment
            self.audit.write(record)

    def get(self, segment_id: int) -> Segment | None:
        return self.rows.get(segment_id)

    def get_many(self, segment_ids: Iterable[int]) -> dict[int, Segment]:
        return {segment_id: self.rows[segment_id] for segment_id in segment_ids if segment_id in self.rows}

    def change(self, before: Segment, after: Segment, record: AuditRecord | None = None) -> Segment:
        with LOCK:
            self._require_unchanged(before)
            self.rows[before.id] = replace(after, version=before.version + 1)
            self.audit.write(record)
            return self.rows[before.id]

    def remove(self, segment: Segment, record: AuditRecord | None = None) -> None:
        with LOCK:
            self._require_unchanged(segment)
            del self.rows[segment.id]
            self.audit.write(record)

    def _require_unchanged(self, segment: Segment) -> None:
        row = self.rows.get(segment.id)
        if row is None or row.version != segment.version:
            raise RowChanged
