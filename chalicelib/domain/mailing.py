"""A mailing: its fields, its statuses and what each may become, and what the sweep owes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TypedDict

from ..errors import BadInput
from .audience import EVERYONE, Filter, Plan

SCHEDULED = "scheduled"
RUNNING = "running"
PAUSED = "paused"
FINISHED = "finished"
CANCELLED = "cancelled"

STATUSES = (SCHEDULED, RUNNING, PAUSED, FINISHED, CANCELLED)
OPEN = {SCHEDULED, RUNNING, PAUSED}

MAY_BECOME = {
    SCHEDULED: {SCHEDULED, RUNNING, FINISHED, CANCELLED},
    RUNNING: {RUNNING, PAUSED, FINISHED, CANCELLED},
    PAUSED: {PAUSED, RUNNING, FINISHED, CANCELLED},
    FINISHED: {FINISHED, RUNNING, SCHEDULED},  # an end moved into the future resumes it
    CANCELLED: {CANCELLED},
}

STALL = timedelta(minutes=2)
ROUND_REST = timedelta(seconds=50)


@dataclass(frozen=True)
class Counts:
    """Messages by status; `queued` is what is left of `total`."""

    total: int = 0
    sent: int = 0
    failed: int = 0
    expired: int = 0
    cancelled: int = 0

    @property
    def queued(self) -> int:
        return self.total - self.sent - self.failed - self.expired - self.cancelled

    def by_status(self) -> dict[str, int]:
        return {
            "queued": self.queued,
            "sent": self.sent,
            "failed": self.failed,
            "expired": self.expired,
            "cancelled": self.cancelled,
        }

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in COUNTED))


NOTHING = Counts()
COUNTED = ("total", "sent", "failed", "expired", "cancelled")


@dataclass(frozen=True)
class Mailing:
    """`plan` is set when it has started; `recounts` counts the rounds of recounting its messages.

    Times are aware and in UTC. `version` changes with every decision, not with the counts.
    """

    id: int
    datetime_start: datetime
    datetime_end: datetime
    message_text: str
    chosen: Filter = EVERYONE
    status: str = SCHEDULED
    plan: Plan | None = None
    is_fanned_out: bool = False
    counts: Counts = NOTHING
    recounts: int = 0
    recount_at: datetime | None = None
    progress_at: datetime | None = None
    version: int = 1

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_settled(self) -> bool:
        """By its counters nobody waits any more; whether that is so, a recount decides."""
        return self.status == RUNNING and self.is_fanned_out and self.counts.queued <= 0

    @property
    def started_plan(self) -> Plan:
        """The plan of a mailing that has started; whoever walks its audience or its messages has one."""
        if self.plan is None:
            raise ValueError(f"mailing {self.id} has not started")
        return self.plan

    def kept_until(self, retention_days: int) -> datetime:
        """When its messages may go."""
        latest = datetime.max.replace(tzinfo=UTC)
        days = timedelta(days=retention_days)
        return self.datetime_end + days if latest - self.datetime_end > days else latest

    def is_over(self, now: datetime) -> bool:
        return now >= self.datetime_end


class Step(Enum):
    """What the sweep does for a mailing that others have left lying."""

    START = "start"
    WALK = "walk"
    RECOUNT = "recount"
    REQUEUE = "requeue"


class MailingFields(TypedDict, total=False):
    """What a person decides about a mailing, checked field by field; absent is as it was."""

    datetime_start: datetime
    datetime_end: datetime
    message_text: str
    filter_tag: tuple[str, ...]
    filter_op_codes: tuple[str, ...]


def announced(fields: MailingFields, mailing_id: int, now: datetime) -> Mailing:
    """A new mailing; one that is over already is finished with nothing sent."""
    mailing = Mailing(
        id=mailing_id,
        datetime_start=fields["datetime_start"],
        datetime_end=fields["datetime_end"],
        message_text=fields["message_text"],
        chosen=Filter(fields.get("filter_tag", ()), fields.get("filter_op_codes", ())),
    )
    _require_order(mailing)
    return replace(mailing, status=_status_by_times(mailing, mailing, now))


def changed(mailing: Mailing, fields: MailingFields, now: datetime) -> Mailing:
    """The mailing with the changed fields, and the status that follows from them; BadInput if refused."""
    after = replace(
        mailing,
        datetime_start=fields.get("datetime_start", mailing.datetime_start),
        datetime_end=fields.get("datetime_end", mailing.datetime_end),
        message_text=fields.get("message_text", mailing.message_text),
        chosen=Filter(
            fields.get("filter_tag", mailing.chosen.tags),
            fields.get("filter_op_codes", mailing.chosen.operator_codes),
        ),
    )
    if mailing.plan is not None:
        _refuse_after_start(mailing, after)
    _require_order(after)
    after = replace(after, status=_status_by_times(mailing, after, now))
    require_transition(mailing.status, after.status)
    return after


def require_transition(before: str, after: str) -> None:
    if after not in MAY_BECOME[before]:
        raise ValueError(f"a {before} mailing cannot become {after}")


def next_step(mailing: Mailing, now: datetime, queue_is_idle: bool) -> Step | None:
    """One step for an open mailing, None where everything goes its way.

    `queue_is_idle`: no queue message is left that could move it, so what waits has lost its own.
    """
    if mailing.status == SCHEDULED:
        return Step.START if now >= mailing.datetime_start else None
    stalled = _since(mailing.progress_at, now) >= STALL and _since(mailing.recount_at, now) >= STALL
    if not mailing.is_fanned_out:
        return Step.WALK if stalled else None
    misplaced = mailing.is_over(now) or mailing.is_settled or _expired_too_early(mailing)
    if misplaced:
        return Step.RECOUNT if _since(mailing.recount_at, now) >= ROUND_REST else None
    return Step.REQUEUE if stalled and queue_is_idle and mailing.status == RUNNING else None


def _expired_too_early(mailing: Mailing) -> bool:
    """Before its end nobody's message stays expired: the end has been moved, and they are tried again."""
    return mailing.status == RUNNING and mailing.counts.expired > 0


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return now - moment if moment else timedelta.max


def _require_order(mailing: Mailing) -> None:
    if mailing.datetime_end <= mailing.datetime_start:
        raise BadInput({"datetime_end": ["The end must be later than the start."]})


def _status_by_times(before: Mailing, after: Mailing, now: datetime) -> str:
    if before.plan is None and before.status in (SCHEDULED, FINISHED):
        return FINISHED if after.is_over(now) else SCHEDULED
    if before.status == FINISHED and after.datetime_end != before.datetime_end and not after.is_over(now):
        return RUNNING
    return before.status


def _refuse_after_start(before: Mailing, after: Mailing) -> None:
    text = "The mailing has started: this can no longer be changed."
    changed_fields = {
        "datetime_start": before.datetime_start != after.datetime_start,
        "filter_tag": before.chosen.tags != after.chosen.tags,
        "filter_op_codes": before.chosen.operator_codes != after.chosen.operator_codes,
    }
    refused = {name: [text] for name, is_changed in changed_fields.items() if is_changed}
    if refused:
        raise BadInput(refused)
