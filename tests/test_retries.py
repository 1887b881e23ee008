"""A lost race is repeated a limited number of times, with pauses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.errors import RowChanged
from chalicelib.retries import LONGEST_PAUSE, TRIES, retry_lost_races


class RecordingClock:
    def __init__(self) -> None:
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def jitter(self) -> float:
        return 1.0


def losing(times: int) -> Callable[[], str]:
    left = iter(range(times))

    def attempt() -> str:
        if next(left, None) is not None:
            raise RowChanged
        return "written"

    return attempt


def test_a_race_won_at_once_has_no_pause() -> None:
    clock = RecordingClock()
    assert retry_lost_races(clock, losing(0)) == "written"
    assert clock.pauses == []


def test_pauses_double_up_to_the_maximum() -> None:
    clock = RecordingClock()
    assert retry_lost_races(clock, losing(TRIES - 1)) == "written"
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[1] == 2 * clock.pauses[0]
    assert max(clock.pauses) <= LONGEST_PAUSE


def test_after_the_last_attempt_the_race_is_lost() -> None:
    clock = RecordingClock()
    with pytest.raises(RowChanged):
        retry_lost_races(clock, losing(TRIES))
    assert len(clock.pauses) == TRIES - 1
