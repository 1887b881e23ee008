"""When to stop asking a gateway that does not answer, and when to ask again."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

FAILURES_IN_A_ROW = 5
FIRST_REST = timedelta(seconds=1)
LONGEST_REST = timedelta(seconds=30)


class Breaker:
    """Shared by the threads of a sender, as long as it lives.

    It opens after a few failures in a row, or one refusal of our token; then it rests, lets one probe through,
    and rests twice as long if that fails too. One success closes it.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._rest = FIRST_REST
        self._rests_until: datetime | None = None
        self._is_probing = False
        self._lock = Lock()

    def admits(self, now: datetime, probe: timedelta) -> bool:
        """Whether this post may be tried. `probe`: how long one may take; until then no other is let through."""
        with self._lock:
            if self._rests_until is None:
                return True
            if now < self._rests_until:
                return False
            self._rests_until = now + probe
            self._is_probing = True
            return True

    def rest_left(self, now: datetime) -> float:
        """Seconds for which nobody will be let through; 0 when it is closed."""
        rests_until = self._rests_until
        return max(0.0, (rests_until - now).total_seconds()) if rests_until else 0.0

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0
            self._rest = FIRST_REST
            self._rests_until = None
            self._is_probing = False

    def failed(self, now: datetime, for_good: bool = False) -> None:
        """`for_good`: our credentials are wrong, and the next post would be refused as well."""
        with self._lock:
            self._failures += 1
            if self._rests_until is None:
                if for_good or self._failures >= FAILURES_IN_A_ROW:
                    self._rests_until = now + self._rest
            elif self._is_probing:  # else: begun before it opened, so it says nothing new
                self._rest = min(2 * self._rest, LONGEST_REST)
                self._rests_until = now + self._rest
                self._is_probing = False
