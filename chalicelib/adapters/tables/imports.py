"""Imports of clients. Row 0 of a partition is the import; above it are its refused rows, by number in the file."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action

from ...domain.audit_record import AuditRecord
from ...domain.client_import import (
    KEPT,
    RUNNING,
    ClientImport,
    KeptClient,
    RefusedRow,
)
from ...errors import ImportBusy, RowChanged
from ..clock import Clock
from .audit import Audit
from .base import bind_table, conflicts, new_claim, transaction, write_claim
from .batches import Batches
from .import_row import OPEN_KEY, ImportRow, progress, read_errors, stored_errors

KEPT_REASON = "kept"


class Imports:
    def __init__(self, stack_name: str, audit: Audit, clock: Clock) -> None:
        bind_table(ImportRow, stack_name, clock)
        self._batches = Batches(clock)
        self._audit = audit

    def add(self, client_import: ClientImport, record: AuditRecord | None = None) -> None:
        """Raises RowChanged if an import with this id exists."""
        row = ImportRow(
            client_import.id,
            0,
            open=OPEN_KEY,
            status=client_import.status,
            key=client_import.key,
            version=client_import.version,
            file_name=client_import.file_name,
            form=asdict(client_import.form),
            created_at=client_import.created_at,
            moved_at=client_import.moved_at,
            offset=client_import.offset,
            rows_before=client_import.row,
            tally=asdict(client_import.tally),
            author=client_import.author or None,
            dry_run=client_import.is_dry_run or None,
            kind=client_import.kind,
            traced=client_import.is_traced or None,
            expires_at=_expiry(client_import),
        )
        with conflicts(), transaction(ImportRow) as writes:
            writes.save(row, condition=ImportRow.import_id.does_not_exist())
            self._audit.write(writes, record)

    def get(self, import_id: int) -> ClientImport | None:
        try:
            return ImportRow.get(import_id, 0, consistent_read=True).client_import()
        except DoesNotExist:
            return None

    def get_many(self, import_ids: Iterable[int]) -> dict[int, ClientImport]:
        """The existing imports by id. One call reads a hundred."""
        keys = [(import_id, 0) for import_id in import_ids]
        return {int(row.import_id): row.client_import() for row in self._batches.get(ImportRow, keys)}

    def open_ids(self) -> list[int]:
        """Ids of the running imports."""
        return [int(row.import_id) for row in ImportRow.open_index.query(OPEN_KEY)]

    def begin_undo(self, client_import: ClientImport, record: AuditRecord) -> None:
        """Open the ended import again for its undo. Raises RowChanged if it has an undo already."""
        row = ImportRow(client_import.id, 0)
        actions = [*progress(client_import), ImportRow.open.set(OPEN_KEY), ImportRow.leased_until.remove()]
        with conflicts(), transaction(ImportRow) as writes:
            writes.update(row, actions=actions, condition=ImportRow.status.exists() & ImportRow.undo.does_not_exist())
            self._audit.write(writes, record)

    def lease(self, import_id: int, now: datetime, until: datetime, status: str = RUNNING) -> ClientImport:
        """Lease the import to this worker. Raises ImportBusy if another worker has it or it has another status."""
        row, by = ImportRow(import_id, 0), new_claim()
        is_free = ImportRow.leased_until.does_not_exist() | (ImportRow.leased_until <= now.timestamp())
        actions: list[Action] = [
            ImportRow.leased_until.set(until.timestamp()),
            ImportRow.claimed_by.set(by),
            ImportRow.moved_at.set(now),
            ImportRow.lease.add(1),
        ]
        with conflicts(otherwise=ImportBusy):
            write_claim(row, by, lambda: row.update(actions, (ImportRow.status == status) & is_free))
        return row.client_import()

    def advance(self, client_import: ClientImport) -> None:
        """Write the progress, or the end. Raises RowChanged if another worker has the lease."""
        self._write_leased(client_import, progress(client_import))

    def end_lease(self, client_import: ClientImport) -> None:
        """End the lease. Nothing else changes: the plan of a chunk in progress stays. Raises RowChanged."""
        self._write_leased(client_import, [ImportRow.leased_until.remove()])

    def add_refused(self, client_import: ClientImport, rows: Iterable[RefusedRow]) -> None:
        """Write refused rows. A repetition writes the same rows."""
        import_id, expires_at = client_import.id, _expiry(client_import)
        refused = [
            ImportRow(
                import_id, row.number, cells=dict(row.cells), errors=stored_errors(row.errors), expires_at=expires_at
            ).serialize()
            for row in rows
        ]
        self._batches.put(ImportRow, refused)

    def refused(self, import_id: int, after: int, limit: int) -> list[RefusedRow]:
        """Refused rows in the order of the file. Fewer than `limit` are the last."""
        rows = ImportRow.query(import_id, ImportRow.row > after, limit=limit, consistent_read=True)
        return [RefusedRow(int(row.row), row.cells, read_errors(row.errors)) for row in rows]

    def add_kept(self, client_import: ClientImport, clients: Iterable[KeptClient]) -> None:
        """Write the clients that an undo has left. A repetition writes the same rows."""
        import_id, expires_at = client_import.id, _expiry(client_import)
        rows = [
            ImportRow(import_id, -one.id, errors=stored_errors({KEPT_REASON: [one.reason]}), expires_at=expires_at)
            for one in clients
        ]
        self._batches.put(ImportRow, [row.serialize() for row in rows])

    def kept(self, import_id: int, after: int, limit: int) -> list[KeptClient]:
        """Clients that an undo has left, by id. Fewer than `limit` are the last."""
        rows = ImportRow.query(
            import_id, ImportRow.row < -after, limit=limit, scan_index_forward=False, consistent_read=True
        )
        return [KeptClient(-int(row.row), read_errors(row.errors)[KEPT_REASON][0]) for row in rows]

    def erase_refused(self, import_id: int, row: RefusedRow) -> None:
        """Replace the cells and the errors of a refused row that exists."""
        actions: list[Action] = [
            ImportRow.cells.set(dict(row.cells)),
            ImportRow.errors.set(stored_errors(row.errors)),
        ]
        with suppress(RowChanged), conflicts():  # without the row, its time to live has deleted it
            ImportRow(import_id, row.number).update(actions, condition=ImportRow.cells.exists())

    def _write_leased(self, client_import: ClientImport, actions: list[Action]) -> None:
        with conflicts():
            ImportRow(client_import.id, 0).update(actions=actions, condition=ImportRow.lease == client_import.lease)


def _expiry(client_import: ClientImport) -> int:
    return int((client_import.created_at + KEPT).timestamp())
