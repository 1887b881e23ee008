"""The sign-in page, and signing out."""

from __future__ import annotations

import re

from chalice.app import Response

from ..access.sessions import sign_out
from ..access.users import sign_in
from ..domain.principal import User
from ..errors import NotAuthenticated, TooManyAttempts
from ..logs import add_log_keys
from .page_requests import PageRequest
from .session import begin_session, cookie_header

OWN_PATH = re.compile(r"/console(/[a-z0-9/-]*)?")
HOME = "/console"


def show_form(request: PageRequest) -> Response:
    return request.page("sign_in.html", next=request.query.get("next", ""), name="", error=None)


def submit(request: PageRequest) -> Response:
    name = request.field("name").strip()
    try:
        user = sign_in(request.services, name, request.field("password"), _address(request))
        return _signed_in(request, user)
    except (NotAuthenticated, TooManyAttempts) as refusal:
        text = request.localized(refusal.detail)
        values = {"next": request.field("next"), "name": name, "error": text}
        return request.refusal_page(refusal, "sign_in.html", **values)


def end_session(request: PageRequest) -> Response:
    sign_out(request.services, request.principal.name, request.own_session.id)
    return signed_out(request)


def signed_out(request: PageRequest) -> Response:
    """Forgets the cookie."""
    response = request.redirect("/console/sign-in")
    response.headers["Set-Cookie"] = cookie_header("", f"{request.prefix}{HOME}", request.is_secure)
    return response


def _signed_in(request: PageRequest, user: User) -> Response:
    """Redirects to the page that the user asked for, if it is a page of the console."""
    add_log_keys(who=user.principal.name)
    next_path = request.field("next")
    response = request.redirect(next_path if OWN_PATH.fullmatch(next_path) else HOME)
    agent = request.raw_request.headers.get("user-agent", "")
    cookie = begin_session(request.services, user, _address(request), agent)
    response.headers["Set-Cookie"] = cookie_header(cookie, f"{request.prefix}{HOME}", request.is_secure)
    return response


def _address(request: PageRequest) -> str:
    """The IP address from API Gateway's request context, which headers of the caller cannot change."""
    return str((request.raw_request.context.get("identity") or {}).get("sourceIp", ""))
