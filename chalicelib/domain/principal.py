"""Who calls, and what their role allows: programs have tokens, people have names and passwords."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

ADMIN = "admin"
READ = "read"
ROLES = (ADMIN, READ)


@dataclass(frozen=True)
class Principal:
    name: str
    role: str

    def may(self, writes: bool) -> bool:
        return self.role == ADMIN or (self.role == READ and not writes)


@dataclass(frozen=True)
class Token:
    """`digest` is the token's SHA-256; the token itself is kept nowhere. `last_used_at` is right to some minutes."""

    digest: str
    principal: Principal
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class User:
    """`password` is its hash. Sessions that began before `sessions_from` are over."""

    principal: Principal
    password: str
    sessions_from: datetime
