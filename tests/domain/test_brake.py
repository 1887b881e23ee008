"""The brake: when the answers to first attempts pause a mailing, and how long a doubtful message waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.backoff import delay_after_doubt
from chalicelib.domain.brake import (
    LEAD,
    MOST_REFUSALS,
    NO_ANSWERS,
    NO_REFUSALS,
    OUTAGE,
    REFUSED_FOR,
    Answers,
    Refusals,
    refusals_of,
)
from chalicelib.domain.canary import Canary
from chalicelib.domain.decisions import braked, paused, resumed
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.outcome import Kind
from chalicelib.gateways.answer import Answer
from tests.gateways.contract_gateway import read_answer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO = NOW - OUTAGE
RUNNING = Mailing(1, NOW, NOW + timedelta(days=1), "text", status="running")


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (NO_ANSWERS, None),
        (Answers(0, 19, 19, LONG_AGO), None),
        (Answers(0, 20, 20, NOW), "mailing.off_contract"),
        (Answers(19, 38, 38, NOW), None),
        (Answers(19, 39, 39, NOW), "mailing.off_contract"),
        (Answers(0, 20, 19, NOW), None),
        (Answers(0, 20, 19, LONG_AGO), "mailing.no_clear_answer"),
        (Answers(0, 500, 0, LONG_AGO + timedelta(seconds=1)), None),
        (Answers(480, 500, 0, LONG_AGO), "mailing.no_clear_answer"),
    ],
)
def test_a_mailing_pauses_for_most_answers_off_contract_at_once_and_for_silence_later(
    answers: Answers, reason: str | None
) -> None:
    after = braked(replace(RUNNING, answers=answers), NOW)
    assert (after.paused_because.code if after.paused_because else None) == reason
    assert after.status == ("paused" if reason else "running")


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_count_that_begins_anew_pauses_no_mailing(clear: int, doubtful: int) -> None:
    answers = Answers(clear, doubtful, doubtful, LONG_AGO)
    assert not (answers.begin_anew and answers.pause_reason(NOW))
    assert answers.begin_anew == (0 < doubtful <= clear or 0 == doubtful < clear)


def test_the_time_of_silence_begins_with_the_first_answer_that_is_counted() -> None:
    assert (Answers(1, 2, 1, LONG_AGO) + Answers(3, 4, 2)) == Answers(4, 6, 3, LONG_AGO)


A_MINUTE_AGO = NOW - REFUSED_FOR


@pytest.mark.parametrize(
    ("refusals", "reason"),
    [
        (NO_REFUSALS, None),
        (Refusals(credentials=4, since=A_MINUTE_AGO), None),
        (Refusals(credentials=5, since=A_MINUTE_AGO), "mailing.refused_credentials"),
        (Refusals(credentials=5, since=A_MINUTE_AGO + timedelta(seconds=1)), None),
        (Refusals(balance=5, since=A_MINUTE_AGO), "mailing.refused_balance"),
        (Refusals(sender=5, since=A_MINUTE_AGO), "mailing.refused_sender"),
        (Refusals(4, 4, 4, A_MINUTE_AGO), None),
        (Refusals(4, 4, 5, A_MINUTE_AGO), "mailing.refused_sender"),
        (Refusals(500, 0, 0, NOW), None),
    ],
)
def test_a_mailing_pauses_for_five_refusals_of_a_kind_the_first_a_minute_ago(
    refusals: Refusals, reason: str | None
) -> None:
    after = braked(replace(RUNNING, refusals=refusals), NOW)
    assert (after.paused_because.code if after.paused_because else None) == reason
    assert after.status == ("paused" if reason else "running")


@pytest.mark.parametrize("kind", Kind)
def test_only_refusals_without_a_message_as_their_cause_are_counted(kind: Kind) -> None:
    is_counted = kind in (Kind.CREDENTIALS, Kind.BALANCE, Kind.SENDER)
    assert (refusals_of(kind) != NO_REFUSALS) == is_counted
    many = sum([refusals_of(kind)] * MOST_REFUSALS, Refusals(since=A_MINUTE_AGO))
    assert (many.pause_reason(NOW) is not None) == is_counted


def test_a_resume_after_refusals_counts_them_anew_and_keeps_the_canary_open() -> None:
    mailing = braked(replace(RUNNING, canary=Canary(50), refusals=Refusals(balance=5, since=A_MINUTE_AGO)), NOW)
    after = resumed(mailing, NOW)
    assert (after.refusals, after.paused_because, after.awaits_canary) == (NO_REFUSALS, None, True)


@pytest.mark.parametrize("status", ["scheduled", "paused", "finished", "cancelled"])
def test_only_a_running_mailing_pauses(status: str) -> None:
    mailing = replace(RUNNING, status=status, answers=Answers(0, 99, 99, LONG_AGO))
    assert braked(mailing, NOW) == mailing


def test_a_resume_after_the_brake_counts_anew_and_keeps_the_canary_open() -> None:
    mailing = braked(replace(RUNNING, canary=Canary(50), answers=Answers(0, LEAD, LEAD, NOW)), NOW)
    assert paused(mailing, NOW) == mailing
    after = resumed(mailing, NOW)
    assert (after.answers, after.paused_because, after.awaits_canary, after.requeue) == (NO_ANSWERS, None, True, True)


@pytest.mark.parametrize(
    ("answer", "in_doubt", "is_off_contract"),
    [
        (Answer(200, '{"code": 0}'), False, False),
        (Answer(200, '{"code": 7}'), True, True),
        (Answer(200, "<html>"), True, True),
        (Answer(201, '{"code": 0}'), True, True),
        (Answer(302), True, True),
        (Answer(502), True, False),
        (Answer(504), True, False),
        (Answer(500), False, False),
        (Answer(503), False, False),
        (Answer(429), False, False),
        (Answer(401), False, False),
        (Answer(400), False, False),
        (Answer(None, "ReadTimeout"), True, False),
        (Answer(None, "NewConnectionError", never_sent=True), False, False),
    ],
)
def test_an_answer_is_in_doubt_if_the_gateway_may_have_the_message(
    answer: Answer, in_doubt: bool, is_off_contract: bool
) -> None:
    outcome = read_answer(answer, NOW)
    assert (outcome.in_doubt, outcome.is_off_contract) == (in_doubt, is_off_contract)


def test_the_last_doubts_come_later_than_an_outage_that_pauses_the_mailing() -> None:
    assert [delay_after_doubt(left) for left in (4, 3, 2, 1, 0)] == [0, 0, 60, 600, 0]
    assert delay_after_doubt(1) >= OUTAGE.total_seconds()
