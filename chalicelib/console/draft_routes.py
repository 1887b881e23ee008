"""The routes of drafts, of what they begin from, and of the approval of what is launched."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from ..runtime import services
from . import approval, drafts, launch, text_templates
from .page_requests import METHODS, Action, answer_page_request
from .restricted_pages import not_found

draft_console = Blueprint(__name__)
ROUTE: dict[str, Any] = {"methods": METHODS, "content_types": ["*/*"]}

STEPS: dict[str, dict[str, drafts.Step]] = {
    "check": {"GET": launch.check},
    "test": {"POST": launch.send_test},
    "launch": {"POST": launch.launch},
    "copy": {"POST": drafts.copy},
    "delete": {"GET": drafts.confirm_delete, "POST": drafts.delete},
}

TEMPLATE_STEPS: dict[str, dict[str, drafts.Step]] = {
    "use": {"POST": text_templates.use},
    "delete": {"GET": text_templates.confirm_delete, "POST": text_templates.delete},
}


@draft_console.route("/console/mailings/new", **ROUTE)
def new_mailing() -> Response:
    return _answer({"GET": drafts.new})


@draft_console.route("/console/mailings/{mailing_id}/copy", **ROUTE)
def copy_mailing(mailing_id: str) -> Response:
    return _answer({"POST": lambda request: drafts.copy_mailing(request, mailing_id)})


@draft_console.route("/console/mailings/{mailing_id}/approve", **ROUTE)
def approve_mailing(mailing_id: str) -> Response:
    return answer_page_request(
        services(),
        draft_console.current_request,
        {"POST": lambda request: approval.approve(request, mailing_id)},
        may=lambda principal: principal.may_approve,
    )


@draft_console.route("/console/drafts", **ROUTE)
def draft_list() -> Response:
    return _answer({"GET": drafts.list_})


@draft_console.route("/console/drafts/{draft_id}", **ROUTE)
def draft(draft_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: drafts.read(request, draft_id),
            "POST": lambda request: drafts.save(request, draft_id),
        }
    )


@draft_console.route("/console/drafts/{draft_id}/{step}", **ROUTE)
def draft_step(draft_id: str, step: str) -> Response:
    if step not in STEPS:
        return _answer(dict.fromkeys(("GET", "POST"), not_found))
    return _answer({method: _with_id(act, draft_id) for method, act in STEPS[step].items()})


@draft_console.route("/console/templates", **ROUTE)
def template_list() -> Response:
    return _answer({"GET": text_templates.list_})


@draft_console.route("/console/templates/{template_id}/{step}", **ROUTE)
def template_step(template_id: str, step: str) -> Response:
    if step not in TEMPLATE_STEPS:
        return _answer(dict.fromkeys(("GET", "POST"), not_found))
    return _answer({method: _with_id(act, template_id) for method, act in TEMPLATE_STEPS[step].items()})


def _with_id(act: drafts.Step, draft_id: str) -> Action:
    return lambda request: act(request, draft_id)


def _answer(actions: dict[str, Action]) -> Response:
    return answer_page_request(services(), draft_console.current_request, actions)
