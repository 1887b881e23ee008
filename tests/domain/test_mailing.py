from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.audience import Plan
from chalicelib.domain.mailing import (
    MAY_BECOME,
    STATUSES,
    Counts,
    Mailing,
    Step,
    announced,
    changed,
    next_step,
    require_transition,
)
from chalicelib.errors import BadInput

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCHEDULED = Mailing(1, NOW + HOUR, NOW + 2 * HOUR, "text")
PLAN = Plan("block", 1000, 1, 1)
RUNNING = replace(
    SCHEDULED, status="running", datetime_start=NOW - HOUR, plan=PLAN, is_fanned_out=True, progress_at=NOW
)
FINISHED = replace(RUNNING, status="finished", datetime_end=NOW - HOUR / 2)


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [(HOUR, 2 * HOUR, "scheduled"), (-HOUR, HOUR, "scheduled"), (-2 * HOUR, -HOUR, "finished")],
)
def test_a_new_mailing_is_scheduled_unless_it_is_over(start: timedelta, end: timedelta, status: str) -> None:
    fields = {"datetime_start": NOW + start, "datetime_end": NOW + end, "message_text": "text"}
    assert announced(fields, 1, NOW).status == status  # type: ignore[arg-type]


def test_an_end_in_the_future_resumes_a_finished_mailing() -> None:
    assert changed(FINISHED, {"datetime_end": NOW + HOUR}, NOW).status == "running"
    assert changed(FINISHED, {"datetime_end": NOW - HOUR / 4}, NOW).status == "finished"
    assert changed(FINISHED, {"message_text": "new"}, NOW).status == "finished"


def test_a_mailing_that_never_started_is_scheduled_anew() -> None:
    never = replace(FINISHED, plan=None)
    assert changed(never, {"datetime_end": NOW + HOUR}, NOW).status == "scheduled"


def test_an_earlier_end_leaves_a_running_mailing_running_until_all_is_settled() -> None:
    assert changed(RUNNING, {"datetime_end": NOW}, NOW).status == "running"


@pytest.mark.parametrize("field", ["datetime_start", "filter_tag", "filter_op_codes"])
def test_a_started_mailing_keeps_its_start_and_its_filter(field: str) -> None:
    other = {"datetime_start": NOW, "filter_tag": ("a",), "filter_op_codes": ("977",)}[field]
    with pytest.raises(BadInput) as refused:
        changed(RUNNING, {field: other}, NOW)  # type: ignore[misc]
    assert list(refused.value.body) == [field]


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_a_status_becomes_only_what_the_table_allows(before: str, after: str) -> None:
    if after in MAY_BECOME[before]:
        require_transition(before, after)
    else:
        with pytest.raises(ValueError, match="cannot become"):
            require_transition(before, after)


def test_nothing_follows_a_cancellation() -> None:
    assert MAY_BECOME["cancelled"] == {"cancelled"}


LONG_AGO = NOW - timedelta(minutes=3)
STALLED = replace(RUNNING, progress_at=LONG_AGO, counts=Counts(total=5, sent=2))


@pytest.mark.parametrize(
    ("mailing", "idle", "step"),
    [
        (SCHEDULED, True, None),
        (replace(SCHEDULED, datetime_start=NOW), True, Step.START),
        (replace(RUNNING, counts=Counts(total=5)), True, None),
        (replace(STALLED, is_fanned_out=False), False, Step.WALK),
        (replace(STALLED, is_fanned_out=False, progress_at=NOW), False, None),
        (STALLED, True, Step.REQUEUE),
        (STALLED, False, None),
        (replace(STALLED, recount_at=NOW), True, None),
        (replace(STALLED, status="paused"), True, None),
        (replace(RUNNING, counts=Counts(total=5, sent=5)), False, Step.RECOUNT),
        (replace(RUNNING, counts=Counts(total=5, sent=5), recount_at=NOW), False, None),
        (replace(RUNNING, counts=Counts(total=5, expired=1)), False, Step.RECOUNT),
        (replace(RUNNING, datetime_end=NOW), False, Step.RECOUNT),
        (replace(RUNNING, datetime_end=NOW, status="paused"), False, Step.RECOUNT),
    ],
)
def test_the_sweep_does_what_others_have_left_lying(mailing: Mailing, idle: bool, step: Step | None) -> None:
    assert next_step(mailing, NOW, idle) == step


def test_the_queued_are_what_is_left_of_the_total() -> None:
    counts = Counts(total=10, sent=4, failed=1, expired=2, cancelled=1)
    assert counts.queued == 2
    assert sum(counts.by_status().values()) == counts.total
    assert counts + Counts(total=1, sent=1) == Counts(total=11, sent=5, failed=1, expired=2, cancelled=1)


def test_messages_are_kept_for_some_days_after_the_end_also_in_the_year_9999() -> None:
    assert RUNNING.kept_until(10) == RUNNING.datetime_end + timedelta(days=10)
    last = replace(RUNNING, datetime_end=datetime(9999, 12, 31, tzinfo=UTC))
    assert last.kept_until(400).year == 9999
