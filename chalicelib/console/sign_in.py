"""The sign-in page, and signing out."""

from __future__ import annotations

from dataclasses import replace

from chalice.app import Response

from ..access.sessions import sign_out
from ..access.users import sign_in
from ..domain.principal import User
from ..errors import NotAllowed, NotAuthenticated, Refusal, TooManyAttempts
from ..logs import add_log_keys
from ..texts import Text
from .interrupted_form import Field, editing_step, kept_fields, sign_in_values
from .own_addresses import SIGN_IN, own_address
from .page_requests import PageRequest
from .session import COOKIE, begin_session, cookie_header, read_session

Kept = list[Field] | None
"""The fields of the form that the end of the session interrupted; None if there is no such form."""


def show_form(request: PageRequest) -> Response:
    return form_page(request, request.query.get("next", ""))


def submit(request: PageRequest) -> Response:
    """With a password; or by `resume` after a sign-in in another tab, which keeps the interrupted form in this one."""
    if request.field("resume"):
        return _resume(request)
    name, next_address, kept = request.field("name").strip(), request.field("next"), _kept(request)
    try:
        user = sign_in(request.services, name, request.field("password"), address_of(request))
        return signed_in(request, user, next_address, kept)
    except (NotAuthenticated, NotAllowed, TooManyAttempts) as refusal:
        return form_page(request, next_address, name, refusal, kept)


def form_page(
    request: PageRequest, next_address: str, name: str = "", refusal: Refusal | None = None, kept: Kept = None
) -> Response:
    """With a password, through the identity provider, or both, as the settings say."""
    values = sign_in_values(request) | {"next": next_address, "name": name, "kept": kept}
    if refusal is None:
        return request.page("sign_in.html", **values, error=None)
    return request.refusal_page(refusal, "sign_in.html", **values, error=request.localized(refusal.detail))


def end_session(request: PageRequest) -> Response:
    sign_out(request.services, request.principal.name, request.own_session.id)
    return signed_out(request)


def signed_out(request: PageRequest) -> Response:
    """Forgets the cookie."""
    response = request.redirect(SIGN_IN)
    response.headers["Set-Cookie"] = cookie_header("", request.cookie_path, request.is_secure)
    return response


def signed_in(request: PageRequest, user: User, next_address: str, kept: Kept = None) -> Response:
    """Redirects to the page that the user asked for, or shows the form that the end of the session interrupted."""
    add_log_keys(who=user.principal.name)
    agent = request.raw_request.headers.get("user-agent", "")
    cookie = begin_session(request.services, user, address_of(request), agent)
    response = _next_page(request, f"{COOKIE}={cookie}", next_address, kept)
    response.headers["Set-Cookie"] = cookie_header(cookie, request.cookie_path, request.is_secure)
    return response


def _next_page(request: PageRequest, cookies: str | None, next_address: str, kept: Kept) -> Response:
    address = own_address(next_address)
    if kept is None:
        return request.redirect(address)
    signed_in = replace(request, session=read_session(request.services, cookies))
    return signed_in.page("interrupted_form.html", next=address, fields=kept, editing_step=editing_step(kept))


def _resume(request: PageRequest) -> Response:
    cookies, kept = request.raw_request.headers.get("cookie"), _kept(request)
    if read_session(request.services, cookies) is None:
        return form_page(request, request.field("next"), "", NotAuthenticated(Text("console.signed_out")), kept)
    return _next_page(request, cookies, request.field("next"), kept)


def _kept(request: PageRequest) -> Kept:
    """The fields of the form that the end of the session interrupted; None if there is no such form."""
    return kept_fields(request.form) if request.field("interrupted") else None


def address_of(request: PageRequest) -> str:
    """The IP address from API Gateway's request context, which headers of the caller cannot change."""
    return str((request.raw_request.context.get("identity") or {}).get("sourceIp", ""))
