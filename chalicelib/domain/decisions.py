"""What is decided about a mailing: each decision is a function from the mailing as it was to the one it becomes.

BadInput when a field is refused, NotInThisStatus when the mailing's status does not allow the decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time
from typing import TypedDict

from ..errors import BadInput, NotInThisStatus
from .audience import Filter, Plan
from .canary import USUAL_ERROR_RATE, Canary
from .mailing import CANCELLED, FINISHED, PAUSED, RUNNING, SCHEDULED, Counts, Mailing, require_transition
from .send_window import SendWindow
from .sweep_plan import LULL
from .template import has_placeholders


class MailingFields(TypedDict, total=False):
    """What a person decides about a mailing, checked field by field; absent is as it was."""

    datetime_start: datetime
    datetime_end: datetime
    message_text: str
    filter_tag: tuple[str, ...]
    filter_op_codes: tuple[str, ...]
    time_from: time | None
    time_to: time | None
    rate_limit: int | None
    canary: int | None
    max_error_rate: int | None


def announced(fields: MailingFields, mailing_id: int, now: datetime) -> Mailing:
    """A new mailing; one that is over already is finished with nothing sent."""
    mailing = Mailing(
        id=mailing_id,
        datetime_start=fields["datetime_start"],
        datetime_end=fields["datetime_end"],
        message_text=fields["message_text"],
        has_placeholders=has_placeholders(fields["message_text"]),
        chosen=Filter(fields.get("filter_tag", ()), fields.get("filter_op_codes", ())),
        window=_window(None, fields),
        rate_limit=fields.get("rate_limit"),
        canary=_canary(None, fields),
    )
    _require_order(mailing)
    return _become(mailing, _status_by_times(mailing, mailing, now), now)


def changed(mailing: Mailing, fields: MailingFields, now: datetime) -> Mailing:
    """The mailing with the changed fields, and the status that follows from them."""
    if mailing.status == CANCELLED:
        raise NotInThisStatus("The mailing is cancelled: announce a new one.")
    text = fields.get("message_text", mailing.message_text)
    after = replace(
        mailing,
        datetime_start=fields.get("datetime_start", mailing.datetime_start),
        datetime_end=fields.get("datetime_end", mailing.datetime_end),
        message_text=text,
        has_placeholders=mailing.has_placeholders if text == mailing.message_text else has_placeholders(text),
        chosen=Filter(
            fields.get("filter_tag", mailing.chosen.tags),
            fields.get("filter_op_codes", mailing.chosen.operator_codes),
        ),
        window=_window(mailing.window, fields),
        rate_limit=fields.get("rate_limit", mailing.rate_limit),
        canary=_canary(mailing.canary, fields),
    )
    is_sooner = after.window != mailing.window or _is_faster(mailing.rate_limit, after.rate_limit)
    if is_sooner and mailing.plan is not None:
        after = _queued_anew(after)
    if mailing.plan is not None:
        _refuse_after_start(mailing, after)
    _require_order(after)
    return _become(after, _status_by_times(mailing, after, now), now)


def started(mailing: Mailing, plan: Plan, now: datetime) -> Mailing:
    return replace(_become(mailing, RUNNING, now), plan=plan, progress_at=now)


def paused(mailing: Mailing, now: datetime) -> Mailing:
    """Nothing is sent until it is resumed; the audience is taken all the same."""
    if mailing.status not in (RUNNING, PAUSED):
        raise NotInThisStatus(f"Only a running mailing can be paused; this one is {mailing.status}.")
    return _become(mailing, PAUSED, now)


def resumed(mailing: Mailing, now: datetime) -> Mailing:
    """What waits has left the queue meanwhile, so it is queued again.

    Whoever resumes what its canary has paused takes the canary as it was.
    """
    if mailing.status == RUNNING:
        return mailing
    if mailing.status != PAUSED:
        raise NotInThisStatus(f"Only a paused mailing can be resumed; this one is {mailing.status}.")
    accepted = mailing.canary and mailing.paused_because
    canary = replace(mailing.canary, is_passed=True) if mailing.canary and accepted else mailing.canary
    return _queued_anew(replace(_become(mailing, RUNNING, now), canary=canary))


def judged(mailing: Mailing, counts: Counts, in_canary: int | None, now: datetime) -> Mailing:
    """What a round of recounting found of its canary: passed, or paused with the reason; as it was: still out.

    `standing`: of so many it is known, or soon will be, whether they arrived; None: others may have gone since. Where
    all is quiet and they are too few, others go in their place: what died with a sender, or met the night, is not
    waited for.
    """
    canary = mailing.canary
    if canary is None or canary.is_passed or mailing.status != RUNNING or not mailing.is_fanned_out:
        return mailing
    if counts.known >= canary.size:
        errors = counts.failed + counts.unknown
        if canary.forgives(errors, counts.known):
            return replace(mailing, canary=replace(canary, is_passed=True), requeue=True)
        return replace(_become(mailing, PAUSED, now), paused_because=canary.verdict(errors, counts.known))
    if in_canary is not None and in_canary < canary.size and not mailing.requeue and _was_quiet(mailing):
        return replace(mailing, canary=replace(canary, taken=in_canary), requeue=True)
    return mailing


def cancelled(mailing: Mailing, now: datetime) -> Mailing:
    """For good: what is queued becomes cancelled."""
    if mailing.status == FINISHED:
        raise NotInThisStatus("The mailing is finished: nothing is left to cancel.")
    return _become(mailing, CANCELLED, now)


def resent(mailing: Mailing, statuses: Iterable[str], now: datetime) -> Mailing:
    """Those whose message has one of these statuses are tried again. An order not yet met is joined with it."""
    if mailing.status not in (RUNNING, FINISHED):
        raise NotInThisStatus(f"Only a running or a finished mailing can be sent again; this one is {mailing.status}.")
    if mailing.is_over(now):
        raise NotInThisStatus("The mailing's end has passed: move datetime_end into the future first.")
    resend = tuple(sorted({*mailing.resend, *statuses}))
    return replace(_become(mailing, RUNNING, now), resend=resend, resends=mailing.resends + 1)


def ended(mailing: Mailing, counts: Counts, now: datetime) -> Mailing:
    """Every message has its final status: these are their counts for good.

    But what receipts say goes on, and is counted in the very transaction that records it: the mailing knows it best.
    """
    status = CANCELLED if mailing.status == CANCELLED else FINISHED
    counts = replace(counts, delivered=mailing.counts.delivered, undelivered=mailing.counts.undelivered)
    return replace(_become(mailing, status, now), counts=counts, ended_at=now, requeue=False, resend=())


def _become(mailing: Mailing, status: str, now: datetime) -> Mailing:
    require_transition(mailing.status, status)
    if status == RUNNING:
        mailing = replace(mailing, paused_because=None)
    if status == FINISHED or (status == CANCELLED and mailing.plan is None):
        return replace(mailing, status=status, ended_at=mailing.ended_at or now)
    return replace(mailing, status=status, ended_at=mailing.ended_at if status == CANCELLED else None)


def _queued_anew(mailing: Mailing) -> Mailing:
    """Ordered: a round of recounting queues what may be sent, and sees anew to the release of what has to wait."""
    return replace(mailing, requeue=True, releases=frozenset())


def _is_faster(before: int | None, after: int | None) -> bool:
    """Then what the queue holds back for the slower rate is queued again for the new one."""
    return before is not None and (after is None or after > before)


def _window(before: SendWindow | None, fields: MailingFields) -> SendWindow | None:
    """Either both ends or none, also where a change names one of them."""
    opens = fields.get("time_from", before.opens if before else None)
    closes = fields.get("time_to", before.closes if before else None)
    if opens is None and closes is None:
        return None
    if opens is None or closes is None:
        lacking = "time_from" if opens is None else "time_to"
        raise BadInput({lacking: ["time_from and time_to are expected together, or neither."]})
    if opens == closes:
        raise BadInput({"time_to": ["A time other than time_from is expected: the window would be empty."]})
    return SendWindow(opens, closes)


def _canary(before: Canary | None, fields: MailingFields) -> Canary | None:
    size = fields.get("canary", before.size if before else None)
    rate = fields.get("max_error_rate", before.max_error_rate if before else None)
    if size is None:
        if fields.get("max_error_rate") is not None:
            raise BadInput({"max_error_rate": ["It is the canary's: without one (canary) nothing is measured by it."]})
        return None
    return replace(before or Canary(size), size=size, max_error_rate=USUAL_ERROR_RATE if rate is None else rate)


def _was_quiet(mailing: Mailing) -> bool:
    """For a while before the latest round of recounting began, and ever since."""
    if mailing.progress_at is None or mailing.round_started_at is None:
        return False
    return mailing.round_started_at - mailing.progress_at >= LULL


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
    canaries = [(one.size, one.max_error_rate) if one else (None, None) for one in (before.canary, after.canary)]
    changed_fields = {
        "datetime_start": before.datetime_start != after.datetime_start,
        "filter_tag": before.chosen.tags != after.chosen.tags,
        "filter_op_codes": before.chosen.operator_codes != after.chosen.operator_codes,
        "canary": canaries[0][0] != canaries[1][0],
        "max_error_rate": canaries[0][1] != canaries[1][1],
    }
    refused = {name: [text] for name, is_changed in changed_fields.items() if is_changed}
    if refused:
        raise BadInput(refused)
