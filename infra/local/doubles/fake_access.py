"""Tokens, users, audit records and idempotency keys in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain.audit_record import AuditRecord, day_of
from chalicelib.domain.idempotency import IdempotentRequest
from chalicelib.domain.principal import Principal, Token, User
from chalicelib.domain.user_session import UserSession
from chalicelib.errors import RowChanged

from .fake_clock import LOCK


class FakeAudit:
    def __init__(self) -> None:
        self.records: list[AuditRecord] = []

    def read(self, day: int, before: int, limit: int) -> list[AuditRecord]:
        found = [record for record in self.records if day_of(record.at) == day and record.number < before]
        return sorted(found, key=lambda record: -record.number)[:limit]

    def read_between(self, day: int, after: int, until: int, limit: int) -> list[AuditRecord]:
        found = [one for one in self.records if day_of(one.at) == day and after < one.number <= until]
        return sorted(found, key=lambda record: record.number)[:limit]

    def add(self, record: AuditRecord) -> None:
        self.records.append(record)

    def write(self, record: AuditRecord | None) -> None:
        if record is not None:
            self.records.append(record)


class FakeAuditBucket:
    """`puts` counts all calls, those too that met an object."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts = 0

    def add(self, key: str, content: bytes) -> None:
        self.puts += 1
        self.objects.setdefault(key, content)


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
    def __init__(self, audit: FakeAudit) -> None:
        self.audit = audit
        self.rows: dict[str, User] = {}
        self.attempts: Counter[str] = Counter()

    def add(self, user: User, record: AuditRecord | None = None) -> None:
        with LOCK:
            if user.principal.name in self.rows:
                raise RowChanged
            self.rows[user.principal.name] = user
            self.audit.write(record)

    def change(self, before: User, after: User, record: AuditRecord | None = None) -> None:
        with LOCK:
            self._require_as_read(before)
            self.rows[after.principal.name] = after
            self.audit.write(record)

    def find(self, name: str) -> User | None:
        return self.rows.get(name)

    def names(self) -> list[str]:
        return list(self.rows)

    def all(self) -> list[User]:
        return list(self.rows.values())

    def begin_session(self, name: str, session: UserSession, ended: Sequence[str]) -> None:
        with LOCK:
            self._require_user(name)
            kept = {id_: one for id_, one in self.rows[name].sessions.items() if id_ not in ended}
            self._keep_sessions(name, {**kept, session.id: session})

    def see_session(self, name: str, session_id: str, now: datetime) -> None:
        with LOCK:
            sessions = self._sessions_with(name, session_id)
            self._keep_sessions(name, {**sessions, session_id: replace(sessions[session_id], seen_at=now)})

    def end_session(self, name: str, session_id: str, record: AuditRecord) -> None:
        with LOCK:
            sessions = self._sessions_with(name, session_id)
            self._keep_sessions(name, {id_: one for id_, one in sessions.items() if id_ != session_id})
            self.audit.write(record)

    def end_sessions(self, name: str, now: datetime, record: AuditRecord | None = None) -> None:
        with LOCK:
            self._require_user(name)
            self.rows[name] = replace(self.rows[name], sessions_from=now, sessions={})
            self.audit.write(record)

    def _require_user(self, name: str) -> None:
        if name not in self.rows:
            raise RowChanged

    def _sessions_with(self, name: str, session_id: str) -> dict[str, UserSession]:
        self._require_user(name)
        if session_id not in self.rows[name].sessions:
            raise RowChanged
        return dict(self.rows[name].sessions)

    def _keep_sessions(self, name: str, sessions: dict[str, UserSession]) -> None:
        self.rows[name] = replace(self.rows[name], sessions=sessions)

    def change_role(self, user: User, role: str, record: AuditRecord, admin: str | None = None) -> None:
        with LOCK:
            if admin is not None:
                self._require_admin(admin)
            self._require_as_read(user)
            name = user.principal.name
            self.rows[name] = replace(self.rows[name], principal=Principal(name, role))
            self.audit.write(record)

    def remove(self, user: User, record: AuditRecord | None = None, admin: str | None = None) -> None:
        with LOCK:
            if admin is not None:
                self._require_admin(admin)
            self._require_as_read(user)
            del self.rows[user.principal.name]
            self.audit.write(record)

    def _require_admin(self, name: str) -> None:
        if name not in self.rows or not self.rows[name].principal.is_admin:
            raise RowChanged

    def _require_as_read(self, user: User) -> None:
        """Sessions may have begun and ended meanwhile."""
        row = self.rows.get(user.principal.name)
        if row is None or replace(row, sessions_from=user.sessions_from, sessions=user.sessions) != user:
            raise RowChanged

    def count_attempt(self, name: str, until: datetime, by: int = 1) -> int:
        self.attempts[name] += by
        return self.attempts[name]
