"""The lock that all fakes share, and a clock that a test sets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import RLock

LOCK = RLock()


class FakeClock:
    def __init__(self, now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)) -> None:
        self.time = now
        self.fixed_jitter = 0.5

    def now(self) -> datetime:
        return self.time

    def jitter(self) -> float:
        return self.fixed_jitter

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def sleep(self, seconds: float) -> None:
        self.forward(seconds)

    def sleep_until(self, moment: float) -> None:
        """Threads sleep in parallel: the time becomes the latest of their moments, not the sum of their waits."""
        self.forward_to(datetime.fromtimestamp(moment, UTC))

    def forward_to(self, moment: datetime) -> None:
        with LOCK:
            self.time = max(self.time, moment)
