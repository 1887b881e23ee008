"""Pages of sessions: a user sees and ends the own ones, an admin those of any user."""

from __future__ import annotations

from chalice.app import Response

from ..access.sessions import end_all_sessions, end_session, sessions_of
from ..access.users import find_user
from ..domain.principal import User
from ..domain.user_session import OTHER_BROWSER
from .page_requests import PageRequest
from .sign_in import signed_out

OWN = "/console/sessions"


def list_own(request: PageRequest) -> Response:
    return _page(request, request.own_session.user, OWN)


def end_own(request: PageRequest, session_id: str) -> Response:
    end_session(request.services, request.principal.name, session_id, request.author)
    return request.redirect(OWN, done="session_ended")


def end_all_own(request: PageRequest) -> Response:
    end_all_sessions(request.services, request.principal.name, request.author)
    return signed_out(request)


def list_of(request: PageRequest, name: str) -> Response:
    return _page(request, find_user(request.services, name), _path(name))


def end_of(request: PageRequest, name: str, session_id: str) -> Response:
    end_session(request.services, name, session_id, request.author)
    return request.redirect(_path(name), done="session_ended")


def end_all_of(request: PageRequest, name: str) -> Response:
    end_all_sessions(request.services, name, request.author)
    return request.redirect(_path(name), done="sessions_ended")


def _path(name: str) -> str:
    return f"/console/users/{name}/sessions"


def _page(request: PageRequest, user: User, path: str) -> Response:
    return request.page(
        "sessions.html",
        of=user.principal.name,
        sessions=sessions_of(request.services, user),
        other=OTHER_BROWSER,
        own_id=request.own_session.id,
        here=f"{request.prefix}{path}",
        done=request.query.get("done"),
    )
