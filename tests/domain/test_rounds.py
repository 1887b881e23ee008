"""The rules of reconciliation rounds: their pace, the messages that they queue, and the counts that they correct."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.audience import Plan
from chalicelib.domain.counts import NO_COUNTS, Counts
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import Message
from chalicelib.domain.rounds import (
    JOBS_LOST_AFTER,
    OVERDUE_AFTER,
    QUEUE_OVERDUE,
    ROUND_PRICE,
    ROUNDS_AT_ONCE,
    begun,
    concluded,
    correction,
    is_running,
    may_begin,
    may_have_lost_jobs,
    needs_queue_message,
)
from chalicelib.domain.sweep_plan import SendQueue, SweepStep, needs_wait_record, next_sweep_step, read_until

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MAILING = Mailing(
    1, NOW - 9 * HOUR, NOW + 99 * HOUR, "text", status="running", plan=Plan("block", 1000, 1, 1), is_fanned_out=True,
    counts=Counts(total=5, sent=2), progress_at=NOW - 3 * HOUR,
)  # fmt: skip


def rounds_until(end: datetime, step: timedelta, mailing: Mailing = MAILING) -> int:
    """How many rounds begin if somebody wants one at each step, and each is concluded at once."""
    now = NOW
    while now < end:
        if may_begin(mailing, now):
            mailing = concluded(begun(mailing, now), mailing.counts, held=0)
        now += step
    return mailing.rounds


def test_a_mailing_may_have_some_rounds_at_once_and_then_one_in_ten_minutes() -> None:
    assert rounds_until(NOW + MINUTE, MINUTE / 60) == ROUNDS_AT_ONCE
    assert rounds_until(NOW + 24 * HOUR, MINUTE) == ROUNDS_AT_ONCE + 24 * HOUR / ROUND_PRICE - 1


def test_no_round_begins_while_another_one_runs_and_a_decision_ends_the_wait() -> None:
    running = begun(MAILING, NOW)
    assert is_running(running)
    assert not may_begin(running, NOW + HOUR)
    assert may_begin(replace(running, first_valid_round=2), NOW)


def test_the_pauses_between_two_looks_at_a_round_without_progress_double_up_to_an_hour() -> None:
    running, now, looks = begun(MAILING, NOW), NOW, []
    while now < NOW + 5 * HOUR:
        now += MINUTE
        if may_have_lost_jobs(running, now):
            running = replace(running, round_queued_at=now)
            looks.append((now - NOW) / MINUTE)
    assert looks == [3, 6, 12, 24, 48, 96, 156, 216, 276]
    assert JOBS_LOST_AFTER == 3 * MINUTE


QUIET = begun(replace(MAILING, counts=Counts(total=9, sent=3, expired=4, delivered=2)), NOW)
BUSY = replace(QUIET, progress_at=NOW)
FOUND = Counts(total=9, sent=5, failed=1)


def test_a_quiet_round_makes_the_counts_equal_to_the_rows() -> None:
    assert QUIET.counts + correction(QUIET, FOUND) == replace(FOUND, delivered=2)


def test_a_round_beside_busy_senders_corrects_only_counts_that_are_certainly_wrong() -> None:
    assert correction(BUSY, FOUND) == Counts(expired=-4), "otherwise each minute would want a round that reopens them"
    assert correction(BUSY, replace(FOUND, expired=1)) == NO_COUNTS
    wrong = begun(replace(BUSY, counts=Counts(total=9, sent=9)), NOW)
    assert wrong.counts + correction(wrong, FOUND) == FOUND


def test_rows_beyond_the_total_are_counted_after_the_fan_out() -> None:
    """Their clients were deleted before a page was repeated."""
    more = replace(FOUND, total=11)
    assert QUIET.counts + correction(QUIET, more) == replace(more, delivered=2)
    fanning_out = replace(QUIET, is_fanned_out=False)
    assert (QUIET.counts + correction(fanning_out, more)).total == 9, "the fan-out will count these rows"


def test_missing_rows_correct_nothing() -> None:
    assert correction(QUIET, replace(FOUND, total=8)) == NO_COUNTS


@pytest.mark.parametrize("counts", [Counts(total=9, expired=9), Counts(total=9, sent=8)])
def test_counts_that_promise_nothing_are_not_wrong(counts: Counts) -> None:
    assert not begun(replace(MAILING, counts=counts), NOW).round_expects_end


OVERDUE_ROUND = begun(MAILING, NOW, QUEUE_OVERDUE)
MESSAGE = Message(1, 7, "queued", NOW - 9 * HOUR)
TRIED = replace(MESSAGE, attempts=1, posted_at=NOW - OVERDUE_AFTER)


@pytest.mark.parametrize(
    ("message", "is_queued"),
    [
        (MESSAGE, True),
        (TRIED, True),
        (replace(TRIED, posted_at=NOW - OVERDUE_AFTER + MINUTE), False),
        (replace(TRIED, claimed_until=(NOW - MINUTE).timestamp()), False),
        (replace(TRIED, posted_at=NOW, attempts_before=1), True),
        (replace(MESSAGE, status="sent"), False),
    ],
)
def test_a_message_is_overdue_without_an_attempt_or_long_after_its_last_one(message: Message, is_queued: bool) -> None:
    assert needs_queue_message(message, OVERDUE_ROUND, NOW) == is_queued
    assert not needs_queue_message(message, replace(OVERDUE_ROUND, status="paused"), NOW)
    assert not needs_queue_message(message, begun(MAILING, NOW), NOW)


SILENT = concluded(begun(MAILING, NOW - 2 * HOUR), MAILING.counts, held=0)
"""No progress for three hours, and a round two hours ago."""


@pytest.mark.parametrize(
    ("changes", "queue_is_read_until", "step"),
    [
        ({}, NOW, SweepStep.REQUEUE_OVERDUE),
        ({}, None, None),
        ({}, NOW - 2 * HOUR, None),
        ({"round_started_at": NOW - 4 * HOUR, "progress_at": NOW - 5 * HOUR}, None, SweepStep.REQUEUE_OVERDUE),
        ({"waits_until": NOW}, NOW, None),
        ({"round_started_at": NOW - 50 * MINUTE}, NOW, None),
        ({"status": "paused"}, NOW, None),
        ({"progress_at": NOW - MINUTE}, NOW, None),
        ({"awaits_hours": True}, NOW, None),
    ],
)
def test_messages_are_lost_if_the_queue_is_read_beyond_them_and_nothing_explains_the_silence(
    changes: dict[str, Any], queue_is_read_until: datetime | None, step: SweepStep | None
) -> None:
    queue = SendQueue(is_idle=False, read_until=queue_is_read_until)
    assert next_sweep_step(replace(SILENT, **changes), NOW, queue) == step


def test_the_queue_is_read_as_far_as_the_latest_message_with_an_outcome() -> None:
    limited = replace(MAILING, progress_at=NOW - MINUTE, reached_at=NOW - 9 * MINUTE)
    assert read_until([SILENT, limited], NOW) == NOW - 9 * MINUTE
    assert read_until([SILENT, replace(limited, reached_at=None)], NOW) is None
    assert read_until([SILENT], NOW) == NOW, "no mailing makes progress, so no message waits behind others"


@pytest.mark.parametrize(
    ("changes", "is_recorded"),
    [
        ({}, True),
        ({"progress_at": NOW - MINUTE}, False),
        ({"waits_until": NOW}, True),
        ({"waits_until": NOW + MINUTE}, False),
        ({"status": "paused"}, False),
    ],
)
def test_a_wait_is_recorded_once_a_minute_and_only_without_progress(changes: dict[str, Any], is_recorded: bool) -> None:
    assert needs_wait_record(replace(MAILING, **changes), NOW, NOW + MINUTE) == is_recorded
