"""The steps that a mailing's status allows, and the fields that are fixed after its start.

The decisions, the OpenAPI description and the console's buttons use these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from ..errors import NotInThisStatus
from ..texts import Text
from .approval import HELD
from .mailing import CANCELLED, FINISHED, PAUSED, RUNNING, SCHEDULED, STATUSES, Mailing

CHANGE, PAUSE, RESUME, CANCEL, RESEND, DELETE = "change", "pause", "resume", "cancel", "resend", "delete"

ALLOWED_IN: Mapping[str, tuple[str, ...]] = {
    CHANGE: (SCHEDULED, RUNNING, PAUSED, FINISHED),
    PAUSE: (RUNNING, PAUSED),
    RESUME: (PAUSED, RUNNING),
    CANCEL: (SCHEDULED, RUNNING, PAUSED, CANCELLED),
    RESEND: (RUNNING, FINISHED),
    DELETE: STATUSES,
}
"""The statuses that allow each step. A repeated step is allowed and changes nothing."""

RESULTING_STATUS: Mapping[str, str] = {PAUSE: PAUSED, RESUME: RUNNING, CANCEL: CANCELLED}

REFUSED_AFTER_END = {RESEND}
"""Steps that are also refused after the mailing's end."""

FIXED_AFTER_START: Mapping[str, Callable[[Mailing], object]] = {
    "datetime_start": lambda mailing: mailing.datetime_start,
    "purpose": lambda mailing: mailing.purpose,
    "filter_tag": lambda mailing: mailing.chosen.tags,
    "filter_op_codes": lambda mailing: mailing.chosen.operator_codes,
    "filter": lambda mailing: mailing.chosen.condition,
    "segment": lambda mailing: mailing.chosen.segment and mailing.chosen.segment.id,
    "canary": lambda mailing: mailing.canary and mailing.canary.size,
    "max_error_rate": lambda mailing: mailing.canary and mailing.canary.max_error_rate,
}
"""Fields that cannot change after the start, each with a function that reads its value."""


def allowed_steps(mailing: Mailing, now: datetime) -> frozenset[str]:
    """The steps that the mailing's status and end allow."""
    return frozenset(step for step in ALLOWED_IN if _refusal(step, mailing, now) is None)


def useful_steps(mailing: Mailing, now: datetime) -> frozenset[str]:
    """The allowed steps that would do something: for a paused mailing, all but pause.

    Nothing is resent without a message to resend. A change of a finished mailing serves the resend, or a fan-out that
    the end has cut off.
    """
    steps = {step for step in allowed_steps(mailing, now) if RESULTING_STATUS.get(step) != mailing.status}
    if not mailing.counts.resendable:
        steps.discard(RESEND)
        if mailing.status == FINISHED and mailing.is_fanned_out:
            steps.discard(CHANGE)
    return frozenset(steps)


def require_step(step: str, mailing: Mailing, now: datetime) -> None:
    """Raises NotInThisStatus with the reason if the step is refused."""
    refusal = _refusal(step, mailing, now)
    if refusal is not None:
        raise NotInThisStatus(refusal)


def fixed_fields(mailing: Mailing | None) -> frozenset[str]:
    """The fields that can no longer change. None stands for a mailing that is not announced yet."""
    return frozenset(FIXED_AFTER_START) if mailing is not None and mailing.plan is not None else frozenset()


def _refusal(step: str, mailing: Mailing, now: datetime) -> Text | None:
    if mailing.status not in ALLOWED_IN[step]:
        return _status_refusal(mailing.status, step)
    if step == RESUME and mailing.approval in HELD:
        return Text("approval.needed")
    return Text("step.over") if step in REFUSED_AFTER_END and mailing.is_over(now) else None


def _status_refusal(status: str, step: str) -> Text:
    if step in (CHANGE, CANCEL):  # only one status refuses the step, and the text names it
        return Text(f"step.{step}")
    return Text(f"step.{step}", status=Text(f"mailing_status.{status}"))
