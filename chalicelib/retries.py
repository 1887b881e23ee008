"""Retry a write that lost a race against another writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from .errors import RowChanged

T = TypeVar("T")


class Pauses(Protocol):
    """The part of a clock that a retry needs. `jitter` returns a random number from 0 up to 1."""

    def sleep(self, seconds: float) -> None: ...

    def jitter(self) -> float: ...


TRIES = 6
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.2
"""In seconds. A DynamoDB transaction locks its items for tens of milliseconds."""


def retry_lost_races(
    clock: Pauses,
    attempt: Callable[[], T],
    tries: int = TRIES,
    first: float = FIRST_PAUSE,
    longest: float = LONGEST_PAUSE,
) -> T:
    """Returns what `attempt` returns. Raises RowChanged if other writers came first every time.

    `attempt` must read again what it bases its decision on. The pauses double from `first` up to `longest`, with full
    jitter.
    """
    for number in range(tries - 1):
        try:
            return attempt()
        except RowChanged:
            pause_before_retry(clock, number, first, longest)
    return attempt()


def pause_before_retry(clock: Pauses, number: int, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> None:
    """Sleep before retry `number`, counted from 0: `first` seconds, doubled up to `longest`, with full jitter.

    Source of the jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    clock.sleep(clock.jitter() * min(first * 2**number, longest))
