"""Drafts and templates of texts in memory, with the conditions of the real table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.domain.audit_record import AuditRecord
from chalicelib.domain.draft import Draft
from chalicelib.domain.text_template import TextTemplate
from chalicelib.errors import DraftChanged, RowChanged

from .fake_access import FakeAudit
from .fake_clock import LOCK


class FakeDrafts:
    def __init__(self) -> None:
        self.rows: dict[int, Draft] = {}

    def get(self, draft_id: int, now: datetime) -> Draft | None:
        found = self.rows.get(draft_id)
        return found if found and now < found.expires_at else None

    def add(self, draft: Draft, now: datetime) -> None:
        with LOCK:
            if self.get(draft.id, now) is not None:
                raise RowChanged
            self.rows[draft.id] = draft

    def change(self, before: Draft, after: Draft) -> Draft:
        with LOCK:
            self._require_unchanged(before)
            self.rows[before.id] = replace(after, version=before.version + 1)
            return self.rows[before.id]

    def require_version(self, draft: Draft | None) -> None:
        """For a transaction that launches the draft."""
        row = self.rows.get(draft.id) if draft else None
        if draft is not None and (row is None or row.version != draft.version):
            raise DraftChanged

    def write(self, draft: Draft | None) -> None:
        """The part of a transaction that launches the draft, or undoes its launch."""
        if draft is not None:
            self.change(draft, draft)

    def remove(self, draft: Draft) -> None:
        with LOCK:
            self._require_unchanged(draft)
            del self.rows[draft.id]

    def newest(self, before_id: int | None, limit: int, now: datetime) -> tuple[list[Draft], int | None]:
        ids = sorted((one for one in self.rows if before_id is None or one < before_id), reverse=True)[:limit]
        found = [self.rows[one] for one in ids]
        following = ids[-1] if len(ids) == limit else None
        return [draft for draft in found if draft.launch is None and now < draft.expires_at], following

    def _require_unchanged(self, draft: Draft) -> None:
        row = self.rows.get(draft.id)
        if row is None or row.version != draft.version:
            raise RowChanged


class FakeTextTemplates:
    def __init__(self, audit: FakeAudit) -> None:
        self.audit = audit
        self.rows: dict[int, TextTemplate] = {}

    def add(self, template: TextTemplate, record: AuditRecord | None = None) -> None:
        with LOCK:
            if template.id in self.rows:
                raise RowChanged
            self.rows[template.id] = template
            self.audit.write(record)

    def get(self, template_id: int) -> TextTemplate | None:
        return self.rows.get(template_id)

    def newest(self, limit: int) -> list[TextTemplate]:
        return [self.rows[one] for one in sorted(self.rows, reverse=True)[:limit]]

    def remove(self, template: TextTemplate, record: AuditRecord | None = None) -> None:
        with LOCK:
            if template.id not in self.rows:
                raise RowChanged
            del self.rows[template.id]
            self.audit.write(record)
