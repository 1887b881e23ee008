"""Mailings and clients that a sender caches for a second, so that not every message costs a read."""

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

MAILING_TTL = timedelta(seconds=1)
"""A sender sees a changed or cancelled mailing after at most this time."""

CLIENT_TTL = timedelta(seconds=1)
"""A sender sees a deleted client, or one that has opted out, after at most this time."""

MAX_MAILINGS = 100
"""The cache is emptied at this size: a text may be long."""


class MailingCache:
    """Mailings that were read at most MAILING_TTL ago: one read per second and mailing."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._cached: dict[int, tuple[datetime, Mailing | None]] = {}
        self._lock = Lock()

    def get(self, mailing_id: int) -> Mailing | None:
        now = self._services.clock.now()
        with self._lock:
            read_at, mailing = self._cached.get(mailing_id, (now - MAILING_TTL, None))
            return mailing if now - read_at < MAILING_TTL else self._read(mailing_id, now)

    def refresh(self, mailing_id: int) -> Mailing | None:
        """Read the mailing again, whatever its age."""
        with self._lock:
            return self._read(mailing_id, self._services.clock.now())

    def last_known(self, mailing_id: int) -> Mailing | None:
        """The mailing as it was last read, whatever its age. Reads nothing."""
        with self._lock:
            _, mailing = self._cached.get(mailing_id, (None, None))
            return mailing

    def put(self, mailing: Mailing, written_at: datetime) -> None:
        """Cache a mailing that a write has returned. `written_at`: when the write began."""
        with self._lock:
            self._cached[mailing.id] = (written_at, mailing)

    def _read(self, mailing_id: int, now: datetime) -> Mailing | None:
        mailing = self._services.mailings.get(mailing_id)
        if len(self._cached) >= MAX_MAILINGS:
            self._cached.clear()
        self._cached[mailing_id] = (now, mailing)
        return mailing


class ClientCache:
    """The clients of one batch, read again when they are older than CLIENT_TTL.

    `client_ids` has an entry for each message. A client without unhandled messages is not read again.
    """

    def __init__(self, services: Services, client_ids: Iterable[int]) -> None:
        self._services = services
        self._unhandled = Counter(client_ids)
        self._lock = Lock()
        self._read(services.clock.now())

    def get(self, client_id: int) -> Client | None:
        with self._lock:
            now = self._services.clock.now()
            if now - self._read_at >= CLIENT_TTL:
                self._read(now)
            return self._cached.get(client_id)

    def done_with(self, client_id: int) -> None:
        """One message of this client has been handled."""
        with self._lock:
            self._unhandled[client_id] -= 1

    def _read(self, now: datetime) -> None:
        client_ids = [client_id for client_id, messages in self._unhandled.items() if messages > 0]
        self._cached = self._services.clients.get_many(client_ids)
        self._read_at = now
