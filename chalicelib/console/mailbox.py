"""The mailbox page, on the local stack alone: what SES sent there, to be looked at."""

from __future__ import annotations

from chalice.app import Response

from ..domain.email import SentEmail
from ..errors import NotFound
from ..http.calls import read_id
from ..http.pages import html
from .page_requests import PageRequest

EMAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""A letter brings its own styles, as mail programs want it; nothing of it runs, and it stands in a world of its own."""


def list_(request: PageRequest) -> Response:
    return request.page("mailbox.html", emails=list(reversed(_emails(request).items())))


def read(request: PageRequest, sent_number: str) -> Response:
    email = _emails(request).get(read_id(sent_number))
    if email is None:
        raise NotFound
    return html(email.html, EMAIL_POLICY)


def _emails(request: PageRequest) -> dict[int, SentEmail]:
    """By number, from the oldest on, so that a new letter changes no other's number."""
    if not request.services.settings.is_local:
        raise NotFound
    oldest_first = reversed(request.services.mailbox.emails())
    return dict(enumerate(oldest_first, 1))
