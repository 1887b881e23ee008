"""Invoked by a person (`aws lambda invoke`): make and revoke tokens."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from ..access.audit import MANAGE_TOKENS
from ..access.names import author_by_hand
from ..access.tokens import digest, make_token, revoke_token
from ..errors import Refusal
from ..runtime import begin_invocation, logging_errors
from .payloads import A_ROLE

worker = Blueprint(__name__)


@worker.lambda_function(name=MANAGE_TOKENS)
@logging_errors
def manage_tokens(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"make": "name", "role": "admin"}` answers with a new token. `{"revoke": "<token>"}` revokes a token.

    `"by": "anna"` beside either names the person in the audit log.
    """
    services = begin_invocation(context)
    try:
        match event:
            case {"make": str(name), **rest} if rest.keys() <= {"role", "by"}:
                author = author_by_hand(services, MANAGE_TOKENS, rest.get("by"))
                return {"token": make_token(services, name, rest.get("role", "read"), author)}
            case {"revoke": str(token), **rest} if rest.keys() <= {"by"}:
                revoke_token(services, digest(token), author_by_hand(services, MANAGE_TOKENS, rest.get("by")))
                return {"revoked": True}
    except Refusal as refusal:
        return refusal.body
    return {"detail": f'{{"make": "name", "role": {A_ROLE}}} or {{"revoke": "token"}} is expected.'}
