"""Pages of tokens: a token is shown once, when it is made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalice.app import Response

from ..access.tokens import find_token, make_token, revoke_token
from ..domain.principal import ROLES
from ..errors import BadInput
from ..http.paging import answer_page, read_page
from .page_requests import PageRequest

LIST_LENGTH = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def list_(request: PageRequest) -> Response:
    return _page(request)


def create(request: PageRequest) -> Response:
    try:
        token = make_token(request.services, request.field("name"), request.field("role"), request.author)
    except BadInput as refused:
        return _page(request, status_code=400, errors=refused.body, name=request.field("name"))
    return _page(request, made=token, name=request.field("name"))


def ask_revoke(request: PageRequest, digest: str) -> Response:
    return request.page("token_question.html", token=find_token(request.services, digest))


def revoke(request: PageRequest, digest: str) -> Response:
    revoke_token(request.services, digest, request.author)
    return request.go("/console/tokens", done="revoked")


def _page(
    request: PageRequest, status_code: int = 200, made: str | None = None, name: str = "", errors: object = None
) -> Response:
    page = read_page(request.query, numbers=1, default=LIST_LENGTH)
    before = EPOCH + timedelta(microseconds=page.place[0]) if page.place else None
    tokens = request.services.tokens.newest(page.limit, before)
    place = ((tokens[-1].created_at - EPOCH) // timedelta(microseconds=1),) if len(tokens) == page.limit else None
    return request.page(
        "tokens.html",
        status_code,
        tokens=tokens,
        next=answer_page(request.prefix + request.path, {}, page, place, [])["next"],
        roles=ROLES,
        made=made,
        name=name,
        errors=errors or {},
        done=request.query.get("done"),
    )
