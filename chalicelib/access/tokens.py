"""API tokens: authenticate a caller by a token, make and revoke tokens."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from ..domain.audit_record import Author
from ..domain.principal import ROLES, Principal, Token
from ..errors import BadInput, NotAuthenticated, NotFound, RowChanged
from ..representation import represent_token
from ..texts import Text, either
from .names import read_token_name

if TYPE_CHECKING:
    from ..adapters.services import Services

LOCAL_TOKEN_DIGEST = "a86a3116addba6c5d830ab44ccaed3f081e25b7c387b12032facf833d6a88f38"  # noqa: S105
AUTHORIZATION = re.compile(r"[Tt]oken ([0-9a-f]{40})")
DIGEST = re.compile(r"[0-9a-f]{64}")

USE_RECORDED_EVERY = timedelta(minutes=10)
"""The precision of a token's last use. A write for each call would cost more than the call."""


def digest(*parts: str) -> str:
    """SHA-256 in hexadecimal: the stored form of a secret, and a key of fixed length for long or private values."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def authenticate(services: Services, authorization: str | None) -> Principal:
    """Returns the principal of an `Authorization: Token <40 hex characters>` header. Raises NotAuthenticated.

    The token that the contract publishes is valid on the local stage only.
    """
    token_digest = digest_of_header(authorization)
    if token_digest == LOCAL_TOKEN_DIGEST and not services.settings.is_local:
        raise NotAuthenticated(Text("access.token"))
    token = services.tokens.find(token_digest)
    if token is None or token.revoked_at:
        raise NotAuthenticated(Text("access.token"))
    _record_use(services, token)
    return token.principal


def digest_of_header(authorization: str | None) -> str:
    """The digest of the token in an Authorization header, known or not. Raises NotAuthenticated."""
    if not authorization:
        raise NotAuthenticated
    match = AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise NotAuthenticated(Text("access.token_header"))
    return digest(match[1])


def make_token(services: Services, name: str, role: str, author: Author | None = None) -> str:
    """Returns a new token. Only its digest is stored, so the token cannot be shown again. Raises BadInput."""
    require_role(role)
    principal = Principal(read_token_name(services, name), role)
    secret = secrets.token_hex(20)
    token = Token(digest(secret), principal, services.clock.now())
    record = author.record("token", token.digest[:8], None, represent_token(token)) if author else None
    services.tokens.add(token, record)
    return secret


def revoke_token(services: Services, token_digest: str, author: Author | None = None) -> None:
    """Raises NotFound. A token that is already revoked stays as it is."""
    token = find_token(services, token_digest)
    if token.revoked_at is None:
        record = author.record("token", token_digest[:8], represent_token(token), None, "revoked") if author else None
        services.tokens.revoke(token_digest, services.clock.now(), record)


def find_token(services: Services, token_digest: str) -> Token:
    token = services.tokens.find(token_digest) if DIGEST.fullmatch(token_digest) else None
    if token is None:
        raise NotFound(Text("access.no_such_token"))
    return token


def require_role(role: str) -> None:
    if role not in ROLES:
        raise BadInput({"role": [Text("access.role", given=role, choices=either(ROLES))]})


def _record_use(services: Services, token: Token) -> None:
    now = services.clock.now()
    if token.last_used_at is not None and now - token.last_used_at < USE_RECORDED_EVERY:
        return
    try:
        services.tokens.mark_used(token.digest, now)
    except RowChanged as error:
        raise NotAuthenticated(Text("access.token")) from error
