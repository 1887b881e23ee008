"""When to stop asking a gateway that does not answer."""

from __future__ import annotations

from threading import Lock

FAILURES_IN_A_ROW = 5


class Breaker:
    """Shared by the threads of one invocation: open after a few failures in a row, or one refusal of our token."""

    def __init__(self, limit: int = FAILURES_IN_A_ROW) -> None:
        self._limit = limit
        self._failures = 0
        self._lock = Lock()

    @property
    def is_open(self) -> bool:
        return self._failures >= self._limit

    def succeeded(self) -> None:
        with self._lock:
            if not self.is_open:
                self._failures = 0

    def failed(self, for_good: bool = False) -> None:
        """`for_good`: our credentials are wrong, and the next post would be refused as well."""
        with self._lock:
            self._failures = self._limit if for_good else self._failures + 1
