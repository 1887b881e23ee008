"""Templates of texts, in a partition of the table of drafts. They do not expire."""

from __future__ import annotations

from pynamodb.exceptions import DoesNotExist

from ...domain.audit_record import AuditRecord
from ...domain.text_template import TextTemplate
from ..clock import Clock
from .audit import Audit
from .base import bind_table, conflicts, transaction
from .drafts import DraftRow

TEMPLATE, TEXT = "template", "message_text"


class TextTemplates:
    """The audit record of a change is written in its transaction."""

    def __init__(self, stack_name: str, audit: Audit, clock: Clock) -> None:
        bind_table(DraftRow, stack_name, clock)
        self._audit = audit

    def add(self, template: TextTemplate, record: AuditRecord | None = None) -> None:
        row = DraftRow(
            TEMPLATE,
            template.id,
            name=template.name,
            author=template.author,
            created_at=template.made_at,
            changed_at=template.made_at,
            form={TEXT: [template.text]},
            version=1,
        )
        with conflicts(), transaction(DraftRow) as writes:
            writes.save(row, condition=DraftRow.id.does_not_exist())
            self._audit.write(writes, record)

    def get(self, template_id: int) -> TextTemplate | None:
        try:
            return _template(DraftRow.get(TEMPLATE, template_id, consistent_read=True))
        except DoesNotExist:
            return None

    def newest(self, limit: int) -> list[TextTemplate]:
        rows = DraftRow.query(TEMPLATE, scan_index_forward=False, page_size=limit, limit=limit, consistent_read=True)
        return [_template(row) for row in rows]

    def remove(self, template: TextTemplate, record: AuditRecord | None = None) -> None:
        """Raises RowChanged if it is removed already."""
        with conflicts(), transaction(DraftRow) as writes:
            writes.delete(DraftRow(TEMPLATE, template.id), condition=DraftRow.id.exists())
            self._audit.write(writes, record)


def _template(row: DraftRow) -> TextTemplate:
    return TextTemplate(int(row.id), row.name or "", row.form[TEXT][0], row.author, row.created_at)
