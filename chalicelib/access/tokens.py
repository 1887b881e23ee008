"""Tokens: who may come in, and making and revoking them."""

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

if TYPE_CHECKING:
    from ..adapters.services import Services

LOCAL_TOKEN_DIGEST = "a86a3116addba6c5d830ab44ccaed3f081e25b7c387b12032facf833d6a88f38"  # noqa: S105
AUTHORIZATION = re.compile(r"[Tt]oken ([0-9a-f]{40})")
DIGEST = re.compile(r"[0-9a-f]{64}")
LONGEST_NAME = 64

USE_NOTED_EVERY = timedelta(minutes=10)
"""When a token was last used is known to so many minutes: a write for each call would cost more than the call."""


def digest(*parts: str) -> str:
    """SHA-256: what a secret is stored as, and a name of fixed length for what may be long, or nobody's business."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def authenticate(services: Services, authorization: str | None) -> Principal:
    """Whose `Authorization: Token <40 hex characters>` this is; raises NotAuthenticated.

    The token that is published in the contract opens the local stage and no other.
    """
    if not authorization:
        raise NotAuthenticated
    match = AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise NotAuthenticated(Text("access.token_header"))
    token_digest = digest(match[1])
    if token_digest == LOCAL_TOKEN_DIGEST and not services.settings.is_local:
        raise NotAuthenticated(Text("access.token"))
    token = services.tokens.find(token_digest)
    if token is None or token.revoked_at:
        raise NotAuthenticated(Text("access.token"))
    _note_use(services, token)
    return token.principal


def make_token(services: Services, name: str, role: str, author: Author | None = None) -> str:
    """A new token, shown this once and stored only as its digest."""
    require_role(role)
    if not name.strip() or len(name) > LONGEST_NAME:
        raise BadInput({"name": [Text("access.token_name", most=LONGEST_NAME)]})
    token = secrets.token_hex(20)
    made = Token(digest(token), Principal(name.strip(), role), services.clock.now())
    record = author.record("token", made.digest[:8], None, represent_token(made)) if author else None
    services.tokens.add(made, record)
    return token


def revoke_token(services: Services, token_digest: str, author: Author | None = None) -> None:
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


def _note_use(services: Services, token: Token) -> None:
    now = services.clock.now()
    if token.last_used_at is not None and now - token.last_used_at < USE_NOTED_EVERY:
        return
    try:
        services.tokens.mark_used(token.digest, now)
    except RowChanged as gone:
        raise NotAuthenticated(Text("access.token")) from gone
