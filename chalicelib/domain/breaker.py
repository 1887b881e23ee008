"""A circuit breaker: it stops posts to a gateway that fails, and lets single probes through."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

FAILURES_IN_A_ROW = 5
MIN_REST = timedelta(seconds=1)
MAX_REST = timedelta(seconds=30)


class Breaker:
    """The threads of one sender process share one breaker.

    It opens after some failures in a row, or after one refused token. After a rest it lets one probe through. A failed
    probe doubles the rest, up to MAX_REST. One success closes the breaker.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._rest = MIN_REST
        self._rests_until: datetime | None = None
        self._is_probing = False
        self._lock = Lock()

    def admits(self, now: datetime, probe: timedelta) -> bool:
        """Whether a post may start now. `probe`: the longest time of a probe, when no other post starts."""
        with self._lock:
            if self._rests_until is None:
                return True
            if now < self._rests_until:
                return False
            self._rests_until = now + probe
            self._is_probing = True
            return True

    def seconds_until_probe(self, now: datetime) -> float:
        """Seconds until the next probe is admitted; 0 if the breaker is closed."""
        rests_until = self._rests_until
        return max(0.0, (rests_until - now).total_seconds()) if rests_until else 0.0

    def record_success(self) -> None:
        with self._lock:
            self._failures = 0
            self._rest = MIN_REST
            self._rests_until = None
            self._is_probing = False

    def record_failure(self, now: datetime, is_permanent: bool = False) -> None:
        """`is_permanent`: the gateway refused our credentials, so the next post would fail too."""
        with self._lock:
            self._failures += 1
            if self._rests_until is None:
                if is_permanent or self._failures >= FAILURES_IN_A_ROW:
                    self._rests_until = now + self._rest
            elif self._is_probing:  # posts that started before the breaker opened are ignored
                self._rest = min(2 * self._rest, MAX_REST)
                self._rests_until = now + self._rest
                self._is_probing = False
