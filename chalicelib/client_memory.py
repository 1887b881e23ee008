"""What a sender knows of the clients of its batch: read together, and read again when that is no longer fresh."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from .domain.client import Client

if TYPE_CHECKING:
    from .adapters.outside import Outside

CLIENT_LIFE = timedelta(seconds=1)
"""How long clients are taken from memory: so soon it is seen that one opted out or was deleted."""


class ClientMemory:
    """The clients as they were at most CLIENT_LIFE ago: a fast batch reads them once, a slow one every second.

    `client_ids`: of each message in the batch. Whose messages are all done with is not read again.
    """

    def __init__(self, outside: Outside, client_ids: Iterable[int]) -> None:
        self._outside = outside
        self._left = Counter(client_ids)
        self._lock = Lock()
        self._read(outside.clock.now())

    def get(self, client_id: int) -> Client | None:
        with self._lock:
            now = self._outside.clock.now()
            if now - self._read_at >= CLIENT_LIFE:
                self._read(now)
            return self._known.get(client_id)

    def done_with(self, client_id: int) -> None:
        """One message of the client's needs no look any more."""
        with self._lock:
            self._left[client_id] -= 1

    def _read(self, now: datetime) -> None:
        self._known = self._outside.clients.get_many([one for one, messages in self._left.items() if messages > 0])
        self._read_at = now
