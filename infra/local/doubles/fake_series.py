"""Series in memory, with the conditions of the real table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.audit_record import AuditRecord
from chalicelib.domain.draft import Draft
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.series import Series
from chalicelib.errors import RowChanged

from .fake_access import FakeAudit
from .fake_clock import LOCK
from .fake_mailings import FakeMailings


class FakeSeries:
    def __init__(self, mailings: FakeMailings, audit: FakeAudit) -> None:
        self.mailings = mailings
        self.audit = audit
        self.rows: dict[int, Series] = {}

    def add(self, series: Series, record: AuditRecord | None = None, draft: Draft | None = None) -> None:
        with LOCK:
            self.mailings.drafts.require_version(draft)
            if series.id in self.rows:
                raise RowChanged
            self.mailings.drafts.write(draft)
            self.rows[series.id] = series
            self.audit.write(record)

    def get(self, series_id: int) -> Series | None:
        return self.rows.get(series_id)

    def get_many(self, series_ids: Iterable[int]) -> dict[int, Series]:
        return {series_id: self.rows[series_id] for series_id in series_ids if series_id in self.rows}

    def due_ids(self, now: datetime, limit: int) -> list[int]:
        due = sorted((row for row in self.rows.values() if row.is_due(now)), key=lambda row: row.starts_at)
        return [row.id for row in due[:limit]]

    def change(
        self, before: Series, after: Series, record: AuditRecord | None = None, made: Mailing | None = None
    ) -> Series:
        with LOCK:
            row = self.rows.get(before.id)
            if row is None or row.version != before.version:
                raise RowChanged
            if made is not None:
                self.mailings.add(made)
            self.rows[before.id] = replace(after, version=before.version + 1)
            self.audit.write(record)
            return self.rows[before.id]
