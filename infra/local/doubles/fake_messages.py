"""Messages and delivery receipts in memory, with the conditions of the real tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields, replace
from datetime import datetime

from chalicelib.domain import message as message_domain
from chalicelib.domain.counts import Counts
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import (
    QUEUED,
    RECEIVED,
    SENT,
    Claim,
    Message,
    MessageKey,
    MessageShard,
    Settlement,
    is_settled_by,
    settled,
)
from chalicelib.domain.message_change import MessageChange
from chalicelib.domain.routes import Routes
from chalicelib.errors import RowChanged, confirmed
from chalicelib.texts import Text

from .fake_clock import LOCK
from .fake_mailings import FakeMailings


class FakeMessages:
    rows_read = 1000

    def __init__(self, routes: Routes) -> None:
        self.rows: dict[tuple[int, int], Message] = {}
        self.kept_until: dict[tuple[int, int], datetime] = {}
        self.routes = routes

    def add(self, messages: Iterable[Message], expires_at: datetime) -> None:
        for message in messages:
            self.rows[message.mailing_id, message.client_id] = message
            self.kept_until[message.mailing_id, message.client_id] = expires_at

    def existing(self, keys: Iterable[MessageKey]) -> dict[int, Message]:
        found = {key.client_id: self.get(key) for key in keys}
        return {client_id: message for client_id, message in found.items() if message is not None}

    def received(self, keys: Iterable[MessageKey]) -> set[int]:
        return {client_id for client_id, message in self.existing(keys).items() if message.status in RECEIVED}

    def of_client(self, keys: Iterable[MessageKey]) -> dict[int, Message]:
        found = {key.mailing_id: self.get(key) for key in keys}
        return {mailing_id: message for mailing_id, message in found.items() if message is not None}

    def get(self, key: MessageKey) -> Message | None:
        return self.rows.get((key.mailing_id, key.client_id))

    def claim(self, key: MessageKey, now: datetime, until: datetime) -> Message | None:
        return confirmed(self.claim_all([Claim(key, until, self.routes.names[0])], now)[0])

    def settle(self, message: Message, status: str, now: datetime, error: Text | None = None) -> bool:
        return confirmed(self.settle_all([Settlement(message, status, error)], now)[0])

    def end_claim(self, message: Message, error: Text | None, in_doubt: bool = False) -> bool:
        return confirmed(self.settle_all([Settlement(message, None, error, in_doubt)], message.created_at)[0])

    def claim_all(self, claims: Sequence[Claim], now: datetime) -> list[Message | Exception | None]:
        return [self._claim(claim, now) for claim in claims]

    def settle_all(self, settlements: Sequence[Settlement], now: datetime) -> list[bool | Exception]:
        return [self._settle(settlement, now) for settlement in settlements]

    def _claim(self, claim: Claim, now: datetime) -> Message | None:
        with LOCK:
            row = self._claimable(claim.key, now)
            if row is None:
                return None
            gateway = self.routes.gateway_of(row) if row.doubts else claim.gateway
            address = self.routes.addresses.get(gateway, "")
            claimed = replace(row, claimed_until=claim.until.timestamp(), posted_at=now, attempts=row.attempts + 1)
            consent_at = claim.consent_at if claim.is_marketing else row.consent_at
            claimed = replace(claimed, doubts=row.doubts + 1, consent_at=consent_at)
            return self.put(replace(claimed, gateway=gateway, address=address))

    def _settle(self, settlement: Settlement, now: datetime) -> bool:
        with LOCK:
            row = self.get(settlement.key)
            if row is None or row.status != QUEUED:
                return row is not None and is_settled_by(row, settlement, now)
            if settlement.status != SENT and row.attempts != settlement.message.attempts:
                return False
            self.put(settled(row, settlement, now))
            return True

    def change_all(self, changes: Sequence[MessageChange]) -> list[bool | Exception]:
        return [self._change(change) for change in changes]

    def _change(self, change: MessageChange) -> bool:
        with LOCK:
            row = self.get(change.key)
            if row is None or not change.is_of(row):
                return False
            written = {field.name: getattr(change.after, field.name) for field in fields(Message)}
            kept = {name for name, value in written.items() if value == getattr(change.before, name)}
            self.put(replace(row, **{name: value for name, value in written.items() if name not in kept}))
            return True

    def _queued(self, key: MessageKey) -> Message | None:
        row = self.get(key)
        return row if row is not None and row.status == QUEUED else None

    def _claimable(self, key: MessageKey, now: datetime) -> Message | None:
        row = self._queued(key)
        if row is None or row.is_claimed(now) or self.routes.leave_in_doubt(row, now):
            return None
        return row

    def page(self, shard: MessageShard, after_client: int, limit: int, statuses: Collection[str] = ()) -> list[Message]:
        with LOCK:
            keys = sorted(key for key in self.rows if key[0] == shard.mailing_id and key[1] > after_client)
            rows = [self.rows[key] for key in keys if key[1] % shard.shards == shard.number]
        return [row for row in rows if not statuses or row.status in statuses][:limit]

    def find(
        self,
        shard: MessageShard,
        after_client: int,
        through_client: int,
        statuses: Collection[str],
        error: Text | None = None,
    ) -> tuple[list[Message], int | None]:
        page = self.page(shard, after_client, self.rows_read)
        rows = [row for row in page if row.client_id <= through_client]
        found = [row for row in rows if row.status in statuses and error in (None, row.last_error)]
        return found, rows[-1].client_id if len(rows) == self.rows_read else None

    def queued_below(self, shard: MessageShard, client_id: int | None, limit: int) -> list[Message]:
        found = self.page(shard, 0, len(self.rows), [QUEUED])
        return [row for row in reversed(found) if client_id is None or row.client_id < client_id][:limit]

    def put(self, message: Message) -> Message:
        before = self.rows[message.mailing_id, message.client_id]
        if before.status != message.status:
            message_domain.require_transition(before.status, message.status)
        self.rows[message.mailing_id, message.client_id] = message
        return message


class FakeReceipts:
    """Records all changes of a group, or raises and records none."""

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
            counted = replace(row, counts=row.counts + added, receipts_version=row.receipts_version + 1)
            first_valid = row.rounds + 1 if added.sent else row.first_valid_round
            self.mailings.rows[mailing.id] = replace(counted, first_valid_round=first_valid)
            if not row.is_open:
                self.mailings.counters.finished += added
