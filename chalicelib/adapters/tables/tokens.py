"""Access tokens, by their SHA-256. The tokens themselves are not stored."""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from ...domain.audit_record import AuditRecord
from ...domain.principal import Principal, Token
from ..clock import Clock
from .audit import Audit
from .base import bind_table, conflicts, transaction

LISTED = "token"


class ByAge(GlobalSecondaryIndex["TokenRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_age"
        projection = AllProjection()

    listed = UnicodeAttribute(hash_key=True)
    created_at = Moment(range_key=True)


class TokenRow(Model):
    class Meta:
        table_name = "tokens"

    digest = UnicodeAttribute(hash_key=True)
    listed = UnicodeAttribute(default=LISTED)
    name = UnicodeAttribute()
    role = UnicodeAttribute()
    created_at = Moment()
    last_used_at = Moment(null=True)
    revoked_at = Moment(null=True)
    by_age = ByAge()

    def token(self) -> Token:
        principal = Principal(self.name, self.role)
        return Token(self.digest, principal, self.created_at, self.last_used_at, self.revoked_at)


class Tokens:
    """The audit record of a change is written in the same transaction."""

    def __init__(self, stack_name: str, audit: Audit, clock: Clock) -> None:
        bind_table(TokenRow, stack_name, clock)
        self._audit = audit

    def add(self, token: Token, record: AuditRecord | None = None) -> None:
        principal = token.principal
        row = TokenRow(token.digest, name=principal.name, role=principal.role, created_at=token.created_at)
        with transaction(TokenRow) as writes:
            writes.save(row)
            self._audit.write(writes, record)

    def find(self, digest: str) -> Token | None:
        try:
            return TokenRow.get(digest).token()
        except DoesNotExist:
            return None

    def newest(self, limit: int, before: datetime | None = None) -> list[Token]:
        """Tokens made before a moment, the newest first. Includes revoked tokens."""
        older = TokenRow.created_at < before if before else None
        rows = TokenRow.by_age.query(LISTED, range_key_condition=older, scan_index_forward=False, limit=limit)
        return [row.token() for row in rows]

    def mark_used(self, digest: str, now: datetime) -> None:
        """Raises RowChanged if there is no such token."""
        with conflicts():
            TokenRow(digest).update([TokenRow.last_used_at.set(now)], condition=TokenRow.digest.exists())

    def revoke(self, digest: str, now: datetime, record: AuditRecord | None = None) -> None:
        """Raises RowChanged if there is no such token."""
        with conflicts(), transaction(TokenRow) as writes:
            writes.update(TokenRow(digest), [TokenRow.revoked_at.set(now)], condition=TokenRow.digest.exists())
            self._audit.write(writes, record)
