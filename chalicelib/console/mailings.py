"""Pages of mailings: the list, one mailing with its progress and messages, and its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from chalice.app import Response

from ..clients.segments import as_it_would_start
from ..domain.allowed_steps import RESEND as RESEND_STEP
from ..domain.allowed_steps import RESULTING_STATUS, useful_steps
from ..domain.condition_text import describe_filter
from ..domain.mailing import CANCELLED, FINISHED, RUNNING, Mailing
from ..domain.message import RESENDABLE
from ..errors import BadInput, FieldErrors, NotFound
from ..fields import RESEND
from ..http.calls import read_id
from ..mailings import failures, lifecycle, stats
from ..mailings.timeline import timeline_of
from ..mailings.warnings import warnings_of
from ..mailings.waves import present_waves
from ..rules import read_fields
from ..texts import Text
from . import messages
from .approval import shown_approval
from .launch import shown_undo
from .page_requests import PageRequest
from .restricted_pages import for_writers

QUESTIONS = {
    "cancel": "Cancel this mailing? Queued messages will not be sent. This cannot be undone.",
    "delete": "Delete this mailing and its statistics? Queued messages will not be sent.",
    "resend": "Resend the messages with these statuses? Sent messages are not sent again.",
}
STATUS_AFTER = {**RESULTING_STATUS, RESEND_STEP: RUNNING}
"""In which status the page says that the step was taken."""

NO_ERRORS: FieldErrors = {}
NONE_TICKED: FieldErrors = {"statuses": [Text("console.none_ticked")]}

Step = Callable[[PageRequest, int], object]


def read(request: PageRequest, sent_id: str) -> Response:
    """The page of a mailing; with `?live=1` only the section that changes while it runs."""
    mailing = lifecycle.get_mailing(request.services, read_id(sent_id))
    if request.query.get("live"):
        return request.page("mailing_live.html", **_state(request, mailing))
    mailing = as_it_would_start(request.services, mailing)
    return request.page(
        "mailing.html",
        **_state(request, mailing),
        **messages.listed(request, mailing),
        warnings=warnings_of(request.services, mailing),
        condition=describe_filter(mailing.chosen),
        done=_still_true(mailing, request.query.get("done")),
        **shown_approval(request, mailing),
        **shown_undo(request, mailing),
    )


@for_writers
def confirm_step(request: PageRequest, sent_id: str, step: str) -> Response:
    """The page that asks for confirmation."""
    if step not in QUESTIONS:
        raise NotFound
    key = request.query.get("reason") if step == "resend" else None
    return _ask(request, lifecycle.get_mailing(request.services, read_id(sent_id)), step, key)


def take_step(request: PageRequest, sent_id: str, step: str) -> Response:
    if step not in STEPS:
        raise NotFound
    mailing_id = read_id(sent_id)
    if step == RESEND_STEP and not (request.field("reason") or request.form.get("statuses")):
        return _ask(request, lifecycle.get_mailing(request.services, mailing_id), step, errors=NONE_TICKED)
    STEPS[step](request, mailing_id)
    if step == "delete":
        return request.redirect("/console/mailings")
    return request.redirect(f"/console/mailings/{sent_id}", done=step)


def _ask(
    request: PageRequest, mailing: Mailing, step: str, reason: str | None = None, errors: FieldErrors = NO_ERRORS
) -> Response:
    """`reason`: the key of the failures to resend. `errors`: of what was submitted: nothing is ticked then."""
    shown: dict[str, Any] = {
        "step": step,
        "question": QUESTIONS[step],
        "numbers": mailing.counts.by_status(),
        "choices": RESENDABLE,
        "errors": errors,
    }
    named = failures.failure_named(request.services, mailing, reason) if reason else None
    status_code = BadInput.status_code if errors else 200
    return request.page("mailing_question.html", status_code, mailing=mailing, named=named, **shown)


def _resend(request: PageRequest, mailing_id: int) -> Mailing:
    if key := request.field("reason"):
        mailing = lifecycle.get_mailing(request.services, mailing_id)
        orders: tuple[str, ...] = (failures.order_named(request.services, mailing, key),)
    else:
        fields = read_fields({"statuses": request.form.get("statuses", [])}, RESEND, set(), partial=False)
        orders = cast(tuple[str, ...], fields["statuses"])
    return lifecycle.resend_mailing(request.services, mailing_id, orders, request.author)


STEPS: dict[str, Step] = {
    "pause": lambda request, mailing_id: lifecycle.pause_mailing(request.services, mailing_id, request.author),
    "resume": lambda request, mailing_id: lifecycle.resume_mailing(request.services, mailing_id, request.author),
    "cancel": lambda request, mailing_id: lifecycle.cancel_mailing(request.services, mailing_id, request.author),
    "delete": lambda request, mailing_id: lifecycle.delete_mailing(request.services, mailing_id, request.author),
    "resend": _resend,
}


def _state(request: PageRequest, mailing: Mailing) -> dict[str, Any]:
    counts, steps = mailing.counts, useful_steps(mailing, request.services.clock.now())
    return {
        "mailing": mailing,
        "counts_by_status": counts.with_receipts() if request.services.settings.receipts else counts.by_status(),
        "is_live": mailing.is_open,
        "is_selecting": mailing.is_open and mailing.plan is not None and not mailing.is_fanned_out,
        "is_closing": mailing.is_open and mailing.status == CANCELLED,
        "cost": stats.cost_estimate(mailing),
        "timeline": timeline_of(request.services, mailing),
        "waves": present_waves(request.services, mailing),
        "currency": request.services.settings.gateway_currency,
        "steps": steps,
        "may_resend": RESEND_STEP in steps and request.principal.may(writes=True),
        **messages.failed(request, mailing),
        "needs_later_end": mailing.status == FINISHED and RESEND_STEP not in steps and counts.resendable,
    }


def _still_true(mailing: Mailing, done: str | None) -> str | None:
    """What a step has done, unless the status says otherwise by now: the page is shown again when it changes."""
    return done if STATUS_AFTER.get(done or "", mailing.status) == mailing.status else None
