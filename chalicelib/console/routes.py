"""The routes of the console, with an action for each method. Clients, users and drafts have modules of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from ..errors import NotFound
from ..http.calls import base_url
from ..http.pages import read_static, static
from ..runtime import services
from . import pages

if TYPE_CHECKING:
    from .page_answers import Action

console = Blueprint(__name__)

HERE = Path(__file__).parent
METHODS = ["GET", "HEAD", "POST"]
ROUTE: dict[str, Any] = {"methods": METHODS, "content_types": ["*/*"]}
STATIC = {"console.css": "text/css", "times.js": "text/javascript", "live.js": "text/javascript"}
STATIC |= {"preview.js": "text/javascript", "files.js": "text/javascript"}
STATIC |= {"draft.js": "text/javascript", "unsaved.js": "text/javascript", "shortcuts.js": "text/javascript"}
STATIC |= {"moments.js": "text/javascript", "countdown.js": "text/javascript"}
STATIC |= {"conditions.js": "text/javascript"}


@console.route("/")
def root() -> Response:
    return Response(
        "", status_code=302, headers={"Location": f"{base_url(services(), console.current_request)}/console/"}
    )


@console.route("/console", **ROUTE)
def home() -> Response:
    return _answer({"GET": pages.overview.show})


@console.route("/console/mailings", **ROUTE)
def mailings_page() -> Response:
    return _answer({"GET": pages.mailing_list.list_})


@console.route("/console/calendar", **ROUTE)
def calendar_page() -> Response:
    return _answer({"GET": pages.calendar.show})


@console.route("/console/static/{name}")
def console_static(name: str) -> Response:
    if name not in STATIC:
        return Response(NotFound().body, status_code=404)
    return static(read_static(HERE / "static" / name), STATIC[name])


@console.route("/console/sign-in", **ROUTE)
def sign_in_page() -> Response:
    return pages.page_answers.answer_page_request(
        services(),
        console.current_request,
        {"GET": pages.sign_in.show_form, "POST": pages.sign_in.submit},
        is_open=True,
    )


@console.route("/console/language", **ROUTE)
def language() -> Response:
    return pages.page_answers.answer_page_request(
        services(), console.current_request, {"POST": pages.languages.choose}, is_open=True
    )


@console.route("/console/shortcuts", **ROUTE)
def shortcuts() -> Response:
    return _answer({"GET": lambda request: request.page("shortcuts.html")})


@console.route("/console/sign-out", **ROUTE)
def sign_out() -> Response:
    return _answer({"POST": pages.sign_in.end_session})


@console.route("/console/preview", **ROUTE)
def preview() -> Response:
    return _answer({"POST": pages.mailing_form.preview})


@console.route("/console/mailings/{mailing_id}", **ROUTE)
def mailing(mailing_id: str) -> Response:
    return _answer({"GET": lambda request: pages.mailings.read(request, mailing_id)})


@console.route("/console/mailings/{mailing_id}/edit", **ROUTE)
def edit_mailing(mailing_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.mailing_form.edit(request, mailing_id),
            "POST": lambda request: pages.mailing_form.save(request, mailing_id),
        }
    )


@console.route("/console/mailings/{mailing_id}/export", **ROUTE)
def export_messages(mailing_id: str) -> Response:
    return _answer({"GET": lambda request: pages.exports.messages(request, mailing_id)})


@console.route("/console/mailings/{mailing_id}/{step}", **ROUTE)
def mailing_step(mailing_id: str, step: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.mailings.confirm_step(request, mailing_id, step),
            "POST": lambda request: pages.mailings.take_step(request, mailing_id, step),
        }
    )


@console.route("/console/series", **ROUTE)
def series_list() -> Response:
    return _answer({"GET": pages.series.list_})


@console.route("/console/series/{series_id}", **ROUTE)
def one_series(series_id: str) -> Response:
    return _answer({"GET": lambda request: pages.series.read(request, series_id)})


@console.route("/console/series/{series_id}/edit", **ROUTE)
def edit_series(series_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.series_form.edit(request, series_id),
            "POST": lambda request: pages.series_form.save(request, series_id),
        }
    )


@console.route("/console/series/{series_id}/{step}", **ROUTE)
def series_step(series_id: str, step: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.series.confirm_step(request, series_id, step),
            "POST": lambda request: pages.series.take_step(request, series_id, step),
        }
    )


@console.route("/console/tokens", **ROUTE)
def token_list() -> Response:
    return _answer({"GET": pages.tokens.list_, "POST": pages.tokens.create})


@console.route("/console/tokens/{digest}/revoke", **ROUTE)
def revoke_token(digest: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.tokens.confirm_revoke(request, digest),
            "POST": lambda request: pages.tokens.revoke(request, digest),
        }
    )


@console.route("/console/audit", **ROUTE)
def audit_list() -> Response:
    return _answer({"GET": pages.audit.list_})


@console.route("/console/mailbox", **ROUTE)
def emails() -> Response:
    return _answer({"GET": pages.mailbox.list_})


@console.route("/console/mailbox/{number}", **ROUTE)
def email(number: str) -> Response:
    return _answer({"GET": lambda request: pages.mailbox.read(request, number)})


@console.route("/console/{proxy+}", **ROUTE)
def unknown_page() -> Response:
    return _answer({"GET": pages.restricted_pages.not_found, "POST": pages.restricted_pages.not_found})


def _answer(actions: dict[str, Action]) -> Response:
    return pages.page_answers.answer_page_request(services(), console.current_request, actions)
