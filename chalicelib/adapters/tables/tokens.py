"""Access tokens, by the SHA-256 of the token: the token itself is stored nowhere."""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from ...domain.principal import Principal
from .base import TableMeta, conflicts, place


class TokenRow(Model):
    class Meta(TableMeta):
        table_name = "tokens"

    digest = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    role = UnicodeAttribute()
    created_at = Moment()
    revoked_at = Moment(null=True)


class Tokens:
    def __init__(self, stack_name: str) -> None:
        place(TokenRow, stack_name, "tokens")

    def add(self, digest: str, principal: Principal, now: datetime) -> None:
        row = TokenRow(digest, name=principal.name, role=principal.role, created_at=now)
        row.save()

    def find(self, digest: str) -> Principal | None:
        """Whose token this is; None when it is unknown or revoked."""
        try:
            row = TokenRow.get(digest)
        except DoesNotExist:
            return None
        return None if row.revoked_at else Principal(row.name, row.role)

    def revoke(self, digest: str, now: datetime) -> None:
        """Raises RowChanged when there is no such token."""
        with conflicts():
            TokenRow(digest).update([TokenRow.revoked_at.set(now)], condition=TokenRow.digest.exists())
