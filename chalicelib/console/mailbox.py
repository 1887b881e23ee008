"""The mailbox page: the emails that the local stack sent. It exists on the local stack only."""

from __future__ import annotations

from chalice.app import Response

from ..domain.email import SentEmail
from ..errors import NotFound
from ..http.calls import read_id
from ..http.pages import html
from .page_requests import PageRequest

EMAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""Emails have inline styles, as mail programs require. The sandbox blocks scripts and gives the page its own origin."""


def list_(request: PageRequest) -> Response:
    return request.page("mailbox.html", emails=list(reversed(_emails(request).items())))


def read(request: PageRequest, sent_number: str) -> Response:
    email = _emails(request).get(read_id(sent_number))
    if email is None:
        raise NotFound
    return html(email.html, EMAIL_POLICY)


def _emails(request: PageRequest) -> dict[int, SentEmail]:
    """Numbered from the oldest, so that a new email does not change the number of another one."""
    if not request.services.settings.is_local:
        raise NotFound
    oldest_first = reversed(request.services.mailbox.emails())
    return dict(enumerate(oldest_first, 1))
