"""Decisions: each one is a function from a mailing to the mailing that it becomes.

They raise BadInput for a refused field, and NotInThisStatus if the mailing's status does not allow the decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ..errors import BadInput
from ..texts import Text
from . import approval, brake, spending
from .allowed_steps import CANCEL, CHANGE, FIXED_AFTER_START, PAUSE, RESEND, RESUME, require_step
from .approved_content import is_approval_withdrawn
from .audience import Plan
from .brake import NO_ANSWERS, NO_REFUSALS
from .consent import SERVICE
from .counts import Counts
from .filter import ALL_CLIENTS
from .former_text import add_former_text
from .mailing import CANCELLED, FINISHED, PAUSED, RUNNING, SCHEDULED, Mailing, require_transition
from .mailing_fields import MailingFields, canary_of, filter_of, window_of
from .resends import joined
from .rounds import is_quiet
from .template import has_placeholders


def announced(fields: MailingFields, mailing_id: int, now: datetime) -> Mailing:
    """A new mailing. If its end is past, it is finished and sends nothing."""
    mailing = Mailing(
        id=mailing_id,
        datetime_start=fields["datetime_start"],
        datetime_end=fields["datetime_end"],
        message_text=fields["message_text"],
        has_placeholders=has_placeholders(fields["message_text"]),
        purpose=fields.get("purpose", SERVICE),
        sender=fields.get("sender", ""),
        chosen=filter_of(ALL_CLIENTS, fields),
        window=window_of(None, fields),
        rate_limit=fields.get("rate_limit"),
        max_cost=fields.get("max_cost"),
        canary=canary_of(None, fields),
    )
    _require_order(mailing, now)
    return _with_status(mailing, _status_by_times(mailing, mailing, now), now)


def changed(mailing: Mailing, fields: MailingFields, now: datetime) -> Mailing:
    """The mailing with the changed fields, and the status that follows from them.

    A change of what was approved withdraws the approval: a mailing that has started is held until it is approved again.
    """
    require_step(CHANGE, mailing, now)
    text = fields.get("message_text", mailing.message_text)
    after = replace(
        mailing,
        datetime_start=fields.get("datetime_start", mailing.datetime_start),
        datetime_end=fields.get("datetime_end", mailing.datetime_end),
        message_text=text,
        has_placeholders=mailing.has_placeholders if text == mailing.message_text else has_placeholders(text),
        purpose=fields.get("purpose", mailing.purpose),
        sender=fields.get("sender", mailing.sender),
        chosen=filter_of(mailing.chosen, fields),
        window=window_of(mailing.window, fields),
        rate_limit=fields.get("rate_limit", mailing.rate_limit),
        max_cost=fields.get("max_cost", mailing.max_cost),
        canary=canary_of(mailing.canary, fields),
    )
    if after != mailing:
        after = replace(after, draft_id=None)
    if mailing.plan is not None and text != mailing.message_text:
        after = replace(after, former_texts=add_former_text(mailing.former_texts, mailing.message_text, now))
    needs_requeue = after.window != mailing.window or _is_faster(mailing.rate_limit, after.rate_limit)
    if needs_requeue and mailing.plan is not None:
        after = _with_requeue(after)
    if mailing.plan is not None:
        _refuse_after_start(mailing, after)
    if mailing.is_over(now) and not after.is_over(now):
        after = replace(after, posting_since=now)
    _require_order(after, now)
    if mailing.approval == approval.GIVEN and is_approval_withdrawn(mailing, after):
        after = replace(after, approval="" if mailing.plan is None else approval.AWAITED, approved_by=None)
    return _with_status(after, _status_by_times(mailing, after, now), now)


def started(mailing: Mailing, plan: Plan, now: datetime, retention_days: int, is_counted: bool = False) -> Mailing:
    """`retention_days`: how long rows are kept after the end that the mailing has now.

    `is_counted`: the mailing is held until its clients are counted.
    """
    if is_counted:
        mailing = replace(mailing, approval=approval.COUNTING, approved_by=None)
    after = replace(_with_status(mailing, RUNNING, now), plan=plan, progress_at=now)
    return replace(after, rows_expire_at=after.kept_until(retention_days).replace(microsecond=0))


def paused(mailing: Mailing, now: datetime) -> Mailing:
    """Nothing is sent until the mailing is resumed. The fan-out continues.

    A mailing that is held until its clients are counted then stays paused, also if they are few.
    """
    require_step(PAUSE, mailing, now)
    after = _with_status(mailing, PAUSED, now)
    return replace(after, paused_because=None) if mailing.approval == approval.COUNTING else after


def resumed(mailing: Mailing, now: datetime) -> Mailing:
    """Waiting messages have left the queue during the pause, so they are queued again.

    If the canary paused the mailing, the canary passes: the person who resumes accepts its errors. The brake counts
    answers anew.
    """
    require_step(RESUME, mailing, now)
    if mailing.status == RUNNING:
        return mailing
    reason = mailing.paused_because
    is_accepted = reason is not None and reason.code not in brake.REASONS | spending.REASONS | approval.CODES
    canary = replace(mailing.canary, is_passed=True) if mailing.canary and is_accepted else mailing.canary
    return _with_requeue(replace(_with_status(mailing, RUNNING, now), canary=canary))


def canary_checked(mailing: Mailing, counts: Counts, in_canary: int, now: datetime) -> Mailing:
    """After a reconciliation round: the canary passes, or the mailing pauses with a reason, or nothing changes yet.

    `in_canary`: messages with an outcome that is known or will be known soon. If they are too few and nothing
    progresses, other messages are admitted in their place: an attempt may have died with its sender, or may wait for
    local hours.
    """
    canary = mailing.canary
    if canary is None or canary.is_passed or mailing.status != RUNNING or not mailing.is_fanned_out:
        return mailing
    if counts.posted >= canary.size:
        errors = counts.failed + counts.unknown
        if canary.is_within_limit(errors, counts.posted):
            return replace(mailing, canary=replace(canary, is_passed=True), requeue=True, is_feeding=False)
        return replace(_with_status(mailing, PAUSED, now), paused_because=canary.pause_reason(errors, counts.posted))
    if in_canary < canary.size and not mailing.requeue and is_quiet(mailing):
        return replace(mailing, canary=replace(canary, admitted=in_canary), requeue=True, is_feeding=False)
    return mailing


def braked(mailing: Mailing, now: datetime) -> Mailing:
    """A running mailing pauses with a reason: most of its first attempts got no clear answer, or its posts are refused
    and no message is the cause.
    """
    reason = mailing.refusals.pause_reason(now) or mailing.answers.pause_reason(now)
    if reason is None or mailing.status != RUNNING:
        return mailing
    return replace(_with_status(mailing, PAUSED, now), paused_because=reason)


def limited(mailing: Mailing, reason: Text, now: datetime) -> Mailing:
    """A running mailing pauses because a limit on its cost is reached."""
    if mailing.status != RUNNING:
        return mailing
    return replace(_with_status(mailing, PAUSED, now), paused_because=reason)


def cancelled(mailing: Mailing, now: datetime) -> Mailing:
    """Queued messages become cancelled. A cancellation is final."""
    require_step(CANCEL, mailing, now)
    return _with_status(mailing, CANCELLED, now)


def resent(mailing: Mailing, orders: Iterable[str], now: datetime) -> Mailing:
    """Orders as in resends.py: messages are sent again. A pending order is joined with the new one."""
    require_step(RESEND, mailing, now)
    resend = joined(mailing.resend, mailing.resends, orders)
    after = replace(_with_status(mailing, RUNNING, now), resend=resend, resends=mailing.resends + 1)
    return replace(after, posting_since=now)


def ended(mailing: Mailing, counts: Counts, now: datetime) -> Mailing:
    """Every message has a final status: `counts` are the final counts of the mailing.

    `delivered` and `undelivered` are kept from the mailing: receipts arrive later too, and each one is counted in the
    transaction that records it. Rows that the time to live has deleted are counted as the mailing has counted them.
    """
    if counts.total < mailing.counts.total and mailing.may_lack_rows(now):
        counts = replace(mailing.counts, expired=mailing.counts.expired + mailing.counts.queued)
    status = CANCELLED if mailing.status == CANCELLED else FINISHED
    counts = replace(counts, delivered=mailing.counts.delivered, undelivered=mailing.counts.undelivered)
    after = replace(_with_status(mailing, status, now), counts=counts, ended_at=now, requeue=False, resend=())
    return replace(after, concluded_rounds=mailing.rounds)


def _with_status(mailing: Mailing, status: str, now: datetime) -> Mailing:
    """A mailing that is held for its approval is paused where it would run."""
    if status == RUNNING and mailing.approval in approval.HELD:
        return replace(_with_status(mailing, PAUSED, now), paused_because=approval.REASONS[mailing.approval])
    require_transition(mailing.status, status)
    if status == RUNNING != mailing.status:
        mailing = replace(mailing, paused_because=None, answers=NO_ANSWERS, refusals=NO_REFUSALS, posting_since=now)
    if status == FINISHED or (status == CANCELLED and mailing.plan is None):
        return replace(mailing, status=status, ended_at=mailing.ended_at or now)
    return replace(mailing, status=status, ended_at=mailing.ended_at if status == CANCELLED else None)


def _with_requeue(mailing: Mailing) -> Mailing:
    """Orders a requeue: a reconciliation round queues the messages, and schedules new releases for the others.

    With a rate limit the round begins a new feed in place of the present one.
    """
    return replace(mailing, requeue=True, releases=frozenset(), is_feeding=False)


def _is_faster(before: int | None, after: int | None) -> bool:
    """Messages that the queue delays for the slower rate are queued again for the new one."""
    return before is not None and (after is None or after > before)


def _require_order(mailing: Mailing, now: datetime) -> None:
    """If both dates are past, any order is accepted: such a mailing is over and sends nothing."""
    if mailing.datetime_end <= mailing.datetime_start and mailing.datetime_start > now:
        raise BadInput({"datetime_end": [Text("mailing.end_before_start")]})


def _status_by_times(before: Mailing, after: Mailing, now: datetime) -> str:
    if before.plan is None and before.status in (SCHEDULED, FINISHED):
        return FINISHED if after.is_over(now) else SCHEDULED
    if before.status == FINISHED and after.datetime_end != before.datetime_end and not after.is_over(now):
        return RUNNING
    return before.status


def _refuse_after_start(before: Mailing, after: Mailing) -> None:
    refused = {
        name: [Text("mailing.fixed")] for name, value in FIXED_AFTER_START.items() if value(before) != value(after)
    }
    last_end = before.rows_expire_at
    if last_end is not None and after.datetime_end > max(last_end, before.datetime_end):
        refused["datetime_end"] = [Text("mailing.end_after_rows", last=f"{last_end.replace(tzinfo=None).isoformat()}Z")]
    if refused:
        raise BadInput(refused)
