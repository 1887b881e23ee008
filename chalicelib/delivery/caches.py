"""What a sender keeps of mailings and clients for a second, so that a message costs no read of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from ..domain.client import Client
from ..domain.mailing import Mailing

if TYPE_CHECKING:
    from ..adapters.services import Services

MAILING_LIFE = timedelta(seconds=1)
"""How long a mailing that may be sent is taken from memory: so soon a change or a cancel is seen."""

CLIENT_LIFE = timedelta(seconds=1)
"""How long clients are taken from memory: so soon it is seen that one opted out or was deleted."""

MAILINGS_KNOWN = 100
"""More are not kept in memory: a text may be long."""


class MailingCache:
    """Mailings as they were at most MAILING_LIFE ago: one read a second and mailing, not one a message."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[int, tuple[datetime, Mailing | None]] = {}
        self._lock = Lock()

    def get(self, mailing_id: int) -> Mailing | None:
        now = self._services.clock.now()
        with self._lock:
            read_at, mailing = self._known.get(mailing_id, (now - MAILING_LIFE, None))
            return mailing if now - read_at < MAILING_LIFE else self._read(mailing_id, now)

    def refreshed(self, mailing_id: int) -> Mailing | None:
        with self._lock:
            return self._read(mailing_id, self._services.clock.now())

    def remember(self, mailing: Mailing) -> None:
        """As a write has just answered with it: the next batch need not read it."""
        with self._lock:
            self._known[mailing.id] = (self._services.clock.now(), mailing)

    def _read(self, mailing_id: int, now: datetime) -> Mailing | None:
        mailing = self._services.mailings.get(mailing_id)
        if len(self._known) >= MAILINGS_KNOWN:
            self._known.clear()
        self._known[mailing_id] = (now, mailing)
        return mailing


class ClientCache:
    """The clients as they were at most CLIENT_LIFE ago: a fast batch reads them once, a slow one every second.

    `client_ids`: of each message in the batch. Whose messages are all done with is not read again.
    """

    def __init__(self, services: Services, client_ids: Iterable[int]) -> None:
        self._services = services
        self._left = Counter(client_ids)
        self._lock = Lock()
        self._read(services.clock.now())

    def get(self, client_id: int) -> Client | None:
        with self._lock:
            now = self._services.clock.now()
            if now - self._read_at >= CLIENT_LIFE:
                self._read(now)
            return self._known.get(client_id)

    def done_with(self, client_id: int) -> None:
        """One message of the client's needs no look any more."""
        with self._lock:
            self._left[client_id] -= 1

    def _read(self, now: datetime) -> None:
        self._known = self._services.clients.get_many([one for one, messages in self._left.items() if messages > 0])
        self._read_at = now
