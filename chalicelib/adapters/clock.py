"""The time and random jitter. Tests replace both."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime


class Clock:
    def now(self) -> datetime:
        """The current time, aware and in UTC."""
        return datetime.now(UTC)

    def jitter(self) -> float:
        """A random number, at least 0 and below 1."""
        return random.random()  # noqa: S311

    def sleep(self, seconds: float) -> None:
        """Blocks the worker. Use it only where the queue cannot wait instead."""
        time.sleep(seconds)

    def sleep_until(self, moment: float) -> None:
        """Sleep until `moment`, in seconds since the epoch. For short waits. Returns at once if the moment is past."""
        if (seconds := moment - time.time()) > 0:
            time.sleep(seconds)
