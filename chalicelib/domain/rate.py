"""How fast: whose turn it is to be posted, under the gateway's limit and a mailing's own, and when.

Each limit is a clock, as in the generic cell rate algorithm (ITU-T I.371): a token is for the moment that the clock
shows, and moves it on by one over the limit. A clock that has fallen behind is put forward, so that what nobody took in
time is lost; from one that is far ahead nobody takes. Who gets no token is told when to ask again, one after the other.

All times are seconds since the epoch, all limits messages a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import floor, sqrt

from .spread import spread

BURST = 0.25
"""A token may be used so much later than it was meant for: no second sees more than a quarter above the limit."""

LAG = BURST / 2
"""A token that nobody has taken for so long is lost; the rest of its life is for those who take it."""

AHEAD = 1.25
"""Tokens are given for so far ahead: a queue returns messages by the whole second, and all of a second at once."""

CREDIT = 5.0
"""A mailing that had less than its share of the gateway may catch up on so many seconds of it."""

ACTIVE = 3.0
"""Who asked so long ago shares the gateway."""

SURPLUS = 1.2
"""More messages are asked back than there will be tokens for, so that no token is left over."""

FARTHEST = 900.0
"""As long as a queue can hold a message back."""

FORGOTTEN = 60.0
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Limits:
    """None: no limit. At least one is set."""

    gateway: float | None
    own: float | None

    @property
    def least(self) -> float:
        return min(limit for limit in (self.gateway, self.own) if limit is not None)


@dataclass(frozen=True)
class Clocks:
    """One mailing's. `own`, `share`: its limit's and its share's tokens are taken until then.

    `asked`: when it last wanted tokens; `waiting`: how many messages it had to send then.
    """

    own: float = 0.0
    share: float = 0.0
    asked: float = 0.0
    waiting: int = 0

    @property
    def weight(self) -> float:
        """In the shares of the gateway: a mailing of a hundred has ten times that of ten thousand, and is soon done."""
        return 1 / sqrt(max(1, self.waiting))


@dataclass(frozen=True)
class Bucket:
    """What the senders of one gateway share, or, where only a mailing has a limit, the senders of that mailing."""

    gateway: float = 0.0
    mailings: Mapping[int, Clocks] = field(default_factory=dict)

    def of(self, mailing_id: int) -> Clocks:
        return self.mailings.get(mailing_id, Clocks())

    def share(self, mailing_id: int, now: float) -> float:
        """Of a mailing that has asked, among all who want tokens: 0 to 1."""
        wanting = [its.weight for its in self.mailings.values() if now - its.asked <= ACTIVE]
        return self.of(mailing_id).weight / sum(wanting, start=0.0) if wanting else 1.0

    def asked(self, mailing_id: int, waiting: int, now: float) -> Bucket:
        """It wants tokens; who has not for long is forgotten."""
        kept = {other: its for other, its in self.mailings.items() if its.asked > now - FORGOTTEN}
        return replace(self, mailings={**kept, mailing_id: replace(self.of(mailing_id), asked=now, waiting=waiting)})

    def with_clocks(self, mailing_id: int, clocks: Clocks) -> Bucket:
        return replace(self, mailings={**self.mailings, mailing_id: clocks})


@dataclass(frozen=True)
class Booking:
    """Until when the queue returns messages of a mailing, at so many a second."""

    until: float = 0.0
    pace: float = 0.0


@dataclass(frozen=True)
class Permit:
    """To begin one post: not before `at`, and not after `until`."""

    at: float
    until: float

    def allows(self, now: float) -> bool:
        return self.at <= now <= self.until


ANY_TIME = Permit(0.0, float("inf"))
"""Where there is no limit."""


def take(bucket: Bucket, mailing_id: int, limits: Limits, wanted: int, now: float) -> tuple[Bucket, tuple[Permit, ...]]:
    """Up to so many tokens for a mailing's posts; fewer, or none, when they are all taken for the next while."""
    clocks = bucket.of(mailing_id)
    own = max(clocks.own, now - LAG)
    gateway = max(bucket.gateway, now - LAG)
    share = max(clocks.share, now - CREDIT)
    number = min(wanted, _due(own, limits.own, now + AHEAD))
    if limits.gateway is not None:
        part = limits.gateway * bucket.share(mailing_id, now)
        charged = min(number, _due(share, part, now + AHEAD), _due(gateway, limits.gateway, now + AHEAD))
        left_over = _due(gateway, limits.gateway, now)  # by those who may take ahead of it
        number = min(number, max(charged, left_over))
        share += charged / part
    permits = tuple(_permit(own, gateway, limits, index) for index in range(number))
    clocks = replace(clocks, own=_moved(own, limits.own, number), share=share)
    return replace(bucket, gateway=_moved(gateway, limits.gateway, number)).with_clocks(mailing_id, clocks), permits


def book(booking: Booking, limits: Limits, number: int, now: float) -> tuple[Booking, list[int]]:
    """In how many seconds so many messages are to ask, or to ask again, for their tokens: 0 to 900.

    Booked somewhat faster than the limit. What would come later than a queue can hold it back comes, and asks, at any
    time of the second half of that; then its turn may be nearer.
    """
    pace = SURPLUS * limits.least
    start = max(booking.until, now) if booking.pace == pace else now
    moments = [start + index / pace for index in range(number)]
    delays = [_delay(moment - now, index) for index, moment in enumerate(moments)]
    return Booking(min(start + number / pace, now + FARTHEST), pace), delays


def _due(clock: float, limit: float | None, until: float) -> int:
    """How many tokens the clock gives up to then; without a limit as many as anybody wants."""
    if limit is None:
        return 2**31
    return int((until - clock) * limit) + 1 if clock <= until else 0


def _moved(clock: float, limit: float | None, tokens: int) -> float:
    return clock + tokens / limit if limit is not None else clock


def _permit(own: float, gateway: float, limits: Limits, index: int) -> Permit:
    moments = [_moved(clock, limit, index) for clock, limit in ((own, limits.own), (gateway, limits.gateway)) if limit]
    at = floor(max(moments) * MICROSECONDS) / MICROSECONDS  # as exact as a clock is read
    return Permit(at, at + BURST)


def _delay(wait: float, index: int) -> int:
    return int(wait) if wait < FARTHEST else int(FARTHEST / 2 * (1 + spread(index)))
