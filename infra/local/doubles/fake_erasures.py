"""Erasures in memory, with the conditions of the real table."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.audit_record import AuditRecord
from chalicelib.domain.client import Client
from chalicelib.domain.erasure import Erasure
from chalicelib.errors import RowChanged

from .fake_access import FakeAudit
from .fake_clients import FakeClients
from .fake_clock import LOCK


class FakeErasures:
    def __init__(self, clients: FakeClients, audit: FakeAudit) -> None:
        self.clients = clients
        self.audit = audit
        self.rows: dict[str, Erasure] = {}

    def erase_client(self, client: Client, erasure: Erasure, record: AuditRecord) -> None:
        with LOCK:
            self.clients.remove(client)
            self.clients.stops.pop(client.phone_number, None)
            self.clients.causes.pop(client.phone_number, None)
            self._begin(erasure, client.opted_out_at, record)

    def erase_phone(self, phone_number: str, stop: datetime | None, erasure: Erasure, record: AuditRecord) -> None:
        with LOCK:
            if phone_number in self.clients.phones or self.clients.stops.get(phone_number) != stop:
                raise RowChanged
            self.clients.stops.pop(phone_number, None)
            self.clients.causes.pop(phone_number, None)
            self._begin(erasure, stop, record)

    def _begin(self, erasure: Erasure, stop: datetime | None, record: AuditRecord) -> None:
        if stop is not None:
            self.clients.erased[erasure.digest] = stop
        self.rows[erasure.name] = erasure
        self.audit.write(record)

    def readmit(self, digest: str, record: AuditRecord) -> None:
        with LOCK:
            if self.clients.erased.pop(digest, None) is None:
                raise RowChanged
            self.audit.write(record)

    def get(self, name: str) -> Erasure | None:
        return self.rows.get(name)

    def open(self) -> list[Erasure]:
        return list(self.rows.values())

    def advance(self, erasure: Erasure) -> None:
        if erasure.name not in self.rows:
            raise RowChanged
        self.rows[erasure.name] = erasure

    def finish(self, erasure: Erasure, record: AuditRecord) -> None:
        with LOCK:
            if self.rows.pop(erasure.name, None) is None:
                raise RowChanged
            self.audit.write(record)
