"""Users of the console, and the number of attempts to sign in."""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from ...domain.principal import Principal, User
from .base import bind_table, conflicts


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
    def __init__(self, stack_name: str) -> None:
        bind_table(UserRow, stack_name)
        bind_table(AttemptsRow, stack_name)

    def put(self, user: User) -> None:
        """Write a new user, or a new password or role of an existing user."""
        name, role = user.principal.name, user.principal.role
        UserRow(name, role=role, password=user.password, sessions_from=user.sessions_from).save()

    def find(self, name: str) -> User | None:
        try:
            row = UserRow.get(name, consistent_read=True)
        except DoesNotExist:
            return None
        return User(Principal(row.name, row.role), row.password, row.sessions_from)

    def end_sessions(self, name: str, now: datetime) -> None:
        """Raises RowChanged if there is no such user."""
        with conflicts():
            UserRow(name).update([UserRow.sessions_from.set(now)], condition=UserRow.name.exists())

    def remove(self, name: str) -> None:
        """Raises RowChanged if there is no such user."""
        with conflicts():
            UserRow(name).delete(condition=UserRow.name.exists())

    def count_attempt(self, name: str, until: datetime) -> int:
        """Count one attempt. Returns the number of attempts, this one included."""
        row = AttemptsRow(name)
        row.update([AttemptsRow.number.add(1), AttemptsRow.expires_at.set(int(until.timestamp()))])
        return int(row.number)
