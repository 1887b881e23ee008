"""Sessions: a signed cookie names the user and the session, and a signed token in each form protects against CSRF.

The row of the user has what is known of the session, so that it can be listed and ended: access/sessions.py.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..access.sessions import SESSION_LIFE, session_id, user_of_session
from ..access.sessions import begin_session as begin
from ..adapters.services import Services
from ..domain.principal import User

if TYPE_CHECKING:
    from itsdangerous import URLSafeSerializer

COOKIE = "session"


@dataclass(frozen=True)
class Session:
    """`nonce` is random per session. The cookie holds it, and the form token too, signed."""

    user: User
    nonce: str

    @property
    def id(self) -> str:
        return session_id(self.nonce)


def begin_session(services: Services, user: User, address: str, user_agent: str) -> str:
    """Returns the value of the session cookie. Raises NotAuthenticated if the user is removed meanwhile."""
    nonce = secrets.token_urlsafe(12)
    began_at = begin(services, user, nonce, address, user_agent)
    return sign(services, COOKIE, [user.principal.name, int(began_at.timestamp() * 1_000_000), nonce])


def sign(services: Services, cookie: str, values: list[Any]) -> str:
    """The value of this cookie. It can be read by the browser, and holds as this cookie only."""
    return str(_signer(services, cookie).dumps(values))


def read_signed(services: Services, cookie: str, cookies: str | None) -> Any:
    """The values of this cookie in a Cookie header; None if it is missing or its signature is wrong."""
    value = find_cookie(cookies, cookie)
    return _loads(services, cookie, value) if value else None


def read_session(services: Services, cookies: str | None) -> Session | None:
    """Reads the session of a Cookie header. Returns None if it is missing, invalid or expired."""
    found = read_signed(services, COOKIE, cookies)
    if found is None:
        return None
    name, started, nonce = found
    user = user_of_session(services, name, datetime.fromtimestamp(started / 1_000_000, UTC), session_id(nonce))
    return Session(user, nonce) if user else None


def cookie_header(
    value: str, path: str, is_secure: bool, name: str = COOKIE, seconds: float = SESSION_LIFE.total_seconds()
) -> str:
    """SameSite=Lax: links in emails send the cookie, forms of other sites do not. An empty value removes it."""
    age = int(seconds) if value else 0
    return f"{name}={value}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax" + ("; Secure" if is_secure else "")


def form_token(services: Services, session: Session) -> str:
    """A token that differs on each page: API Gateway compresses pages, and their size could give away a constant token.

    Source: the attack BREACH (CVE-2013-3587).
    """
    return str(_signer(services, "form").dumps([secrets.token_urlsafe(9), session.nonce]))


def is_form_token(services: Services, session: Session, value: str) -> bool:
    found: Any = _loads(services, "form", value)
    return isinstance(found, list) and found[1:] == [session.nonce]


def find_cookie(header: str | None, wanted: str = COOKIE) -> str | None:
    """The first cookie with this name in a Cookie header, by RFC 6265, 5.4. Skips pairs that are no cookies.

    http.cookies stops at such a pair, and takes quadratic time for backslashes in Python 3.11.
    """
    for pair in (header or "").split(";"):
        name, sign, value = pair.partition("=")
        if sign and name.strip(" \t") == wanted:
            return value.strip(" \t").removeprefix('"').removesuffix('"')
    return None


def _loads(services: Services, salt: str, value: str) -> Any:
    from itsdangerous import BadData

    try:
        return _signer(services, salt).loads(value)
    except BadData:
        return None


def _signer(services: Services, salt: str) -> URLSafeSerializer:
    """itsdangerous is imported here to keep it out of the cold start of API calls."""
    from itsdangerous import URLSafeSerializer

    options = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeSerializer(services.session_key.value(), salt=salt, signer_kwargs=options)
