"""The first request of each Idempotency-Key. The time to live deletes the rows."""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from ...domain.idempotency import IdempotentRequest
from ..clock import Clock
from .base import bind_table, conflicts


class IdempotencyKeyRow(Model):
    class Meta:
        table_name = "idempotency-keys"

    name = UnicodeAttribute(hash_key=True)
    fingerprint = UnicodeAttribute()
    reserved_id = NumberAttribute(default=0)
    status_code = NumberAttribute(null=True)
    body = UnicodeAttribute(default="")
    expires_at = NumberAttribute()


class IdempotencyKeys:
    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(IdempotencyKeyRow, stack_name, clock)

    def find(self, name: str, now: datetime) -> IdempotentRequest | None:
        try:
            row = IdempotencyKeyRow.get(name, consistent_read=True)
        except DoesNotExist:
            return None
        if row.expires_at <= now.timestamp():
            return None
        status_code = None if row.status_code is None else int(row.status_code)
        return IdempotentRequest(row.fingerprint, int(row.reserved_id), status_code, row.body)

    def add(self, name: str, request: IdempotentRequest, now: datetime, until: datetime) -> None:
        """Raises RowChanged if another request was first."""
        row = IdempotencyKeyRow(
            name,
            fingerprint=request.fingerprint,
            reserved_id=request.reserved_id,
            expires_at=int(until.timestamp()),
        )
        has_expired = IdempotencyKeyRow.expires_at <= int(now.timestamp())
        with conflicts():
            row.save(condition=IdempotencyKeyRow.name.does_not_exist() | has_expired)

    def save_answer(self, name: str, status_code: int, body: str) -> None:
        actions: list[Action] = [IdempotencyKeyRow.status_code.set(status_code), IdempotencyKeyRow.body.set(body)]
        IdempotencyKeyRow(name).update(actions=actions)
