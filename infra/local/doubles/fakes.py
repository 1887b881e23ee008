"""The services in memory: tables with the real conditions, queues that redeliver, a clock that tests set.

The contract tests in tests/adapters run on these fakes and on the real adapters.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import RLock
from typing import Any

from chalicelib.adapters.files import Piece
from chalicelib.domain import mailing as mailing_domain
from chalicelib.domain import message as message_domain
from chalicelib.domain.audience import Filter, Partition
from chalicelib.domain.audience_slice import AudienceSlice, ShardReport
from chalicelib.domain.audit_record import AuditRecord, day_of
from chalicelib.domain.canary import Canary
from chalicelib.domain.client import Client, block_of, label_key
from chalicelib.domain.client_import import RUNNING, ClientImport, RefusedRow
from chalicelib.domain.email import Email, SentEmail
from chalicelib.domain.gateway_result import Answer
from chalicelib.domain.idempotency import IdempotentRequest
from chalicelib.domain.jobs import Job, to_body
from chalicelib.domain.mailing import NO_COUNTS, Counts, Mailing
from chalicelib.domain.message import QUEUED, SENT, UNKNOWN, Message, MessageKey, MessageShard
from chalicelib.domain.principal import Token, User
from chalicelib.errors import FileGone, ImportBusy, NotSent, PhoneTaken, RowChanged, SliceBusy
from chalicelib.settings import Settings
from chalicelib.texts import Text

LOCK = RLock()


class FakeClock:
    def __init__(self, now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)) -> None:
        self.time = now
        self.fixed_jitter = 0.5

    def now(self) -> datetime:
        return self.time

    def jitter(self) -> float:
        return self.fixed_jitter

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def sleep(self, seconds: float) -> None:
        self.forward(seconds)

    def sleep_until(self, moment: float) -> None:
        """Threads sleep in parallel: the time becomes the latest of their moments, not the sum of their waits."""
        with LOCK:
            self.time = max(self.time, datetime.fromtimestamp(moment, UTC))


class FakeCounters:
    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
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

    def totals(self) -> tuple[int, Counts]:
        return self.mailings, self.finished


class FakeAudit:
    def __init__(self) -> None:
        self.records: list[AuditRecord] = []

    def read(self, day: int, before: int, limit: int) -> list[AuditRecord]:
        found = [record for record in self.records if day_of(record.at) == day and record.number < before]
        return sorted(found, key=lambda record: -record.number)[:limit]

    def add(self, record: AuditRecord) -> None:
        self.records.append(record)

    def write(self, record: AuditRecord | None) -> None:
        if record is not None:
            self.records.append(record)


class FakeClients:
    def __init__(self, audit: FakeAudit) -> None:
        self.audit = audit
        self.rows: dict[int, Client] = {}
        self.phones: dict[str, int] = {}
        self.stops: dict[str, datetime] = {}

    def add(self, client: Client, record: AuditRecord | None = None) -> None:
        with LOCK:
            if not self._may_have_phone(client):
                raise PhoneTaken
            if client.id in self.rows:
                raise RowChanged
            self._put(client)
            self.audit.write(record)

    def add_many(self, clients: Iterable[Client]) -> None:
        with LOCK:
            clients = list(clients)
            assert len(clients) <= 50
            if any(client.id in self.rows or not self._may_have_phone(client) for client in clients):
                raise RowChanged
            for client in clients:
                self._put(client)

    def get(self, client_id: int) -> Client | None:
        return self.rows.get(client_id)

    def get_many(self, client_ids: Iterable[int]) -> dict[int, Client]:
        return {client_id: self.rows[client_id] for client_id in client_ids if client_id in self.rows}

    def change(self, before: Client, after: Client, record: AuditRecord | None = None) -> None:
        with LOCK:
            if after.phone_number != before.phone_number and not self._may_have_phone(after):
                raise PhoneTaken
            self.remove(before, record)
            self._put(after)

    def remove(self, client: Client, record: AuditRecord | None = None) -> None:
        with LOCK:
            if self.rows.get(client.id) != client:
                raise RowChanged
            del self.rows[client.id], self.phones[client.phone_number]
            self.audit.write(record)

    def count(self, partition: Partition, chosen: Filter, first: int, last: int) -> int:
        clients = self.read(partition, first - 1, last, len(self.rows))
        return sum(chosen.chooses(client) and client.opted_out_at is None for client in clients)

    def find_by_phone(self, phone_number: str) -> Client | None:
        return self.rows.get(self.phones.get(phone_number, 0))

    def find_many(self, phone_numbers: Iterable[str]) -> tuple[dict[str, Client], dict[str, datetime]]:
        with LOCK:
            wanted = set(phone_numbers)
            stops = {phone: self.stops[phone] for phone in wanted & set(self.stops) - set(self.phones)}
            return {phone: self.rows[self.phones[phone]] for phone in wanted & set(self.phones)}, stops

    def stop_of(self, phone_number: str) -> datetime | None:
        return self.stops.get(phone_number)

    def read(self, partition: Partition, after: int, through: int, limit: int) -> list[Client]:
        key: Callable[[Client], str | int | None] = {
            "block": lambda client: block_of(client.id),
            "tag": lambda client: label_key(client.tag, client.id) if client.tag else None,
            "operator_code": lambda client: label_key(client.operator_code, client.id),
        }[partition.by]
        with LOCK:
            found = [self.rows[client_id] for client_id in sorted(self.rows) if after < client_id <= through]
        return [client for client in found if key(client) == partition.key][:limit]

    def _put(self, client: Client) -> None:
        self.rows[client.id] = client
        self.phones[client.phone_number] = client.id
        self.stops.pop(client.phone_number, None)
        if client.opted_out_at is not None:
            self.stops[client.phone_number] = client.opted_out_at

    def _may_have_phone(self, client: Client) -> bool:
        is_stopped = client.phone_number in self.stops and client.opted_out_at is None
        return client.phone_number not in self.phones and not is_stopped


class FakeMailings:
    def __init__(self, counters: FakeCounters, audit: FakeAudit) -> None:
        self.audit = audit
        self.rows: dict[int, Mailing] = {}
        self.counters = counters

    def add(self, mailing: Mailing, record: AuditRecord | None = None) -> None:
        with LOCK:
            if mailing.id in self.rows:
                raise RowChanged
            self.rows[mailing.id] = mailing
            self.counters.mailings += 1
            self._move_totals(NO_COUNTS, _ended(mailing))
            self.audit.write(record)

    def get(self, mailing_id: int) -> Mailing | None:
        return self.rows.get(mailing_id)

    def get_many(self, mailing_ids: Iterable[int]) -> dict[int, Mailing]:
        return {mailing_id: self.rows[mailing_id] for mailing_id in mailing_ids if mailing_id in self.rows}

    def open_ids(self) -> list[int]:
        return [mailing.id for mailing in self.rows.values() if mailing.is_open]

    def change(self, before: Mailing, after: Mailing, record: AuditRecord | None = None) -> Mailing:
        with LOCK:
            row = self._require_unchanged(before)
            self.audit.write(record)
            has_progress = after.progress_at != before.progress_at
            return self._decide(
                replace(
                    after,
                    counts=row.counts,
                    is_fanned_out=row.is_fanned_out,
                    rounds=row.rounds,
                    round_started_at=row.round_started_at,
                    first_valid_round=row.rounds + 1,
                    progress_at=after.progress_at if has_progress else row.progress_at,
                    last_post_at=row.last_post_at,
                    releases=frozenset() if before.releases and not after.releases else row.releases,
                    canary=_canary(before, after, row),
                )
            )

    def end(self, before: Mailing, after: Mailing) -> Mailing:
        with LOCK:
            self._require_unchanged(before)
            return self._decide(after)

    def clear_orders(self, mailing: Mailing) -> None:
        with LOCK:
            self.rows[mailing.id] = replace(self._require_unchanged(mailing), requeue=False, resend=())

    def remove(self, mailing: Mailing, record: AuditRecord | None = None) -> None:
        with LOCK:
            row = self._require_unchanged(mailing)
            self.audit.write(record)
            del self.rows[mailing.id]
            self.counters.mailings -= 1
            self._move_totals(_ended(row), NO_COUNTS)

    def add_counts(
        self, mailing_id: int, counts: Counts, now: datetime, last_post_at: datetime | None = None
    ) -> Mailing | None:
        return self._update_open(
            mailing_id,
            lambda row: {
                "counts": row.counts + counts,
                "progress_at": now,
                "last_post_at": last_post_at or row.last_post_at,
            },
        )

    def admit_to_canary(self, mailing_id: int, now: datetime) -> Mailing | None:
        with LOCK:
            row = self.rows.get(mailing_id)
            if row is None or row.status != mailing_domain.RUNNING or row.canary is None or not row.canary.remaining:
                return None
            canary = replace(row.canary, admitted=row.canary.admitted + 1)
            return self._update_open(mailing_id, lambda _: {"canary": canary, "progress_at": now})

    def mark_fanned_out(self, mailing_id: int, total: int, now: datetime) -> Mailing | None:
        return self._update_open(
            mailing_id,
            lambda row: {
                "counts": replace(row.counts, total=total),
                "is_fanned_out": True,
                "progress_at": now,
            },
        )

    def await_release(self, mailing_id: int, opens_at: datetime) -> None:
        self._update_open(mailing_id, lambda row: {"releases": row.releases | {opens_at}})

    def mark_released(self, mailing_id: int, opens_at: datetime) -> None:
        self._update_open(mailing_id, lambda row: {"releases": row.releases - {opens_at}, "awaits_hours": False})

    def set_awaits_hours(self, mailing_id: int, awaits_hours: bool) -> None:
        self._update_open(mailing_id, lambda row: {"awaits_hours": awaits_hours})

    def begin_round(self, mailing: Mailing, now: datetime) -> Mailing:
        with LOCK:
            row = self.rows.get(mailing.id)
            if row is None or row.rounds != mailing.rounds:
                raise RowChanged
            self.rows[mailing.id] = replace(row, rounds=row.rounds + 1, round_started_at=now)
            return self.rows[mailing.id]

    def _require_unchanged(self, mailing: Mailing) -> Mailing:
        row = self.rows.get(mailing.id)
        if row is None or row.version != mailing.version:
            raise RowChanged
        return row

    def _update_open(self, mailing_id: int, change: Callable[[Mailing], dict[str, Any]]) -> Mailing | None:
        with LOCK:
            row = self.rows.get(mailing_id)
            if row is None or not row.is_open:
                return None
            self.rows[mailing_id] = replace(row, **change(row))
            return self.rows[mailing_id]

    def _decide(self, after: Mailing) -> Mailing:
        before = self.rows[after.id]
        mailing_domain.require_transition(before.status, after.status)
        self.rows[after.id] = replace(after, version=before.version + 1)
        self._move_totals(_ended(before), _ended(after))
        return self.rows[after.id]

    def _move_totals(self, before: Counts, after: Counts) -> None:
        self.counters.finished += after
        self.counters.finished += -before


def _canary(before: Mailing, after: Mailing, row: Mailing) -> Canary | None:
    """The canary of a decision. The row's number of admitted messages stays, unless the decision changes it."""
    if before.canary is None or after.canary is None or row.canary is None:
        return after.canary
    is_decided = after.canary.admitted != before.canary.admitted
    return after.canary if is_decided else replace(after.canary, admitted=row.canary.admitted)


def _ended(mailing: Mailing) -> Counts:
    return NO_COUNTS if mailing.is_open else mailing.counts


class FakeMessages:
    def __init__(self, gateway_dedupes: bool = True) -> None:
        self.rows: dict[tuple[int, int], Message] = {}
        self.kept_until: dict[tuple[int, int], datetime] = {}
        self.gateway_dedupes = gateway_dedupes

    def add(self, messages: Iterable[Message], expires_at: datetime) -> None:
        for message in messages:
            self.rows[message.mailing_id, message.client_id] = message
            self.kept_until[message.mailing_id, message.client_id] = expires_at

    def existing(self, keys: Iterable[MessageKey]) -> dict[int, Message]:
        found = {key.client_id: self.get(key) for key in keys}
        return {client_id: message for client_id, message in found.items() if message is not None}

    def get(self, key: MessageKey) -> Message | None:
        return self.rows.get((key.mailing_id, key.client_id))

    def claim(self, key: MessageKey, now: datetime, until: datetime) -> Message | None:
        with LOCK:
            row = self._claimable(key, now)
            if row is None:
                return None
            claimed = replace(row, claimed_until=until.timestamp(), posted_at=now, attempts=row.attempts + 1)
            return self.put(claimed)

    def settle(self, message: Message, status: str, now: datetime, error: Text | None = None) -> bool:
        with LOCK:
            row = self._queued(message.key)
            if row is None or (status != SENT and row.attempts != message.attempts):
                return False
            sent_at = now if status == SENT else row.sent_at
            final = replace(row, status=status, sent_at=sent_at, claimed_until=None, last_error=error)
            self.put(replace(final, posted_at=message.posted_at))
            return True

    def release_claim(self, message: Message, error: Text | None) -> bool:
        with LOCK:
            row = self._queued(message.key)
            if row is None or row.attempts != message.attempts:
                return False
            freed = replace(row, claimed_until=None)
            self.put(replace(freed, last_error=error, posted_at=message.posted_at) if error else freed)
            return True

    def close(self, key: MessageKey, status: str, now: datetime, error: Text | None = None) -> bool:
        with LOCK:
            return self._finish(self._claimable(key, now), status, error)

    def mark_unknown(self, key: MessageKey, now: datetime, error: Text) -> bool:
        with LOCK:
            row = self._queued(key)
            return self._finish(row if row and row.is_in_doubt(now) else None, UNKNOWN, error)

    def reopen(self, message: Message, resends: int) -> bool:
        message_domain.require_transition(message.status, QUEUED)
        with LOCK:
            row = self.get(message.key)
            if row is None or row.status != message.status:
                return False
            self.put(replace(row, status=QUEUED, resends=resends))
            return True

    def await_hours(self, key: MessageKey, timezone: str) -> None:
        with LOCK:
            row = self._queued(key)
            if row is not None:
                self.put(replace(row, timezone=timezone))

    def _queued(self, key: MessageKey) -> Message | None:
        row = self.get(key)
        return row if row is not None and row.status == QUEUED else None

    def _claimable(self, key: MessageKey, now: datetime) -> Message | None:
        row = self._queued(key)
        if row is None or row.is_claimed(now) or (row.is_in_doubt(now) and not self.gateway_dedupes):
            return None
        return row

    def _finish(self, row: Message | None, status: str, error: Text | None) -> bool:
        if row is not None:
            self.put(replace(row, status=status, claimed_until=None, last_error=error or row.last_error))
        return row is not None

    def page(self, shard: MessageShard, after_client: int, limit: int, statuses: Collection[str] = ()) -> list[Message]:
        with LOCK:
            keys = sorted(key for key in self.rows if key[0] == shard.mailing_id and key[1] > after_client)
            rows = [self.rows[key] for key in keys if key[1] % shard.shards == shard.number]
        return [row for row in rows if not statuses or row.status in statuses][:limit]

    def put(self, message: Message) -> Message:
        before = self.rows[message.mailing_id, message.client_id]
        if before.status != message.status:
            message_domain.require_transition(before.status, message.status)
        self.rows[message.mailing_id, message.client_id] = message
        return message


class FakeReceipts:
    """Records a group of changes as a whole, or raises and records nothing."""

    def __init__(self, mailings: FakeMailings, messages: FakeMessages) -> None:
        self.mailings = mailings
        self.messages = messages

    def record(self, mailing: Mailing, changes: Sequence[tuple[Message, Message]], added: Counts) -> None:
        assert 0 < len({after.client_id for _, after in changes}) == len(changes) <= 98
        with LOCK:
            row = self.mailings.rows.get(mailing.id)
            if row is None or row.is_open != mailing.is_open:
                raise RowChanged
            for before, _ in changes:
                found = self.messages.rows.get((before.mailing_id, before.client_id))
                if found is None or (found.status, found.attempts) != (before.status, before.attempts):
                    raise RowChanged
            for _, after in changes:
                self.messages.put(after)
            counted = replace(row, counts=row.counts + added, version=row.version + 1)
            first_valid = row.rounds + 1 if added.sent else row.first_valid_round
            self.mailings.rows[mailing.id] = replace(counted, first_valid_round=first_valid)
            if not row.is_open:
                self.mailings.counters.finished += added


class FakeRates:
    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.writes = 0

    def change(self, kind: type[Any], name: str, decide: Callable[[Any], tuple[Any, Any]]) -> Any:
        with LOCK:
            self.rows[name], result = decide(self.rows.get(name, kind()))
            self.writes += 1
            return result


class FakeSlices:
    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], AudienceSlice] = {}
        self.leased_until: dict[tuple[int, int], datetime] = {}
        self.shard_reports: dict[tuple[int, int], dict[int, ShardReport]] = defaultdict(dict)

    def lease(
        self, mailing_id: int, number: int, now: datetime, until: datetime, expires_at: datetime
    ) -> AudienceSlice:
        with LOCK:
            key = (mailing_id, number)
            held = self.leased_until.get(key)
            if held is not None and held > now:
                raise SliceBusy
            row = self.rows.get(key, AudienceSlice(mailing_id, number))
            self.rows[key] = replace(row, lease=row.lease + 1)
            self.leased_until[key] = until
            return replace(self.rows[key], in_doubt=held is not None)

    def advance(self, audience_slice: AudienceSlice) -> None:
        with LOCK:
            key = (audience_slice.mailing_id, audience_slice.number)
            if self.rows[key].lease != audience_slice.lease:
                raise RowChanged
            self.rows[key] = replace(audience_slice, in_doubt=False)

    def end_lease(self, audience_slice: AudienceSlice) -> None:
        with LOCK:
            self.advance(audience_slice)
            del self.leased_until[audience_slice.mailing_id, audience_slice.number]

    def of_mailing(self, mailing_id: int) -> list[AudienceSlice]:
        return [row for key, row in sorted(self.rows.items()) if key[0] == mailing_id]

    def report(self, mailing_id: int, round_number: int, shard: int, report: ShardReport, expires_at: datetime) -> None:
        self.shard_reports[mailing_id, round_number][shard] = report

    def reports(self, mailing_id: int, round_number: int) -> list[ShardReport]:
        return list(self.shard_reports[mailing_id, round_number].values())


class FakeImports:
    def __init__(self, audit: FakeAudit) -> None:
        self.audit = audit
        self.rows: dict[int, ClientImport] = {}
        self.leased_until: dict[int, datetime] = {}
        self.refused_rows: dict[int, dict[int, RefusedRow]] = defaultdict(dict)

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
        return [row.id for row in self.rows.values() if row.status == RUNNING]

    def lease(self, import_id: int, now: datetime, until: datetime) -> ClientImport:
        with LOCK:
            row = self.rows.get(import_id)
            if row is None or row.status != RUNNING or self.leased_until.get(import_id, now) > now:
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


class FakeIdempotencyKeys:
    def __init__(self) -> None:
        self.rows: dict[str, tuple[IdempotentRequest, datetime]] = {}

    def find(self, name: str, now: datetime) -> IdempotentRequest | None:
        request, until = self.rows.get(name, (None, now))
        return request if now < until else None

    def add(self, name: str, request: IdempotentRequest, now: datetime, until: datetime) -> None:
        with LOCK:
            if self.find(name, now) is not None:
                raise RowChanged
            self.rows[name] = request, until

    def save_answer(self, name: str, status_code: int, body: str) -> None:
        request, until = self.rows[name]
        self.rows[name] = replace(request, status_code=status_code, body=body), until


class FakeReports:
    def __init__(self) -> None:
        self.claimed: set[str] = set()
        self.sent: set[str] = set()

    def claim(self, name: str, now: datetime, until: datetime) -> None:
        with LOCK:
            if name in self.claimed:
                raise RowChanged
            self.claimed.add(name)

    def unclaim(self, name: str) -> None:
        self.claimed.discard(name)

    def mark_sent(self, name: str, now: datetime) -> None:
        self.sent.add(name)

    def is_claimed(self, name: str) -> bool:
        return name in self.claimed

    def is_sent(self, name: str) -> bool:
        return name in self.sent


class FakeMailbox:
    """Sends from `verified` addresses only, as SES does. `after_sending` may raise, as if the process died there."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.verified: set[str] = set()
        self.sent: list[Email] = []
        self.kept: list[SentEmail] = []
        self.after_sending: Callable[[], None] = lambda: None

    def verify(self, address: str) -> None:
        self.verified.add(address)

    def send(self, email: Email) -> None:
        if email.sender not in self.verified:
            raise NotSent("Email address is not verified.")
        self.sent.append(email)
        at = self.clock.now()
        content = (email.sender, email.recipients, email.subject, email.html, email.text)
        self.kept.insert(0, SentEmail(at, *content))
        self.after_sending()

    def emails(self) -> list[SentEmail]:
        return list(self.kept)


class FakeTokens:
    def __init__(self, audit: FakeAudit) -> None:
        self.audit = audit
        self.rows: dict[str, Token] = {}

    def add(self, token: Token, record: AuditRecord | None = None) -> None:
        self.rows[token.digest] = token
        self.audit.write(record)

    def find(self, digest: str) -> Token | None:
        return self.rows.get(digest)

    def newest(self, limit: int, before: datetime | None = None) -> list[Token]:
        found = [token for token in self.rows.values() if before is None or token.created_at < before]
        return sorted(found, key=lambda token: token.created_at, reverse=True)[:limit]

    def mark_used(self, digest: str, now: datetime) -> None:
        self._change(digest, last_used_at=now)

    def revoke(self, digest: str, now: datetime, record: AuditRecord | None = None) -> None:
        self._change(digest, revoked_at=now)
        self.audit.write(record)

    def _change(self, digest: str, **values: Any) -> None:
        if digest not in self.rows:
            raise RowChanged
        self.rows[digest] = replace(self.rows[digest], **values)


class FakeUsers:
    def __init__(self) -> None:
        self.rows: dict[str, User] = {}
        self.attempts: Counter[str] = Counter()

    def put(self, user: User) -> None:
        self.rows[user.principal.name] = user

    def find(self, name: str) -> User | None:
        return self.rows.get(name)

    def end_sessions(self, name: str, now: datetime) -> None:
        if name not in self.rows:
            raise RowChanged
        self.rows[name] = replace(self.rows[name], sessions_from=now)

    def remove(self, name: str) -> None:
        if self.rows.pop(name, None) is None:
            raise RowChanged

    def count_attempt(self, name: str, until: datetime) -> int:
        self.attempts[name] += 1
        return self.attempts[name]


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


@dataclass
class Delivery:
    """One message of a fake queue. `visible_at` is a time of the fake clock."""

    id: str
    body: str
    visible_at: datetime
    receive_count: int = 0

    @property
    def receipt_handle(self) -> str:
        return f"{self.id}/{self.receive_count}"


@dataclass
class FakeQueue:
    clock: FakeClock
    visibility: int = 90
    messages: dict[str, Delivery] = field(default_factory=dict)
    _ids: Any = field(default_factory=itertools.count)

    def send(self, jobs: Sequence[Job], delays: Sequence[int] | None = None) -> None:
        for job, delay in zip(jobs, delays or [0] * len(jobs), strict=True):
            self.send_body(to_body(job), delay)

    def send_body(self, body: str, delay: int = 0) -> None:
        with LOCK:
            name = f"m{next(self._ids)}"
            self.messages[name] = Delivery(name, body, self.clock.now() + timedelta(seconds=delay))

    def give_back(self, delays: dict[str, int]) -> None:
        for handle, delay in delays.items():
            message = self.messages.get(handle.partition("/")[0])
            if message is not None and message.receipt_handle == handle:
                message.visible_at = self.clock.now() + timedelta(seconds=delay)

    def is_idle(self) -> bool:
        return not self.messages

    def size(self) -> int:
        return len(self.messages)

    def receive(self, limit: int = 10) -> list[Delivery]:
        """As SQS: each message is hidden for the visibility timeout, and visible again unless it is deleted."""
        now = self.clock.now()
        received = [message for message in self.messages.values() if message.visible_at <= now][:limit]
        for message in received:
            message.receive_count += 1
            message.visible_at = now + timedelta(seconds=self.visibility)
        return [replace(message) for message in received]

    def delete(self, receipt_handles: Iterable[str]) -> None:
        """A message that was received again is not deleted by its old receipt handle."""
        for handle in receipt_handles:
            message = self.messages.get(handle.partition("/")[0])
            if message is not None and message.receipt_handle == handle:
                del self.messages[message.id]

    def lose(self, message_id: str) -> None:
        del self.messages[message_id]


class FakeSchedules:
    def __init__(self) -> None:
        self.times: dict[int, datetime] = {}
        self.releases: set[tuple[int, datetime]] = set()

    def set(self, mailing_id: int, at: datetime) -> None:
        self.times[mailing_id] = at

    def set_release(self, mailing_id: int, opens_at: datetime) -> None:
        self.releases.add((mailing_id, opens_at))

    def remove(self, mailing_id: int) -> None:
        self.times.pop(mailing_id, None)


@dataclass
class Post:
    message_id: int
    phone_number: str
    text: str
    timeout: float
    at: datetime


class FakeGateway:
    """Returns the `answers` one after the other, and `default_answer` after the last."""

    OK = Answer(200, '{"code": 0, "message": "OK"}')

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.posts: list[Post] = []
        self.answers: list[Answer] = []
        self.default_answer = self.OK
        self.accepted: Counter[int] = Counter()
        self.while_posting: Callable[[], None] = lambda: None

    def prepare(self) -> None: ...

    def post(self, message_id: int, phone_number: str, text: str, timeout: float) -> Answer:
        with LOCK:
            self.posts.append(Post(message_id, phone_number, text, timeout, self.clock.now()))
            answer = self.answers.pop(0) if self.answers else self.default_answer
            self.accepted[message_id] += answer == self.OK
        self.while_posting()
        return answer


class FakeServices:
    """The same parts under the same names as chalicelib.adapters.services.Services."""

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings(**{"stage": "local", "sender_threads": 1, **settings})
        self.clock = FakeClock()
        self.counters = FakeCounters()
        self.audit = FakeAudit()
        self.clients = FakeClients(self.audit)
        self.mailings = FakeMailings(self.counters, self.audit)
        self.messages = FakeMessages(self.settings.gateway_dedupes)
        self.receipts = FakeReceipts(self.mailings, self.messages)
        self.rates = FakeRates()
        self.slices = FakeSlices()
        self.tokens = FakeTokens(self.audit)
        self.users = FakeUsers()
        self.labels = FakeLabels()
        self.idempotency_keys = FakeIdempotencyKeys()
        self.reports = FakeReports()
        self.mailbox = FakeMailbox(self.clock)
        self.send_queue = FakeQueue(self.clock, visibility=90)
        self.jobs_queue = FakeQueue(self.clock, visibility=75)
        self.imports = FakeImports(self.audit)
        self.import_files = FakeFiles()
        self.imports_queue = FakeQueue(self.clock, visibility=150)
        self.receipts_queue = FakeQueue(self.clock, visibility=90)
        self.dead_letters = FakeQueue(self.clock)
        self.schedules = FakeSchedules()
        self.gateway = FakeGateway(self.clock)
