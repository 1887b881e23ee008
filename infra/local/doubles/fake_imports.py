"""Imports and their files in memory, with the conditions of the real table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from chalicelib.adapters.files import Piece
from chalicelib.domain.audit_record import AuditRecord
from chalicelib.domain.client_import import OPEN, RUNNING, ClientImport, KeptClient, RefusedRow
from chalicelib.errors import FileGone, ImportBusy, RowChanged

from .fake_access import FakeAudit
from .fake_clock import LOCK


class FakeImports:
    def __init__(self, audit: FakeAudit) -> None:
        self.audit = audit
        self.rows: dict[int, ClientImport] = {}
        self.leased_until: dict[int, datetime] = {}
        self.refused_rows: dict[int, dict[int, RefusedRow]] = defaultdict(dict)
        self.kept_clients: dict[int, dict[int, KeptClient]] = defaultdict(dict)

    def add(self, client_import: ClientImport, record: AuditRecord | None = None) -> None:
        with LOCK:
            if client_import.id in self.rows:
                raise RowChanged
            self.rows[client_import.id] = client_import
            self.audit.write(record)

    def get(self, import_id: int) -> ClientImport | None:
        return self.rows.get(import_id)

    def get_many(self, import_ids: Iterable[int]) -> dict[int, ClientImport]:
        return {import_id: self.rows[import_id] for import_id in import_ids if import_id in self.rows}

    def open_ids(self) -> list[int]:
        return [row.id for row in self.rows.values() if row.status in OPEN]

    def begin_undo(self, client_import: ClientImport, record: AuditRecord) -> None:
        with LOCK:
            if client_import.id not in self.rows or self.rows[client_import.id].undo is not None:
                raise RowChanged
            self.leased_until.pop(client_import.id, None)
            self.rows[client_import.id] = client_import
            self.audit.write(record)

    def add_kept(self, client_import: ClientImport, clients: Iterable[KeptClient]) -> None:
        self.kept_clients[client_import.id] |= {one.id: one for one in clients}

    def kept(self, import_id: int, after: int, limit: int) -> list[KeptClient]:
        clients = self.kept_clients[import_id]
        return [clients[client_id] for client_id in sorted(clients) if client_id > after][:limit]

    def lease(self, import_id: int, now: datetime, until: datetime, status: str = RUNNING) -> ClientImport:
        with LOCK:
            row = self.rows.get(import_id)
            if row is None or row.status != status or self.leased_until.get(import_id, now) > now:
                raise ImportBusy
            self.leased_until[import_id] = until
            self.rows[import_id] = replace(row, lease=row.lease + 1, moved_at=now)
            return self.rows[import_id]

    def advance(self, client_import: ClientImport) -> None:
        with LOCK:
            self._require_lease(client_import)
            self.rows[client_import.id] = client_import

    def end_lease(self, client_import: ClientImport) -> None:
        with LOCK:
            self._require_lease(client_import)
            self.leased_until.pop(client_import.id, None)

    def _require_lease(self, client_import: ClientImport) -> None:
        if self.rows[client_import.id].lease != client_import.lease:
            raise RowChanged

    def add_refused(self, client_import: ClientImport, rows: Iterable[RefusedRow]) -> None:
        self.refused_rows[client_import.id] |= {row.number: row for row in rows}

    def erase_refused(self, import_id: int, row: RefusedRow) -> None:
        if row.number in self.refused_rows[import_id]:
            self.refused_rows[import_id][row.number] = row

    def refused(self, import_id: int, after: int, limit: int) -> list[RefusedRow]:
        rows = self.refused_rows[import_id]
        return [rows[number] for number in sorted(rows) if number > after][:limit]


class FakeFiles:
    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def put(self, key: str, content: bytes) -> str:
        self.contents[key] = content
        return sha256(content).hexdigest()

    def read(self, key: str, start: int, length: int) -> Piece | None:
        content = self.contents.get(key)
        if content is None:
            raise FileGone(key)
        piece = content[start : start + length]
        return Piece(piece, sha256(content).hexdigest(), len(content)) if piece else None
