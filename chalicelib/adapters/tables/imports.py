"""Imports of clients: each in row 0 of its partition, and its refused rows behind it, by their numbers in the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from ...domain.audit_record import AuditRecord
from ...domain.client_import import KEPT, RUNNING, ChunkPlan, ClientImport, RefusedRow, Tally
from ...domain.csv_file import FileFormat
from ...errors import ImportBusy
from .audit import Audit
from .base import conflicts, place, transaction

OPEN_KEY = "open"


class OpenImports(GlobalSecondaryIndex["ImportRow"]):  # type: ignore[no-untyped-call]
    """Keys alone, so that a step of an import does not write the index as well."""

    class Meta:
        index_name = "open"
        projection = KeysOnlyProjection()

    open = UnicodeAttribute(hash_key=True)
    import_id = NumberAttribute(range_key=True)


class ImportRow(Model):
    """Either the import (row 0) or one of its refused rows, with `cells` and `errors`."""

    class Meta:
        table_name = "imports"

    import_id = NumberAttribute(hash_key=True)
    row = NumberAttribute(range_key=True)
    open = UnicodeAttribute(null=True)
    status = UnicodeAttribute(null=True)
    key = UnicodeAttribute(null=True)
    version = UnicodeAttribute(null=True)
    file_name = UnicodeAttribute(null=True)
    form = JSONAttribute(null=True)
    created_at = Moment(null=True)
    moved_at = Moment(null=True)
    finished_at = Moment(null=True)
    detail = UnicodeAttribute(null=True)
    offset = NumberAttribute(null=True)
    rows_before = NumberAttribute(null=True)
    tally = JSONAttribute(null=True)
    plan = JSONAttribute(null=True)
    leased_until = NumberAttribute(null=True)
    lease = NumberAttribute(default=0)
    cells = JSONAttribute(null=True)
    errors = JSONAttribute(null=True)
    expires_at = NumberAttribute()
    open_index = OpenImports()

    def client_import(self) -> ClientImport:
        form = self.form
        return ClientImport(
            id=int(self.import_id),
            key=self.key,
            version=self.version,
            file_name=self.file_name,
            form=FileFormat(form["encoding"], form["delimiter"], tuple(form["columns"]), form["start"]),
            created_at=self.created_at,
            moved_at=self.moved_at,
            offset=int(self.offset),
            row=int(self.rows_before),
            status=self.status,
            tally=Tally(**self.tally),
            plan=_plan(self.plan),
            finished_at=self.finished_at,
            detail=self.detail,
            lease=int(self.lease),
        )


class Imports:
    def __init__(self, stack_name: str, audit: Audit) -> None:
        place(ImportRow, stack_name, "imports")
        self._audit = audit

    def add(self, one: ClientImport, record: AuditRecord | None = None) -> None:
        """Raises RowChanged when there is one with this id."""
        row = ImportRow(
            one.id,
            0,
            open=OPEN_KEY,
            status=one.status,
            key=one.key,
            version=one.version,
            file_name=one.file_name,
            form=asdict(one.form),
            created_at=one.created_at,
            moved_at=one.moved_at,
            offset=one.offset,
            rows_before=one.row,
            tally=asdict(one.tally),
            expires_at=_expiry(one),
        )
        with conflicts(), transaction() as whole:
            whole.save(row, condition=ImportRow.import_id.does_not_exist())
            self._audit.write(whole, record)

    def get(self, import_id: int) -> ClientImport | None:
        try:
            return ImportRow.get(import_id, 0, consistent_read=True).client_import()
        except DoesNotExist:
            return None

    def get_many(self, import_ids: Iterable[int]) -> dict[int, ClientImport]:
        """Those that exist, a hundred a call."""
        keys = [(import_id, 0) for import_id in import_ids]
        return {int(row.import_id): row.client_import() for row in ImportRow.batch_get(keys, consistent_read=True)}

    def open_ids(self) -> list[int]:
        """Ids of those that are running."""
        return [int(row.import_id) for row in ImportRow.open_index.query(OPEN_KEY)]

    def lease(self, import_id: int, now: datetime, until: datetime) -> ClientImport:
        """Take the import for this worker alone; ImportBusy while another one has it, or when it has ended."""
        row = ImportRow(import_id, 0)
        is_free = ImportRow.leased_until.does_not_exist() | (ImportRow.leased_until <= now.timestamp())
        actions: list[Action] = [
            ImportRow.leased_until.set(until.timestamp()),
            ImportRow.moved_at.set(now),
            ImportRow.lease.add(1),
        ]
        with conflicts(otherwise=ImportBusy):
            row.update(actions=actions, condition=(ImportRow.status == RUNNING) & is_free)
        return row.client_import()

    def advance(self, one: ClientImport) -> None:
        """Write how far we are, or how it ended; RowChanged when the lease has passed to another worker."""
        self._write_own(one, _progress(one))

    def let_go(self, one: ClientImport) -> None:
        """End the lease; all else stays as it was written, the plan of a chunk that was begun too."""
        self._write_own(one, [ImportRow.leased_until.remove()])

    def add_refused(self, one: ClientImport, rows: Iterable[RefusedRow]) -> None:
        """Written again, a row is the same."""
        with ImportRow.batch_write() as batch:
            for row in rows:
                cells, errors = dict(row.cells), dict(row.errors)
                batch.save(ImportRow(one.id, row.number, cells=cells, errors=errors, expires_at=_expiry(one)))

    def refused(self, import_id: int, after: int, limit: int) -> list[RefusedRow]:
        """In the order of the file; fewer than `limit` means that there are no more."""
        rows = ImportRow.query(import_id, ImportRow.row > after, limit=limit, consistent_read=True)
        return [RefusedRow(int(row.row), row.cells, row.errors) for row in rows]

    def _write_own(self, one: ClientImport, actions: list[Action]) -> None:
        with conflicts():
            ImportRow(one.id, 0).update(actions=actions, condition=ImportRow.lease == one.lease)


def _progress(one: ClientImport) -> list[Action]:
    actions: list[Action] = [
        ImportRow.status.set(one.status),
        ImportRow.moved_at.set(one.moved_at),
        ImportRow.offset.set(one.offset),
        ImportRow.rows_before.set(one.row),
        ImportRow.tally.set(asdict(one.tally)),
        ImportRow.plan.set(asdict(one.plan)) if one.plan else ImportRow.plan.remove(),
    ]
    if one.finished_at is not None:
        actions += [ImportRow.finished_at.set(one.finished_at), ImportRow.open.remove()]
    if one.detail is not None:
        actions.append(ImportRow.detail.set(one.detail))
    return actions


def _plan(kept: dict[str, Any] | None) -> ChunkPlan | None:
    if kept is None:
        return None
    return ChunkPlan(Tally(**kept["tally"]), kept["rows"], tuple((first, number) for first, number in kept["blocks"]))


def _expiry(one: ClientImport) -> int:
    return int((one.created_at + KEPT).timestamp())
