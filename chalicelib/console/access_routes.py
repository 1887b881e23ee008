"""The routes of the console for users and their sign-in, with an action for each method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalice.app import Blueprint, Response

from ..runtime import services
from . import pages
from .routes import ROUTE

if TYPE_CHECKING:
    from .page_answers import Action

console_access = Blueprint(__name__)


@console_access.route("/console/users", **ROUTE)
def user_list() -> Response:
    return _answer_admins({"GET": pages.users.list_, "POST": pages.users.create})


@console_access.route("/console/sign-in/openid", **ROUTE)
def sign_in_by_provider() -> Response:
    return _answer_all({"GET": pages.openid.start})


@console_access.route("/console/sign-in/callback", **ROUTE)
def answer_of_provider() -> Response:
    return _answer_all({"GET": pages.openid.finish})


@console_access.route("/console/sessions", **ROUTE)
def own_sessions() -> Response:
    return _answer({"GET": pages.sessions.list_own, "POST": pages.sessions.end_all_own})


@console_access.route("/console/sessions/{session_id}", **ROUTE)
def own_session(session_id: str) -> Response:
    return _answer({"POST": lambda request: pages.sessions.end_own(request, session_id)})


@console_access.route("/console/users/{name}/sessions", **ROUTE)
def sessions_of_user(name: str) -> Response:
    return _answer_admins(
        {
            "GET": lambda request: pages.sessions.list_of(request, name),
            "POST": lambda request: pages.sessions.end_all_of(request, name),
        }
    )


@console_access.route("/console/users/{name}/sessions/{session_id}", **ROUTE)
def session_of_user(name: str, session_id: str) -> Response:
    return _answer_admins({"POST": lambda request: pages.sessions.end_of(request, name, session_id)})


@console_access.route("/console/users/{name}/{step}", **ROUTE)
def user_step(name: str, step: str) -> Response:
    return _answer_admins(
        {
            "GET": lambda request: pages.users.confirm_step(request, name, step),
            "POST": lambda request: pages.users.take_step(request, name, step),
        }
    )


def _answer_all(actions: dict[str, Action]) -> Response:
    return pages.page_answers.answer_page_request(services(), console_access.current_request, actions, is_open=True)


def _answer(actions: dict[str, Action]) -> Response:
    return pages.page_answers.answer_page_request(services(), console_access.current_request, actions)


def _answer_admins(actions: dict[str, Action]) -> Response:
    return pages.page_answers.answer_page_request(
        services(), console_access.current_request, actions, admins_alone=True
    )
