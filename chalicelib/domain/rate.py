"""Rate limits: the moments at which messages may be posted, under the limit of the gateway and that of a mailing.

Each limit is divided among buckets, and each bucket has a clock, as in the generic cell rate algorithm (ITU-T I.371). A
permit is for the moment that the clock shows, and advances the clock by 1 / limit. A clock that lags more than MAX_LAG
behind is set forward, so unused permits are lost. A clock that is more than LOOKAHEAD ahead gives no permits: the
messages return to the queue and ask again, or wait in their rows.

All times are seconds since the epoch, all durations are seconds, all limits are messages a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil, floor, sqrt
from typing import NamedTuple

BURST = 0.25
"""A permit is valid for this long, so the posts of one second exceed the limit by a quarter at most."""

MAX_LAG = BURST / 2
"""A permit that is not taken for this long is lost. The rest of its validity is left for the post."""

LOOKAHEAD = 1.25
"""Permits are given this far ahead: a queue returns messages by the whole second, all of a second at once."""

CATCH_UP = 5.0
"""A mailing that got less than its share of a bucket may catch up on this much of it."""

ACTIVE_FOR = 3.0
"""A mailing shares a bucket for this long after its last request."""

FORGET_AFTER = 60.0
"""A mailing without requests is removed from the bucket after this."""

BUCKET_LIMIT = 100.0
"""The most messages a second of one bucket: all senders write to its row, and each write must find it unchanged."""

HORIZON = 300.0
"""Messages whose turn comes later than this have no queue message: they wait in their rows. The feeder queues
more every minute, so the queue has enough for four missed minutes. SQS delays messages for at most 900 seconds."""

LEAD = 3.0
"""Messages leave the queue this long before their turn, so that messages wait for each permit."""

SHARED_PACE = 2.0
"""A mailing that shares the gateway is queued at twice its present share: the other mailings may end soon."""

SLOW_ASKS, SLOW_ASKS_FOR = 0.5, 10.0
"""This part of the limit asks again, in addition to the messages that ask for the first time: every permit is used."""

FAST_ASKS = 1.1
"""The same for messages that wait longer than SLOW_ASKS_FOR, because more messages than permits have left the queue,
and for the last ENDING seconds of a mailing, when no messages ask for the first time."""

ENDING = 15.0

LONGEST_WAIT = 60.0
"""A message whose next request would be later leaves the queue and waits in its row. A returned message is in flight,
and SQS allows 120,000 of these: this is enough for 1,800 messages a second. The sweep feeds the rest every minute."""

CORRECTION = 0.2
"""If the messages that wait for permits are more than those of LEAD, the feeder postpones the next ones by this part of
the excess, each minute: messages that are queued then leave the queue five minutes later."""

MICROSECONDS = 1_000_000


GATEWAY, MAILING = "gateway", "mailing"
"""The kinds of buckets."""


@dataclass(frozen=True)
class Limits:
    """`gateway` and the mailing's `own` limit; None means no limit. At least one is set.

    `is_one_of_several`: the mailing is posted through other gateways too, so its own limit may bind first.
    """

    gateway: float | None
    own: float | None
    is_one_of_several: bool = False

    @property
    def lowest(self) -> float:
        return min(limit for limit in (self.gateway, self.own) if limit is not None)

    @property
    def by_bucket_kind(self) -> list[tuple[str, float]]:
        """The limits that can bind, the mailing's own first: a permit of the gateway is not taken in vain."""
        limits = []
        if self.own is not None and (self.gateway is None or self.own < self.gateway or self.is_one_of_several):
            limits.append((MAILING, self.own))
        if self.gateway is not None:
            limits.append((GATEWAY, self.gateway))
        return limits


@dataclass(frozen=True)
class Clocks:
    """`share`: the clock of a mailing for its share of the bucket. `asks`: until then messages ask again.

    `asked`: the time of its last request; `waiting`: how many messages it had to send then.
    """

    share: float = 0.0
    asked: float = 0.0
    waiting: int = 0
    asks: float = 0.0

    @property
    def weight(self) -> float:
        """The weight in the shares: 100 messages weigh 10 times as much as 10,000, so small mailings end soon."""
        return 1 / sqrt(max(1, self.waiting))


@dataclass(frozen=True)
class Bucket:
    """A part of a limit: its clock, and the clocks of the mailings that take permits. All senders share it."""

    clock: float = 0.0
    mailings: Mapping[int, Clocks] = field(default_factory=dict)

    def clocks_of(self, mailing_id: int) -> Clocks:
        return self.mailings.get(mailing_id, Clocks())

    def share(self, mailing_id: int, now: float) -> float:
        """The share of a mailing in the limit, from 0 to 1, among all active mailings."""
        active = [clocks.weight for clocks in self.mailings.values() if now - clocks.asked <= ACTIVE_FOR]
        return self.clocks_of(mailing_id).weight / sum(active, start=0.0) if active else 1.0

    def with_request(self, mailing_id: int, waiting: int, now: float) -> Bucket:
        """Records a request of this mailing, and removes mailings without recent requests."""
        kept = {other: clocks for other, clocks in self.mailings.items() if clocks.asked > now - FORGET_AFTER}
        clocks = replace(self.clocks_of(mailing_id), asked=now, waiting=waiting)
        return Bucket(self.clock, kept).with_clocks(mailing_id, clocks)

    def with_clocks(self, mailing_id: int, clocks: Clocks) -> Bucket:
        return Bucket(self.clock, {**self.mailings, mailing_id: clocks})


@dataclass(frozen=True)
class Booking:
    """The queue has messages of a mailing for the time until `until`, under the limit `limit`."""

    until: float = 0.0
    limit: float = 0.0


class Permit(NamedTuple):
    """Allows one post to begin, not before `at` and not after `until`."""

    at: float
    until: float

    def allows(self, now: float) -> bool:
        return self.at <= now <= self.until


UNLIMITED = Permit(0.0, float("inf"))
"""The permit without a rate limit."""


def buckets_of(limit: float) -> int:
    """The number of buckets that divide a limit."""
    return ceil(limit / BUCKET_LIMIT)


def later(one: Permit, other: Permit) -> Permit:
    """The permit for a post that needs both: its moment is the later of the two."""
    return max(one, other, key=lambda permit: permit.at)


def take_permits(
    bucket: Bucket, mailing_id: int, limit: float, wanted: int, now: float
) -> tuple[Bucket, tuple[Permit, ...]]:
    """Up to `wanted` permits for a mailing; fewer or none if the permits until LOOKAHEAD are taken."""
    clocks = bucket.clocks_of(mailing_id)
    clock = max(bucket.clock, now - MAX_LAG)
    share = max(clocks.share, now - CATCH_UP)
    share_limit = limit * bucket.share(mailing_id, now)
    due = _permits_due(clock, limit, now + LOOKAHEAD)
    charged = min(wanted, due, _permits_due(share, share_limit, now + LOOKAHEAD))
    unused = _permits_due(clock, limit, now)  # permits that the other mailings left
    number = min(wanted, max(charged, unused))
    permits = tuple(_permit(clock + index / limit) for index in range(number))
    after = Bucket(clock + number / limit, bucket.mailings)
    return after.with_clocks(mailing_id, replace(clocks, share=share + charged / share_limit)), permits


def book_asks(
    bucket: Bucket, mailing_id: int, limit: float, number: int, now: float
) -> tuple[Bucket, list[int | None]]:
    """The delays, 1 to 60 seconds, after which messages without a permit ask again; None: it waits in its row."""
    clocks = bucket.clocks_of(mailing_id)
    pace = limit * bucket.share(mailing_id, now)
    until = max(clocks.asks, now)
    slow_until = now if clocks.waiting <= ENDING * pace else now + SLOW_ASKS_FOR
    delays: list[int | None] = []
    while len(delays) < number and until <= now + LONGEST_WAIT:
        delays.append(max(1, int(until - now)))
        until += 1 / (pace * (SLOW_ASKS if until < slow_until else FAST_ASKS))
    return bucket.with_clocks(mailing_id, replace(clocks, asks=until)), delays + [None] * (number - len(delays))


def book_delays(
    booking: Booking, limits: Limits, number: int, now: float, share: float = 1.0
) -> tuple[Booking, list[int]]:
    """The delays, 0 to 300 seconds, after which messages leave the queue and ask for permits; fewer than `number` if
    the horizon is reached. `share`: the mailing's present share of the gateway.
    """
    limit = limits.lowest
    shared = limits.gateway * min(1.0, SHARED_PACE * share) if limits.gateway else limit
    pace = min(limit, shared)
    start = max(booking.until if booking.limit == limit else 0.0, now - LEAD)
    fitting = min(number, max(0, floor((now + HORIZON - start) * pace) + 1))
    delays = [max(0, int(start + index / pace - now)) for index in range(fitting)]
    return Booking(start + fitting / pace, limit), delays


def postponed(booking: Booking, clocks: Clocks, now: float, part: float = 1.0) -> Booking:
    """The booking, later if too many messages have left the queue and wait for permits, as after failed posts."""
    wait = max(0.0, clocks.asks - now)
    backlog = wait * (SLOW_ASKS if wait < SLOW_ASKS_FOR else FAST_ASKS)
    return replace(booking, until=booking.until + part * CORRECTION * max(0.0, backlog - LEAD))


def _permits_due(clock: float, limit: float, until: float) -> int:
    """The number of permits of this clock until then."""
    return int((until - clock) * limit) + 1 if clock <= until else 0


def _permit(moment: float) -> Permit:
    at = floor(moment * MICROSECONDS) / MICROSECONDS  # the precision of the clock
    return Permit(at, at + BURST)
