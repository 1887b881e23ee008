"""A lost race is repeated for a limited time, with pauses."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from chalicelib.errors import PhoneTaken, RowChanged
from chalicelib.retries import LEAST_PAUSE, PATIENT, retry_lost_races
from infra.local.doubles.fake_clock import FakeClock


class RecordingClock(FakeClock):
    def __init__(self, jitter: float = 1.0) -> None:
        super().__init__()
        self.fixed_jitter = jitter
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        super().sleep(seconds)


def losing(times: int, error: Exception | None = None) -> Callable[[], str]:
    left = iter(range(times))

    def attempt() -> str:
        if next(left, None) is not None:
            raise error or RowChanged
        return "written"

    return attempt


def test_a_race_won_at_once_has_no_pause() -> None:
    clock = RecordingClock()
    assert retry_lost_races(clock, losing(0)) == "written"
    assert clock.pauses == []


def test_pauses_double_up_to_the_longest() -> None:
    clock = RecordingClock()
    assert retry_lost_races(clock, losing(7)) == "written"
    assert clock.pauses[:4] == [PATIENT.first * 2**number for number in range(4)]
    assert all(earlier <= later for earlier, later in pairwise(clock.pauses))
    assert max(clock.pauses) == PATIENT.longest


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_a_race_that_is_lost_for_ever_is_tried_for_five_seconds(jitter: float) -> None:
    clock = RecordingClock(jitter)
    start = clock.now()
    with pytest.raises(RowChanged):
        retry_lost_races(clock, losing(10_000))
    assert (clock.now() - start).total_seconds() == pytest.approx(PATIENT.seconds)
    assert min(clock.pauses[:-1]) >= LEAST_PAUSE


def test_other_errors_are_not_repeated() -> None:
    clock = RecordingClock()
    with pytest.raises(PhoneTaken):
        retry_lost_races(clock, losing(1, PhoneTaken()))
    assert clock.pauses == []
