"""The Lambda that API Gateway asks who calls. It knows tokens and nothing else."""

from __future__ import annotations

from chalice.app import AuthRequest, AuthResponse, Blueprint

from ..access.tokens import authenticate
from ..errors import NotAuthenticated
from ..runtime import logging_errors, services

authorizer = Blueprint(__name__)

TTL_SECONDS = 60
"""A revoked token lives on for so long."""


@authorizer.authorizer(name="token_auth", ttl_seconds=TTL_SECONDS)
@logging_errors
def token_auth(request: AuthRequest) -> AuthResponse:
    """API Gateway caches the answer by token, so it allows every address; what a role may, the API decides."""
    try:
        principal = authenticate(services(), request.token)
    except NotAuthenticated:
        return AuthResponse(routes=[], principal_id="nobody")
    context = {"name": principal.name, "role": principal.role}
    return AuthResponse(routes=["*"], principal_id=principal.name, context=context)
