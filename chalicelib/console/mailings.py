"""Pages of mailings: the list, one mailing while it runs, its form, and the steps that steer it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from chalice.app import Response

from ..domain.allowed_steps import RESEND as SEND_AGAIN
from ..domain.allowed_steps import useful_steps
from ..domain.mailing import FINISHED, Mailing
from ..domain.message import DELIVERED, FAILED, RESENDABLE, STATUSES, UNDELIVERED, UNKNOWN, Message
from ..domain.walk import BEGINNING
from ..errors import NotFound
from ..fields import RESEND
from ..http.calls import read_id
from ..http.filters import read_message_status
from ..http.paging import answer_page, cursor_place, read_page
from ..mailings import lifecycle, stats
from ..rules import read_fields
from .page_requests import PageRequest

LIST_LENGTH = 20
MESSAGES_LENGTH = 50
LAST_ERRORS = 5

QUESTIONS = {
    "cancel": "Cancel this mailing for good? What is queued will not be sent.",
    "delete": "Delete this mailing? What is queued will not be sent, and its statistics go.",
    "resend": "Send again to those who were not reached? Nobody whose message was sent gets it again.",
}
Step = Callable[[PageRequest, int], object]


def list_(request: PageRequest) -> Response:
    page = read_page({"limit": str(LIST_LENGTH), **request.query}, numbers=1)
    found, below = lifecycle.list_mailings(request.services, page.place[0] if page.place else None, page.limit)
    listed = answer_page(request.prefix + request.path, {}, page, None if below is None else (below,), [])
    is_live = any(mailing.is_open for mailing in found)
    template = "mailings_live.html" if request.query.get("live") else "mailings.html"
    return request.page(
        template, mailings=found, next=listed["next"], is_live=is_live, cursor=request.query.get("cursor")
    )


def read(request: PageRequest, sent_id: str) -> Response:
    """The whole page, or, with `?live=1`, the part of it that changes while it runs."""
    mailing = lifecycle.get_mailing(request.services, read_id(sent_id))
    if request.query.get("live"):
        return request.page("mailing_live.html", **_state(request, mailing))
    page = read_page({"limit": str(MESSAGES_LENGTH), **request.query}, numbers=2)
    status = read_message_status(request.query.get("status"))
    found, cursor = stats.list_messages(request.services, mailing, status, page.cursor, page.limit)
    query = {"status": status} if status else {}
    listed = answer_page(request.prefix + request.path, query, page, cursor_place(cursor), [])
    return request.page(
        "mailing.html",
        **_state(request, mailing),
        messages=found,
        next=listed["next"],
        status=status,
        statuses=_statuses(request),
        errors=_last_errors(request, mailing),
        done=request.query.get("done"),
    )


def ask(request: PageRequest, sent_id: str, step: str) -> Response:
    """The question before what cannot be taken back."""
    if step not in QUESTIONS:
        raise NotFound
    mailing = lifecycle.get_mailing(request.services, read_id(sent_id))
    return request.page(
        "mailing_question.html", mailing=mailing, step=step, question=QUESTIONS[step], choices=RESENDABLE
    )


def take(request: PageRequest, sent_id: str, step: str) -> Response:
    if step not in STEPS:
        raise NotFound
    STEPS[step](request, read_id(sent_id))
    if step == "delete":
        return request.go("/console")
    return request.go(f"/console/mailings/{sent_id}", done=step)


def _resend(request: PageRequest, mailing_id: int) -> Mailing:
    wanted = read_fields({"statuses": request.form.get("statuses", [])}, RESEND, set(), partial=False)
    statuses = cast(tuple[str, ...], wanted["statuses"])
    return lifecycle.resend_mailing(request.services, mailing_id, statuses, request.author)


STEPS: dict[str, Step] = {
    "pause": lambda request, mailing_id: lifecycle.pause_mailing(request.services, mailing_id, request.author),
    "resume": lambda request, mailing_id: lifecycle.resume_mailing(request.services, mailing_id, request.author),
    "cancel": lambda request, mailing_id: lifecycle.cancel_mailing(request.services, mailing_id, request.author),
    "delete": lambda request, mailing_id: lifecycle.withdraw_mailing(request.services, mailing_id, request.author),
    "resend": _resend,
}


def _statuses(request: PageRequest) -> list[str]:
    """Where no receipts are expected, nobody asks for what was delivered."""
    reported = () if request.services.settings.receipts else (DELIVERED, UNDELIVERED)
    return [status for status in STATUSES if status not in reported]


def _state(request: PageRequest, mailing: Mailing) -> dict[str, Any]:
    counts, steps = mailing.counts, useful_steps(mailing, request.services.clock.now())
    return {
        "mailing": mailing,
        "figures": counts.with_receipts() if request.services.settings.receipts else counts.by_status(),
        "is_live": mailing.is_open,
        "cost": stats.cost_estimate(mailing),
        "steps": steps,
        "is_end_to_be_moved": mailing.status == FINISHED and SEND_AGAIN not in steps and _has_resendable(mailing),
    }


def _has_resendable(mailing: Mailing) -> bool:
    """Some of its messages ended in a status that can be sent again."""
    return any(mailing.counts.by_status()[status] for status in RESENDABLE)


def _last_errors(request: PageRequest, mailing: Mailing) -> list[Message]:
    """Some of those that were given up, or not delivered, if there are any."""
    found: list[Message] = []
    for status in (FAILED, UNKNOWN, UNDELIVERED):
        if getattr(mailing.counts, status):
            found += stats.list_messages(request.services, mailing, status, BEGINNING, LAST_ERRORS)[0]
    return found[:LAST_ERRORS]
