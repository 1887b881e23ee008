"""The language of the pages: the one that the person has chosen, or the one that the browser asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalice.app import Response

from ..errors import BadInput
from ..texts import Text, either
from ..wording import ENGLISH, LANGUAGES
from .own_addresses import own_address
from .session import cookie_header, find_cookie

if TYPE_CHECKING:
    from .page_requests import PageRequest

COOKIE = "language"
YEAR = 365 * 24 * 3600


def chosen_language(cookies: str | None, accept_language: str) -> str:
    """A cookie of the switch comes before Accept-Language."""
    chosen = find_cookie(cookies, COOKIE)
    return chosen if chosen in LANGUAGES else language_of(accept_language)


def language_of(accept_language: str) -> str:
    """The first available language of Accept-Language (RFC 9110, 12.5.4). Browsers sort it by preference."""
    accepted = (item.partition(";")[0].strip().lower().partition("-")[0] for item in accept_language.split(","))
    return next((language for language in accepted if language in LANGUAGES), ENGLISH)


def choose(request: PageRequest) -> Response:
    """Keeps the language in a cookie and returns to the page. Raises BadInput."""
    language = request.field("language")
    if language not in LANGUAGES:
        raise BadInput({"language": [Text("field.one_of", choices=either(LANGUAGES))]})
    response = request.redirect(own_address(request.field("next")))
    response.headers["Set-Cookie"] = cookie_header(language, request.cookie_path, request.is_secure, COOKIE, YEAR)
    return response
