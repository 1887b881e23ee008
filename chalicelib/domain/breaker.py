"""A circuit breaker: it stops posts to a gateway that is down, and lets single probes through.

A failed post has one of two causes: the gateway, or the message. docs/RELIABILITY.md, "Whose failure it is".
"""

from __future__ import annotations

import math
from collections import Counter, deque
from datetime import datetime, timedelta
from threading import Lock

from ..texts import Text
from .breaker_report import Opening

FEWEST_FAILURES = 5
"""The shortest run of failures that opens the breaker. As many failures that are the gateway's own open it too."""

MOST_FAILURES = 200
"""A run of this length opens the breaker, whatever the share of failures before it."""

CHANCE = 1e-6
"""The breaker opens after a run that bad messages alone cause with at most this probability."""

REMEMBERED = 200
"""The number of outcomes from which the share of failures is estimated."""

ASSUMED_FAILURES, ASSUMED_OUTCOMES = 2, 4
"""Counted with the outcomes, so that a new sender assumes that half of the messages fail."""

POSTS_PER_MAILING = 5

MIN_REST = timedelta(seconds=1)
MAX_REST = timedelta(seconds=30)
UNDOUBLED_FOR = timedelta(seconds=4)
"""While the cause is uncertain, the rest does not double for this time."""

LONGEST_HOLD = 120.0


def run_that_opens(failures: int, outcomes: int) -> int:
    """The length of a run of failures whose chance is CHANCE, if so many of the outcomes before it were failures."""
    share = (failures + ASSUMED_FAILURES) / (outcomes + ASSUMED_OUTCOMES)
    return min(MOST_FAILURES, max(FEWEST_FAILURES, math.ceil(math.log(CHANCE) / math.log(share))))


RUN_OF_NEW_SENDER = run_that_opens(0, 0)


class Breaker:
    """The threads of one sender process share one breaker: it is asked before a claim, and again before the post.

    It opens after a run of failed first attempts that bad messages alone would hardly cause, by the share of failures
    before that run. After a rest it lets one probe through. Failed probes double the rest, up to MAX_REST. One success
    closes the breaker.

    `posts_per_mailing`: posts of a mailing while the breaker is open because of other mailings.
    """

    def __init__(self, posts_per_mailing: int = POSTS_PER_MAILING) -> None:
        self._posts_per_mailing = posts_per_mailing
        self._outcomes: deque[bool] = deque(maxlen=REMEMBERED)  # until the last success; True is a success
        self._failures = 0  # of first attempts since the last success
        self._failures_of_gateway = 0  # certainly caused by the gateway, since the last success
        self._tried: Counter[int] = Counter()  # posts since the last success, by mailing
        self._in_flight = 0
        self._opened_at: datetime | None = None
        self._rests_until: datetime | None = None
        self._rest = MIN_REST
        self._doubles_from: datetime | None = None
        self._is_probing = False
        self._prober = ""  # who posts the probe
        self._is_refused = False
        self._lock = Lock()
        self._failure: Text | None = None

    @property
    def failure(self) -> Text | None:
        """Why the gateway is taken for down, as a text for people; None if the breaker is closed."""
        return self._failure if self._opened_at is not None else None

    @property
    def opening(self) -> Opening | None:
        """None if the breaker is closed."""
        with self._lock:
            return None if self._opened_at is None else Opening(self._opened_at, self._failure)

    def admits(self, mailing_id: int, now: datetime, probe: timedelta, by: str = "") -> bool:
        """Whether a post may start now. `leave` follows each admission.

        `probe`: the longest time of a probe, when no other post starts. `by`: who asks, an id of the post.
        """
        with self._lock:
            is_admitted = self._admits(mailing_id, now, probe, by)
            if is_admitted:
                self._tried[mailing_id] += 1
                self._in_flight += 1
            return is_admitted

    def holds(self, mailing_id: int, by: str) -> bool:
        """Whether an admitted post waits after all, because the breaker has opened since. `leave` follows."""
        with self._lock:
            is_probe = self._is_probing and self._prober == by
            return self._rests_until is not None and not is_probe and not self._may_try(mailing_id, admitted=1)

    def leave(self, mailing_id: int, now: datetime, by: str = "", was_posted: bool = False) -> None:
        """The admitted post has ended. Without a post it uses up no probe and no post of its mailing."""
        with self._lock:
            self._in_flight = max(0, self._in_flight - 1)
            if was_posted:
                return
            self._tried[mailing_id] -= self._tried[mailing_id] > 0
            if self._is_probing and self._prober == by:
                self._is_probing = False
                self._rests_until = now

    def record_success(self) -> None:
        with self._lock:
            self._close()
            self._outcomes.append(True)

    def learn_of_success(self, posted_at: datetime | None) -> None:
        """A post of any sender began at this time and succeeded. It closes a breaker that opened before."""
        with self._lock:
            if self._opened_at is not None and posted_at is not None and posted_at > self._opened_at:
                self._close()

    def record_failure(
        self,
        now: datetime,
        is_first: bool = True,
        is_of_gateway: bool = False,
        is_permanent: bool = False,
        reason: Text | None = None,
    ) -> None:
        """`is_first`: of the message's first attempt. A later one fails because the first one did.

        `is_of_gateway`: the message cannot be the cause. `is_permanent`: the gateway refused our credentials or has no
        balance left, so the next post would fail too.
        """
        says_something = is_first or is_of_gateway or is_permanent
        with self._lock:
            self._failures += says_something
            self._failures_of_gateway += is_of_gateway
            if says_something:
                self._failure = reason
            if self._rests_until is None:
                if is_permanent or self._is_down():
                    self._open(now, is_permanent)
            elif self._is_probing:  # posts that started before the breaker opened are ignored
                if says_something:
                    self._prolong_rest(now)
                self._rests_until = now + self._rest
                self._is_probing = False

    def seconds_to_hold(self, now: datetime, jitter: float) -> int:
        """Seconds after which a message that is not admitted asks again; `jitter` is a random number from 0 to 1.

        Half as long as the breaker has been open, so that messages return soon after a short outage, and a long outage
        costs few deliveries.
        """
        open_for = (now - self._opened_at).total_seconds() if self._opened_at else 0.0
        return 1 + round(jitter * min(LONGEST_HOLD, open_for / 2))

    def _admits(self, mailing_id: int, now: datetime, probe: timedelta, by: str) -> bool:
        if self._rests_until is None:
            # until its first success a sender posts no more messages than would open the breaker
            is_known = bool(self._outcomes) or not self._failures
            return is_known or self._failures + self._in_flight < self._limit()
        if self._may_try(mailing_id):
            return True
        if now < self._rests_until:
            return False
        self._rests_until = now + probe
        self._is_probing = True
        self._prober = by
        return True

    def _may_try(self, mailing_id: int, admitted: int = 0) -> bool:
        """Whether an open breaker lets a mailing try a few posts. `admitted`: those of the asking post."""
        tried = max(0, self._tried[mailing_id] - admitted)
        return tried < self._posts_per_mailing and not self._is_refused

    def _is_down(self) -> bool:
        return self._failures >= self._limit() or self._failures_of_gateway >= FEWEST_FAILURES

    def _limit(self) -> int:
        return run_that_opens(self._outcomes.count(False), len(self._outcomes))

    def _close(self) -> None:
        self._outcomes.extend([False] * min(self._failures, REMEMBERED // 2))  # a long outage leaves the half before it
        self._failures = self._failures_of_gateway = 0
        self._tried.clear()
        self._failure = None
        self._rest = MIN_REST
        self._opened_at = self._rests_until = None
        self._is_probing = self._is_refused = False

    def _open(self, now: datetime, is_permanent: bool) -> None:
        is_certain = is_permanent or self._failures_of_gateway >= FEWEST_FAILURES or self._limit() == FEWEST_FAILURES
        self._doubles_from = None if is_certain else now + UNDOUBLED_FOR
        self._is_refused = is_permanent
        self._opened_at = now
        self._rests_until = now + self._rest

    def _prolong_rest(self, now: datetime) -> None:
        """The more messages failed before, the more probes fail before the rest doubles."""
        is_certain = self._doubles_from is None
        is_long = self._failures > 2 * self._limit() - RUN_OF_NEW_SENDER
        if is_certain or (is_long and now > (self._doubles_from or now)):
            self._rest = min(2 * self._rest, MAX_REST)
