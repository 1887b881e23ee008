"""What a sender remembers of mailings, so that a message costs no read of its mailing."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from .domain.mailing import Mailing

if TYPE_CHECKING:
    from .adapters.outside import Outside

MAILING_LIFE = timedelta(seconds=1)
"""How long a mailing that may be sent is taken from memory: so soon a change or a cancel is seen."""

MAILINGS_KNOWN = 100
"""More are not kept in memory: a text may be long."""


class MailingMemory:
    """Mailings as they were at most MAILING_LIFE ago: one read a second and mailing, not one a message."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._known: dict[int, tuple[datetime, Mailing | None]] = {}
        self._lock = Lock()

    def get(self, mailing_id: int) -> Mailing | None:
        now = self._outside.clock.now()
        with self._lock:
            read_at, mailing = self._known.get(mailing_id, (now - MAILING_LIFE, None))
            return mailing if now - read_at < MAILING_LIFE else self._read(mailing_id, now)

    def refreshed(self, mailing_id: int) -> Mailing | None:
        with self._lock:
            return self._read(mailing_id, self._outside.clock.now())

    def remember(self, mailing: Mailing) -> None:
        """As a write has just answered with it: the next batch need not read it."""
        with self._lock:
            self._known[mailing.id] = (self._outside.clock.now(), mailing)

    def _read(self, mailing_id: int, now: datetime) -> Mailing | None:
        mailing = self._outside.mailings.get(mailing_id)
        if len(self._known) >= MAILINGS_KNOWN:
            self._known.clear()
        self._known[mailing_id] = (now, mailing)
        return mailing
