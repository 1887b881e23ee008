"""Rate limits: the moments at which messages may be posted, under the limit of the gateway and that of a mailing.

Each limit is a clock, as in the generic cell rate algorithm (ITU-T I.371). A permit is for the moment that the clock
shows, and advances the clock by 1 / limit. A clock that lags more than MAX_LAG behind is set forward, so unused permits
are lost. A clock that is more than LOOKAHEAD ahead gives no permits: the messages wait in the queue and ask again.

All times are seconds since the epoch, all durations are seconds, all limits are messages a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor, sqrt
from typing import NamedTuple

from .spread import spread

BURST = 0.25
"""A permit is valid for this long, so the posts of one second exceed the limit by a quarter at most."""

MAX_LAG = BURST / 2
"""A permit that is not taken for this long is lost. The rest of its validity is left for the post."""

LOOKAHEAD = 1.25
"""Permits are given this far ahead: a queue returns messages by the whole second, all of a second at once."""

CATCH_UP = 5.0
"""A mailing that got less than its share of the gateway may catch up on this much of it."""

ACTIVE_FOR = 3.0
"""A mailing shares the gateway for this long after its last request."""

OVERBOOKING = 1.2
"""More messages leave the queue than there are permits for, so that no permit is unused."""

MAX_DELAY = 900.0
"""The longest delay of a queue message in SQS."""

FORGET_AFTER = 60.0
"""A mailing without requests is removed from the bucket after this."""

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Limits:
    """`gateway` and the mailing's `own` limit; None means no limit. At least one is set."""

    gateway: float | None
    own: float | None

    @property
    def lowest(self) -> float:
        return min(limit for limit in (self.gateway, self.own) if limit is not None)


@dataclass(frozen=True)
class Clocks:
    """The clocks of one mailing: `own` for its own limit, `share` for its share of the gateway's limit.

    `asked`: the time of its last request; `waiting`: how many messages it had to send then.
    """

    own: float = 0.0
    share: float = 0.0
    asked: float = 0.0
    waiting: int = 0

    @property
    def weight(self) -> float:
        """The weight in the shares: 100 messages weigh 10 times as much as 10,000, so small mailings end soon."""
        return 1 / sqrt(max(1, self.waiting))


@dataclass(frozen=True)
class Bucket:
    """The clocks that all senders share: of one gateway, or of one mailing if only the mailing has a limit."""

    gateway: float = 0.0
    mailings: Mapping[int, Clocks] = field(default_factory=dict)

    def clocks_of(self, mailing_id: int) -> Clocks:
        return self.mailings.get(mailing_id, Clocks())

    def share(self, mailing_id: int, now: float) -> float:
        """The share of a mailing in the gateway's limit, from 0 to 1, among all active mailings."""
        active = [clocks.weight for clocks in self.mailings.values() if now - clocks.asked <= ACTIVE_FOR]
        return self.clocks_of(mailing_id).weight / sum(active, start=0.0) if active else 1.0

    def with_request(self, mailing_id: int, waiting: int, now: float) -> Bucket:
        """Records a request of this mailing, and removes mailings without recent requests."""
        kept = {other: clocks for other, clocks in self.mailings.items() if clocks.asked > now - FORGET_AFTER}
        clocks = self.clocks_of(mailing_id)
        return Bucket(self.gateway, {**kept, mailing_id: Clocks(clocks.own, clocks.share, now, waiting)})


@dataclass(frozen=True)
class Booking:
    """The queue returns messages of a mailing until `until`, at `pace` messages a second."""

    until: float = 0.0
    pace: float = 0.0


class Permit(NamedTuple):
    """Allows one post to begin, not before `at` and not after `until`."""

    at: float
    until: float

    def allows(self, now: float) -> bool:
        return self.at <= now <= self.until


UNLIMITED = Permit(0.0, float("inf"))
"""The permit without a rate limit."""


def take_permits(
    bucket: Bucket, mailing_id: int, limits: Limits, wanted: int, now: float
) -> tuple[Bucket, tuple[Permit, ...]]:
    """Up to `wanted` permits for a mailing; fewer or none if the permits until LOOKAHEAD are taken."""
    clocks = bucket.clocks_of(mailing_id)
    own = max(clocks.own, now - MAX_LAG)
    gateway = max(bucket.gateway, now - MAX_LAG)
    share = max(clocks.share, now - CATCH_UP)
    number = min(wanted, _permits_due(own, limits.own, now + LOOKAHEAD))
    if limits.gateway is not None:
        share_limit = limits.gateway * bucket.share(mailing_id, now)
        charged = min(
            number,
            _permits_due(share, share_limit, now + LOOKAHEAD),
            _permits_due(gateway, limits.gateway, now + LOOKAHEAD),
        )
        unused = _permits_due(gateway, limits.gateway, now)  # permits that the other mailings left
        number = min(number, max(charged, unused))
        share += charged / share_limit
    ticking = [(clock, limit) for clock, limit in ((own, limits.own), (gateway, limits.gateway)) if limit is not None]
    permits = tuple(_permit(ticking, index) for index in range(number))
    clocks = Clocks(_advanced(own, limits.own, number), share, clocks.asked, clocks.waiting)
    return Bucket(_advanced(gateway, limits.gateway, number), {**bucket.mailings, mailing_id: clocks}), permits


def book_delays(booking: Booking, limits: Limits, number: int, now: float) -> tuple[Booking, list[int]]:
    """The delays, 0 to 900 seconds, after which `number` messages leave the queue and ask for permits.

    The booking is faster than the limit by OVERBOOKING. Messages beyond MAX_DELAY get delays that are spread over its
    second half, and then ask again.
    """
    pace = OVERBOOKING * limits.lowest
    start = max(booking.until, now) if booking.pace == pace else now
    moments = [start + index / pace for index in range(number)]
    delays = [_delay(moment - now, index) for index, moment in enumerate(moments)]
    return Booking(min(start + number / pace, now + MAX_DELAY), pace), delays


def _permits_due(clock: float, limit: float | None, until: float) -> int:
    """The number of permits of this clock until then; practically unlimited without a limit."""
    if limit is None:
        return 2**31
    return int((until - clock) * limit) + 1 if clock <= until else 0


def _advanced(clock: float, limit: float | None, permits: int) -> float:
    return clock + permits / limit if limit is not None else clock


def _permit(clocks: list[tuple[float, float]], index: int) -> Permit:
    """`clocks`: each clock with its limit. The last clock that allows the post decides."""
    latest = max([clock + index / limit for clock, limit in clocks])
    at = floor(latest * MICROSECONDS) / MICROSECONDS  # the precision of the clock
    return Permit(at, at + BURST)


def _delay(wait: float, index: int) -> int:
    return int(wait) if wait < MAX_DELAY else int(MAX_DELAY / 2 * (1 + spread(index)))
