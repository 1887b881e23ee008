"""The rules of reconciliation rounds: when one may begin, which messages it queues, and how it corrects the counts.

A round reads every row of its mailing, so the number of rounds bounds the cost. A round runs from its beginning until
it is concluded: all shards are read and the mailing's row is written. A decision about the mailing makes it invalid,
and another round may begin.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from .counts import NO_COUNTS, Counts
from .mailing import RUNNING, Mailing
from .message import QUEUED, Message

QUIET_PERIOD = timedelta(seconds=30)
"""Without progress for this long, no worker is expected to report more outcomes soon."""

ROUND_PRICE = timedelta(minutes=10)
ROUNDS_AT_ONCE = 8
"""A mailing pays ROUND_PRICE of its time for each round and may owe the price of ROUNDS_AT_ONCE rounds: so many may
follow each other, and then one in ten minutes. Neither races nor a client of the API can cause more."""

JOBS_LOST_AFTER = timedelta(minutes=3)
"""A round without a new report for this long may have lost jobs. The jobs queue repeats a job after 75 seconds."""

LONGEST_PAUSE = timedelta(hours=1)
"""The longest time between two looks at a mailing or a round that makes no progress."""

QUEUE_ALL = "all"
"""The send queue is empty: every waiting message has lost its queue message."""

QUEUE_OVERDUE = "overdue"
"""The send queue has messages, but none of this mailing: the messages have lost theirs that should have been posted."""

OVERDUE_AFTER = timedelta(minutes=17)
"""An attempt follows a failed one after at most 15 minutes (`backoff.py`), and a redelivery after 90 seconds."""

ROUND_FIELDS = (
    "rounds",
    "round_started_at",
    "round_queued_at",
    "round_requeues",
    "round_expects_end",
    "rounds_charged_until",
)
"""The fields that the beginning of a round changes."""


def is_running(mailing: Mailing) -> bool:
    """Whether a valid round has begun and is not concluded. Its jobs may be lost."""
    return mailing.rounds > mailing.concluded_rounds and mailing.rounds >= mailing.first_valid_round


def may_begin(mailing: Mailing, now: datetime) -> bool:
    """Whether the next round may begin: no round runs, and the price is within the limit."""
    return not is_running(mailing) and _charged_until(mailing, now) - now <= ROUNDS_AT_ONCE * ROUND_PRICE


def begun(mailing: Mailing, now: datetime, requeues: str = "") -> Mailing:
    """The mailing with its next round. `requeues`: empty, QUEUE_ALL or QUEUE_OVERDUE."""
    return replace(
        mailing,
        rounds=mailing.rounds + 1,
        round_started_at=now,
        round_queued_at=now,
        round_requeues=requeues,
        round_expects_end=mailing.needs_reconciliation and not mailing.counts.expired and not mailing.resend,
        rounds_charged_until=_charged_until(mailing, now),
    )


def concluded(mailing: Mailing, found: Counts, held: int) -> Mailing:
    """The mailing after a round that has read all rows and does not end it. Its orders are carried out.

    `found`: the counts of the rows. `held`: messages that wait for their local hours.
    """
    after = replace(
        mailing, concluded_rounds=mailing.rounds, round_requeues="", counts=mailing.counts + correction(mailing, found)
    )
    if mailing.has_orders:
        after = replace(after, requeue=False, resend=())
    if mailing.window is not None:
        after = replace(after, awaits_hours=0 < held == found.queued)
    return after


def correction(mailing: Mailing, found: Counts) -> Counts:
    """What to add to the counts of a mailing after a round, so that they equal the rows again.

    Senders add to the counts while the round reads, so its counts are exact only if the mailing made no progress. They
    also replace counts that are certainly wrong: those that promised a result at the beginning of the round, while the
    rows that were read later have none; and `expired`, because senders add to it only after the end. The receipts are
    kept: they are counted exactly. If rows are missing, the counts know more than the rows.

    After the fan-out the rows may be more than the total: a page was written, its worker ended, and when the page was
    repeated, clients of it had been deleted. With the lower total `queued` would be 0 while a message waits.
    """
    if found.total < mailing.counts.total:
        return NO_COUNTS
    if not is_quiet(mailing) and not mailing.round_expects_end:
        return NO_COUNTS if found.expired else Counts(expired=-mailing.counts.expired)
    kept = ("delivered", "undelivered") if mailing.is_fanned_out else ("total", "delivered", "undelivered")
    return replace(found, **{name: getattr(mailing.counts, name) for name in kept}) + -mailing.counts


def is_quiet(mailing: Mailing) -> bool:
    """Whether nothing progressed since QUIET_PERIOD before the latest reconciliation round began."""
    if mailing.progress_at is None or mailing.round_started_at is None:
        return False
    return mailing.round_started_at - mailing.progress_at >= QUIET_PERIOD


def may_count_twice(mailing: Mailing) -> bool:
    """Whether a total above the number of rows may be wrong.

    A page is repeated after its worker has ended, and counts a client that an earlier page has counted under another
    label. All rows are written when nothing has progressed before the round.
    """
    return mailing.started_plan.may_repeat_clients(mailing.chosen) and is_quiet(mailing)


def may_have_lost_jobs(mailing: Mailing, now: datetime) -> bool:
    """Whether to look at the reports of the running round. The pauses between two looks double, up to LONGEST_PAUSE."""
    if mailing.round_started_at is None or mailing.round_queued_at is None:
        return True
    pause = max(JOBS_LOST_AFTER, min(LONGEST_PAUSE, mailing.round_queued_at - mailing.round_started_at))
    return now - mailing.round_queued_at >= pause


def needs_queue_message(message: Message, mailing: Mailing, now: datetime) -> bool:
    """Whether the current round queues this waiting message of a running mailing that no attempt has claimed.

    A message that a round has reopened gets its queue message, whatever turns ended in between, until that round is
    concluded.
    """
    if mailing.status != RUNNING or message.status != QUEUED:
        return False
    if mailing.requeue or mailing.round_requeues == QUEUE_ALL or message.reopened_in > mailing.concluded_rounds:
        return True
    return mailing.round_requeues == QUEUE_OVERDUE and is_overdue(message, now)


def is_overdue(message: Message, now: datetime) -> bool:
    """Whether the next attempt should have begun. A message without an attempt is overdue if its mailing is."""
    if not message.recent_attempts:
        return True
    last = max(message.posted_at.timestamp() if message.posted_at else 0, message.claimed_until or 0)
    return now.timestamp() - last >= OVERDUE_AFTER.total_seconds()


def _charged_until(mailing: Mailing, now: datetime) -> datetime:
    return max(now, mailing.rounds_charged_until or now) + ROUND_PRICE
