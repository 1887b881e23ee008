"""People who use the console: signing in and out, and making users."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..domain.password import MAX_PASSWORD_LENGTH, hash_password, password_matches
from ..domain.principal import Principal, User
from ..errors import BadInput, NotAuthenticated, NotFound, RowChanged, TooManyAttempts
from ..texts import Text
from .tokens import digest, require_role

if TYPE_CHECKING:
    from ..adapters.services import Services

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
SESSION_LIFE = timedelta(hours=12)
SALT_BYTES = 16

STRETCH = timedelta(minutes=15)
MOST_ATTEMPTS = {"address": 50, "user from address": 10, "user": 200}
"""In one stretch of time, the successful ones included: a right password is not known before it is tried. That of a
user from anywhere is high, so that a stranger with one address locks nobody out."""

LOCAL_USER_DIGEST = "aacdc0b6ce21154b87b9321ee2fcee6d14ecaf14b6e089846432af179c9e0de0"
"""Of the name and password that are published in the contract: they open the local stage and no other."""

NOBODY = "scrypt$14$8$5$AAAAAAAAAAAAAAAAAAAAAA==$" + "A" * 43 + "="
"""No password has this hash; looking for it takes as long as looking at a known user's."""


def make_user(services: Services, name: str, role: str) -> str:
    """A user with a new password, shown this once; of one that is known both are replaced, and sessions end."""
    password = secrets.token_urlsafe(15)
    set_user(services, name, role, password)
    return password


def set_user(services: Services, name: str, role: str, password: str) -> None:
    require_role(role)
    if not NAME.fullmatch(name):
        raise BadInput({"name": [Text("access.user_name")]})
    hashed = hash_password(password, secrets.token_bytes(SALT_BYTES))
    services.users.put(User(Principal(name, role), hashed, services.clock.now()))


def remove_user(services: Services, name: str) -> None:
    try:
        services.users.remove(name)
    except RowChanged as unknown:
        raise NotFound(Text("access.no_such_user")) from unknown


def sign_in(services: Services, name: str, password: str, address: str) -> User:
    """Raises NotAuthenticated, and TooManyAttempts before the password is looked at."""
    _count_attempt(services, "address", address)
    _count_attempt(services, "user from address", f"{name}\n{address}")
    _count_attempt(services, "user", name)
    is_published = digest(f"{name}:{password}") == LOCAL_USER_DIGEST
    user = services.users.find(name) if NAME.fullmatch(name) else None
    is_right = password_matches(password[: MAX_PASSWORD_LENGTH + 1], user.password if user else NOBODY)
    if user is None or not is_right or (is_published and not services.settings.is_local):
        raise NotAuthenticated(Text("access.sign_in"))
    return user


def user_of_session(services: Services, name: str, began: datetime) -> User | None:
    """None when the session is over: by its age, by signing out, by a new password, or the user is gone."""
    if began <= services.clock.now() - SESSION_LIFE:
        return None
    user = services.users.find(name)
    return user if user and began >= user.sessions_from else None


def sign_out(services: Services, name: str) -> None:
    """Every session of theirs, wherever it is."""
    try:
        services.users.end_sessions(name, services.clock.now())
    except RowChanged as unknown:
        raise NotFound(Text("access.no_such_user")) from unknown


def _count_attempt(services: Services, kind: str, name: str) -> None:
    now = services.clock.now()
    stretch = int(now.timestamp() // STRETCH.total_seconds())
    ends = datetime.fromtimestamp((stretch + 1) * STRETCH.total_seconds(), UTC)
    number = services.users.count_attempt(f"{kind}#{digest(name)}#{stretch}", ends)
    if number > MOST_ATTEMPTS[kind]:
        raise TooManyAttempts(int((ends - now).total_seconds()) + 1)
