"""The canary: which messages it admits, its result, and that it changes no other decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.domain.admission import Admission, admit
from chalicelib.domain.audience import Plan
from chalicelib.domain.canary import Canary, is_in_canary, select_for_queue
from chalicelib.domain.client import Client
from chalicelib.domain.counts import Counts
from chalicelib.domain.decisions import canary_checked, paused, resumed
from chalicelib.domain.mailing import OPEN_STATUSES, STATUSES, Mailing
from chalicelib.domain.message import Message
from chalicelib.domain.rate import UNLIMITED, Permit
from chalicelib.domain.send_window import Hours, SendWindow
from chalicelib.domain.sweep_plan import QUIET_PERIOD
from chalicelib.zones import zone

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OUT = Mailing(
    1, NOW - HOUR, NOW + HOUR, "text", status="running", plan=Plan("block", 1000, 1, 1), is_fanned_out=True,
    canary=Canary(10, admitted=10), progress_at=NOW - QUIET_PERIOD, round_started_at=NOW,
)  # fmt: skip

canaries = st.builds(Canary, st.integers(1, 100), st.integers(0, 100), st.integers(0, 120), st.booleans())
clients = st.builds(
    Client,
    id=st.just(7),
    phone_number=st.just("79770000007"),
    timezone=st.sampled_from(["UTC", "Asia/Kamchatka", "Asia/Kolkata"]),
    opted_out_at=st.none() | st.just(NOW),
)
mailings = st.builds(
    replace,
    st.just(OUT),
    status=st.sampled_from(STATUSES),
    window=st.none() | st.just(SendWindow(time(9), time(21))),
    canary=canaries,
)
moments = st.integers(-80, 80).map(lambda minutes: NOW + timedelta(minutes=minutes))
permits = st.sampled_from([UNLIMITED, Permit(0, 1)])


@given(mailings, st.none() | clients, moments, permits, st.booleans())
def test_a_canary_holds_messages_that_could_be_posted_and_changes_no_other_decision(
    mailing: Mailing, client: Client | None, now: datetime, permit: Permit, was_attempted: bool
) -> None:
    assert mailing.canary is not None
    decision = admit(mailing, client, now, zone, permit, was_attempted)
    without = admit(replace(mailing, canary=None), client, now, zone, permit, was_attempted)
    is_held = not (mailing.canary.is_passed or was_attempted or mailing.canary.admitted < mailing.canary.size)
    if is_held and without.admission in (Admission.POST, Admission.RATE_LIMITED):
        assert decision.admission == Admission.HOLD
    else:
        assert decision == without


@given(st.integers(1, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 100))
def test_the_error_rate_counts_messages_with_an_outcome(sent: int, failed: int, unknown: int, rate: int) -> None:
    counts = Counts(total=1000, sent=sent, failed=failed, unknown=unknown, cancelled=3, expired=2)
    after = canary_checked(replace(OUT, canary=Canary(1, rate, admitted=9)), counts, None, NOW)
    if (failed + unknown) / (sent + failed + unknown) <= rate / 100:
        assert (after.status, after.awaits_canary, after.requeue, after.paused_because) == (
            "running",
            False,
            True,
            None,
        )
    else:
        assert (after.status, after.awaits_canary) == ("paused", True)
        reason = str(after.paused_because)
        assert reason.startswith(f"{failed + unknown} of the first {counts.posted} messages failed")


@pytest.mark.parametrize(
    "mailing",
    [
        *(replace(OUT, status=status) for status in STATUSES if status != "running"),
        replace(OUT, is_fanned_out=False),
        replace(OUT, canary=None),
        replace(OUT, canary=Canary(10, is_passed=True)),
    ],
)
def test_a_canary_is_checked_only_while_its_mailing_runs_and_after_the_fan_out(mailing: Mailing) -> None:
    assert canary_checked(mailing, Counts(total=99, failed=99), 0, NOW) == mailing


@pytest.mark.parametrize(
    ("mailing", "in_canary", "taken"),
    [
        (OUT, 10, 10),
        (OUT, 7, 7),
        (replace(OUT, requeue=True), 7, 10),
        (replace(OUT, progress_at=NOW - QUIET_PERIOD / 2), 7, 10),
        (replace(OUT, progress_at=None), 7, 10),
    ],
)
def test_other_messages_replace_lost_ones_after_a_quiet_period(mailing: Mailing, in_canary: int, taken: int) -> None:
    after = canary_checked(mailing, Counts(total=99, sent=5), in_canary, NOW)
    assert after.canary == replace(OUT.canary or Canary(1), admitted=taken)
    assert (after == mailing) == (taken == 10)
    assert after.requeue or taken == 10


def test_a_resume_passes_the_canary_only_if_the_canary_paused_the_mailing() -> None:
    resumed_by_a_person = resumed(paused(OUT, NOW), NOW)
    assert resumed_by_a_person.awaits_canary
    paused_by_canary = canary_checked(OUT, Counts(total=99, failed=10), 0, NOW)
    assert paused(paused_by_canary, NOW) == paused_by_canary
    accepted = resumed(paused_by_canary, NOW)
    assert (accepted.awaits_canary, accepted.paused_because, accepted.requeue) == (False, None, True)


def message(client_id: int, attempts: int = 0, status: str = "queued", timezone: str | None = None) -> Message:
    return Message(1, client_id, status, NOW, attempts=attempts, timezone=timezone)


def test_attempted_messages_are_queued_and_as_many_others_as_the_canary_admits() -> None:
    waiting = [message(number, attempts=number % 2) for number in range(10)]
    assert [one.client_id for one in select_for_queue(Canary(7, admitted=5), waiting)] == [1, 3, 5, 7, 9, 0, 2]
    assert select_for_queue(Canary(7, admitted=7, is_passed=True), waiting) == waiting
    assert select_for_queue(None, waiting) == waiting


def test_a_canary_with_free_places_queues_three_more_for_each_cancelled_message() -> None:
    waiting = [message(number) for number in range(10)]
    assert [one.client_id for one in select_for_queue(Canary(7, admitted=5), waiting, cancelled=1)] == [0, 1, 2, 3, 4]
    assert select_for_queue(Canary(7, admitted=7), waiting, cancelled=3) == []


@pytest.mark.parametrize(
    ("one", "is_in"),
    [
        (message(1), False),
        (message(1, attempts=1), True),
        (message(1, attempts=1, timezone="UTC"), True),
        (message(1, attempts=1, timezone="Asia/Kamchatka"), False),
        (message(1, attempts=1, status="sent", timezone="Asia/Kamchatka"), True),
        (message(1, attempts=2, status="failed"), True),
        (message(1, attempts=2, status="expired"), False),
        (message(1, attempts=2, status="cancelled"), False),
        (message(1, attempts=0, status="failed"), False),
    ],
)
def test_a_message_outside_its_hours_or_closed_without_an_answer_is_not_in_the_canary(
    one: Message, is_in: bool
) -> None:
    hours = Hours(SendWindow(time(9), time(21)), zone, NOW)
    assert is_in_canary(one, one.status, hours) == is_in


@given(mailings, st.integers(0, 200))
def test_a_canary_has_a_result_after_the_fan_out_with_enough_outcomes(mailing: Mailing, sent: int) -> None:
    assume(mailing.status in OPEN_STATUSES)
    assert mailing.canary is not None
    known = replace(mailing, counts=Counts(total=1000, sent=sent)).has_canary_result
    assert known == (mailing.status == "running" and not mailing.canary.is_passed and sent >= mailing.canary.size)
