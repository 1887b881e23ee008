"""Pages of tokens: a token is shown once, when it is made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalice.app import Response

from ..access.tokens import find_token, make_token, revoke_token
from ..domain.principal import ROLES
from ..errors import BadInput
from ..http.paging import answer_page, read_page
from .visits import Visit

LIST_LENGTH = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def list_(visit: Visit) -> Response:
    return _page(visit)


def create(visit: Visit) -> Response:
    try:
        token = make_token(visit.outside, visit.field("name"), visit.field("role"), visit.author)
    except BadInput as refused:
        return _page(visit, status_code=400, errors=refused.body, name=visit.field("name"))
    return _page(visit, made=token, name=visit.field("name"))


def ask_revoke(visit: Visit, digest: str) -> Response:
    return visit.page("token_question.html", token=find_token(visit.outside, digest))


def revoke(visit: Visit, digest: str) -> Response:
    revoke_token(visit.outside, digest, visit.author)
    return visit.go("/console/tokens", done="revoked")


def _page(
    visit: Visit, status_code: int = 200, made: str | None = None, name: str = "", errors: object = None
) -> Response:
    page = read_page(visit.query, numbers=1, default=LIST_LENGTH)
    before = EPOCH + timedelta(microseconds=page.place[0]) if page.place else None
    tokens = visit.outside.tokens.newest(page.limit, before)
    place = ((tokens[-1].created_at - EPOCH) // timedelta(microseconds=1),) if len(tokens) == page.limit else None
    return visit.page(
        "tokens.html",
        status_code,
        tokens=tokens,
        next=answer_page(visit.prefix + visit.path, {}, page, place, [])["next"],
        roles=ROLES,
        made=made,
        name=name,
        errors=errors or {},
        done=visit.query.get("done"),
    )
