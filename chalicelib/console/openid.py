"""Sign-in through the identity provider: the redirect to it, and the page to which it sends the browser back."""

from __future__ import annotations

from datetime import UTC, datetime

from chalice.app import Response

from ..access.openid import REQUEST_LIFE, begin_request, sign_in_by_answer
from ..errors import NotFound, Refusal
from .own_addresses import HOME, SIGN_IN, own_address
from .page_requests import PageRequest
from .session import read_signed, sign
from .sign_in import address_of, form_page, signed_in

COOKIE = "sign-in"
CALLBACK = f"{SIGN_IN}/callback"
LONGEST_PATH = 500
"""Browsers drop a cookie of more than 4 KB."""


def start(request: PageRequest) -> Response:
    """Reached by a link, not by a form: `form-action` of the page's policy also holds for redirects of a form."""
    _require_provider(request)
    next_path = request.query.get("next", "")
    try:
        state, address = begin_request(request.services, _redirect_uri(request))
    except Refusal as refusal:
        return form_page(request, next_path, refusal=refusal)
    started = int(request.services.clock.now().timestamp() * 1_000_000)
    kept = own_address(next_path) if len(next_path) <= LONGEST_PATH else HOME
    value = sign(request.services, COOKIE, [state, kept, started])
    response = Response("", status_code=303, headers={"Location": address, "Cache-Control": "no-store"})
    response.headers["Set-Cookie"] = _cookie(request, value)
    return response


def finish(request: PageRequest) -> Response:
    """The cookie of the request stays until it is too old: its state can be used once."""
    _require_provider(request)
    cookies = request.raw_request.headers.get("cookie")
    state, next_path, started = read_signed(request.services, COOKIE, cookies) or (None, "", 0)
    begun_at = datetime.fromtimestamp(started / 1_000_000, UTC)
    try:
        user = sign_in_by_answer(
            request.services, request.query, state, begun_at, _redirect_uri(request), address_of(request)
        )
        return signed_in(request, user, next_path)
    except Refusal as refusal:
        return form_page(request, next_path, refusal=refusal)


def _require_provider(request: PageRequest) -> None:
    if not request.services.settings.oidc_issuer:
        raise NotFound


def _redirect_uri(request: PageRequest) -> str:
    return f"{request.base_url}{CALLBACK}"


def _cookie(request: PageRequest, value: str) -> str:
    """SameSite=Lax: the provider's redirect, a navigation by GET from another site, brings it back."""
    age = int(REQUEST_LIFE.total_seconds())
    secure = "; Secure" if request.is_secure else ""
    return f"{COOKIE}={value}; Path={request.prefix}{SIGN_IN}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"
