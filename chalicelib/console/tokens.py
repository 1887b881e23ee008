"""Pages of tokens. A token is shown once, right after it is created."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalice.app import Response

from ..access.tokens import find_token, make_token, revoke_token
from ..domain.principal import ROLES
from ..errors import BadInput
from .page_requests import PageRequest
from .restricted_pages import for_writers

LIST_LENGTH = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MOMENT = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
"""Microseconds since EPOCH. The cursor of this list is the moment at which a token was made."""


def list_(request: PageRequest) -> Response:
    return _page(request)


def create(request: PageRequest) -> Response:
    try:
        token = make_token(request.services, request.field("name"), request.field("role"), request.author)
    except BadInput as refusal:
        return _page(request, status_code=400, errors=refusal.errors, name=request.field("name"))
    return _page(request, new_token=token, name=request.field("name"))


@for_writers
def confirm_revoke(request: PageRequest, digest: str) -> Response:
    return request.page("token_question.html", token=find_token(request.services, digest))


def revoke(request: PageRequest, digest: str) -> Response:
    revoke_token(request.services, digest, request.author)
    return request.redirect("/console/tokens", done="revoked")


def _page(
    request: PageRequest, status_code: int = 200, new_token: str | None = None, name: str = "", errors: object = None
) -> Response:
    page = request.list_page(numbers=1, length=LIST_LENGTH, highest=LAST_MOMENT)
    before = None if page.number is None else EPOCH + timedelta(microseconds=page.number)
    tokens = request.services.tokens.newest(page.limit, before)
    is_last = len(tokens) < page.limit
    next_position = None if is_last else ((tokens[-1].created_at - EPOCH) // timedelta(microseconds=1),)
    return request.page(
        "tokens.html",
        status_code,
        tokens=tokens,
        next=request.next_page(page, next_position),
        roles=ROLES,
        new_token=new_token,
        name=name,
        errors=errors or {},
        done=request.query.get("done"),
    )
