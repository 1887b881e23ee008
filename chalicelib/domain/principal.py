"""Principals: the callers of the API (tokens) and of the console (users), and what their roles allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .user_session import UserSession

ADMIN = "admin"
READ = "read"
APPROVER = "approver"
"""Reads everything, approves mailings, and writes nothing else: so an approver is never the author."""

ROLES = (ADMIN, APPROVER, READ)
"""From the role that allows most to the one that allows least."""


@dataclass(frozen=True)
class Principal:
    name: str
    role: str

    @property
    def is_admin(self) -> bool:
        return self.role == ADMIN

    def may(self, writes: bool) -> bool:
        return self.role == ADMIN or (self.role in (READ, APPROVER) and not writes)

    @property
    def sees_phones(self) -> bool:
        """Whether the console shows this user complete phone numbers. Programs get them with every role."""
        return self.may(writes=True)

    @property
    def may_approve(self) -> bool:
        return self.role == APPROVER


@dataclass(frozen=True)
class Token:
    """`digest` is the SHA-256 of the token, which is not stored. `last_used_at` is accurate to some minutes."""

    digest: str
    principal: Principal
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class User:
    """`password` is the hash of the password. Sessions that began before `sessions_from` are invalid.

    `sessions`: by their ids, those too that are too old by now. `identity`: a digest of the issuer and the subject, for
    a user who signs in through the identity provider and has no password.
    """

    principal: Principal
    password: str
    sessions_from: datetime
    sessions: Mapping[str, UserSession] = field(default_factory=dict)
    identity: str | None = None
