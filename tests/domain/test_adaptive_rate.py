"""The adaptive rate: how busy it keeps a gateway with a limit, how fast it follows it, and what it leaves alone."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from chalicelib.domain.adaptive_rate import LEAST_RATE, LONGEST_WAIT, AdaptiveRate

THREADS, LATENCY, RETURNS_AFTER = 50, 0.1, 0.5


class Simulation:
    """Senders whose threads post all the time. `takes`: whether the gateway takes a post at this moment.

    `accepted` and `refused` count by the second.
    """

    def __init__(self, senders: int, takes: Callable[[float], bool], seed: int = 1) -> None:
        self.accepted: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self._rates = [AdaptiveRate() for _ in range(senders)]
        self._takes = takes
        self._random = Random(seed)
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0
        for rate in self._rates:
            for _ in range(THREADS):
                self._at(self._random.random() * 0.05, self._ask, rate)

    def run(self, until: float) -> None:
        while self._events[0][0] <= until:
            now, _, event, arguments = heapq.heappop(self._events)
            event(now, *arguments)

    def total(self, first: int, last: int) -> tuple[int, int]:
        """Accepted and refused posts from one second to before another one."""
        seconds = range(first, last)
        return sum(self.accepted[second] for second in seconds), sum(self.refused[second] for second in seconds)

    def _at(self, moment: float, event: Callable[..., None], *arguments: Any) -> None:
        self._number += 1
        heapq.heappush(self._events, (moment, self._number, event, arguments))

    def _ask(self, now: float, rate: AdaptiveRate) -> None:
        turn = rate.turn(now, now + LONGEST_WAIT)
        if turn is None:
            self._at(now + RETURNS_AFTER, self._ask, rate)
        else:
            self._at(turn.at, self._post, rate, turn)

    def _post(self, now: float, rate: AdaptiveRate, turn: Any) -> None:
        if not rate.is_valid(turn):
            return self._ask(now, rate)
        answer = self._accept if self._takes(now) else self._refuse
        self._at(now + LATENCY * (0.5 + self._random.random()), answer, rate, now)
        return None

    def _accept(self, now: float, rate: AdaptiveRate, _begun: float) -> None:
        self.accepted[int(now)] += 1
        rate.record_success(now)
        self._ask(now, rate)

    def _refuse(self, now: float, rate: AdaptiveRate, begun: float) -> None:
        self.refused[int(now)] += 1
        rate.record_refusal(begun, now)
        self._ask(now, rate)


def by_the_second(limit: Callable[[float], int]) -> Callable[[float], bool]:
    """A gateway that takes so many posts in each second."""
    taken: Counter[int] = Counter()

    def takes(now: float) -> bool:
        is_taken = taken[int(now)] < limit(now)
        taken[int(now)] += is_taken
        return is_taken

    return takes


def by_bucket(limit: float, burst: float) -> Callable[[float], bool]:
    """A gateway with a token bucket."""
    tokens, filled_at = burst, 0.0

    def takes(now: float) -> bool:
        nonlocal tokens, filled_at
        tokens, filled_at = min(burst, tokens + (now - filled_at) * limit), now
        is_taken = tokens >= 1
        tokens -= is_taken
        return is_taken

    return takes


@pytest.mark.parametrize("makes_bursts", [False, True], ids=["by the second", "by a token bucket"])
@pytest.mark.parametrize(("senders", "limit"), [(1, 10), (1, 100), (4, 20), (4, 100), (4, 400), (10, 100)])
def test_a_gateway_with_a_limit_is_kept_busy_and_refuses_little(senders: int, limit: int, makes_bursts: bool) -> None:
    takes = by_bucket(limit, 20) if makes_bursts else by_the_second(lambda _: limit)
    simulation = Simulation(senders, takes)
    simulation.run(90)
    accepted, refused = simulation.total(30, 90)
    assert accepted >= 0.8 * 60 * limit
    assert refused <= 0.05 * (accepted + refused)


def test_the_first_seconds_cost_the_posts_in_flight_and_few_more() -> None:
    simulation = Simulation(4, by_the_second(lambda _: 100))
    simulation.run(10)
    accepted, refused = simulation.total(0, 10)
    assert accepted >= 800
    assert refused <= 2 * 4 * THREADS


def test_a_limit_that_rises_is_used_within_half_a_minute() -> None:
    simulation = Simulation(4, by_the_second(lambda now: 100 if now < 60 else 300))
    simulation.run(140)
    assert simulation.total(90, 140)[0] >= 0.8 * 50 * 300


def test_a_limit_that_falls_is_respected_within_seconds() -> None:
    simulation = Simulation(4, by_the_second(lambda now: 300 if now < 60 else 50))
    simulation.run(100)
    accepted, refused = simulation.total(66, 100)
    assert accepted >= 0.75 * 34 * 50
    assert refused <= 0.05 * (accepted + refused)


def test_without_refusals_no_post_waits_and_there_is_no_rate() -> None:
    rate = AdaptiveRate()
    for number in range(10_000):
        assert rate.admits()
        turn = rate.turn(number / 1000, number / 1000)
        assert turn is not None
        assert (turn.at, rate.is_valid(turn)) == (number / 1000, True)
        rate.record_success(number / 1000)
    assert (rate.rate, rate.longest_wait) == (None, 0)


def posting(per_second: int) -> AdaptiveRate:
    """A sender that has begun so many posts in the second before 1.0."""
    rate = AdaptiveRate()
    for number in range(per_second):
        rate.turn(number / per_second, 1)
    rate.record_success(0.5)
    return rate


def test_the_first_refusal_halves_the_rate_of_the_last_second() -> None:
    rate = posting(100)
    rate.record_refusal(0.9, 1.0)
    assert rate.rate == 50


def test_refusals_of_a_second_and_of_earlier_posts_halve_once() -> None:
    rate = posting(100)
    for number in range(50):
        rate.record_refusal(0.9, 1.0 + number / 100)
    assert rate.rate == 50
    rate.record_success(1.5)
    rate.record_refusal(0.95, 2.5)
    assert rate.rate == 50, "this post began before the rate was halved"
    rate.record_refusal(1.9, 2.5)
    assert rate.rate == 25


def test_a_gateway_that_refuses_everything_for_a_while_halves_the_rate_once() -> None:
    rate = posting(100)
    for second in range(1, 60):
        rate.record_refusal(second - 0.1, second)
    assert rate.rate == 50
    new = AdaptiveRate()
    for second in range(1, 60):
        new.turn(second - 0.1, second)
        new.record_refusal(second - 0.1, second)
    assert new.rate is None


def test_the_rate_has_a_lower_bound() -> None:
    rate = posting(2)
    for number in range(1, 20):
        rate.record_success(2.0 * number - 0.5)
        rate.record_refusal(2.0 * number - 0.5, 2.0 * number)
    assert rate.rate == LEAST_RATE
    assert rate.admits()


def test_turns_follow_each_other_at_the_rate_and_not_later_than_asked() -> None:
    rate = posting(100)
    rate.record_refusal(0.9, 1.0)
    turns = [rate.turn(1.0, 1.1) for _ in range(10)]
    given = [turn.at for turn in turns if turn is not None]
    assert given == pytest.approx([1.0, 1.02, 1.04, 1.06, 1.08, 1.1])
    assert turns[6:] == [None] * 4


def test_a_turn_from_before_a_halving_is_no_longer_valid() -> None:
    rate = posting(100)
    before = rate.turn(1.0, 5.0)
    rate.record_refusal(0.9, 1.0)
    after = rate.turn(1.0, 5.0)
    assert before is not None
    assert after is not None
    assert (rate.is_valid(before), rate.is_valid(after)) == (False, True)


def test_a_rate_that_no_post_waits_for_is_not_raised() -> None:
    rate = posting(100)
    rate.record_refusal(0.9, 1.0)
    for second in range(2, 100):
        rate.turn(second, second)
        rate.record_success(second)
    assert rate.rate == 50


def test_no_more_messages_wait_than_have_their_turn_in_time() -> None:
    rate = posting(100)
    rate.record_refusal(0.9, 1.0)
    assert sum(rate.admits() for _ in range(1000)) == 50 * LONGEST_WAIT
    rate.leave()
    assert [rate.admits(), rate.admits()] == [True, False]


def test_a_message_that_is_not_admitted_returns_later_each_time() -> None:
    rate = AdaptiveRate()
    assert [rate.seconds_to_return(number, 1.0) for number in (1, 2, 5, 50)] == [9, 17, 33, 33]
    assert rate.seconds_to_return(50, 0.0) == 1
