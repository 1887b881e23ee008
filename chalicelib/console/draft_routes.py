"""The routes of drafts, of what they begin from, and of the approval of what is launched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalice.app import Blueprint, Response

from ..runtime import services
from . import pages
from .routes import ROUTE

if TYPE_CHECKING:
    from .drafts import Step
    from .page_answers import Action

draft_console = Blueprint(__name__)


def _steps() -> dict[str, dict[str, Step]]:
    return {
        "check": {"GET": pages.launch.check},
        "test": {"POST": pages.launch.send_test},
        "launch": {"POST": pages.launch.launch},
        "undo": {"POST": pages.launch.undo},
        "copy": {"POST": pages.drafts.copy},
        "delete": {"GET": pages.drafts.confirm_delete, "POST": pages.drafts.delete},
    }


def _template_steps() -> dict[str, dict[str, Step]]:
    return {
        "use": {"POST": pages.text_templates.use},
        "delete": {"GET": pages.text_templates.confirm_delete, "POST": pages.text_templates.delete},
    }


@draft_console.route("/console/mailings/new", **ROUTE)
def new_mailing() -> Response:
    return _answer({"GET": pages.drafts.new})


@draft_console.route("/console/mailings/{mailing_id}/copy", **ROUTE)
def copy_mailing(mailing_id: str) -> Response:
    return _answer({"POST": lambda request: pages.drafts.copy_mailing(request, mailing_id)})


@draft_console.route("/console/mailings/{mailing_id}/approve", **ROUTE)
def approve_mailing(mailing_id: str) -> Response:
    return pages.page_answers.answer_page_request(
        services(),
        draft_console.current_request,
        {"POST": lambda request: pages.approval.approve(request, mailing_id)},
        may=lambda principal: principal.may_approve,
    )


@draft_console.route("/console/drafts", **ROUTE)
def draft_list() -> Response:
    return _answer({"GET": pages.drafts.list_})


@draft_console.route("/console/drafts/{draft_id}", **ROUTE)
def draft(draft_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.drafts.read(request, draft_id),
            "POST": lambda request: pages.drafts.save(request, draft_id),
        }
    )


@draft_console.route("/console/drafts/{draft_id}/{step}", **ROUTE)
def draft_step(draft_id: str, step: str) -> Response:
    steps = _steps()
    if step not in steps:
        return _answer(dict.fromkeys(("GET", "POST"), pages.restricted_pages.not_found))
    return _answer({method: _with_id(act, draft_id) for method, act in steps[step].items()})


@draft_console.route("/console/templates", **ROUTE)
def template_list() -> Response:
    return _answer({"GET": pages.text_templates.list_})


@draft_console.route("/console/templates/{template_id}/{step}", **ROUTE)
def template_step(template_id: str, step: str) -> Response:
    steps = _template_steps()
    if step not in steps:
        return _answer(dict.fromkeys(("GET", "POST"), pages.restricted_pages.not_found))
    return _answer({method: _with_id(act, template_id) for method, act in steps[step].items()})


def _with_id(act: Step, draft_id: str) -> Action:
    return lambda request: act(request, draft_id)


def _answer(actions: dict[str, Action]) -> Response:
    return pages.page_answers.answer_page_request(services(), draft_console.current_request, actions)
