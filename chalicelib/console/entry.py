"""Signing in and out."""

from __future__ import annotations

import re

from chalice.app import Response

from ..access.users import sign_in, sign_out
from ..domain.principal import User
from ..errors import NotAuthenticated, TooManyAttempts
from .session import begin_session, cookie_header
from .visits import Visit

OWN_PATH = re.compile(r"/console(/[a-z0-9/-]*)?")
HOME = "/console"


def ask(visit: Visit) -> Response:
    return visit.page("sign_in.html", next=visit.query.get("next", ""), name="", error=None)


def enter(visit: Visit) -> Response:
    name = visit.field("name").strip()
    try:
        user = sign_in(visit.outside, name, visit.field("password"), _address(visit))
    except (NotAuthenticated, TooManyAttempts) as refused:
        text = visit.say(str(refused))
        return visit.page("sign_in.html", refused.status_code, next=visit.field("next"), name=name, error=text)
    return _entered(visit, user)


def leave(visit: Visit) -> Response:
    sign_out(visit.outside, visit.principal.name)
    response = visit.go("/console/sign-in")
    response.headers["Set-Cookie"] = cookie_header("", f"{visit.prefix}{HOME}", visit.is_secure)
    return response


def _entered(visit: Visit, user: User) -> Response:
    """To where the user was going, if that is a page of ours."""
    wanted = visit.field("next")
    response = visit.go(wanted if OWN_PATH.fullmatch(wanted) else HOME)
    cookie = begin_session(visit.outside, user)
    response.headers["Set-Cookie"] = cookie_header(cookie, f"{visit.prefix}{HOME}", visit.is_secure)
    return response


def _address(visit: Visit) -> str:
    """As API Gateway saw it: what the caller writes into headers cannot change it."""
    return str((visit.request.context.get("identity") or {}).get("sourceIp", ""))
