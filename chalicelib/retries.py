"""Retry a write that met another writer, with pauses that grow and have jitter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from .errors import RowChanged

T = TypeVar("T")


class Pauses(Protocol):
    """The part of a clock that a retry needs. `jitter` returns a random number from 0 up to 1."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...

    def jitter(self) -> float: ...


LEAST_PAUSE = 0.01
"""In seconds. A shorter pause would meet the same transaction again."""

MOST_DOUBLINGS = 10


@dataclass(frozen=True)
class Backoff:
    """Pauses in seconds: doubled from `first` up to `longest`, with full jitter. No try begins after `seconds` in all.

    Source of the jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """

    first: float
    longest: float
    seconds: float

    def pause(self, number: int, jitter: float) -> float:
        """The pause before retry `number`, counted from 0."""
        return max(LEAST_PAUSE, jitter * min(self.first * 2.0 ** min(number, MOST_DOUBLINGS), self.longest))


class Patience:
    """The time limit and the pauses of a caller that repeats the part of its work that is left.

    `repeats`: pauses since a try that left nothing. The caller sets it back to 0 after such a try.
    """

    def __init__(self, clock: Pauses, backoff: Backoff) -> None:
        self._clock = clock
        self._backoff = backoff
        self._until = clock.now() + timedelta(seconds=backoff.seconds)
        self.repeats = 0

    @property
    def is_over(self) -> bool:
        return self._clock.now() >= self._until

    def pause(self) -> None:
        self._clock.sleep(self._backoff.pause(self.repeats, self._clock.jitter()))
        self.repeats += 1


PATIENT = Backoff(first=0.02, longest=0.3, seconds=5.0)
"""A DynamoDB transaction holds its items for tens of milliseconds. The API has 20 seconds for a request: the last try
of a lost race may meet transactions for as long again."""


def retry(
    clock: Pauses, attempt: Callable[[], T], may_succeed_later: Callable[[Exception], bool], backoff: Backoff = PATIENT
) -> T:
    """Returns what `attempt` returns. Raises its error if it is of another kind or the time of `backoff` is up."""
    until = clock.now() + timedelta(seconds=backoff.seconds)
    number = 0
    while True:
        try:
            return attempt()
        except Exception as error:
            left = (until - clock.now()).total_seconds()
            if left <= 0 or not may_succeed_later(error):
                raise
        clock.sleep(min(left, backoff.pause(number, clock.jitter())))
        number += 1


def retry_lost_races(clock: Pauses, attempt: Callable[[], T], backoff: Backoff = PATIENT) -> T:
    """Returns what `attempt` returns. Raises RowChanged if other writers came first every time.

    `attempt` must read again what it bases its decision on.
    """
    return retry(clock, attempt, lambda error: isinstance(error, RowChanged), backoff)


def pause_before_retry(clock: Pauses, number: int, first: float, longest: float) -> None:
    """Sleep before retry `number`, counted from 0. For a caller that has its own limit of the retries."""
    clock.sleep(Backoff(first, longest, seconds=0).pause(number, clock.jitter()))
