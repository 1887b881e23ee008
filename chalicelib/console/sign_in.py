"""Signing in and out."""

from __future__ import annotations

import re

from chalice.app import Response

from ..access.users import sign_in, sign_out
from ..domain.principal import User
from ..errors import NotAuthenticated, TooManyAttempts
from .page_requests import PageRequest
from .session import begin_session, cookie_header

OWN_PATH = re.compile(r"/console(/[a-z0-9/-]*)?")
HOME = "/console"


def ask(request: PageRequest) -> Response:
    return request.page("sign_in.html", next=request.query.get("next", ""), name="", error=None)


def enter(request: PageRequest) -> Response:
    name = request.field("name").strip()
    try:
        user = sign_in(request.services, name, request.field("password"), _address(request))
    except (NotAuthenticated, TooManyAttempts) as refused:
        text = request.say(str(refused))
        return request.page("sign_in.html", refused.status_code, next=request.field("next"), name=name, error=text)
    return _entered(request, user)


def leave(request: PageRequest) -> Response:
    sign_out(request.services, request.principal.name)
    response = request.go("/console/sign-in")
    response.headers["Set-Cookie"] = cookie_header("", f"{request.prefix}{HOME}", request.is_secure)
    return response


def _entered(request: PageRequest, user: User) -> Response:
    """To where the user was going, if that is a page of ours."""
    wanted = request.field("next")
    response = request.go(wanted if OWN_PATH.fullmatch(wanted) else HOME)
    cookie = begin_session(request.services, user)
    response.headers["Set-Cookie"] = cookie_header(cookie, f"{request.prefix}{HOME}", request.is_secure)
    return response


def _address(request: PageRequest) -> str:
    """As API Gateway saw it: what the caller writes into headers cannot change it."""
    return str((request.raw_request.context.get("identity") or {}).get("sourceIp", ""))
