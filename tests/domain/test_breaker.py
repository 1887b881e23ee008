from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from chalicelib.domain.breaker import (
    FEWEST_FAILURES,
    LONGEST_HOLD,
    MIN_REST,
    MOST_FAILURES,
    POSTS_PER_MAILING,
    UNDOUBLED_FOR,
    Breaker,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PROBE = timedelta(seconds=10)
NEW = 20
"""Failures that open the breaker of a sender without a success so far."""


def admits(breaker: Breaker, now: datetime = NOW, mailing_id: int = 1) -> bool:
    is_admitted = breaker.admits(mailing_id, now, PROBE)
    if is_admitted:
        breaker.leave(mailing_id, now, was_posted=True)
    return is_admitted


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        assert admits(breaker)
        breaker.record_failure(NOW)


def warm(successes: int = 100) -> Breaker:
    """The breaker of a sender whose gateway is well."""
    breaker = Breaker()
    for _ in range(successes):
        breaker.record_success()
    return breaker


def opened() -> Breaker:
    breaker = warm()
    fail(breaker, FEWEST_FAILURES)
    return breaker


def test_a_breaker_opens_after_a_few_failures_if_nothing_failed_before() -> None:
    breaker = warm()
    fail(breaker, FEWEST_FAILURES - 1)
    breaker.record_success()
    fail(breaker, FEWEST_FAILURES)
    assert not admits(breaker)


def test_the_breaker_of_a_new_sender_opens_later() -> None:
    breaker = Breaker()
    fail(breaker, NEW)
    assert not admits(breaker)


def test_a_new_sender_posts_no_more_at_once_than_would_open_its_breaker() -> None:
    breaker = Breaker()
    fail(breaker)
    assert sum(breaker.admits(1, NOW, PROBE) for _ in range(100)) == NEW - 1
    breaker.record_success()
    assert all(breaker.admits(1, NOW, PROBE) for _ in range(100))


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.89])
def test_the_more_messages_fail_the_longer_is_the_run_that_opens_the_breaker(share: float) -> None:
    openings = 0
    for seed in range(100):
        random, breaker = Random(seed), warm(1)
        for _ in range(1000):
            if not admits(breaker):
                openings += 1
                breaker.record_success()
            elif random.random() < share:
                breaker.record_failure(NOW)
            else:
                breaker.record_success()
    assert openings <= 35, "in a hundred thousand posts"


def test_a_gateway_that_is_down_opens_the_breaker_whatever_share_failed_before() -> None:
    breaker = Breaker()
    for _ in range(300):
        fail(breaker, 18)
        breaker.record_success()
    fail(breaker, MOST_FAILURES)
    assert not admits(breaker)


def test_later_attempts_of_failed_messages_do_not_open_the_breaker() -> None:
    breaker = warm()
    for _ in range(1000):
        breaker.record_failure(NOW, is_first=False)
    assert admits(breaker)


def test_refused_connections_open_the_breaker_at_every_attempt() -> None:
    breaker = Breaker()
    for _ in range(FEWEST_FAILURES):
        assert admits(breaker)
        breaker.record_failure(NOW, is_first=False, is_of_gateway=True)
    assert not admits(breaker)


def test_one_refused_token_opens_the_breaker_for_all_mailings() -> None:
    breaker = Breaker()
    breaker.record_failure(NOW, is_permanent=True)
    assert not admits(breaker)
    assert not admits(breaker, mailing_id=2)


def test_the_failures_of_one_mailing_do_not_hold_back_another_one() -> None:
    breaker = opened()
    assert [admits(breaker, mailing_id=2) for _ in range(POSTS_PER_MAILING + 1)] == [True] * POSTS_PER_MAILING + [False]
    assert not admits(breaker, mailing_id=1)
    breaker.record_success()
    assert admits(breaker, mailing_id=1)


def test_an_open_breaker_lets_one_probe_through_after_its_rest() -> None:
    breaker = opened()
    later = NOW + MIN_REST
    assert admits(breaker, later)
    assert not admits(breaker, later + PROBE / 2)
    assert admits(breaker, later + PROBE), "the probe had no outcome"


def test_an_admission_without_a_post_uses_up_no_probe_and_no_post_of_its_mailing() -> None:
    breaker = opened()
    for _ in range(2 * POSTS_PER_MAILING):
        assert breaker.admits(2, NOW, PROBE)
        breaker.leave(2, NOW, was_posted=False)
    later = NOW + MIN_REST
    for _ in range(2):
        assert breaker.admits(1, later, PROBE)
        breaker.leave(1, later, was_posted=False)
    assert admits(breaker, later)
    assert not admits(breaker, later)


def rests(breaker: Breaker, probes: int, is_first: bool = True) -> list[float]:
    now, found = NOW, []
    for _ in range(probes):
        probed = next(now + timedelta(seconds=s) for s in range(100) if admits(breaker, now + timedelta(seconds=s)))
        found.append((probed - now).total_seconds())
        breaker.record_failure(probed, is_first)
        now = probed
    return found


def test_a_failed_probe_doubles_the_rest_up_to_the_maximum() -> None:
    assert rests(opened(), 8) == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_new_sender_probes_more_often_at_first() -> None:
    breaker = Breaker()
    fail(breaker, NEW)
    quick = int(UNDOUBLED_FOR.total_seconds())
    assert rests(breaker, quick + 4) == [1] * quick + [1, 2, 4, 8]


def test_the_more_messages_failed_before_the_longer_are_probes_frequent() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker.record_failure(NOW)
    breaker.record_success()
    run = 0
    while admits(breaker):
        breaker.record_failure(NOW)
        run += 1
    assert run > NEW
    assert rests(breaker, run - NEW) == [1] * (run - NEW)


def test_a_long_outage_leaves_the_breaker_ready_for_the_next_one() -> None:
    breaker = warm(200)
    fail(breaker, FEWEST_FAILURES)
    rests(breaker, 300)
    breaker.record_success()
    fail(breaker, NEW)
    assert not admits(breaker)


def test_a_probe_with_a_message_that_failed_before_does_not_prolong_the_rest() -> None:
    assert rests(opened(), 4, is_first=False) == [1, 1, 1, 1]


def test_failures_of_earlier_posts_do_not_prolong_the_rest() -> None:
    breaker = opened()
    for _ in range(20):
        breaker.record_failure(NOW)
    assert admits(breaker, NOW + MIN_REST)


def test_one_success_closes_the_breaker() -> None:
    breaker = opened()
    breaker.record_success()
    assert all(admits(breaker) for _ in range(10))


def test_a_success_of_another_sender_closes_the_breaker_if_its_post_began_later() -> None:
    breaker = opened()
    for posted_at in (None, NOW - MIN_REST, NOW):
        breaker.learn_of_success(posted_at)
        assert not admits(breaker)
    breaker.learn_of_success(NOW + MIN_REST / 2)
    assert admits(breaker)


def test_a_message_is_held_back_for_at_most_half_the_time_of_the_outage_and_two_minutes() -> None:
    breaker = Breaker()
    assert breaker.seconds_to_hold(NOW, 1.0) == 1
    fail(breaker, NEW)
    held = [breaker.seconds_to_hold(NOW + timedelta(seconds=seconds), 1.0) for seconds in (0, 10, 60, 240, 36_000)]
    assert held == [1, 6, 31, 1 + LONGEST_HOLD, 1 + LONGEST_HOLD]
    assert breaker.seconds_to_hold(NOW + timedelta(seconds=3600), 0.0) == 1
