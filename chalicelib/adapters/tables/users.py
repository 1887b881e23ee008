"""Users of the console, and the number of attempts to sign in."""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from ...domain.audit_record import AuditRecord
from ...domain.principal import Principal, User
from ..clock import Clock
from .audit import Audit
from .base import bind_table, conflicts, transaction


class UserRow(Model):
    class Meta:
        table_name = "users"

    name = UnicodeAttribute(hash_key=True)
    role = UnicodeAttribute()
    password = UnicodeAttribute()
    sessions_from = Moment()


class AttemptsRow(Model):
    """The attempts within one period. The time to live deletes the row after the period."""

    class Meta:
        table_name = "attempts"

    name = UnicodeAttribute(hash_key=True)
    number = NumberAttribute(default=0)
    expires_at = NumberAttribute(default=0)


class Users:
    """The audit record of a change is written in the same transaction."""

    def __init__(self, stack_name: str, audit: Audit, clock: Clock) -> None:
        bind_table(UserRow, stack_name, clock)
        bind_table(AttemptsRow, stack_name, clock)
        self._audit = audit

    def add(self, user: User, record: AuditRecord | None = None) -> None:
        """Raises RowChanged if there is a user with this name."""
        self._save(user, UserRow.name.does_not_exist(), record)

    def change(self, before: User, after: User, record: AuditRecord | None = None) -> None:
        """Raises RowChanged if the user is no longer as it was read."""
        self._save(after, _is_as_read(before), record)

    def find(self, name: str) -> User | None:
        try:
            row = UserRow.get(name, consistent_read=True)
        except DoesNotExist:
            return None
        return User(Principal(row.name, row.role), row.password, row.sessions_from)

    def names(self) -> list[str]:
        """Of all users. There are tens of them, so a scan costs one or two reads."""
        return [row.name for row in UserRow.scan(attributes_to_get=["name"], consistent_read=True)]

    def end_sessions(self, name: str, now: datetime) -> None:
        """Raises RowChanged if there is no such user."""
        with conflicts():
            UserRow(name).update([UserRow.sessions_from.set(now)], condition=UserRow.name.exists())

    def remove(self, user: User, record: AuditRecord | None = None) -> None:
        """Raises RowChanged if the user is no longer as it was read."""
        with conflicts(), transaction(UserRow) as writes:
            writes.delete(UserRow(user.principal.name), condition=_is_as_read(user))
            self._audit.write(writes, record)

    def count_attempt(self, name: str, until: datetime, by: int = 1) -> int:
        """Count one attempt, or take one back by -1. Returns the number of attempts, this one included.

        A repeated write, after a lost answer, counts twice: the name is locked one attempt earlier or later. The row
        expires within the hour.
        """
        row = AttemptsRow(name)
        row.update([AttemptsRow.number.add(by), AttemptsRow.expires_at.set(int(until.timestamp()))])
        return int(row.number)

    def _save(self, user: User, condition: Condition, record: AuditRecord | None) -> None:
        name, role = user.principal.name, user.principal.role
        row = UserRow(name, role=role, password=user.password, sessions_from=user.sessions_from)
        with conflicts(), transaction(UserRow) as writes:
            writes.save(row, condition=condition)
            self._audit.write(writes, record)


def _is_as_read(user: User) -> Condition:
    """The end of sessions may have moved meanwhile."""
    is_as_read: Condition = (UserRow.password == user.password) & (UserRow.role == user.principal.role)
    return is_as_read
