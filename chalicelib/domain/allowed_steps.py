"""What a person may do with a mailing: the steps that its status allows, and the fields that are fixed after its start.

The decisions, the API's description and the console's buttons are made from these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from ..errors import NotInThisStatus
from ..texts import Text
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
"""The statuses that allow each step. A step that has been taken already is allowed again, and changes nothing."""

LEADS_TO: Mapping[str, str] = {PAUSE: PAUSED, RESUME: RUNNING, CANCEL: CANCELLED}

ENDS_WITH_THE_MAILING = {RESEND}
"""Not allowed after the mailing's end either."""

FIXED_AFTER_START: Mapping[str, Callable[[Mailing], object]] = {
    "datetime_start": lambda mailing: mailing.datetime_start,
    "filter_tag": lambda mailing: mailing.chosen.tags,
    "filter_op_codes": lambda mailing: mailing.chosen.operator_codes,
    "canary": lambda mailing: mailing.canary and mailing.canary.size,
    "max_error_rate": lambda mailing: mailing.canary and mailing.canary.max_error_rate,
}
"""The fields that a mailing keeps once it has started, and where their values are."""


def allowed_steps(mailing: Mailing, now: datetime) -> frozenset[str]:
    """The steps that are not refused."""
    return frozenset(step for step in ALLOWED_IN if _refusal(step, mailing, now) is None)


def useful_steps(mailing: Mailing, now: datetime) -> frozenset[str]:
    """The allowed steps that would change something: a paused mailing is not offered to be paused."""
    return frozenset(step for step in allowed_steps(mailing, now) if LEADS_TO.get(step) != mailing.status)


def require_step(step: str, mailing: Mailing, now: datetime) -> None:
    """Raises NotInThisStatus with the reason."""
    refusal = _refusal(step, mailing, now)
    if refusal is not None:
        raise NotInThisStatus(refusal)


def fixed_fields(mailing: Mailing | None) -> frozenset[str]:
    """The fields that cannot be changed any more; None is a mailing that is not announced yet."""
    return frozenset(FIXED_AFTER_START) if mailing is not None and mailing.plan is not None else frozenset()


def _refusal(step: str, mailing: Mailing, now: datetime) -> Text | None:
    if mailing.status not in ALLOWED_IN[step]:
        return _not_in(mailing.status, step)
    return Text("step.over") if step in ENDS_WITH_THE_MAILING and mailing.is_over(now) else None


def _not_in(status: str, step: str) -> Text:
    if step in (CHANGE, CANCEL):  # one status alone refuses it, and the text names it
        return Text(f"step.{step}")
    return Text(f"step.{step}", status=Text(f"mailing_status.{status}"))
