"""What senders tell of the breaker of a gateway, for people. No decision about a message depends on it.

Each sender has a breaker of its own. A report says that at least one of them is open, or that the last one known has
closed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..texts import Text

LEAST_INTERVAL = timedelta(minutes=1)
"""A sender whose breaker opens again sooner says nothing: a gateway that comes and goes costs few writes."""

REPEATED_AFTER = timedelta(minutes=5)
"""A sender whose breaker stays open says so again."""

STALE_AFTER = timedelta(minutes=15)
"""After so long without a report no sender has the breaker open, or none has tried."""


@dataclass(frozen=True)
class Opening:
    """`reason`: why the gateway is taken for down."""

    at: datetime
    reason: Text | None


@dataclass(frozen=True)
class BreakerReport:
    """`opened_at`: when the first sender has opened it; None if it is closed. `told_at`: by any sender, last.

    `reason`: of the last opening.
    """

    gateway: str
    told_at: datetime
    opened_at: datetime | None = None
    reason: Text | None = None

    def is_open(self, now: datetime) -> bool:
        return self.opened_at is not None and now - self.told_at < STALE_AFTER

    def after(self, opening: Opening | None, now: datetime) -> BreakerReport:
        """The next report. Among several senders the time of the first one stays."""
        if opening is None:
            return replace(self, told_at=now, opened_at=None)
        since = self.opened_at if self.opened_at is not None and self.is_open(now) else opening.at
        return replace(self, told_at=now, opened_at=min(since, opening.at), reason=opening.reason)


@dataclass(frozen=True)
class Told:
    """What a sender has told last."""

    was_open: bool
    at: datetime


def is_due(told: Told | None, opening: Opening | None, now: datetime) -> bool:
    """Whether a sender tells its breaker. One that has never opened is never told."""
    if told is None:
        return opening is not None
    if told.was_open:
        return opening is None or now - told.at >= REPEATED_AFTER
    return opening is not None and now - told.at >= LEAST_INTERVAL
