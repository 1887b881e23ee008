from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.audience import Plan
from chalicelib.domain.canary import Canary
from chalicelib.domain.condition import Leaf
from chalicelib.domain.counts import Counts
from chalicelib.domain.decisions import announced, cancelled, changed, ended, paused, resent, resumed, started
from chalicelib.domain.mailing import MAY_BECOME, STATUSES, Mailing, require_transition
from chalicelib.domain.sweep_plan import SendQueue, SweepStep, next_sweep_step
from chalicelib.errors import BadInput, NotInThisStatus

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


PAST, FUTURE = NOW - HOUR, NOW + HOUR


@pytest.mark.parametrize(
    ("start", "end", "is_accepted"),
    [
        (PAST, PAST - HOUR, True),
        (PAST, PAST, True),
        (NOW, NOW, True),
        (NOW, PAST, True),
        (FUTURE, PAST, False),
        (FUTURE, NOW, False),
        (FUTURE, FUTURE, False),
        (FUTURE + HOUR, FUTURE, False),
        (PAST, FUTURE, True),
    ],
)
def test_an_end_before_the_start_is_accepted_if_both_are_past(
    start: datetime, end: datetime, is_accepted: bool
) -> None:
    times = {"datetime_start": start, "datetime_end": end}
    never_started = replace(FINISHED, plan=None)
    for decide in (
        lambda: announced({**times, "message_text": "text"}, 1, NOW),  # type: ignore[typeddict-item]
        lambda: changed(SCHEDULED, times, NOW),  # type: ignore[arg-type]
        lambda: changed(never_started, times, NOW),  # type: ignore[arg-type]
    ):
        if is_accepted:
            assert (decide().status == "finished") == (end <= NOW)
        else:
            with pytest.raises(BadInput) as refused:
                decide()
            assert list(refused.value.body) == ["datetime_end"]


def test_an_end_before_the_start_ends_a_mailing_that_has_started() -> None:
    for mailing in (RUNNING, FINISHED, replace(RUNNING, status="paused")):
        after = changed(mailing, {"datetime_end": mailing.datetime_start - HOUR}, NOW)
        assert after.is_over(NOW)
        assert after.status == mailing.status


def test_an_end_in_the_future_resumes_a_finished_mailing() -> None:
    assert changed(FINISHED, {"datetime_end": NOW + HOUR}, NOW).status == "running"
    assert changed(FINISHED, {"datetime_end": NOW - HOUR / 4}, NOW).status == "finished"
    assert changed(FINISHED, {"message_text": "new"}, NOW).status == "finished"


def test_a_later_end_schedules_a_mailing_that_never_started() -> None:
    never = replace(FINISHED, plan=None)
    assert changed(never, {"datetime_end": NOW + HOUR}, NOW).status == "scheduled"


def test_an_earlier_end_leaves_a_running_mailing_running_until_its_messages_are_closed() -> None:
    assert changed(RUNNING, {"datetime_end": NOW}, NOW).status == "running"


OTHERS = {
    "datetime_start": NOW,
    "filter_tag": ("a",),
    "filter_op_codes": ("977",),
    "filter": Leaf("tag", "present", True),
    "segment": 7,
    "canary": 9,
    "max_error_rate": 9,
}


@pytest.mark.parametrize(("field", "other"), OTHERS.items())
def test_a_started_mailing_keeps_its_start_its_filter_and_its_canary(field: str, other: object) -> None:
    with pytest.raises(BadInput) as refused:
        changed(replace(RUNNING, canary=Canary(5)), {field: other}, NOW)  # type: ignore[misc]
    assert list(refused.value.body) == [field]


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_only_the_transitions_of_the_table_are_allowed(before: str, after: str) -> None:
    if after in MAY_BECOME[before]:
        require_transition(before, after)
    else:
        with pytest.raises(ValueError, match="cannot become"):
            require_transition(before, after)


def test_nothing_follows_a_cancellation() -> None:
    assert MAY_BECOME["cancelled"] == {"cancelled"}


PAUSED = replace(RUNNING, status="paused")
CANCELLED = replace(RUNNING, status="cancelled")
DECISIONS: dict[str, Callable[[Mailing], Mailing]] = {
    "pause": lambda mailing: paused(mailing, NOW),
    "resume": lambda mailing: resumed(mailing, NOW),
    "cancel": lambda mailing: cancelled(mailing, NOW),
    "resend": lambda mailing: resent(mailing, ["failed"], NOW),
    "change": lambda mailing: changed(mailing, {"message_text": "new"}, NOW),
}


@pytest.mark.parametrize(
    ("decision", "mailing", "status"),
    [
        ("pause", SCHEDULED, None),
        ("pause", RUNNING, "paused"),
        ("pause", PAUSED, "paused"),
        ("pause", FINISHED, None),
        ("pause", CANCELLED, None),
        ("resume", SCHEDULED, None),
        ("resume", RUNNING, "running"),
        ("resume", PAUSED, "running"),
        ("resume", FINISHED, None),
        ("resume", CANCELLED, None),
        ("cancel", SCHEDULED, "cancelled"),
        ("cancel", RUNNING, "cancelled"),
        ("cancel", PAUSED, "cancelled"),
        ("cancel", FINISHED, None),
        ("cancel", CANCELLED, "cancelled"),
        ("resend", SCHEDULED, None),
        ("resend", RUNNING, "running"),
        ("resend", PAUSED, None),
        ("resend", FINISHED, None),
        ("resend", replace(FINISHED, datetime_end=NOW + HOUR), "running"),
        ("resend", CANCELLED, None),
        ("change", CANCELLED, None),
    ],
)
def test_a_decision_is_made_if_the_status_allows_it_and_refused_with_a_reason_otherwise(
    decision: str, mailing: Mailing, status: str | None
) -> None:
    if status is None:
        with pytest.raises(NotInThisStatus, match=r"mailing"):
            DECISIONS[decision](mailing)
    else:
        assert DECISIONS[decision](mailing).status == status


def test_a_repeated_decision_changes_nothing() -> None:
    assert paused(PAUSED, NOW) == PAUSED
    assert resumed(RUNNING, NOW) == RUNNING
    assert cancelled(CANCELLED, NOW) == CANCELLED


def test_a_resume_requeues_waiting_messages() -> None:
    assert resumed(PAUSED, NOW).requeue
    assert resumed(PAUSED, NOW).has_orders


def test_resend_orders_are_joined_until_they_are_carried_out() -> None:
    both = resent(resent(RUNNING, ["unknown"], NOW), ["failed"], NOW)
    assert (both.resend, both.resends) == (("1#unknown", "failed"), 2)
    assert resent(both, ["failed", "expired"], NOW).resend == ("1#unknown", "expired", "failed")
    done = ended(both, Counts(total=1, sent=1), NOW)
    assert (done.resend, done.resends, done.has_orders) == ((), 2, False)


def test_a_mailing_has_an_end_when_its_messages_are_final() -> None:
    assert cancelled(SCHEDULED, NOW).ended_at == NOW
    assert not cancelled(SCHEDULED, NOW).is_open
    stopped = cancelled(RUNNING, NOW)
    assert (stopped.ended_at, stopped.is_open) == (None, True)
    closed = ended(stopped, Counts(total=1, cancelled=1), NOW + HOUR)
    assert (closed.status, closed.ended_at, closed.is_open) == ("cancelled", NOW + HOUR, False)
    done = ended(RUNNING, Counts(total=1, sent=1), NOW)
    assert (done.status, done.ended_at, done.is_open) == ("finished", NOW, False)
    assert changed(done, {"datetime_end": NOW + 3 * HOUR}, NOW).ended_at is None


def test_only_a_scheduled_mailing_starts() -> None:
    assert started(SCHEDULED, PLAN, NOW, 400).plan == PLAN
    with pytest.raises(ValueError, match="cannot become"):
        started(CANCELLED, PLAN, NOW, 400)


LONG_AGO = NOW - timedelta(minutes=3)
WITH_CANARY = replace(RUNNING, canary=Canary(2))
STALLED = replace(RUNNING, progress_at=LONG_AGO, counts=Counts(total=5, sent=2))


@pytest.mark.parametrize(
    ("mailing", "idle", "step"),
    [
        (SCHEDULED, True, None),
        (replace(SCHEDULED, datetime_start=NOW), True, SweepStep.START),
        (replace(RUNNING, counts=Counts(total=5)), True, None),
        (replace(STALLED, is_fanned_out=False), False, SweepStep.WALK),
        (replace(STALLED, is_fanned_out=False, progress_at=NOW), False, None),
        (STALLED, True, SweepStep.RECONCILE),
        (STALLED, False, SweepStep.RECONCILE),
        (replace(STALLED, progress_at=NOW - timedelta(minutes=1)), False, None),
        (replace(STALLED, round_started_at=NOW - timedelta(minutes=4)), False, None),
        (replace(STALLED, round_started_at=NOW - timedelta(minutes=5)), False, SweepStep.RECONCILE),
        (replace(STALLED, progress_at=NOW - HOUR, round_started_at=NOW - timedelta(minutes=50)), False, None),
        (replace(STALLED, progress_at=NOW - timedelta(seconds=20)), True, None),
        (replace(STALLED, round_started_at=LONG_AGO + timedelta(seconds=1)), True, SweepStep.REQUEUE),
        (replace(STALLED, round_started_at=LONG_AGO + timedelta(seconds=1)), False, None),
        (replace(STALLED, round_started_at=NOW), True, None),
        (replace(STALLED, status="paused"), True, None),
        (replace(RUNNING, counts=Counts(total=5, sent=5)), False, SweepStep.RECONCILE),
        (replace(RUNNING, counts=Counts(total=5, sent=5), round_started_at=NOW), False, None),
        (replace(RUNNING, counts=Counts(total=5, expired=1)), False, SweepStep.RECONCILE),
        (replace(RUNNING, datetime_end=NOW), False, SweepStep.RECONCILE),
        (replace(RUNNING, datetime_end=NOW, status="paused"), False, SweepStep.RECONCILE),
        (replace(RUNNING, status="cancelled", counts=Counts(total=5)), False, SweepStep.RECONCILE),
        (replace(RUNNING, status="cancelled", is_fanned_out=False), False, None),
        (replace(STALLED, status="cancelled", is_fanned_out=False), False, SweepStep.WALK),
        (replace(WITH_CANARY, counts=Counts(total=5, sent=1)), True, None),
        (replace(WITH_CANARY, counts=Counts(total=5, sent=1, failed=1)), False, SweepStep.RECONCILE),
        (replace(WITH_CANARY, counts=Counts(total=5, sent=1, failed=1), status="paused"), False, None),
        (replace(WITH_CANARY, counts=Counts(total=5, sent=1), progress_at=LONG_AGO), False, SweepStep.RECONCILE),
        (
            replace(WITH_CANARY, counts=Counts(total=5), progress_at=LONG_AGO, round_started_at=LONG_AGO + HOUR / 900),
            False,
            None,
        ),
        (replace(RUNNING, counts=Counts(total=5), requeue=True, first_valid_round=1), False, SweepStep.RECONCILE),
        (replace(RUNNING, counts=Counts(total=5), resend=("failed",), first_valid_round=1), False, SweepStep.RECONCILE),
        (
            replace(RUNNING, requeue=True, rounds=1, first_valid_round=1, round_started_at=NOW, round_queued_at=NOW),
            False,
            None,
        ),
    ],
)
def test_the_sweep_plan_has_a_step_for_stalled_and_late_mailings(
    mailing: Mailing, idle: bool, step: SweepStep | None
) -> None:
    assert next_sweep_step(mailing, NOW, SendQueue(idle)) == step


def test_queued_messages_are_the_total_without_final_ones() -> None:
    counts = Counts(total=10, sent=4, failed=1, expired=1, cancelled=1, unknown=1)
    assert counts.queued == 2
    assert sum(counts.by_status().values()) == counts.total
    assert counts + Counts(total=1, sent=1) == Counts(total=11, sent=5, failed=1, expired=1, cancelled=1, unknown=1)


def test_messages_are_kept_for_some_days_after_the_end_even_in_the_year_9999() -> None:
    assert RUNNING.kept_until(10) == RUNNING.datetime_end + timedelta(days=10)
    last = replace(RUNNING, datetime_end=datetime(9999, 12, 31, tzinfo=UTC))
    assert last.kept_until(400).year == 9999
    over = replace(RUNNING, datetime_end=datetime(2000, 1, 1, tzinfo=UTC))
    assert over.kept_until(10) == NOW + timedelta(days=10), "an end moved into the past deletes nothing"
