"""Tokens: who may come in, and making and revoking them."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING

from .domain.principal import ROLES, Principal
from .errors import BadInput, NotAuthenticated, NotFound, RowChanged

if TYPE_CHECKING:
    from .adapters.outside import Outside

LOCAL_TOKEN_DIGEST = "a86a3116addba6c5d830ab44ccaed3f081e25b7c387b12032facf833d6a88f38"  # noqa: S105
AUTHORIZATION = re.compile(r"[Tt]oken ([0-9a-f]{40})")


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def authenticate(outside: Outside, authorization: str | None) -> Principal:
    """Whose `Authorization: Token <40 hex characters>` this is; raises NotAuthenticated.

    The token that is published in the contract opens the local stage and no other.
    """
    if not authorization:
        raise NotAuthenticated
    match = AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise NotAuthenticated('Invalid token header: "Token" and 40 hex characters are expected.')
    token_digest = digest(match[1])
    if token_digest == LOCAL_TOKEN_DIGEST and not outside.settings.is_local:
        raise NotAuthenticated("Invalid token.")
    principal = outside.tokens.find(token_digest)
    if principal is None:
        raise NotAuthenticated("Invalid token.")
    return principal


def make_token(outside: Outside, name: str, role: str) -> str:
    """A new token, shown this once and stored only as its digest."""
    if role not in ROLES:
        raise BadInput({"role": [f'"{role}" is not a valid choice: {" or ".join(ROLES)} is expected.']})
    token = secrets.token_hex(20)
    outside.tokens.add(digest(token), Principal(name, role), outside.clock.now())
    return token


def revoke_token(outside: Outside, token: str) -> None:
    try:
        outside.tokens.revoke(digest(token), outside.clock.now())
    except RowChanged as unknown:
        raise NotFound("There is no such token.") from unknown
