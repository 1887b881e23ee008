"""Users of the console: sign in, make and remove users."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from ..domain.audit_record import Author
from ..domain.password import MAX_PASSWORD_LENGTH
from ..domain.principal import Principal, User
from ..errors import BadInput, NotAllowed, NotAuthenticated, NotFound, RowChanged, TooManyAttempts
from ..logs import log
from ..representation import represent_user
from ..retries import retry_lost_races
from ..texts import Text
from .audit import author_of
from .names import USER_NAME, require_free_name, require_user_name
from .sign_in_attempts import ADDRESS, USER_FROM_ADDRESS, SignInAttempt
from .tokens import digest, require_role

if TYPE_CHECKING:
    from ..adapters.services import Services

SALT_BYTES = 16
PASSWORD_BYTES = 15

NEW_PASSWORD = "new password"  # noqa: S105
"""The audit's action for a user that gets a new password, and perhaps a new role."""

SIGNED_IN = "signed in"

LOCAL_USER_DIGEST = "aacdc0b6ce21154b87b9321ee2fcee6d14ecaf14b6e089846432af179c9e0de0"
"""The digest of the name and password that the contract publishes. They are valid on the local stage only."""


def make_user(services: Services, name: str, role: str, author: Author | None = None) -> str:
    """Returns the new password of a new or an existing user. It cannot be shown again. Raises BadInput."""
    require_user_name(name)
    if services.users.find(name) is None:
        require_free_name(services, name)
    password = _new_password()
    set_user(services, name, role, password, author)
    return password


def add_user(services: Services, name: str, role: str, author: Author) -> str:
    """Returns the password of a new user. Raises BadInput, also if there is a user with this name."""
    require_role(role)
    require_user_name(name)
    require_free_name(services, name)
    password = _new_password()
    user = _with_password(services, name, role, password)
    try:
        services.users.add(user, author.record("user", name, None, represent_user(user)))
    except RowChanged as error:
        raise BadInput({"name": [Text("access.name_of_user")]}) from error
    return password


def renew_password(services: Services, name: str, author: Author) -> str:
    """Returns the new password of a user, whose sessions end. Raises NotFound, BadInput."""
    password = _new_password()
    user = find_user(services, name)
    _require_password(user)
    set_user(services, name, user.principal.role, password, author)
    return password


def change_role(services: Services, name: str, role: str, author: Author) -> None:
    """By an admin in the console. The role holds in sessions that have begun, too.

    Raises BadInput, NotFound, NotAllowed.
    """
    require_role(role)

    def change() -> None:
        _require_admin(services, author, of=name)
        user = find_user(services, name)
        _require_password(user)
        if user.principal.role == role:
            return
        changed = replace(user, principal=Principal(name, role))
        record = author.record("user", name, represent_user(user), represent_user(changed))
        services.users.change_role(user, role, record, admin=author.name)

    retry_lost_races(services.clock, change)


def set_user(services: Services, name: str, role: str, password: str, author: Author | None = None) -> None:
    """Make a user, or replace the role and password of an existing one and end its sessions. Raises BadInput."""
    require_role(role)
    user = _with_password(services, name, role, password)
    retry_lost_races(services.clock, lambda: _write_user(services, user, author))


def remove_user(services: Services, name: str, author: Author | None = None, by_admin: bool = False) -> None:
    """`by_admin`: the author is an admin in the console, who stays: so the last admin cannot be removed there.

    Raises NotFound; by an admin also BadInput, NotAllowed.
    """

    def remove() -> None:
        if author and by_admin:
            _require_admin(services, author, of=name)
        user = find_user(services, name)
        record = author.record("user", name, represent_user(user), None) if author else None
        services.users.remove(user, record, admin=author.name if author and by_admin else None)

    retry_lost_races(services.clock, remove)


def find_user(services: Services, name: str) -> User:
    """Raises NotFound."""
    user = _find_user(services, name)
    if user is None:
        raise NotFound(Text("access.no_such_user"))
    return user


def sign_in(services: Services, name: str, password: str, address: str) -> User:
    """Raises NotAuthenticated, or TooManyAttempts before the password is checked. NotAllowed if passwords are off.

    An attempt counts before the password is checked, so that attempts at the same moment cannot pass a limit. The right
    password takes it back. The audit log has the sign-in before it takes effect; refused ones are in the service's log
    only, because anyone can make them.
    """
    if services.settings.oidc_only:
        raise NotAllowed(Text("openid.only"))
    user = _find_user(services, name)
    attempt = SignInAttempt.begin(services, {ADDRESS: address, USER_FROM_ADDRESS: f"{name}\n{address}"})
    if attempt.is_above_limit:
        _log_refusal(user, "attempts")
        raise TooManyAttempts(attempt.seconds_left)
    is_published = digest(f"{name}:{password}") == LOCAL_USER_DIGEST
    is_valid = services.passwords.match(
        password[: MAX_PASSWORD_LENGTH + 1], user.password if user and user.identity is None else None
    )
    if user is None or not is_valid or (is_published and not services.settings.is_local):
        _log_refusal(user, "password")
        raise NotAuthenticated(Text("access.sign_in"))
    attempt.take_back(services)
    record_sign_in(services, name, address)
    return user


def record_sign_in(services: Services, name: str, address: str) -> None:
    services.audit.add(author_of(services, name).record("user", name, None, {"address": address}, SIGNED_IN))


def _write_user(services: Services, user: User, author: Author | None) -> None:
    name, after = user.principal.name, represent_user(user)
    earlier = services.users.find(name)
    if earlier is None:
        services.users.add(user, author.record("user", name, None, after) if author else None)
        return
    before = represent_user(earlier)
    services.users.change(earlier, user, author.record("user", name, before, after, NEW_PASSWORD) if author else None)


def _new_password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)


def _with_password(services: Services, name: str, role: str, password: str) -> User:
    hashed = services.passwords.hash(password, secrets.token_bytes(SALT_BYTES))
    return User(Principal(name, role), hashed, services.clock.now())


def _require_password(user: User) -> None:
    """A user of the identity provider has the role that the provider says, and no password. Raises BadInput."""
    if user.identity is not None:
        raise BadInput.of_request(Text("openid.of_provider"))


def _require_admin(services: Services, author: Author, of: str) -> None:
    """The author is still an admin, and another user than `of`. Raises BadInput, NotAllowed."""
    if author.name == of:
        raise BadInput.of_request(Text("access.not_oneself"))
    admin = services.users.find(author.name)
    if admin is None or not admin.principal.is_admin:
        raise NotAllowed(Text("access.admins_alone"))


def _find_user(services: Services, name: str) -> User | None:
    return services.users.find(name) if USER_NAME.fullmatch(name) else None


def _log_refusal(user: User | None, reason: str) -> None:
    """Names existing users only: another name may be a password in the wrong field."""
    log.warning("sign-in refused", extra={"user": user.principal.name if user else None, "reason": reason})
