"""Users of the console, and the number of attempts to sign in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import MapAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ...domain.audit_record import EPOCH, AuditRecord
from ...domain.principal import ADMIN, Principal, User
from ...domain.user_session import UserSession
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
    sessions: Any = MapAttribute(default=dict)  # type: ignore[no-untyped-call]
    identity = UnicodeAttribute(null=True)

    def user(self) -> User:
        """Rows of earlier versions have no sessions."""
        found = self.sessions.as_dict() if self.sessions else {}
        sessions = {id_: _session(id_, one) for id_, one in found.items()}
        return User(Principal(self.name, self.role), self.password, self.sessions_from, sessions, self.identity)


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
        return row.user()

    def all(self) -> list[User]:
        """There are tens of them, so a scan costs one or two reads."""
        return [row.user() for row in UserRow.scan(consistent_read=True)]

    def names(self) -> list[str]:
        """Of all users."""
        return [row.name for row in UserRow.scan(attributes_to_get=["name"], consistent_read=True)]

    def begin_session(self, name: str, session: UserSession, ended: Sequence[str]) -> None:
        """`ended`: ids of sessions that are removed. Raises RowChanged if there is no such user."""
        row, sessions = UserRow(name), UserRow.sessions
        with conflicts():
            row.update([sessions.set(sessions | {})], condition=UserRow.name.exists())
            actions = [sessions[session.id].set(_session_values(session)), *(sessions[one].remove() for one in ended)]
            row.update(actions, condition=sessions.exists())

    def see_session(self, name: str, session_id: str, now: datetime) -> None:
        """Raises RowChanged if there is no such session."""
        session = UserRow.sessions[session_id]
        with conflicts():
            UserRow(name).update([session["seen_at"].set(_microseconds(now))], condition=session.exists())

    def end_session(self, name: str, session_id: str, record: AuditRecord) -> None:
        """Raises RowChanged if there is no such session."""
        session = UserRow.sessions[session_id]
        with conflicts(), transaction(UserRow) as writes:
            writes.update(UserRow(name), [session.remove()], condition=session.exists())
            self._audit.write(writes, record)

    def end_sessions(self, name: str, now: datetime, record: AuditRecord | None = None) -> None:
        """Raises RowChanged if there is no such user."""
        actions = [UserRow.sessions_from.set(now), UserRow.sessions.set({})]
        with conflicts(), transaction(UserRow) as writes:
            writes.update(UserRow(name), actions, condition=UserRow.name.exists())
            self._audit.write(writes, record)

    def change_role(self, user: User, role: str, record: AuditRecord, admin: str | None = None) -> None:
        """Raises RowChanged if the user is no longer as it was read, or `admin` is no admin any more."""
        with conflicts(), transaction(UserRow) as writes:
            if admin is not None:
                _check_admin(writes, admin)
            row = UserRow(user.principal.name)
            writes.update(row, [UserRow.role.set(role)], condition=_is_as_read(user))
            self._audit.write(writes, record)

    def remove(self, user: User, record: AuditRecord | None = None, admin: str | None = None) -> None:
        """Raises RowChanged if the user is no longer as it was read, or `admin` is no admin any more."""
        with conflicts(), transaction(UserRow) as writes:
            if admin is not None:
                _check_admin(writes, admin)
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
        row.identity = user.identity
        with conflicts(), transaction(UserRow) as writes:
            writes.save(row, condition=condition)
            self._audit.write(writes, record)


def _session_values(session: UserSession) -> dict[str, Any]:
    values = {"address": session.address, "browser": session.browser}
    return {**values, "began_at": _microseconds(session.began_at), "seen_at": _microseconds(session.seen_at)}


def _session(session_id: str, values: Any) -> UserSession:
    began_at, seen_at = (EPOCH + timedelta(microseconds=values[name]) for name in ("began_at", "seen_at"))
    return UserSession(session_id, began_at, seen_at, values["address"], values["browser"])


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _check_admin(writes: TransactWrite, name: str) -> None:
    """Two admins cannot remove each other at the same moment."""
    writes.condition_check(UserRow, name, condition=UserRow.role == ADMIN)


def _is_as_read(user: User) -> Condition:
    """The end of sessions may have moved meanwhile."""
    is_as_read: Condition = (UserRow.password == user.password) & (UserRow.role == user.principal.role)
    return is_as_read
