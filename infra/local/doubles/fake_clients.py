"""Clients, their labels and counters in memory, with the conditions of the real tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from chalicelib.domain.audience import Group, Partition, Read
from chalicelib.domain.audit_record import AuditRecord
from chalicelib.domain.client import Client, block_of, label_key
from chalicelib.domain.client_search import ClientFilter
from chalicelib.domain.counts import NO_COUNTS, Counts
from chalicelib.domain.filter import AudienceMember, Filter
from chalicelib.domain.phone_digest import phone_digest
from chalicelib.domain.stop import UNKNOWN_CAUSE, StopCause
from chalicelib.errors import PhoneErased, PhoneTaken, RowChanged

from .fake_access import FakeAudit
from .fake_clock import LOCK


class FakeCounters:
    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.audit_copy = 0
        self.mailings = 0
        self.finished = NO_COUNTS

    def next_id(self, name: str) -> int:
        with LOCK:
            self.ids[name] += 1
            return self.ids[name]

    def lease_ids(self, name: str, number: int) -> int:
        with LOCK:
            self.ids[name] += number
            return self.ids[name] - number + 1

    def last_id(self, name: str) -> int:
        return self.ids[name]

    def copied_audit_until(self) -> int:
        return self.audit_copy

    def move_audit_copy(self, until: int) -> None:
        self.audit_copy = until

    def totals(self) -> tuple[int, Counts]:
        return self.mailings, self.finished


class FakePhoneKey:
    """The key of phone digests, without SSM."""

    def value(self) -> str:
        return "a key"


class FakeClients:
    def __init__(self, audit: FakeAudit) -> None:
        self.audit = audit
        self.erased: dict[str, datetime] = {}
        self.rows: dict[int, Client] = {}
        self.phones: dict[str, int] = {}
        self.stops: dict[str, datetime] = {}
        self.causes: dict[str, StopCause] = {}

    def erased_among(self, phone_numbers: Iterable[str]) -> set[str]:
        return {phone for phone in phone_numbers if phone_digest(FakePhoneKey().value(), phone) in self.erased}

    def add(self, client: Client, record: AuditRecord | None = None, cause: StopCause = UNKNOWN_CAUSE) -> None:
        with LOCK:
            self._require_not_erased(client)
            if not self._may_have_phone(client):
                raise PhoneTaken
            if client.id in self.rows:
                raise RowChanged
            self._put(client, cause)
            self.audit.write(record)

    def add_many(
        self, clients: Iterable[Client], records: Sequence[AuditRecord] = (), cause: StopCause = UNKNOWN_CAUSE
    ) -> None:
        with LOCK:
            clients = list(clients)
            assert 3 * len(clients) + len(records) <= 100
            if any(client.id in self.rows or not self._may_have_phone(client) for client in clients):
                raise RowChanged
            if self.erased_among(client.phone_number for client in clients):
                raise RowChanged
            for client in clients:
                self._put(client, cause)
            self._audit_all(records)

    def get(self, client_id: int) -> Client | None:
        return self.rows.get(client_id)

    def get_many(self, client_ids: Iterable[int]) -> dict[int, Client]:
        return {client_id: self.rows[client_id] for client_id in client_ids if client_id in self.rows}

    def change(
        self, before: Client, after: Client, record: AuditRecord | None = None, cause: StopCause = UNKNOWN_CAUSE
    ) -> None:
        with LOCK:
            if after.phone_number != before.phone_number:
                self._require_not_erased(after)
                if not self._may_have_phone(after):
                    raise PhoneTaken
            self.remove(before, record)
            self._put(after, cause)

    def change_many(
        self,
        changes: Sequence[tuple[Client, Client]],
        records: Sequence[AuditRecord] = (),
        cause: StopCause = UNKNOWN_CAUSE,
    ) -> None:
        with LOCK:
            stops = sum(before.opted_out_at != after.opted_out_at for before, after in changes)
            assert len(changes) + stops + len(records) <= 100
            if any(self.rows.get(before.id) != before for before, _ in changes):
                raise RowChanged
            for before, after in changes:
                assert before.phone_number == after.phone_number
                self._put(after, cause)
            self._audit_all(records)

    def remove(self, client: Client, record: AuditRecord | None = None) -> None:
        with LOCK:
            if self.rows.get(client.id) != client:
                raise RowChanged
            del self.rows[client.id], self.phones[client.phone_number]
            self.audit.write(record)

    def count(self, partition: Partition, chosen: Filter, first: int, last: int) -> int:
        clients = self.read(partition, first - 1, last, len(self.rows))
        return sum(map(chosen.reaches, clients))

    def groups(self, chosen: Filter, read: Read, limit: int) -> tuple[Counter[Group], bool]:
        partition, first, last = read
        clients = self.read(partition, first - 1, last, limit)
        kept = list(filter(chosen.reaches, clients))
        return Counter(client.group for client in kept), len(clients) < limit

    def find_by_phone(self, phone_number: str) -> Client | None:
        return self.rows.get(self.phones.get(phone_number, 0))

    def find_many(self, phone_numbers: Iterable[str]) -> tuple[dict[str, Client], dict[str, datetime]]:
        with LOCK:
            wanted = set(phone_numbers)
            stops = {phone: self.stops[phone] for phone in wanted & set(self.stops) - set(self.phones)}
            return {phone: self.rows[self.phones[phone]] for phone in wanted & set(self.phones)}, stops

    def stop_of(self, phone_number: str) -> datetime | None:
        return self.stops.get(phone_number)

    def find(
        self, partition: Partition, after: int, through: int, wanted: ClientFilter
    ) -> tuple[list[Client], int | None]:
        """A read has a hundred rows."""
        read = FakeClients.read(self, partition, after, through, 101)
        return list(filter(wanted.keeps, read[:100])), read[99].id if len(read) > 100 else None

    def read_members(
        self,
        partition: Partition,
        after: int,
        through: int,
        limit: int,
        fields: Sequence[str],
        must_be_current: bool = True,
    ) -> list[AudienceMember]:
        clients = FakeClients.read(self, partition, after, through, limit)
        return [AudienceMember(client.id, **{name: getattr(client, name) for name in fields}) for client in clients]

    def read(self, partition: Partition, after: int, through: int, limit: int) -> list[Client]:
        key: Callable[[Client], str | int | None] = {
            "block": lambda client: block_of(client.id),
            "tag": lambda client: label_key(client.tag, client.id) if client.tag else None,
            "operator_code": lambda client: label_key(client.operator_code, client.id),
        }[partition.by]
        with LOCK:
            found = [self.rows[client_id] for client_id in sorted(self.rows) if after < client_id <= through]
        return [client for client in found if key(client) == partition.key][:limit]

    def _audit_all(self, records: Sequence[AuditRecord]) -> None:
        assert len({record.number for record in records}) == len(records), "a transaction writes a row once"
        for record in records:
            self.audit.write(record)

    def _require_not_erased(self, client: Client) -> None:
        if self.erased_among([client.phone_number]):
            raise PhoneErased

    def _put(self, client: Client, cause: StopCause) -> None:
        phone = client.phone_number
        self.rows[client.id] = client
        self.phones[phone] = client.id
        if client.opted_out_at is None:
            self.stops.pop(phone, None)
            self.causes.pop(phone, None)
        else:
            kept = self.causes.get(phone, UNKNOWN_CAUSE)
            self.stops[phone] = client.opted_out_at
            self.causes[phone] = StopCause(kept.source or cause.source, kept.reason or cause.reason)

    def _may_have_phone(self, client: Client) -> bool:
        is_stopped = client.phone_number in self.stops and client.opted_out_at is None
        return client.phone_number not in self.phones and not is_stopped


class FakeLabels:
    def __init__(self) -> None:
        self.rows: set[tuple[str, str]] = set()

    def add_from(self, clients: Iterable[Client]) -> None:
        for client in clients:
            self.rows.add(("operator_code", client.operator_code))
            if client.tag:
                self.rows.add(("tag", client.tag))
            self.rows |= {("attribute", name) for name in client.attributes}

    def existing(self, kind: str, labels: Iterable[str]) -> set[str]:
        return {label for label in labels if (kind, label) in self.rows}

    def read(self, kind: str, limit: int) -> list[str]:
        return sorted(label for found, label in self.rows if found == kind)[:limit]
