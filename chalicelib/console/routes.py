"""The routes of the console, with an action for each method. Clients, users and drafts have modules of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chalice.app import Blueprint, Response

from ..errors import NotFound
from ..http.calls import base_url
from ..http.pages import read_static, static
from ..runtime import services
from . import (
    audit,
    calendar,
    exports,
    languages,
    mailbox,
    mailing_form,
    mailing_list,
    mailings,
    overview,
    series,
    series_form,
    sign_in,
    tokens,
)
from .page_requests import METHODS, Action, answer_page_request
from .restricted_pages import not_found

console = Blueprint(__name__)

HERE = Path(__file__).parent
ROUTE: dict[str, Any] = {"methods": METHODS, "content_types": ["*/*"]}
STATIC = {"console.css": "text/css", "times.js": "text/javascript", "live.js": "text/javascript"}
STATIC |= {"preview.js": "text/javascript", "files.js": "text/javascript"}
STATIC |= {"draft.js": "text/javascript", "unsaved.js": "text/javascript", "shortcuts.js": "text/javascript"}
STATIC |= {"moments.js": "text/javascript"}


@console.route("/")
def root() -> Response:
    return Response(
        "", status_code=302, headers={"Location": f"{base_url(services(), console.current_request)}/console/"}
    )


@console.route("/console", **ROUTE)
def home() -> Response:
    return _answer({"GET": overview.show})


@console.route("/console/mailings", **ROUTE)
def mailings_page() -> Response:
    return _answer({"GET": mailing_list.list_})


@console.route("/console/calendar", **ROUTE)
def calendar_page() -> Response:
    return _answer({"GET": calendar.show})


@console.route("/console/static/{name}")
def console_static(name: str) -> Response:
    if name not in STATIC:
        return Response(NotFound().body, status_code=404)
    return static(read_static(HERE / "static" / name), STATIC[name])


@console.route("/console/sign-in", **ROUTE)
def sign_in_page() -> Response:
    return answer_page_request(
        services(), console.current_request, {"GET": sign_in.show_form, "POST": sign_in.submit}, is_open=True
    )


@console.route("/console/language", **ROUTE)
def language() -> Response:
    return answer_page_request(services(), console.current_request, {"POST": languages.choose}, is_open=True)


@console.route("/console/shortcuts", **ROUTE)
def shortcuts() -> Response:
    return _answer({"GET": lambda request: request.page("shortcuts.html")})


@console.route("/console/sign-out", **ROUTE)
def sign_out() -> Response:
    return _answer({"POST": sign_in.end_session})


@console.route("/console/preview", **ROUTE)
def preview() -> Response:
    return _answer({"POST": mailing_form.preview})


@console.route("/console/mailings/{mailing_id}", **ROUTE)
def mailing(mailing_id: str) -> Response:
    return _answer({"GET": lambda request: mailings.read(request, mailing_id)})


@console.route("/console/mailings/{mailing_id}/edit", **ROUTE)
def edit_mailing(mailing_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: mailing_form.edit(request, mailing_id),
            "POST": lambda request: mailing_form.save(request, mailing_id),
        }
    )


@console.route("/console/mailings/{mailing_id}/export", **ROUTE)
def export_messages(mailing_id: str) -> Response:
    return _answer({"GET": lambda request: exports.messages(request, mailing_id)})


@console.route("/console/mailings/{mailing_id}/{step}", **ROUTE)
def mailing_step(mailing_id: str, step: str) -> Response:
    return _answer(
        {
            "GET": lambda request: mailings.confirm_step(request, mailing_id, step),
            "POST": lambda request: mailings.take_step(request, mailing_id, step),
        }
    )


@console.route("/console/series", **ROUTE)
def series_list() -> Response:
    return _answer({"GET": series.list_})


@console.route("/console/series/{series_id}", **ROUTE)
def one_series(series_id: str) -> Response:
    return _answer({"GET": lambda request: series.read(request, series_id)})


@console.route("/console/series/{series_id}/edit", **ROUTE)
def edit_series(series_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: series_form.edit(request, series_id),
            "POST": lambda request: series_form.save(request, series_id),
        }
    )


@console.route("/console/series/{series_id}/{step}", **ROUTE)
def series_step(series_id: str, step: str) -> Response:
    return _answer(
        {
            "GET": lambda request: series.confirm_step(request, series_id, step),
            "POST": lambda request: series.take_step(request, series_id, step),
        }
    )


@console.route("/console/tokens", **ROUTE)
def token_list() -> Response:
    return _answer({"GET": tokens.list_, "POST": tokens.create})


@console.route("/console/tokens/{digest}/revoke", **ROUTE)
def revoke_token(digest: str) -> Response:
    return _answer(
        {
            "GET": lambda request: tokens.confirm_revoke(request, digest),
            "POST": lambda request: tokens.revoke(request, digest),
        }
    )


@console.route("/console/audit", **ROUTE)
def audit_list() -> Response:
    return _answer({"GET": audit.list_})


@console.route("/console/mailbox", **ROUTE)
def emails() -> Response:
    return _answer({"GET": mailbox.list_})


@console.route("/console/mailbox/{number}", **ROUTE)
def email(number: str) -> Response:
    return _answer({"GET": lambda request: mailbox.read(request, number)})


@console.route("/console/{proxy+}", **ROUTE)
def unknown_page() -> Response:
    return _answer({"GET": not_found, "POST": not_found})


def _answer(actions: dict[str, Action]) -> Response:
    return answer_page_request(services(), console.current_request, actions)
