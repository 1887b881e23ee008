"""Pages of tokens: a token is shown once, when it is made."""

from __future__ import annotations

import re

from chalice.app import Response

from ..access import make_token, revoke_token
from ..domain.principal import ROLES
from ..errors import BadInput, NotFound
from .visits import Visit

LIST_LENGTH = 200
DIGEST = re.compile(r"[0-9a-f]{64}")


def list_(visit: Visit) -> Response:
    return _page(visit)


def create(visit: Visit) -> Response:
    try:
        token = make_token(visit.outside, visit.field("name"), visit.field("role"), visit.author)
    except BadInput as refused:
        return _page(visit, status_code=400, errors=refused.body, name=visit.field("name"))
    return _page(visit, made=token, name=visit.field("name"))


def ask_revoke(visit: Visit, digest: str) -> Response:
    token = visit.outside.tokens.find(digest) if DIGEST.fullmatch(digest) else None
    if token is None:
        raise NotFound
    return visit.page("token_question.html", token=token)


def revoke(visit: Visit, digest: str) -> Response:
    revoke_token(visit.outside, digest, visit.author)
    return visit.go("/console/tokens", done="revoked")


def _page(
    visit: Visit, status_code: int = 200, made: str | None = None, name: str = "", errors: object = None
) -> Response:
    return visit.page(
        "tokens.html",
        status_code,
        tokens=visit.outside.tokens.newest(LIST_LENGTH),
        roles=ROLES,
        made=made,
        name=name,
        errors=errors or {},
        done=visit.query.get("done"),
    )
