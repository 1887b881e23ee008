"""The rate of posts that the gateway takes, as one sender process finds it: additive increase, multiplicative decrease.

A post that the gateway refuses because of too many posts halves the rate. Accepted posts raise it: soon again to near
the rate that was too much, then slowly, and beyond it faster and faster, because the gateway's limit may have risen.
Before the first such refusal there is no rate, and no post waits.

All times are seconds since the epoch, all durations are seconds, all rates are posts a second.
Sources: RFC 5681 (halving), RFC 9438 (CUBIC: concave below the last maximum, convex above it).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

LEAST_RATE = 1.0

HALVED_ONCE_IN = 1.0
"""Refusals within this time count as one: they come from posts at the same rate, or in the same second."""

MEASURED = 1.0
"""The posts of this time are the rate before the first refusal."""

RECOVERY = 4.0
"""The rate approaches the one that was too much with this time constant."""

STEP, LEAST_STEP = 0.01, 0.1
"""The slowest increase a second: a part of the rate that was too much, or posts a second."""

BEYOND = 0.3
"""Beyond the rate that was too much, the excess grows by this part of itself each second."""

LONGEST_WAIT = 4.0
"""A message that would wait for its turn for longer returns to the queue, before it is claimed. A waiting sender costs
some 7 millionths of a dollar a second, and to return a hundred messages costs about twice as much."""

MOST_RETURNS = 3
"""The delay of a message that returns to the queue stops growing at this number of deliveries, which is half a minute.
"""

MAX_LAG = 0.25
"""A turn that is not used for this long is lost."""


@dataclass(frozen=True)
class Turn:
    """When a post may begin. `halvings`: how often the rate had been halved: later ones make the turn invalid."""

    at: float
    halvings: int


class AdaptiveRate:
    """The threads of one sender process share it."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self._too_much = 0.0
        self._next = 0.0
        self._is_used = False
        self._is_any_accepted = False
        self._halvings = 0
        self._halved_at = float("-inf")
        self._raised_at = 0.0
        self._begun: deque[float] = deque()
        self._waiting = 0
        self._lock = Lock()

    def admits(self) -> bool:
        """Whether one more message may wait for its turn. `leave` follows each admission."""
        with self._lock:
            is_full = self.rate is not None and self._waiting >= max(1.0, self.rate * LONGEST_WAIT)
            self._waiting += not is_full
            return not is_full

    def leave(self) -> None:
        with self._lock:
            self._waiting -= 1

    def seconds_to_return(self, deliveries: int, jitter: float) -> int:
        """Seconds after which a message that is not admitted asks again; `jitter` is a random number from 0 to 1."""
        return 1 + round(jitter * LONGEST_WAIT * 2.0 ** min(deliveries, MOST_RETURNS))

    @property
    def longest_wait(self) -> float:
        """How long an admitted message may wait for its turn."""
        return 0.0 if self.rate is None else LONGEST_WAIT

    def turn(self, now: float, latest: float) -> Turn | None:
        """The next turn; None if it is later than `latest`."""
        with self._lock:
            if self.rate is None:
                self._note(now)
                return Turn(now, self._halvings)
            at = max(self._next, now - MAX_LAG)
            if at > latest:
                return None
            self._is_used = at > now
            self._next = at + 1 / self.rate
            return Turn(max(at, now), self._halvings)

    def is_valid(self, turn: Turn) -> bool:
        return turn.halvings == self._halvings

    def record_refusal(self, begun: float, now: float) -> None:
        """The gateway refused a post that began at `begun`, because of too many posts.

        If nothing was accepted since the last halving, or ever, the rate stays: a gateway that refuses everything says
        nothing about its limit, and the breaker lets single probes through.
        """
        with self._lock:
            is_same = begun <= self._halved_at or now - self._halved_at < HALVED_ONCE_IN
            if is_same or not self._is_any_accepted:
                return
            self._is_any_accepted = False
            rate = self.rate or max(LEAST_RATE, len(self._begun) / MEASURED)
            self._too_much = rate
            self.rate = max(LEAST_RATE, rate / 2)
            self._next = self._halved_at = self._raised_at = now
            self._halvings += 1
            self._begun.clear()

    def record_success(self, now: float) -> None:
        """A rate that no post waits for is not raised: nothing shows that the gateway takes more."""
        self._is_any_accepted = True
        if self.rate is None:
            return
        with self._lock:
            seconds = min(now - self._raised_at, HALVED_ONCE_IN)
            if self.rate is not None and self._is_used and seconds > 0:
                self.rate += seconds * self._increase(self.rate)
                self._raised_at = now

    def _increase(self, rate: float) -> float:
        """Posts a second, each second."""
        missing = self._too_much - rate
        return max(LEAST_STEP, STEP * self._too_much, missing / RECOVERY, -missing * BEYOND)

    def _note(self, now: float) -> None:
        self._begun.append(now)
        while self._begun[0] < now - MEASURED:
            self._begun.popleft()
