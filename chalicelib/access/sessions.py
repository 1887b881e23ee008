"""Sessions of users in the console: begin, check, list and end them.

The row of a user has the user's sessions, so that a page request reads both at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..domain.audit_record import Author
from ..domain.principal import User
from ..domain.user_session import UserSession, browser_of
from ..errors import NotAuthenticated, NotFound, RowChanged
from ..texts import Text
from .audit import author_of
from .tokens import digest

if TYPE_CHECKING:
    from ..adapters.services import Services

SESSION_LIFE = timedelta(hours=12)
MOST_SESSIONS = 50
"""Of one user. A further sign-in ends the oldest. A session takes a quarter of a kilobyte in the row that each page
request reads."""

SEEN_RECORDED_EVERY = timedelta(minutes=10)
ID_LENGTH = 32

SIGNED_OUT, SIGNED_OUT_EVERYWHERE, SESSION_ENDED = "signed out", "signed out everywhere", "session ended"


def session_id(secret: str) -> str:
    """What is stored and shown of a session, whose `secret` is in the cookie alone."""
    return digest("session", secret)[:ID_LENGTH]


def begin_session(services: Services, user: User, secret: str, address: str, user_agent: str) -> datetime:
    """Returns the moment at which the session began. Raises NotAuthenticated if the user is removed meanwhile."""
    now = services.clock.now()
    session = UserSession(session_id(secret), now, now, address, browser_of(user_agent))
    kept = {one.id for one in sessions_of(services, user)[: MOST_SESSIONS - 1]}
    try:
        services.users.begin_session(user.principal.name, session, [one for one in user.sessions if one not in kept])
    except RowChanged as error:
        raise NotAuthenticated(Text("access.sign_in")) from error
    return now


def user_of_session(services: Services, name: str, began_at: datetime, id_: str) -> User | None:
    """Returns None if the session is too old or has ended, or if the user has a new password or was removed."""
    now = services.clock.now()
    if began_at <= now - SESSION_LIFE:
        return None
    user = services.users.find(name)
    session = user.sessions.get(id_) if user else None
    if user is None or session is None or began_at < user.sessions_from:
        return None
    if now - session.seen_at < SEEN_RECORDED_EVERY:
        return user
    try:
        services.users.see_session(name, id_, now)
    except RowChanged:  # it has ended meanwhile
        return None
    return user


def sessions_of(services: Services, user: User) -> list[UserSession]:
    """Those that have not ended, the latest first."""
    since = services.clock.now() - SESSION_LIFE
    valid = [one for one in user.sessions.values() if one.began_at > since and one.began_at >= user.sessions_from]
    return sorted(valid, key=lambda one: one.began_at, reverse=True)


def end_session(services: Services, name: str, id_: str, author: Author, action: str = SESSION_ENDED) -> None:
    """End one session of the user `name`. Raises NotFound."""
    user = services.users.find(name)
    session = user.sessions.get(id_) if user else None
    if session is None:
        raise NotFound(Text("access.no_such_session"))
    before = {"address": session.address, "browser": session.browser}
    try:
        services.users.end_session(name, id_, author.record("user", name, before, None, action))
    except RowChanged as error:
        raise NotFound(Text("access.no_such_session")) from error


def sign_out(services: Services, name: str, id_: str) -> None:
    """End this session of the user. Raises NotFound."""
    end_session(services, name, id_, author_of(services, name), SIGNED_OUT)


def end_all_sessions(services: Services, name: str, author: Author) -> None:
    """End all sessions of the user, on every device. Raises NotFound."""
    record = author.record("user", name, None, None, SIGNED_OUT_EVERYWHERE)
    try:
        services.users.end_sessions(name, services.clock.now(), record)
    except RowChanged as error:
        raise NotFound(Text("access.no_such_user")) from error
