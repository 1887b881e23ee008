"""Drafts, in one partition, so that a query lists those that exist. The time to live deletes them.

Templates of texts (text_templates.py) are in another partition of the table.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ...domain.draft import Draft, Launch, Save
from ..clock import Clock
from .base import bind_table, conflicts
from .filter_columns import CompactJSON

DRAFT = "draft"


class DraftRow(Model):
    class Meta:
        table_name = "drafts"

    kind = UnicodeAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)
    author = UnicodeAttribute()
    created_at = Moment()
    changed_at = Moment()
    form = CompactJSON()
    page = UnicodeAttribute(default="")
    turn = NumberAttribute(null=True)
    name = UnicodeAttribute(null=True)
    launch = JSONAttribute(null=True)
    version = NumberAttribute()
    expires_at = NumberAttribute(null=True)

    @classmethod
    def of(cls, draft: Draft) -> DraftRow:
        return cls(
            DRAFT,
            draft.id,
            author=draft.author,
            created_at=draft.created_at,
            changed_at=draft.changed_at,
            form=dict(draft.form),
            page=draft.last_save.page,
            turn=draft.last_save.turn or None,
            launch=draft.launch and asdict(draft.launch),
            version=draft.version,
            expires_at=int(draft.expires_at.timestamp()),
        )

    def draft(self) -> Draft:
        known = self.launch  # with more in it, if a build between two releases wrote it
        launch = Launch(known["id"], known["is_series"], known["of_version"]) if known else None
        moments = (self.created_at, self.changed_at)
        save = Save(self.page or "", int(self.turn or 0))
        return Draft(int(self.id), self.author, *moments, self.form, save, launch, int(self.version))


class Drafts:
    """Each write raises RowChanged if another one was first. An expired draft is absent, deleted or not."""

    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(DraftRow, stack_name, clock)

    def get(self, draft_id: int, now: datetime) -> Draft | None:
        try:
            found = DraftRow.get(DRAFT, draft_id, consistent_read=True).draft()
        except DoesNotExist:
            return None
        return found if now < found.expires_at else None

    def add(self, draft: Draft, now: datetime) -> None:
        absent = DraftRow.id.does_not_exist() | (DraftRow.expires_at <= int(now.timestamp()))
        with conflicts():
            DraftRow.of(draft).save(condition=absent)

    def change(self, before: Draft, after: Draft) -> Draft:
        row, unchanged = _next_row(before, after)
        with conflicts():
            row.save(condition=unchanged)
        return row.draft()

    def write(self, transaction: TransactWrite, draft: Draft) -> None:
        """Add a change of a draft that was read with this version to the transaction: its launch, or the undo of it."""
        row, unchanged = _next_row(draft, draft)
        transaction.save(row, condition=unchanged)

    def remove(self, draft: Draft) -> None:
        with conflicts():
            DraftRow(DRAFT, draft.id).delete(condition=DraftRow.version == draft.version)

    def newest(self, before_id: int | None, limit: int, now: datetime) -> tuple[list[Draft], int | None]:
        """Drafts that are not launched, the newest first, by one read of at most `limit` rows, and where the next read
        begins; None at the end.
        """
        below = None if before_id is None else DraftRow.id < before_id
        rows = DraftRow.query(
            DRAFT, below, scan_index_forward=False, page_size=limit, limit=limit, consistent_read=True
        )
        found = [row.draft() for row in rows]
        following = found[-1].id if len(found) == limit else None
        return [draft for draft in found if draft.launch is None and now < draft.expires_at], following


def _next_row(before: Draft, after: Draft) -> tuple[DraftRow, Condition]:
    return DraftRow.of(replace(after, version=before.version + 1)), DraftRow.version == before.version
