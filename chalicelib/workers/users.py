"""Invoked by a person (`aws lambda invoke`): make and remove users of the console."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from ..access.audit import MANAGE_USERS
from ..access.names import author_by_hand
from ..access.users import make_user, remove_user
from ..errors import Refusal
from ..runtime import begin_invocation, logging_errors
from .payloads import A_ROLE

worker = Blueprint(__name__)


@worker.lambda_function(name=MANAGE_USERS)
@logging_errors
def manage_users(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"make": "anna", "role": "admin"}` answers with a new password. `{"remove": "anna"}` removes the user.

    `"by": "boris"` beside either names the person in the audit log.
    """
    services = begin_invocation(context)
    try:
        match event:
            case {"make": str(name), **rest} if rest.keys() <= {"role", "by"}:
                author = author_by_hand(services, MANAGE_USERS, rest.get("by"))
                return {"password": make_user(services, name, rest.get("role", "read"), author)}
            case {"remove": str(name), **rest} if rest.keys() <= {"by"}:
                remove_user(services, name, author_by_hand(services, MANAGE_USERS, rest.get("by")))
                return {"removed": True}
    except Refusal as refusal:
        return refusal.body
    return {"detail": f'{{"make": "name", "role": {A_ROLE}}} or {{"remove": "name"}} is expected.'}
