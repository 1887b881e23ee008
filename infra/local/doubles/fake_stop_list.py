"""The stop list in memory, with the conditions of the real table."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.audit_record import AuditRecord
from chalicelib.domain.stop import UNKNOWN_CAUSE, Position, Stop
from chalicelib.errors import PhoneErased, RowChanged

from .fake_access import FakeAudit
from .fake_clients import FakeClients
from .fake_clock import LOCK


class FakeStopList:
    def __init__(self, clients: FakeClients, audit: FakeAudit) -> None:
        self.clients = clients
        self.audit = audit

    def get(self, phone_number: str) -> Stop | None:
        with LOCK:
            since = self.clients.stops.get(phone_number)
            cause = self.clients.causes.get(phone_number, UNKNOWN_CAUSE)
            client_id = self.clients.phones.get(phone_number)
        return Stop(phone_number, since, cause.source, cause.reason, client_id) if since is not None else None

    def add(self, stop: Stop, record: AuditRecord) -> None:
        with LOCK:
            if self.clients.erased_among([stop.phone_number]):
                raise PhoneErased
            self.add_many([stop], [record])

    def add_many(self, stops: Sequence[Stop], records: Sequence[AuditRecord]) -> None:
        with LOCK:
            assert 2 * len(stops) + len(records) <= 100
            phones = [stop.phone_number for stop in stops]
            if any(phone in self.clients.phones or phone in self.clients.stops for phone in phones):
                raise RowChanged
            if self.clients.erased_among(phones):
                raise RowChanged
            for stop in stops:
                self.clients.stops[stop.phone_number] = stop.opted_out_at
                self.clients.causes[stop.phone_number] = stop.cause
            for record in records:
                self.audit.write(record)

    def remove(self, stop: Stop, record: AuditRecord) -> None:
        with LOCK:
            found = self.get(stop.phone_number)
            if found is None or found.client_id is not None or found.opted_out_at != stop.opted_out_at:
                raise RowChanged
            del self.clients.stops[stop.phone_number]
            self.clients.causes.pop(stop.phone_number, None)
            self.audit.write(record)

    def read(self, after: Position | None, limit: int) -> list[Stop]:
        with LOCK:
            found = [stop for phone in list(self.clients.stops) if (stop := self.get(phone)) is not None]
        ordered = sorted(found, key=lambda stop: stop.position)
        return [stop for stop in ordered if after is None or stop.position > after][:limit]
