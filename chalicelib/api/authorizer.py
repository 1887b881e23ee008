"""The TOKEN authorizer of API Gateway: it checks the token and returns the name and the role of its holder."""

from __future__ import annotations

from chalice.app import AuthRequest, AuthResponse, Blueprint

from ..access.tokens import authenticate
from ..errors import NotAuthenticated
from ..runtime import logging_errors, services

authorizer = Blueprint(__name__)

TTL_SECONDS = 60
"""A revoked token is accepted until API Gateway's cache entry expires."""


@authorizer.authorizer(name="token_auth", ttl_seconds=TTL_SECONDS)
@logging_errors
def token_auth(request: AuthRequest) -> AuthResponse:
    """Allows every route, because API Gateway caches the answer per token. The API checks the role itself."""
    try:
        principal = authenticate(services(), request.token)
    except NotAuthenticated:
        return AuthResponse(routes=[], principal_id="nobody")
    context = {"name": principal.name, "role": principal.role}
    return AuthResponse(routes=["*"], principal_id=principal.name, context=context)
