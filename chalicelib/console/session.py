"""Who is signed in: a signed cookie that names the user, and a token in every form that only our pages have."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from ..access.users import SESSION_LIFE, user_of_session
from ..adapters.services import Services
from ..domain.principal import User

if TYPE_CHECKING:
    from itsdangerous import URLSafeSerializer

COOKIE = "session"


@dataclass(frozen=True)
class Session:
    """`nonce` is its own: the token in its forms is made of it."""

    user: User
    nonce: str


def begin_session(services: Services, user: User) -> str:
    """The cookie's value."""
    began = int(services.clock.now().timestamp() * 1_000_000)
    value = _signer(services, COOKIE).dumps([user.principal.name, began, secrets.token_urlsafe(12)])
    return str(value)


def read_session(services: Services, cookies: str | None) -> Session | None:
    """Of a request's Cookie header; None when there is none, it is not ours, or it is over."""
    value = _cookie(cookies)
    found: Any = _loads(services, COOKIE, value) if value else None
    if found is None:
        return None
    name, began, nonce = found
    user = user_of_session(services, name, datetime.fromtimestamp(began / 1_000_000, UTC))
    return Session(user, nonce) if user else None


def cookie_header(value: str, path: str, is_secure: bool) -> str:
    """Lax: a link from a letter finds the user signed in; another site's form does not. An empty value signs out."""
    age = int(SESSION_LIFE.total_seconds()) if value else 0
    return f"{COOKIE}={value}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax" + ("; Secure" if is_secure else "")


def form_token(services: Services, session: Session) -> str:
    return str(_signer(services, "form").dumps(session.nonce))


def is_form_token(services: Services, session: Session, sent: str) -> bool:
    return bool(_loads(services, "form", sent) == session.nonce)


def _cookie(header: str | None) -> str | None:
    try:
        morsel = SimpleCookie(header or "").get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _loads(services: Services, salt: str, value: str) -> Any:
    from itsdangerous import BadData

    try:
        return _signer(services, salt).loads(value)
    except BadData:
        return None


def _signer(services: Services, salt: str) -> URLSafeSerializer:
    """Imported here, so that a call of the API does not pay for it."""
    from itsdangerous import URLSafeSerializer

    how = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeSerializer(services.session_key.value(), salt=salt, signer_kwargs=how)
