"""The sign-in page, and signing out."""

from __future__ import annotations

from dataclasses import replace

from chalice.app import Response

from ..access.sessions import sign_out
from ..access.users import sign_in
from ..domain.principal import User
from ..errors import NotAuthenticated, TooManyAttempts
from ..logs import add_log_keys
from .interrupted_form import Field, editing_step, kept_fields
from .own_addresses import SIGN_IN, own_address
from .page_requests import PageRequest
from .session import COOKIE, begin_session, cookie_header, read_session


def show_form(request: PageRequest) -> Response:
    return request.page("sign_in.html", next=request.query.get("next", ""), name="", error=None, kept=None)


def submit(request: PageRequest) -> Response:
    name = request.field("name").strip()
    try:
        user = sign_in(request.services, name, request.field("password"), _address(request))
        return _signed_in(request, user)
    except (NotAuthenticated, TooManyAttempts) as refusal:
        text = request.localized(refusal.detail)
        values = {"next": request.field("next"), "name": name, "error": text}
        return request.refusal_page(refusal, "sign_in.html", **values, kept=_kept(request))


def end_session(request: PageRequest) -> Response:
    sign_out(request.services, request.principal.name, request.own_session.id)
    return signed_out(request)


def signed_out(request: PageRequest) -> Response:
    """Forgets the cookie."""
    response = request.redirect(SIGN_IN)
    response.headers["Set-Cookie"] = cookie_header("", request.cookie_path, request.is_secure)
    return response


def _signed_in(request: PageRequest, user: User) -> Response:
    """Redirects to the page that the user asked for, or shows the form that the end of the session interrupted."""
    add_log_keys(who=user.principal.name)
    next_address, kept = own_address(request.field("next")), _kept(request)
    agent = request.raw_request.headers.get("user-agent", "")
    cookie = begin_session(request.services, user, _address(request), agent)
    if kept is None:
        response = request.redirect(next_address)
    else:
        signed_in = replace(request, session=read_session(request.services, f"{COOKIE}={cookie}"))
        step = editing_step(kept)
        response = signed_in.page("interrupted_form.html", next=next_address, fields=kept, editing_step=step)
    response.headers["Set-Cookie"] = cookie_header(cookie, request.cookie_path, request.is_secure)
    return response


def _kept(request: PageRequest) -> list[Field] | None:
    """The fields of the form that the end of the session interrupted; None if there is no such form."""
    return kept_fields(request.form) if request.field("interrupted") else None


def _address(request: PageRequest) -> str:
    """The IP address from API Gateway's request context, which headers of the caller cannot change."""
    return str((request.raw_request.context.get("identity") or {}).get("sourceIp", ""))
