"""The time of day, and luck: what a test must be able to decide."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime


class Clock:
    def now(self) -> datetime:
        """This moment, aware, in UTC."""
        return datetime.now(UTC)

    def jitter(self) -> float:
        """A random number from 0 up to 1, for jitter."""
        return random.random()  # noqa: S311

    def sleep(self, seconds: float) -> None:
        """Only where the queue cannot wait in our place."""
        time.sleep(seconds)

    def sleep_until(self, moment: float) -> None:
        """Up to a moment, in seconds since the epoch, that is all but here; not at all when it has passed."""
        if (seconds := moment - time.time()) > 0:
            time.sleep(seconds)
