"""The mailbox page, on the local stack alone: what SES sent there, to be looked at."""

from __future__ import annotations

from chalice.app import Response

from ..domain.letter import KeptLetter
from ..errors import NotFound
from ..http.calls import read_id
from ..http.pages import html
from .visits import Visit

LETTER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""A letter brings its own styles, as mail programs want it; nothing of it runs, and it stands in a world of its own."""


def list_(visit: Visit) -> Response:
    return visit.page("mailbox.html", letters=list(reversed(_letters(visit).items())))


def read(visit: Visit, sent_number: str) -> Response:
    letter = _letters(visit).get(read_id(sent_number))
    if letter is None:
        raise NotFound
    return html(letter.html, LETTER_POLICY)


def _letters(visit: Visit) -> dict[int, KeptLetter]:
    """By number, from the oldest on, so that a new letter changes no other's number."""
    if not visit.outside.settings.is_local:
        raise NotFound
    oldest_first = reversed(visit.outside.mailbox.letters())
    return dict(enumerate(oldest_first, 1))
