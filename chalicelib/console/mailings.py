"""Pages of mailings: the list, one mailing with its progress and messages, and its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from chalice.app import Response

from ..domain.allowed_steps import RESEND as RESEND_STEP
from ..domain.allowed_steps import useful_steps
from ..domain.condition_text import describe_filter
from ..domain.mailing import FINISHED, Mailing
from ..domain.message import DELIVERED, EXPIRED, FAILED, RESENDABLE, STATUSES, UNDELIVERED, UNKNOWN, Message
from ..domain.walk import BEGINNING, reads_limit, time_limit
from ..errors import NotFound
from ..fields import RESEND
from ..http.calls import read_id
from ..http.filters import read_message_status
from ..http.paging import position_of
from ..mailings import lifecycle, stats
from ..mailings.warnings import warnings_of
from ..rules import read_fields
from .page_requests import PageRequest
from .restricted_pages import for_writers

LIST_LENGTH = 20
MESSAGES_LENGTH = 50
LAST_ERRORS = 5
READS_FOR_ERRORS, SECONDS_FOR_ERRORS = 5, 2.0
"""A read has a thousand messages. Rarer errors are in the lists by status; to find them here would read the mailing."""

QUESTIONS = {
    "cancel": "Cancel this mailing? Queued messages will not be sent. This cannot be undone.",
    "delete": "Delete this mailing and its statistics? Queued messages will not be sent.",
    "resend": "Resend the messages with these statuses? Sent messages are not sent again.",
}
Step = Callable[[PageRequest, int], object]


def read(request: PageRequest, sent_id: str) -> Response:
    """The page of a mailing; with `?live=1` only the section that changes while it runs."""
    mailing = lifecycle.get_mailing(request.services, read_id(sent_id))
    if request.query.get("live"):
        return request.page("mailing_live.html", **_state(request, mailing))
    page = request.list_page(numbers=2, length=MESSAGES_LENGTH)
    status = read_message_status(request.query.get("status"))
    found, cursor = stats.list_messages(request.services, mailing, status, page.cursor, page.limit)
    query = {"status": status} if status else {}
    return request.page(
        "mailing.html",
        **_state(request, mailing),
        messages=found,
        next=request.next_page(page, position_of(cursor), query),
        status=status,
        statuses=_statuses(request),
        errors=_last_errors(request, mailing),
        warnings=warnings_of(request.services, mailing),
        condition=describe_filter(mailing.chosen),
        done=request.query.get("done"),
    )


@for_writers
def confirm_step(request: PageRequest, sent_id: str, step: str) -> Response:
    """The page that asks for confirmation."""
    if step not in QUESTIONS:
        raise NotFound
    mailing = lifecycle.get_mailing(request.services, read_id(sent_id))
    return request.page(
        "mailing_question.html", mailing=mailing, step=step, question=QUESTIONS[step], choices=RESENDABLE
    )


def take_step(request: PageRequest, sent_id: str, step: str) -> Response:
    if step not in STEPS:
        raise NotFound
    STEPS[step](request, read_id(sent_id))
    if step == "delete":
        return request.redirect("/console")
    return request.redirect(f"/console/mailings/{sent_id}", done=step)


def _resend(request: PageRequest, mailing_id: int) -> Mailing:
    fields = read_fields({"statuses": request.form.get("statuses", [])}, RESEND, set(), partial=False)
    statuses = cast(tuple[str, ...], fields["statuses"])
    return lifecycle.resend_mailing(request.services, mailing_id, statuses, request.author)


STEPS: dict[str, Step] = {
    "pause": lambda request, mailing_id: lifecycle.pause_mailing(request.services, mailing_id, request.author),
    "resume": lambda request, mailing_id: lifecycle.resume_mailing(request.services, mailing_id, request.author),
    "cancel": lambda request, mailing_id: lifecycle.cancel_mailing(request.services, mailing_id, request.author),
    "delete": lambda request, mailing_id: lifecycle.delete_mailing(request.services, mailing_id, request.author),
    "resend": _resend,
}


def _statuses(request: PageRequest) -> list[str]:
    """The statuses of the filter. Those of delivery receipts are left out if the settings expect no receipts."""
    left_out = () if request.services.settings.receipts else (DELIVERED, UNDELIVERED)
    return [status for status in STATUSES if status not in left_out]


def _state(request: PageRequest, mailing: Mailing) -> dict[str, Any]:
    counts, steps = mailing.counts, useful_steps(mailing, request.services.clock.now())
    return {
        "mailing": mailing,
        "counts_by_status": counts.with_receipts() if request.services.settings.receipts else counts.by_status(),
        "is_live": mailing.is_open,
        "cost": stats.cost_estimate(mailing),
        "currency": request.services.settings.gateway_currency,
        "steps": steps,
        "needs_later_end": mailing.status == FINISHED and RESEND_STEP not in steps and _has_resendable(mailing),
    }


def _has_resendable(mailing: Mailing) -> bool:
    """Whether the mailing has messages with a status that can be resent."""
    return any(mailing.counts.by_status()[status] for status in RESENDABLE)


def _last_errors(request: PageRequest, mailing: Mailing) -> list[Message]:
    """Some messages that failed, are unknown, were not delivered or expired: as many as are found in a few reads.

    Each status has at least one read.
    """
    found: list[Message] = []
    may_read = reads_limit(READS_FOR_ERRORS, time_limit(request.services.clock.now, SECONDS_FOR_ERRORS))
    for status in (FAILED, UNKNOWN, UNDELIVERED, EXPIRED):
        if len(found) < LAST_ERRORS and getattr(mailing.counts, status):
            found += stats.list_messages(
                request.services, mailing, status, BEGINNING, LAST_ERRORS, may_read, at_once=1
            )[0]
    return found[:LAST_ERRORS]
