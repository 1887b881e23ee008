"""Rate limits at work: who queues messages spreads them, and who posts them takes tokens by the handful.

Where neither the gateway nor the mailing has a limit, nothing is read, written or waited for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

from .domain import rate
from .domain.canary import worth_queueing
from .domain.mailing import Mailing
from .domain.message import Message, queue_body
from .domain.rate import ANY_TIME, Bucket, Limits, Permit

if TYPE_CHECKING:
    from .adapters.outside import Outside
    from .settings import Settings

GATEWAY = "gateway"
HANDFUL_SECONDS = 0.05
"""Of a fast limit more tokens are taken at once: so it is not written down more often than 20 times a second."""


def limits_of(settings: Settings, mailing: Mailing) -> Limits | None:
    """None where it goes as fast as the gateway takes it."""
    if settings.gateway_rate is None and mailing.rate_limit is None:
        return None
    return Limits(settings.gateway_rate, mailing.rate_limit)


def queue_messages(outside: Outside, mailing: Mailing, messages: Sequence[Message]) -> None:
    """Each comes out of the queue at about the time when it may be posted; who waits for a canary is not put there."""
    waiting = worth_queueing(mailing.canary, messages)
    bodies = [queue_body(message.mailing_id, message.client_id) for message in waiting]
    limits = limits_of(outside.settings, mailing)
    if limits is None or not bodies:
        outside.send_queue.send(bodies)
        return
    outside.send_queue.send(bodies, _book(outside, mailing, limits, len(bodies)))


def _book(outside: Outside, mailing: Mailing, limits: Limits, number: int) -> list[int]:
    def booked(bucket: Bucket) -> tuple[Bucket, list[int]]:
        now = outside.clock.now().timestamp()
        return rate.book(bucket.asked(mailing.id, mailing.counts.queued, now), mailing.id, limits, number, now)

    return outside.rates.change(_bucket(limits, mailing), booked)


def _bucket(limits: Limits, mailing: Mailing) -> str:
    return GATEWAY if limits.gateway is not None else f"mailing#{mailing.id}"


class Permits:
    """Of one batch: its threads take them one by one. Once there are none, the rest of it goes back to the queue."""

    def __init__(self, outside: Outside, mailing_ids: Sequence[int]) -> None:
        """`mailing_ids`: of each message in the batch."""
        self._outside = outside
        self._left = {mailing_id: mailing_ids.count(mailing_id) for mailing_id in set(mailing_ids)}
        self._permits: dict[int, deque[Permit]] = {}
        self._delays: dict[int, deque[int]] = {}
        self._lock = Lock()

    def next(self, mailing: Mailing) -> Permit | int:
        """A permit, perhaps for a moment soon to come; or in how many seconds the message is to ask again."""
        limits = limits_of(self._outside.settings, mailing)
        if limits is None:
            return ANY_TIME
        with self._lock:
            permits = self._permits.setdefault(mailing.id, deque())
            delays = self._delays.setdefault(mailing.id, deque())
            if not permits and not delays:
                self._ask(mailing, limits)
            self._left[mailing.id] -= 1
            return permits.popleft() if permits else max(1, delays.popleft())

    def _ask(self, mailing: Mailing, limits: Limits) -> None:
        """A handful; where it is not full, the moments to ask again for all who get none."""
        left = max(1, self._left[mailing.id])
        wanted = min(left, max(self._outside.settings.sender_threads, int(limits.least * HANDFUL_SECONDS)))

        def taken(bucket: Bucket) -> tuple[Bucket, tuple[tuple[Permit, ...], list[int]]]:
            now = self._outside.clock.now().timestamp()
            bucket = bucket.asked(mailing.id, mailing.counts.queued, now)
            bucket, permits = rate.take(bucket, mailing.id, limits, wanted, now)
            if len(permits) == wanted:
                return bucket, (permits, [])
            bucket, delays = rate.book(bucket, mailing.id, limits, left - len(permits), now)
            return bucket, (permits, delays)

        permits, delays = self._outside.rates.change(_bucket(limits, mailing), taken)
        self._permits[mailing.id].extend(permits)
        self._delays[mailing.id].extend(delays)
