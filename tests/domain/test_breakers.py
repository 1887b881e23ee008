"""The breakers of a sender: what refusals of each kind hold back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.breaker import LONGEST_HOLD, MAX_REST, RUN_OF_NEW_SENDER
from chalicelib.domain.breakers import Breakers
from chalicelib.domain.outcome import Kind, Outcome
from chalicelib.texts import Text

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PROBE = timedelta(seconds=10)
OURS, OTHER = 1, 2
REASON = Text("gateway.silent", error="x")


def post(breakers: Breakers, kind: Kind, mailing_id: int = OURS, now: datetime = NOW, is_first: bool = True) -> bool:
    """Whether the post was admitted. Then it has this outcome."""
    if not breakers.admits(mailing_id, now, PROBE):
        return False
    breakers.record(mailing_id, Outcome(kind, REASON), now, is_first)
    breakers.leave(mailing_id, now, was_posted=True)
    return True


def warm(kind: Kind = Kind.ACCEPTED) -> Breakers:
    breakers = Breakers()
    for _ in range(100):
        for mailing_id in (OURS, OTHER):
            assert post(breakers, kind, mailing_id)
    return breakers


@pytest.mark.parametrize("kind", [Kind.CREDENTIALS, Kind.BALANCE])
def test_one_refusal_of_the_account_holds_all_mailings_back_except_for_probes(kind: Kind) -> None:
    breakers = warm()
    assert post(breakers, kind)
    assert not post(breakers, kind)
    assert not post(breakers, kind, OTHER)
    later = NOW + MAX_REST
    assert post(breakers, kind, OTHER, later)
    assert not post(breakers, kind, OURS, later)
    assert breakers.failure(OURS) == breakers.failure(OTHER) == REASON


@pytest.mark.parametrize("kind", [Kind.CREDENTIALS, Kind.BALANCE])
@pytest.mark.parametrize("answer", [Kind.ACCEPTED, Kind.DUPLICATE, Kind.PERMANENT, Kind.OPTED_OUT, Kind.SENDER])
def test_an_answer_that_is_about_the_message_or_the_name_shows_that_the_account_is_accepted(
    kind: Kind, answer: Kind
) -> None:
    breakers = warm()
    post(breakers, kind)
    assert post(breakers, answer, OURS, NOW + MAX_REST)
    assert post(breakers, Kind.ACCEPTED, OTHER, NOW + MAX_REST)


def test_a_refused_sender_name_holds_its_own_mailing_back_after_a_run_and_no_other_one() -> None:
    breakers = warm()
    posts = sum(post(breakers, Kind.SENDER) for _ in range(100))
    assert posts == RUN_OF_NEW_SENDER
    assert all(post(breakers, Kind.ACCEPTED, OTHER) for _ in range(100))
    assert not post(breakers, Kind.SENDER)
    assert (breakers.failure(OURS), breakers.failure(OTHER)) == (REASON, None)


def test_a_message_that_was_admitted_before_the_first_refusal_is_held_back_right_before_its_post() -> None:
    breakers = Breakers()
    assert breakers.admits(OURS, NOW, PROBE, by="late")
    for _ in range(RUN_OF_NEW_SENDER):
        breakers.record(OURS, Outcome(Kind.SENDER, REASON), NOW, is_first=True)
    assert breakers.holds(OURS, by="late")
    assert not breakers.holds(OTHER, by="late")
    breakers.leave(OURS, NOW, by="late")


@pytest.mark.parametrize(("answer", "is_closed"), [(Kind.ACCEPTED, True), (Kind.PERMANENT, False)])
def test_only_an_accepted_message_shows_that_the_sender_name_is_accepted(answer: Kind, is_closed: bool) -> None:
    breakers = warm()
    while post(breakers, Kind.SENDER):
        pass
    later = NOW + MAX_REST
    assert post(breakers, answer, OURS, later)
    assert post(breakers, Kind.ACCEPTED, OURS, later) == is_closed


def test_a_success_of_another_sender_closes_the_breaker_of_the_mailing() -> None:
    breakers = warm()
    while post(breakers, Kind.SENDER):
        pass
    breakers.learn_of_success(OTHER, NOW + timedelta(seconds=0.1))
    assert not post(breakers, Kind.ACCEPTED)
    breakers.learn_of_success(OURS, NOW + timedelta(seconds=0.1))
    assert post(breakers, Kind.ACCEPTED)


def test_a_sender_name_that_some_numbers_refuse_keeps_its_mailing_posting() -> None:
    breakers = warm()
    answers = [Kind.SENDER, Kind.SENDER, Kind.ACCEPTED, Kind.SENDER] * 50
    assert all(post(breakers, kind) for kind in answers)


def test_a_probe_of_the_mailing_that_the_gateway_holds_back_is_not_used_up() -> None:
    breakers = warm()
    while post(breakers, Kind.SENDER):
        pass
    later = NOW + MAX_REST
    post(breakers, Kind.BALANCE, OTHER, later)
    assert not post(breakers, Kind.ACCEPTED, OURS, later)
    much_later = later + MAX_REST
    assert post(breakers, Kind.ACCEPTED, OTHER, much_later)
    assert post(breakers, Kind.ACCEPTED, OURS, much_later)


def test_a_message_waits_for_both_breakers() -> None:
    breakers = warm()
    assert breakers.seconds_to_hold(OURS, NOW, 1.0) == 1
    while post(breakers, Kind.SENDER):
        pass
    later = NOW + timedelta(hours=1)
    assert breakers.seconds_to_hold(OURS, later, 1.0) == 1 + LONGEST_HOLD
    assert breakers.seconds_to_hold(OTHER, later, 1.0) == 1
